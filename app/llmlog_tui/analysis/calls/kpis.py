"""Key figures of a log, each with its series over the log's time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.analysis.calls.truncation import CUT_OFF, HAS_ANSWER
from llmlog_tui.analysis.numeric.count_sum import wide
from llmlog_tui.analysis.numeric.quantiles import RunningQuantiles

SLICES: Final = 8
"""Values per series, over equal slices of time."""

_KNOWN_CACHE: Final = pl.col("cached_tokens").is_not_null() & pl.col("prompt_tokens").is_not_null()
_SUMS: Final = {
    "calls": pl.len(),
    "failed": FAILED.sum(),
    "answers": HAS_ANSWER.sum(),
    "cut_off": (CUT_OFF & HAS_ANSWER).sum(),
    "cached": wide(pl.col("cached_tokens").filter(_KNOWN_CACHE)).sum(),
    "prompted": wide(pl.col("prompt_tokens").filter(_KNOWN_CACHE)).sum(),
    "usd": pl.when(pl.col("cost_usd").is_not_null().any()).then(pl.col("cost_usd").sum()),
}
# Of contiguous numbers without nulls polars finds a quantile in a fifth of the time.
_LATENCIES: Final = pl.col("latency_ms").drop_nulls()
_QUANTILES: Final = {
    "p50": _LATENCIES.quantile(0.5, interpolation="linear"),
    "p95": _LATENCIES.quantile(0.95, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").drop_nulls().median(),
}
NAMES: Final = (*_QUANTILES, "errors", "cut off", "cached", "$/h")
"""Key figures, in display order."""

KPI_COLUMNS: Final = frozenset(
    name
    for expression in (*_SUMS.values(), *_QUANTILES.values(), pl.col("ts"))
    for name in expression.meta.root_names()
)
"""Columns that the key figures are computed from."""

_HOUR_MS: Final = 3_600_000
_MIN_SPAN_MS: Final = 60_000
"""Minimum time span, in ms, for a cost per hour."""

_REDRAW_GROWTH: Final = 0.01
"""Growth of the calls after which series are computed again."""


@dataclass(frozen=True)
class Kpi:
    """A figure and its `series` of SLICES values; None where unknown.

    `name` is p50, p95 (latency in ms), tok/s (median), errors, cut off (of calls that have
    an answer), cached (of prompt_tokens, where both are known), each a share from 0 to 1, or $/h.
    """

    name: str
    value: float | None
    series: tuple[float | None, ...]


class Totals(NamedTuple):
    """The sums behind the shares; they add up over the parts of a log.

    `cut_off` of `answers`, `cached` of `prompted` tokens, where both are known; `usd` is None if no
    call is priced; `first` and `last` are the earliest and the latest start, None without ts.
    """

    calls: int
    failed: int
    answers: int
    cut_off: int
    cached: int
    prompted: int
    usd: float | None
    first: datetime | None
    last: datetime | None

    def plus(self, other: Totals) -> Totals:
        usd = [part.usd for part in (self, other) if part.usd is not None]
        first = [part.first for part in (self, other) if part.first is not None]
        last = [part.last for part in (self, other) if part.last is not None]
        return Totals(
            self.calls + other.calls,
            self.failed + other.failed,
            self.answers + other.answers,
            self.cut_off + other.cut_off,
            self.cached + other.cached,
            self.prompted + other.prompted,
            sum(usd) if usd else None,
            min(first, default=None),
            max(last, default=None),
        )

    @property
    def span_ms(self) -> float:
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first).total_seconds() * 1_000

    @property
    def hours(self) -> float | None:
        """The span in hours; None if it is too short for a cost per hour."""
        return self.span_ms / _HOUR_MS if self.span_ms >= _MIN_SPAN_MS else None


Series = dict[str, list[float | None]]
"""SLICES values by name of a figure."""


def totals(calls: Calls) -> Totals:
    ts = pl.col("ts")
    return Totals(*calls.select(**_SUMS, first=ts.min(), last=ts.max()).row(0))


def series(calls: Calls, over: Totals) -> Series:
    """Return the figures of calls per slice of the time span of `over`."""
    by_name: Series = {name: [None] * SLICES for name in NAMES}
    if not over.span_ms:
        return by_name
    hours = None if over.hours is None else over.hours / SLICES
    since = (pl.col("ts") - over.first).dt.total_milliseconds() / over.span_ms * SLICES
    timed = _inputs(calls).drop_nulls("ts")
    sliced = timed.with_columns(slice=since.floor().clip(0, SLICES - 1).cast(pl.UInt8))
    for found in _by_slice(sliced).iter_rows(named=True):
        at = found.pop("slice")
        quantiles = {name: found.pop(name) for name in _QUANTILES}
        sums = Totals(**found, first=None, last=None)
        for name, value in {**quantiles, **_shares(sums, hours)}.items():
            by_name[name][at] = value
    return by_name


def _inputs(calls: Calls) -> pl.DataFrame:
    return calls.select(sorted(KPI_COLUMNS)).rechunk()


def _by_slice(sliced: pl.DataFrame) -> pl.DataFrame:
    """Return quantiles and sums of calls by `slice`."""
    numbers = sliced["slice"]
    if not numbers.is_sorted():
        return sliced.group_by("slice").agg(**_QUANTILES, **_SUMS)
    # Calls in the order of their starts need no grouping, which takes twice as long.
    begins = [numbers.search_sorted(number) for number in range(SLICES + 1)]
    parts = (sliced.slice(begin, end - begin) for begin, end in pairwise(begins) if end > begin)
    return pl.concat(part.select(pl.col("slice").first(), **_QUANTILES, **_SUMS) for part in parts)


class KpiState:
    """Key figures of a growing set of calls; series may lag by 1%."""

    def __init__(self, calls: Calls) -> None:
        # Copied once, not for the totals, the quantiles and the series.
        copied = _inputs(calls)
        self._totals = over = totals(copied)
        quantiles = copied.select(**_QUANTILES).row(0)
        self.kpis = _kpis(over, quantiles, series(copied, over))
        self._series = {kpi.name: kpi.series for kpi in self.kpis}
        self._drawn = calls.height
        self._numbers: tuple[RunningQuantiles, RunningQuantiles] | None = None

    def add(self, new: pl.DataFrame, calls: Calls) -> None:
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
        if calls.height > self._drawn * (1 + _REDRAW_GROWTH):
            drawn = series(calls, over)
            self._series = {name: tuple(values) for name, values in drawn.items()}
            self._drawn = calls.height
        quantiles = (latency.quantile(0.5), latency.quantile(0.95), speed.quantile(0.5))
        self.kpis = _kpis(over, quantiles, self._series)


def _kpis(
    over: Totals, quantiles: Iterable[float | None], by_name: Mapping[str, Sequence[float | None]]
) -> tuple[Kpi, ...]:
    values = dict(zip(_QUANTILES, quantiles, strict=True)) | _shares(over, over.hours)
    return tuple(Kpi(name, values[name], tuple(by_name[name])) for name in NAMES)


def _shares(over: Totals, hours: float | None) -> dict[str, float | None]:
    """Return the figures that are ratios of sums, None if unknown."""
    return {
        "errors": over.failed / over.calls if over.calls else None,
        "cut off": over.cut_off / over.answers if over.answers else None,
        "cached": over.cached / over.prompted if over.prompted else None,
        "$/h": None if over.usd is None or hours is None else over.usd / hours,
    }
