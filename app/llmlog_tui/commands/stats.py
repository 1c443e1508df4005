"""`llmlog stats`: the statistics of a log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import orjson
import polars as pl
from click.shell_completion import CompletionItem

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.percentiles import GROUPINGS
from llmlog_tui.analysis.query.columns import column_named
from llmlog_tui.analysis.reports.stats import Stats, needed_columns
from llmlog_tui.analysis.reports.stats import stats as figures
from llmlog_tui.analysis.reports.stats_in_parts import StatsInParts
from llmlog_tui.commands.open_log import open_log
from llmlog_tui.commands.options import files_argument, has_window, utc_option, where_option
from llmlog_tui.commands.output import echo_texts
from llmlog_tui.commands.param_types import FiniteFloat
from llmlog_tui.commands.record_stream import ArchiveRecords, is_archive_stream
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.stats_text import stats_text
from llmlog_tui.commands.table_stats import table_stats
from llmlog_tui.commands.text_charts import text_charts
from llmlog_tui.config.rules import Rules
from llmlog_tui.errors import reason
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.archive_part import archived_frames, archived_tags
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import SourceError, expand, path_text, url_of
from llmlog_tui.log.store import RecordCounts, Snapshot
from llmlog_tui.log.tags import Types, conform

by_option: Final = click.option(
    "--by",
    default="model",
    show_default=True,
    metavar="FIELD",
    shell_complete=lambda _context, _parameter, typed: [
        CompletionItem(name) for name in GROUPINGS if name.startswith(typed)
    ],
    help=f"{', '.join(GROUPINGS)}, another field, or a tag, as extra.user_tier. It groups the "
    "calls; tool and error group executions and failures.",
)


slow_ms_option: Final = click.option(
    "--slow-ms",
    type=FiniteFloat(0),
    default=500.0,
    show_default=True,
    help="A call is slow if it took longer.",
)


@click.command()
@files_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@by_option
@slow_ms_option
@where_option
@rules_option
@utc_option
def stats(  # noqa: PLR0913 - options by name
    files: tuple[str, ...],
    *,
    as_json: bool,
    by: str,
    slow_ms: float,
    where: str | None,
    rules: Rules,
) -> None:
    """Count records, calls, errors and tokens, and compute percentiles of the latency.

    Hours are local in text and UTC in JSON.
    """
    snapshot, by, found = _answer(files, where, over_ms=slow_ms, by=by, rules=rules)
    if as_json:
        click.echo(orjson.dumps(as_object(snapshot, found, slow_ms)))
    else:
        echo_texts(stats_text(snapshot, found, slow_ms, by, text_charts()))


def _of_archive(
    parts: Sequence[Path], where: str | None, *, over_ms: float, by: str, rules: Rules
) -> tuple[Snapshot, str, Stats]:
    """Return a snapshot without records, the column that groups, and the statistics.

    One part after the other is in memory. Raises SourceError, and QueryError for a bad predicate.
    """
    try:
        by, wanted = archived_grouping(parts, by)
        total = StatsInParts(over_ms=over_ms, by=by, rules=rules)
        columns = needed_columns(by)
        found = ArchiveRecords(parts, where, columns, rules)
        # Without a predicate their order does not matter.
        frames = found.frames() if where is not None else archived_frames(parts, columns)
        for frame in frames:
            total.add(conform(frame, wanted))
    except OSError as error:
        raise SourceError(f"{error.filename}: {reason(error)}") from error
    counts = RecordCounts(lines=found.total, records=found.total, nulled=found.nulled)
    empty = pl.DataFrame(schema=COLUMNS)
    snapshot = Snapshot(tuple(parts), empty, counts, formats=(LLMLOG.name,))
    return snapshot, by, total.result()


def archived_grouping(parts: Sequence[Path], by: str) -> tuple[str, Types]:
    """Return the column that groups, and its type if it is a tag.

    Raises OSError, and QueryError for an unknown one.
    """
    if by in GROUPINGS or by in COLUMNS:
        return by, {}
    tags = archived_tags(parts)
    name = column_named(pl.DataFrame(schema={**COLUMNS, **tags}), by)
    return name, {name: tags[name]} if name in tags else {}


def stats_of_all(
    files: Sequence[str], where: str | None, *, over_ms: float, by: str, rules: Rules
) -> tuple[Snapshot, str, Stats] | None:
    """Return the statistics of a table or archive, as _answer(); None for other logs."""
    if len(files) == 1 and url_of(Path(files[0])):
        counted = table_stats(files[0], where, over_ms=over_ms, by=by, rules=rules)
        if counted is not None:
            return counted[0], by, counted[1]
    paths = expand(files, must_exist=True)
    if is_archive_stream(paths):
        return _of_archive(paths, where, over_ms=over_ms, by=by, rules=rules)
    return None


def _answer(
    files: tuple[str, ...], where: str | None, *, over_ms: float, by: str, rules: Rules
) -> tuple[Snapshot, str, Stats]:
    """Return the log, the resolved `by`, and the statistics."""
    if not has_window() and (
        found := stats_of_all(files, where, over_ms=over_ms, by=by, rules=rules)
    ):
        return found
    with open_log(files, where, columns=needed_columns(by), rules=rules) as log:
        by = by if by in GROUPINGS else column_named(log.frame, by)
        return log.snapshot, by, figures(log.frame, over_ms=over_ms, by=by, rules=rules)


_OF_GROUPS: Final = (
    *("key", "calls", "errors", "truncated", "hidden_cut", "p50_ms", "p95_ms", "p99_ms"),
    *("tokens_per_sec_p50", "prompt_tokens", "completion_tokens", "reasoning_tokens"),
    *("cached_tokens", "cost_usd"),
)
"""Keys of a group in JSON, in order: scripts depend on them."""


def as_object(snapshot: Snapshot, found: Stats, slow_ms: float) -> dict[str, Any]:
    """Return the object that --json prints."""
    counts = snapshot.counts
    return {
        "files": [path_text(path) for path in snapshot.files],
        "records": counts.records,
        "blanks": counts.blanks,
        "skipped": dict(counts.skipped),
        "nulled": dict(counts.nulled),
        "sessions": found.sessions,
        "traces": found.traces,
        "calls": found.calls,
        "tools": found.tools,
        "errors": found.errors,
        "first_ts": humanize.rfc3339(found.first_ts),
        "last_ts": humanize.rfc3339(found.last_ts),
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "reasoning_tokens": found.reasoning_tokens,
        "cached_tokens": found.cached_tokens,
        "cache_write_tokens": found.cache_write_tokens,
        "cost_usd": found.cost_usd,
        "unpriced_calls": found.unpriced_calls,
        "slow": {
            "over_ms": slow_ms,
            "calls": found.slow_calls,
            "mostly_reasoning": found.slow_mostly_reasoning,
        },
        "hidden_cut": found.hidden_cut,
        "groups": found.groups.select(_OF_GROUPS).to_dicts(),
        "format": ", ".join(snapshot.formats) or None,
    }
