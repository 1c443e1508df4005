"""`llmlog report`: a log as one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.in_parts import AlertsInParts, watched_columns
from llmlog_tui.analysis.calls.percentiles import GROUPINGS
from llmlog_tui.analysis.query.columns import column_named
from llmlog_tui.analysis.reports.report_html import Report
from llmlog_tui.analysis.reports.report_html import report as html
from llmlog_tui.analysis.reports.report_lists import NEEDED, ReportLists
from llmlog_tui.analysis.reports.stats import Stats, needed_columns, stats
from llmlog_tui.analysis.reports.stats_in_parts import StatsInParts
from llmlog_tui.commands.alerts import alerts_of
from llmlog_tui.commands.open_log import open_log, server_metrics
from llmlog_tui.commands.options import files_argument, utc_option, where_option
from llmlog_tui.commands.output import check_output, write_text
from llmlog_tui.commands.param_types import OutPath
from llmlog_tui.commands.record_stream import ArchiveRecords, is_archive_stream
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.stats import archived_grouping, by_option, slow_ms_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.errors import reason
from llmlog_tui.log.archive_stream import ArchiveStream
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import SourceError, expand, path_text
from llmlog_tui.log.store import RecordCounts
from llmlog_tui.log.tags import conform

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
    options = _Options(files, where, by, slow_ms, rules, content=content)
    paths = expand(files, must_exist=True)
    found = _of_archive(options, paths) if is_archive_stream(paths) else _of_log(options)
    write_text(out, html(found), paths)
    click.echo(f"{out}: a report on {humanize.plural(found.found.calls, 'call')}", err=True)


@dataclass(frozen=True)
class _Options:
    """The log and the options of a report."""

    files: Sequence[str]
    where: str | None
    by: str
    slow_ms: float
    rules: Rules
    content: bool


def _of_log(options: _Options) -> Report:
    """Return the report on a log that is loaded."""
    rules = options.rules
    with open_log(options.files, options.where, rules=rules) as log:
        by = options.by if options.by in GROUPINGS else column_named(log.frame, options.by)
        lists = ReportLists(options.slow_ms, rules)
        lists.add(log.frame)
        return _report(
            options,
            lists,
            lambda: [log.frame],
            files=log.snapshot.files,
            faults=_faults(log.snapshot.counts),
            found=stats(log.frame, over_ms=options.slow_ms, by=by, rules=rules),
            by=by,
            alerts=alerts_of(log, rules).alerts,
        )


def _of_archive(options: _Options, parts: Sequence[Path]) -> Report:
    """Return the report on an archive, with one part in memory at a time."""
    rules = options.rules
    try:
        by, tags = archived_grouping(parts, options.by)
        nulled = ArchiveStream(parts, COLUMNS).nulled
    except OSError as error:
        raise SourceError(f"{error.filename}: {reason(error)}") from error
    total = StatsInParts(over_ms=options.slow_ms, by=by, rules=rules)
    alerts, lists = AlertsInParts(rules), ReportLists(options.slow_ms, rules)
    columns = {*NEEDED, *needed_columns(by), *watched_columns(rules)}
    records = ArchiveRecords(parts, options.where, columns, rules)
    for frame in records.frames():
        total.add(conform(frame, tags))
        alerts.add(frame)
        lists.add(frame)
    return _report(
        options,
        lists,
        records.frames_again,
        files=parts,
        faults=_faults(RecordCounts(nulled=nulled)),
        found=total.result(),
        by=by,
        alerts=alerts.alerts,
    )


def _report(  # noqa: PLR0913 - by name
    options: _Options,
    lists: ReportLists,
    frames: Callable[[], Iterable[pl.DataFrame]],
    *,
    files: Sequence[Path],
    faults: Iterable[str],
    found: Stats,
    by: str,
    alerts: Sequence[Alert],
) -> Report:
    return Report(
        title=_title(files),
        faults=[*faults],
        found=found,
        by=by,
        alerts=alerts,
        over_time=lists.over_time(alerts),
        slow=lists.slow,
        failed=lists.failed,
        runs=lists.expensive_runs(frames),
        slow_ms=options.slow_ms,
        content=options.content,
        server=server_metrics(files),
    )


def _title(files: Sequence[Path]) -> str:
    """Return the names of the log's files, without their folders."""
    names = [path_text(Path(path.name)) for path in files]
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _faults(counts: RecordCounts) -> Iterator[str]:
    for kind, number in counts.skipped.most_common():
        yield f"{humanize.plural(number, 'line')} skipped: {kind}"
    if nulled := counts.nulled.total():
        yield f"{humanize.plural(nulled, 'value')} of a wrong type left out"
