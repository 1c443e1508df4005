"""`llmlog report`: a log as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.calls.percentiles import GROUPINGS
from llmlog_tui.analysis.query.columns import column_named
from llmlog_tui.analysis.reports.report_html import Report
from llmlog_tui.analysis.reports.report_html import report as html
from llmlog_tui.analysis.reports.stats import stats
from llmlog_tui.commands.alerts import alerts_of
from llmlog_tui.commands.open_log import OpenLog, open_log
from llmlog_tui.commands.options import files_argument, utc_option, where_option
from llmlog_tui.commands.output import check_output, write_text
from llmlog_tui.commands.param_types import OutPath
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.stats import by_option, slow_ms_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.sources import path_text

_MAX_NAMES = 3
"""Maximum files that are named in the title."""


@click.command()
@files_argument
@click.option(
    "--to",
    "out",
    required=True,
    type=OutPath(dir_okay=False),
    metavar="OUT.html",
    help="File to write.",
)
@by_option
@slow_ms_option
@click.option("--content", is_flag=True, help="Error messages, too, if they were logged.")
@where_option
@rules_option
@utc_option
def report(  # noqa: PLR0913 - options by name
    files: tuple[str, ...],
    *,
    out: Path,
    by: str,
    slow_ms: float,
    content: bool,
    where: str | None,
    rules: Rules,
) -> None:
    """Write one HTML page on a log: figures, charts, groups, alerts, slow and failed calls.

    The page is one file that loads nothing. Prompts and answers are left out, error messages
    unless --content. Secrets and personal data are replaced.
    """
    if out.suffix != ".html":
        raise click.ClickException(f"{out}: does not end in .html")
    check_output(out, files)
    with open_log(files, where, rules=rules) as log:
        by = by if by in GROUPINGS else column_named(log.frame, by)
        known = Report(
            title=_title(log),
            faults=[*_faults(log)],
            frame=priced(log.frame, rates(rules)),
            found=stats(log.frame, over_ms=slow_ms, by=by, rules=rules),
            by=by,
            alerts=alerts_of(log, rules).alerts,
            slow_ms=slow_ms,
            content=content,
            server=log.server,
        )
    write_text(out, html(known), log.snapshot.files)
    click.echo(f"{out}: a report on {humanize.plural(known.found.calls, 'call')}", err=True)


def _title(log: OpenLog) -> str:
    """Return the names of the log's files, without their folders."""
    names = [path_text(Path(path.name)) for path in log.snapshot.files]
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _faults(log: OpenLog) -> Iterator[str]:
    counts = log.snapshot.counts
    for kind, number in counts.skipped.most_common():
        yield f"{humanize.plural(number, 'line')} skipped: {kind}"
    if nulled := counts.nulled.total():
        yield f"{humanize.plural(nulled, 'value')} of a wrong type left out"
