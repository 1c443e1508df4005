"""Trends: the course of latency, speed, tokens, cost and failures over a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED, slow

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
    "cut off": TRUNCATED.mean(),
    "errors": FAILED.mean(),
}
"""Of a stretch of calls: how many, percentiles of latency_ms, median tokens/s, sums of tokens and
cost_usd, shares cut off and failed."""

WORST: Final = {
    "slow": pl.col("is_slow").sum(),
    "worst": _LATENCY.max(),
    "worst_row": pl.col("row").sort_by("latency_ms", nulls_last=False).last(),
}
"""Of a slice: how many calls were slow, the slowest call's latency in ms, and its key."""

CALLS_PER_STRETCH: Final = 8
"""Figures are over stretches of this many calls or more on average: fewer tell nothing."""

_PER_MINUTE: Final = ("calls", "tokens", "cost")
COLUMNS: Final = (
    *("row", "ts", "status", "finish_reason", "latency_ms", "tokens_per_sec", "cost_usd"),
    *("total_tokens", "prompt_tokens", "completion_tokens"),
)
"""What of calls is looked at."""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a time: an alert of a rule, at the record with key `row`."""

    ts: datetime
    rule: str
    row: int
    what: str


@dataclass(frozen=True, eq=False)
class Trends:
    """What calls did from `begin` to `end`, in slices of equal length.

    `figures` has a value for each slice by the names of FIGURES and WORST, None where no call says;
    those of FIGURES are of the stretch of several slices that it is in, calls, tokens and cost per
    minute. `marks` are the alerts raised in that time. `first` and `last`
    are the times of all calls, None where none has a ts; `untimed` counts those that have none.
    """

    begin: datetime | None
    end: datetime | None
    first: datetime | None
    last: datetime | None
    figures: dict[str, list[float | None]]
    marks: tuple[Mark, ...]
    untimed: int

    def time_of(self, cell: int) -> datetime | None:
        """When a slice begins."""
        if self.begin is None or self.end is None:
            return None
        slices = len(self.figures["calls"])
        return self.begin + (self.end - self.begin) * cell / slices

    def cell_of(self, ts: datetime) -> int:
        """The slice that a time falls into."""
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
    """The course of model calls from cost.priced(), in so many slices.

    `within` is the stretch of time looked at; the time of all calls if it is None.
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
    looked_at = calls.select(COLUMNS).filter(pl.col("ts").is_between(begin, end))
    there = looked_at.with_columns(
        share=(since_ms / span_ms).clip(0, 1), tokens=total, is_slow=slow(slow_ms)
    )
    stretches = max(1, min(slices, there.height // CALLS_PER_STRETCH))
    figures.update(_course(there, WORST, slices))
    minutes = span_ms / stretches / _MINUTE_MS
    for name, values in _course(there, FIGURES, stretches).items():
        by = minutes if name in _PER_MINUTE else 1.0
        known = [None if value is None else value / by for value in values]
        figures[name] = [known[n * stretches // slices] for n in range(slices)]
    seen = tuple(mark for mark in marks if begin <= mark.ts <= end)
    return Trends(begin, end, first, last, figures, seen, untimed)


def _course(
    calls: pl.DataFrame, figures: Mapping[str, pl.Expr], parts: int
) -> dict[str, list[float | None]]:
    """Each figure for each of so many parts of the time, by the calls' `share` of it."""
    part = (pl.col("share") * parts).floor().clip(0, parts - 1).cast(pl.Int64)
    found: dict[str, list[float | None]] = {name: [None] * parts for name in figures}
    for row in calls.group_by(part=part).agg(**figures).iter_rows(named=True):
        for name in figures:
            found[name][row["part"]] = row[name]
    return found
