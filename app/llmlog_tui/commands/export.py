"""`llmlog export`: records for other tools."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Final, TypeVar

import click

from llmlog_tui import humanize
from llmlog_tui.analysis.reports.csv_cells import flat
from llmlog_tui.clickhouse.url import Login, TableUrl, is_table_url
from llmlog_tui.commands.common import (
    OpenLog,
    files_argument,
    formulas_option,
    hint_at_health,
    open_log,
    where_option,
)
from llmlog_tui.commands.export_table import ship
from llmlog_tui.commands.progress import Progress, progress_bar
from llmlog_tui.formats.otlp_export import to_lines
from llmlog_tui.humanize import CSV_TIME
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.sources import expand
from llmlog_tui.log.tags import tag_types, with_tags_apart
from llmlog_tui.private_file import replacing
from llmlog_tui.shipping.shipper import Shipper

Write = Callable[[OpenLog, IO[bytes], Progress], None]
"""Function that writes the records of a log to a file."""

_PROGRESS_EVERY: Final = 1_000
"""Records between two calls of a Progress."""


def _parquet(log: OpenLog, out: IO[bytes], _: Progress) -> None:
    log.placed(log.frame).write_parquet(out)


def _csv(log: OpenLog, out: IO[bytes], _: Progress, *, keep_formulas: bool = False) -> None:
    flat(log.placed(log.frame), keep_formulas=keep_formulas).write_csv(
        out, datetime_format=CSV_TIME
    )


def _jsonl(log: OpenLog, out: IO[bytes], progress: Progress) -> None:
    lines = _counted(log.lines(log.frame), log.frame.height, progress)
    out.writelines(line + b"\n" for _, line in lines)


def _otlp(log: OpenLog, out: IO[bytes], progress: Progress) -> None:
    frame = decategorize(log.frame).select(*COLUMNS, *tag_types(log.frame))
    records = map(with_tags_apart, frame.iter_rows(named=True))
    out.writelines(to_lines(_counted(records, log.frame.height, progress)))


_Record = TypeVar("_Record")


def _counted(records: Iterable[_Record], total: int, progress: Progress) -> Iterator[_Record]:
    """Yield the records, and report progress."""
    for number, record in enumerate(records):
        if number % _PROGRESS_EVERY == 0:
            progress(number, total)
        yield record


_WRITERS: Final[dict[str, Write]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".otlp.jsonl": _otlp,
    ".jsonl": _jsonl,
}


@click.command()
@files_argument
@click.option(
    "--to",
    "out",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="OUT",
    help="File to write, ending in .parquet, .csv, .otlp.jsonl or .jsonl; or a table.",
)
@where_option
@formulas_option
def export(files: tuple[str, ...], *, out: str, where: str | None, keep_formulas: bool) -> None:
    """Write the records to a .parquet, .csv, .jsonl or .otlp.jsonl file, or to ClickHouse.

    Columns of .parquet and .csv: the record's fields, its tags, then file and line. A .jsonl has
    the raw lines. An .otlp.jsonl has spans of OpenTelemetry's GenAI conventions, with tags and
    without prompts and answers. Each of them is read back as a log.

    Logs of other tools are written to a .jsonl as llmlog's records, without prompts and answers.
    An existing OUT is replaced once everything is written.

    To clickhouse[s]://user@host:port/db.lines, the table that llmlog schema clickhouse describes,
    the raw lines are sent in batches; its password is CLICKHOUSE_PASSWORD of the environment.
    A batch that is sent again, after a broken connection or by another export of the same log, is
    inserted once.
    """
    if is_table_url(out):
        _export_to_table(files, TableUrl.of(out), where)
    else:
        _export_to_file(files, Path(out), where, keep_formulas=keep_formulas)


def _export_to_table(files: Sequence[str], url: TableUrl, where: str | None) -> None:
    with closing(Shipper(url, Login.to(url))) as shipper:
        shipper.check()
        if not shipper.remembers_inserts():
            click.echo(f"{url.database}: no table of it remembers inserts; {_AGAIN}", err=True)
        with progress_bar("sending") as progress:
            sent = ship(files, where, shipper, progress)
    click.echo(f"{url}: {humanize.plural(sent, 'record')} sent", err=True)


_AGAIN: Final = "a repeated batch is inserted again"


def _export_to_file(
    files: Sequence[str], out: Path, where: str | None, *, keep_formulas: bool
) -> None:
    write = _writer(out)
    if keep_formulas and write is _csv:
        write = partial(_csv, keep_formulas=True)
    paths = expand(files, must_exist=True)
    if any(_is_same(path, out) for path in paths):
        raise click.ClickException(f"{out}: is one of the input files")
    with contextlib.ExitStack() as resources:
        with progress_bar("reading") as progress:
            reading = open_log(files, where, on_step=lambda reader: progress(*reader.progress()))
            log = resources.enter_context(reading)
        hint_at_health(log)
        try:
            with progress_bar("writing") as progress, replacing(out, paths) as file:
                write(log, file, progress)
        except OSError as error:
            raise click.ClickException(f"{out}: {error.strerror}") from error
    click.echo(f"{out}: {log.frame.height:,} records written", err=True)


def _writer(out: Path) -> Write:
    for ending, write in _WRITERS.items():
        if out.name.endswith(ending):
            return write
    *others, last = _WRITERS
    raise click.ClickException(f"{out}: does not end in {', '.join(others)} or {last}")


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False
