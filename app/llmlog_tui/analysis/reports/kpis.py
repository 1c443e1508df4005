"""The key figures of a log, and the course of each over the time that the log covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.numeric.quantiles import RunningQuantiles

SLICES: Final = 8
"""Into so many equal stretches of time a course is cut."""

_KNOWN_CACHE: Final = pl.col("cached_tokens").is_not_null() & pl.col("prompt_tokens").is_not_null()
_SUMS: Final = {
    "calls": pl.len(),
    "failed": FAILED.sum(),
    "truncated": TRUNCATED.sum(),
    "cached": pl.col("cached_tokens").filter(_KNOWN_CACHE).sum(),
    "prompted": pl.col("prompt_tokens").filter(_KNOWN_CACHE).sum(),
    "usd": pl.when(pl.col("cost_usd").is_not_null().any()).then(pl.col("cost_usd").sum()),
}
_QUANTILES: Final = {
    "p50": pl.col("latency_ms").quantile(0.5, interpolation="linear"),
    "p95": pl.col("latency_ms").quantile(0.95, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").median(),
}
NAMES: Final = (*_QUANTILES, "errors", "cut off", "cached", "$/h")
"""The key figures, in the order in which they are shown."""

_HOUR_MS: Final = 3_600_000
_SHORTEST_MS: Final = 60_000
"""Less time than this says nothing about what an hour costs."""

_DRIFT: Final = 0.01
"""Courses are drawn anew when the calls have become more by this part: a slice is 12.5% of them."""


@dataclass(frozen=True)
class Kpi:
    """A figure and its `course`, SLICES values; None where it is unknown.

    `name` is p50, p95 (latency in ms), tok/s (median), errors, cut off (finish_reason length),
    cached (of prompt_tokens, where both are known), each a share from 0 to 1, or $/h.
    """

    name: str
    value: float | None
    course: tuple[float | None, ...]


class Totals(NamedTuple):
    """What the shares are made of, in sums: those of two parts of a log make those of both.

    `cached` of `prompted` tokens, where both are known; `usd` is None if no call is priced;
    `first` and `last` are the earliest and the latest start, None without ts.
    """

    calls: int
    failed: int
    truncated: int
    cached: int
    prompted: int
    usd: float | None
    first: datetime | None
    last: datetime | None

    def plus(self, other: Totals) -> Totals:
        """Both together."""
        usd = [part.usd for part in (self, other) if part.usd is not None]
        first = [part.first for part in (self, other) if part.first is not None]
        last = [part.last for part in (self, other) if part.last is not None]
        return Totals(
            self.calls + other.calls,
            self.failed + other.failed,
            self.truncated + other.truncated,
            self.cached + other.cached,
            self.prompted + other.prompted,
            sum(usd) if usd else None,
            min(first, default=None),
            max(last, default=None),
        )

    @property
    def span_ms(self) -> float:
        """From the earliest start to the latest."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first).total_seconds() * 1_000

    @property
    def hours(self) -> float | None:
        """The same in hours; None if that is too short to say what an hour costs."""
        return self.span_ms / _HOUR_MS if self.span_ms >= _SHORTEST_MS else None


Course = dict[str, list[float | None]]
"""By name of a figure, its SLICES values."""


def totals(calls: pl.DataFrame) -> Totals:
    """The sums over model calls from cost.priced()."""
    ts = pl.col("ts")
    return Totals(*calls.select(**_SUMS, first=ts.min(), last=ts.max()).row(0))


def series(calls: pl.DataFrame, over: Totals) -> Course:
    """The figures of calls in each slice of the time that `over` covers."""
    courses: Course = {name: [None] * SLICES for name in NAMES}
    if not over.span_ms:
        return courses
    hours = None if over.hours is None else over.hours / SLICES
    since = (pl.col("ts") - over.first).dt.total_milliseconds() / over.span_ms * SLICES
    sliced = calls.filter(pl.col("ts").is_not_null()).group_by(
        since.floor().clip(0, SLICES - 1).cast(pl.Int64).alias("slice")
    )
    for found in sliced.agg(**_QUANTILES, **_SUMS).iter_rows(named=True):
        at = found.pop("slice")
        quantiles = {name: found.pop(name) for name in _QUANTILES}
        sums = Totals(**found, first=None, last=None)
        for name, value in {**quantiles, **_shares(sums, hours)}.items():
            courses[name][at] = value
    return courses


def kpis(calls: pl.DataFrame) -> tuple[Kpi, ...]:
    """The figures of model calls from cost.priced(), over the time from the first to the last."""
    over = totals(calls)
    return kpi_state(over, calls.select(**_QUANTILES).row(0), series(calls, over))


class KpiState:
    """The Kpis of calls that become more; the courses may be those of 1% fewer calls."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.kpis = kpis(calls)
        self._totals = totals(calls)
        self._course = {kpi.name: kpi.course for kpi in self.kpis}
        self._drawn = calls.height
        self._numbers: tuple[RunningQuantiles, RunningQuantiles] | None = None

    def add(self, new: pl.DataFrame, calls: pl.DataFrame) -> None:
        """Take in new calls; `calls` are all with them."""
        if self._numbers is None:
            self._numbers = (
                RunningQuantiles(calls["latency_ms"]),
                RunningQuantiles(calls["tokens_per_sec"]),
            )
        else:
            self._numbers[0].add(new["latency_ms"])
            self._numbers[1].add(new["tokens_per_sec"])
        latency, speed = self._numbers
        self._totals = over = self._totals.plus(totals(new))
        if calls.height > self._drawn * (1 + _DRIFT):
            drawn = series(calls, over)
            self._course = {name: tuple(values) for name, values in drawn.items()}
            self._drawn = calls.height
        quantiles = (latency.quantile(0.5), latency.quantile(0.95), speed.quantile(0.5))
        self.kpis = kpi_state(over, quantiles, self._course)


def kpi_state(
    over: Totals, quantiles: Iterable[float | None], courses: Mapping[str, Sequence[float | None]]
) -> tuple[Kpi, ...]:
    """The Kpis of sums, of (p50, p95, median tok/s), and of a course."""
    values = dict(zip(_QUANTILES, quantiles, strict=True)) | _shares(over, over.hours)
    return tuple(Kpi(name, values[name], tuple(courses[name])) for name in NAMES)


def _shares(over: Totals, hours: float | None) -> dict[str, float | None]:
    """The figures that sums give, of so many hours; None if those are too short to say."""
    return {
        "errors": over.failed / over.calls if over.calls else None,
        "cut off": over.truncated / over.calls if over.calls else None,
        "cached": over.cached / over.prompted if over.prompted else None,
        "$/h": None if over.usd is None or hours is None else over.usd / hours,
    }
