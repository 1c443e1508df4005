"""Trends: latency, speed, tokens, cost and failures as series over a time range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import marks_change
from llmlog_tui.analysis.calls.calls import FAILED, slow
from llmlog_tui.analysis.calls.truncation import CUT_OFF_COLUMNS, CUT_OFF_SHARE
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
    "tokens": pl.when(pl.col("tokens").is_not_null().any()).then(pl.col("tokens").sum()),
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

CALLS_PER_GROUP: Final = 8
"""Minimum average calls per group that FIGURES are computed over."""

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


def marks_of(alerts: Iterable[Alert], model: str | None) -> list[Mark]:
    """Return the marks of alerts on a model, of all alerts if it is None."""
    return [
        Mark(
            alert.ts,
            alert.rule,
            alert.row,
            f"{alert.subject} {alert.what}",
            marks_change(alert.rule),
        )
        for alert in alerts
        if alert.ts is not None and model in (None, alert.subject)
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
    FIGURES are over a group of adjacent slices, with calls, tokens and cost per minute. `marks` are
    the alerts in that time. `first` and `last` are the times of all calls, None without ts;
    `untimed` counts the calls without ts.
    """

    begin: datetime | None
    end: datetime | None
    first: datetime | None
    last: datetime | None
    figures: dict[str, list[float | None]]
    marks: tuple[Mark, ...]
    untimed: int

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


def trends(
    calls: pl.DataFrame,
    marks: Sequence[Mark],
    slices: int,
    slow_ms: float,
    within: tuple[datetime, datetime] | None = None,
) -> Trends:
    """Return the series of model calls from cost.priced(), in `slices` slices.

    `within` is the time range; that of all calls if it is None.
    """
    first, last = calls.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    untimed = calls["ts"].null_count()
    figures: dict[str, list[float | None]] = {name: [None] * slices for name in (*FIGURES, *WORST)}
    if first is None or last is None:
        return Trends(None, None, None, None, figures, (), untimed)
    begin, end = within or (first, max(last, first + _SHORTEST))
    span_ms = (end - begin).total_seconds() * 1_000
    since_ms = (pl.col("ts") - begin).dt.total_microseconds() / 1_000
    total = pl.coalesce("total_tokens", pl.col("prompt_tokens") + pl.col("completion_tokens"))
    selected = calls.select(COLUMNS).filter(pl.col("ts").is_between(begin, end))
    prepared = selected.with_columns(
        share=(since_ms / span_ms).clip(0, 1), tokens=total, is_slow=slow(slow_ms)
    )
    groups = max(1, min(slices, prepared.height // CALLS_PER_GROUP))
    figures.update(_per_slice(prepared, WORST, slices))
    minutes = span_ms / groups / _MINUTE_MS
    for name, values in _per_slice(prepared, FIGURES, groups).items():
        by = minutes if name in _PER_MINUTE else 1.0
        known = [None if value is None else value / by for value in values]
        figures[name] = [known[n * groups // slices] for n in range(slices)]
    visible = tuple(mark for mark in marks if begin <= mark.ts <= end)
    return Trends(begin, end, first, last, figures, visible, untimed)


def _per_slice(
    calls: pl.DataFrame, figures: Mapping[str, pl.Expr], parts: int
) -> dict[str, list[float | None]]:
    """Return each metric per part of the time range, by the calls' `share`."""
    part = (pl.col("share") * parts).floor().clip(0, parts - 1).cast(pl.Int64)
    found: dict[str, list[float | None]] = {name: [None] * parts for name in figures}
    for row in calls.group_by(part=part).agg(**figures).iter_rows(named=True):
        for name in figures:
            found[name][row["part"]] = row[name]
    return found
