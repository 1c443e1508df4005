"""`llmlog archive`: the records of logs as parquet files by day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from llmlog_tui import humanize
from llmlog_tui.commands.options import log_argument
from llmlog_tui.commands.param_types import OutPath
from llmlog_tui.commands.progress import Progress, progress_bar
from llmlog_tui.log.archivable_log import NotArchivableError
from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.archive_writer import ArchiveWriter, Outcome
from llmlog_tui.log.reading_order import size_and_time
from llmlog_tui.log.sources import STDIN, Sources, url_of
from llmlog_tui.sanitize import sanitize


@click.command()
@log_argument()
@click.option(
    "--to",
    "folder",
    required=True,
    type=OutPath(file_okay=False),
    metavar="DIR",
    help="Folder of the archive; created if it is missing.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Keep each record's line, too, with the prompts and answers that are in it.",
)
def archive(files: tuple[str, ...], *, folder: Path, raw: bool) -> None:
    """Append new records of a log to an archive: parquet files by day (UTC).

    The archive is a LOG for every command and the dashboard, about a tenth as big. The next run
    adds only new records, whether the log has grown, was rotated, compressed or pruned since. A
    run that was killed leaves each record once, and the next one adds the others. llmlog prune is
    safe after it.

    Of prompts and answers nothing is kept without --raw.
    """
    if tables := list(filter(None, map(url_of, map(Path, files)))):
        raise click.ClickException(f"{tables[0]}: a table is not archived; export it to a .jsonl")
    paths = Sources(files, must_exist=True).files()
    if STDIN in paths:
        raise click.ClickException("-: standard input cannot be archived")
    if parts := list(filter(is_part, paths)):
        raise click.ClickException(f"{parts[0]}: is part of an archive")
    with ArchiveWriter(folder, raw=raw) as writer, progress_bar("archiving") as progress:
        if raw and writer.has_no_lines():
            click.echo(f"{folder}: {_WITHOUT_LINES}", err=True)
        problems = _add(writer, paths, progress)
        writer.commit()
        if problems:
            writer.discard_if_new()
    if folder.exists():
        click.echo(f"{folder}: {_summary(writer.outcome, raw=raw)}", err=True)
    for problem in problems[:-1]:
        click.echo(f"llmlog: {sanitize(problem)}", err=True)
    if problems:
        raise click.ClickException(problems[-1])


def _summary(outcome: Outcome, *, raw: bool) -> str:
    left_out = ""
    if outcome.skipped:
        left_out = f", {humanize.plural(outcome.skipped, 'line')} without a record left out"
    if outcome.nulled:
        values = humanize.plural(outcome.nulled, "value")
        left_out += f", {values} of a wrong type {'kept in the lines alone' if raw else 'left out'}"
    added = humanize.plural(outcome.added, "record")
    return f"{added} added{left_out}; {outcome.records:,} in all"


_WITHOUT_LINES: Final = (
    "has records without their lines; archive into a new folder to keep the lines of all"
)
"""Hint where --raw comes later than the first records: they are not added again."""


def _add(writer: ArchiveWriter, paths: Sequence[Path], progress: Progress) -> list[str]:
    """Add the new records of each file; return why some cannot be archived."""
    total, done, problems = sum(size_and_time(path)[0] for path in paths), 0, list[str]()

    def on_read(size: int) -> None:
        nonlocal done
        done += size
        progress(done, total)

    for path in paths:
        try:
            writer.add(path, on_read)
        except NotArchivableError as error:
            problems.append(str(error))
    return problems
