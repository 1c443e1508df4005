"""Trends: latency, speed, tokens, cost and failures as series over a time range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import marks_change
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.calls import FAILED, TOTAL_TOKENS, slow
from llmlog_tui.analysis.calls.truncation import CUT_OFF_COLUMNS, CUT_OFF_SHARE
from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.log.schema import IS_CALL

_MINUTE_MS: Final = 60_000.0
_LATENCY: Final = pl.col("latency_ms")
_SHORTEST: Final = timedelta(seconds=1)

FIGURES: Final = {
    "calls": pl.len(),
    "p50": _LATENCY.quantile(0.5, interpolation="linear"),
    "p95": _LATENCY.quantile(0.95, interpolation="linear"),
    "p99": _LATENCY.quantile(0.99, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").median(),
    "tokens": count_sum(pl.col("tokens")),
    "cost": pl.when(pl.col("cost_usd").is_not_null().any()).then(pl.col("cost_usd").sum()),
    "cut off": CUT_OFF_SHARE,
    "errors": FAILED.mean(),
}
"""Metrics of a group of calls.

Their number, percentiles of latency_ms, median tokens/s, sums of tokens and cost_usd, shares cut
off and failed.
"""

WORST: Final = {
    "slow": pl.col("is_slow").sum(),
    "worst": _LATENCY.max(),
    "worst_row": pl.col("row").sort_by("latency_ms", nulls_last=False).last(),
}
"""Slow calls of a slice, and latency in ms and key of the slowest."""

CALLS_PER_GROUP: Final = 20
"""Minimum calls per group that FIGURES are computed over: with fewer, p95 is the maximum."""

_PER_MINUTE: Final = ("calls", "tokens", "cost")
COLUMNS: Final = (
    *("row", "ts", "latency_ms", "tokens_per_sec", "cost_usd", "total_tokens", "prompt_tokens"),
    *CUT_OFF_COLUMNS,
)
"""Columns that trends() reads."""


@dataclass(frozen=True)
class Mark:
    """An alert of a rule on the time axis, at the record with key `row`.

    `is_change`: it is a point of change, not an episode of bad calls.
    """

    ts: datetime
    rule: str
    row: int
    what: str
    is_change: bool = False


def marks_of(alerts: Iterable[Alert], names: Collection[str] | None) -> list[Mark]:
    """Return the marks of alerts on a model with these names; None: of all."""
    return [
        Mark(
            alert.ts,
            alert.rule,
            alert.row,
            f"{alert.subject} {alert.what}",
            marks_change(alert.rule),
        )
        for alert in alerts
        if alert.ts is not None and (names is None or alert.subject in names)
    ]


_COMMON_VALUES: Final = 50


def common_values(frame: pl.DataFrame, field: str) -> list[str]:
    """Return the commonest values of a field of model calls, as text."""
    counts = frame.select_seq("event", field).filter(IS_CALL)[field].drop_nulls().value_counts()
    common = counts.sort("count", field, descending=[True, False]).head(_COMMON_VALUES)
    return common[field].cast(pl.String).to_list()


@dataclass(frozen=True, eq=False)
class Trends:
    """Series of calls from `begin` to `end`, in slices of equal length.

    `figures` has one value per slice by the names of FIGURES and WORST, None if unknown; those of
    FIGURES are over a group of adjacent slices with at least `min_calls` calls, with calls, tokens
    and cost per minute. `marks` are the alerts in that time. `first` and `last` are the times of
    all calls, None without ts; `untimed` counts the calls without ts.
    """

    begin: datetime | None
    end: datetime | None
    first: datetime | None
    last: datetime | None
    figures: dict[str, list[float | None]]
    marks: tuple[Mark, ...]
    untimed: int
    min_calls: int = CALLS_PER_GROUP

    def time_of(self, cell: int) -> datetime | None:
        if self.begin is None or self.end is None:
            return None
        slices = len(self.figures["calls"])
        return self.begin + (self.end - self.begin) * cell / slices

    def cell_of(self, ts: datetime) -> int:
        slices = len(self.figures["calls"])
        if self.begin is None or self.end is None:
            return 0
        share = (ts - self.begin) / (self.end - self.begin)
        return min(slices - 1, max(0, int(share * slices)))


def trends(  # noqa: PLR0913, PLR0917 - a log, and how it is shown
    calls: Calls,
    marks: Sequence[Mark],
    slices: int,
    slow_ms: float,
    within: tuple[datetime, datetime] | None = None,
    min_calls: int = CALLS_PER_GROUP,
) -> Trends:
    """Return the series of model calls from cost.priced(), in `slices` slices.

    `within` is the time range; that of all calls if it is None. FIGURES are over adjacent slices
    with at least `min_calls` calls, or all calls there are.
    """
    first, last = calls.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    untimed = calls["ts"].null_count()
    figures: dict[str, list[float | None]] = {name: [None] * slices for name in (*FIGURES, *WORST)}
    if first is None or last is None:
        return Trends(None, None, None, None, figures, (), untimed)
    begin, end = within or (first, max(last, first + _SHORTEST))
    span_ms = (end - begin).total_seconds() * 1_000
    since_ms = (pl.col("ts") - begin).dt.total_microseconds() / 1_000
    selected = calls.select(COLUMNS).filter(pl.col("ts").is_between(begin, end))
    prepared = selected.with_columns(
        slice=(since_ms / span_ms * slices).floor().clip(0, slices - 1).cast(pl.Int64),
        tokens=TOTAL_TOKENS,
        is_slow=slow(slow_ms),
    )
    groups = _groups(_counts(prepared["slice"], slices), min_calls)
    lengths = Counter(groups)
    figures.update(_figures(prepared, WORST, list(range(slices))))
    for name, values in _figures(prepared, FIGURES, groups).items():
        minutes = span_ms / slices / _MINUTE_MS if name in _PER_MINUTE else None
        figures[name] = [
            value / (minutes * lengths[group]) if minutes and value is not None else value
            for value, group in zip(values, groups, strict=True)
        ]
    visible = tuple(mark for mark in marks if begin <= mark.ts <= end)
    return Trends(begin, end, first, last, figures, visible, untimed, min_calls)


def _counts(numbers: pl.Series, slices: int) -> list[int]:
    """Return the number of calls per slice."""
    counts = [0] * slices
    for number, count in numbers.value_counts().iter_rows():
        counts[number] = count
    return counts


def _groups(counts: Sequence[int], least: int) -> list[int | None]:
    """Return the group of each slice; each has at least `least` calls.

    A group begins with a call, and lasts until the next one, or until its last call if the pause
    after that is longer than itself: slices of such a pause have none. The last calls belong to
    the last group.
    """
    bounds: list[tuple[int, int]] = []
    begin: int | None = None
    calls = 0
    for index, count in enumerate(counts):
        if count and begin is None:
            begin = index
        calls += count
        if begin is not None and calls >= least:
            bounds.append((begin, index))
            begin, calls = None, 0
    if begin is not None:
        last = max(index for index, count in enumerate(counts) if count)
        first = bounds.pop()[0] if bounds else begin
        bounds.append((first, last))
    groups: list[int | None] = [None] * len(counts)
    nexts = [start for start, _ in bounds[1:]]
    for number, (start, last) in enumerate(bounds):
        stop = nexts[number] if number < len(nexts) else last + 1
        if stop - last - 1 > last + 1 - start:
            stop = last + 1
        groups[start:stop] = [number] * (stop - start)
    return groups


def _figures(
    calls: pl.DataFrame, figures: Mapping[str, pl.Expr], groups: Sequence[int | None]
) -> dict[str, list[float | None]]:
    """Return each metric per slice: that of the slice's group."""
    group = pl.col("slice").replace_strict(pl.int_range(len(groups), eager=True), pl.Series(groups))
    rows_of_groups = calls.group_by(group=group).agg(**figures).iter_rows(named=True)
    found = {row["group"]: row for row in rows_of_groups}
    none = dict.fromkeys(figures)
    rows = [found.get(each, none) if each is not None else none for each in groups]
    return {name: [row[name] for row in rows] for name in figures}
