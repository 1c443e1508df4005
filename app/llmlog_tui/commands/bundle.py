"""`llmlog bundle`: one run for a support ticket, without content."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.calls.lookup import resolve_trace
from llmlog_tui.analysis.reports.bundle import bundle as markdown
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.commands.common import files_argument, open_log, path_text, where_option
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.sources import STDIN
from llmlog_tui.private_file import replacing


@click.command(short_help="Write one run as Markdown for a support ticket.")
@click.argument("trace_id", metavar="ID")
@files_argument
@click.option(
    "--to",
    "out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=STDIN,
    metavar="OUT.md",
    help="File to write; default: standard output.",
)
@where_option
@rules_option
def bundle(
    trace_id: str, files: tuple[str, ...], *, out: Path, where: str | None, rules: Rules
) -> None:
    """Write one run as Markdown for a support ticket: ids, tags, timings, fingerprints, errors.

    Prompts, answers, arguments and error messages are left out. ID may be its first 6
    characters or more, or the word latest, or failed for the newest run that failed.
    """
    with open_log(files, where, rules=rules) as log:
        wanted = resolve_trace(log.frame, trace_id)
        run = log.frame.filter(pl.col("trace_id") == wanted)
        lines = dict(log.raw(run))
        names = [path_text(Path(path)) for path in log.snapshot.files]
        text = markdown(priced(with_changed(run), rates(rules)), wanted, lines, names)
    if out == STDIN:
        click.echo(text)
        return
    try:
        with replacing(out, log.snapshot.files) as file:
            file.write(f"{text}\n".encode())
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}") from error
