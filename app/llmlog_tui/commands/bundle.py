"""`llmlog bundle`: one run for a support ticket, as Markdown or as an HTML page."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.calls.lookup import given_ids, resolve_trace
from llmlog_tui.analysis.reports.bundle import bundle as markdown
from llmlog_tui.analysis.reports.bundle_html import bundle_html
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.in_flight import of_trace
from llmlog_tui.commands.open_log import OpenLog, open_log
from llmlog_tui.commands.options import files_argument, utc_option, where_option
from llmlog_tui.commands.output import check_output, write_text
from llmlog_tui.commands.param_types import Id, OutPath
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import SLOW_MS
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.sources import STDIN, path_text
from llmlog_tui.sanitize import sanitize


@click.command()
@click.argument("trace_id", metavar="ID", type=Id())
@files_argument
@click.option(
    "--to",
    "out",
    type=OutPath(dir_okay=False, allow_dash=True),
    default=STDIN,
    metavar="OUT.{md,html}",
    help="File to write: a page if it ends in .html, else Markdown; default: standard output.",
)
@click.option(
    "--content",
    is_flag=True,
    help="With .html: prompts, answers, arguments and error messages, too, if they were logged.",
)
@where_option
@rules_option
@utc_option
def bundle(  # noqa: PLR0913 - options by name
    trace_id: str,
    files: tuple[str, ...],
    *,
    out: Path,
    content: bool,
    where: str | None,
    rules: Rules,
) -> None:
    """Write one run for a support ticket: ids, tags, timings, fingerprints, errors.

    An .html is one file that loads nothing, with a timeline; times in it are local. Prompts,
    answers, arguments and error messages are left out unless --content. Secrets and personal data
    are replaced. ID may be its first 6 characters or more, or the word latest, or failed for
    the newest run that failed or has a step with no end in 10 min. A step that has begun and not
    ended is listed apart.
    """
    is_page = out.suffix == ".html"
    if content and not is_page:
        raise click.UsageError("--content needs --to OUT.html.")
    if out != STDIN:
        check_output(out, files)
    with open_log(files, where, rules=rules, ids=given_ids(trace_id)) as log:
        wanted = resolve_trace(log.frame, trace_id, () if where else log.snapshot.running)
        run = log.frame.filter(pl.col("trace_id") == wanted)
        text = _text(log, run, wanted, rules, is_page=is_page, content=content)
    if out == STDIN:
        click.echo(text)
    else:
        write_text(out, f"{text}\n", log.snapshot.files)
        name = sanitize(humanize.short_id(wanted))
        click.echo(f"{out}: run {name}, {humanize.plural(run.height, 'step')}", err=True)


def _text(  # noqa: PLR0913 - options by name
    log: OpenLog, run: pl.DataFrame, trace_id: str, rules: Rules, *, is_page: bool, content: bool
) -> str:
    """Return the records `run` of a trace as a page, or as Markdown."""
    begun = of_trace(log.snapshot.running, trace_id)
    lines = dict(log.raw(run))
    names = [path_text(Path(path)) for path in log.snapshot.files]
    run = priced(with_changed(run), rates(rules))
    if not is_page:
        return markdown(run, trace_id, lines, names, begun)
    said = dict(log.contents(run)) if content else None
    return bundle_html(run, trace_id, lines, names, slow_ms=SLOW_MS, content=said, begun=begun)
