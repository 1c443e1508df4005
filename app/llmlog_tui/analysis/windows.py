"""Windows: where a share of calls, or their latency, rose over what it was, and how long.

Windows count calls, so logs without ts work, and are judged only when they are full: what was found
once is found again, however much the log grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.chance import chance_of_higher, chance_of_rise, normal_chance_of_rise
from llmlog_tui.analysis.rules import Trend

WIDTHS: Final = (1, 2, 4, 8, 16)
"""So many windows, up to the last one, are judged together: bursts are short, creep is long."""

_LEAST_CALLS: Final = 50
_LEAST_BATCHES: Final = 4
_STILL_HIGH: Final = 1 / 3
"""An alert holds while windows keep this much of the rise it fired with: no flapping."""


class Sums(NamedTuple):
    """`total` and the sum of `squares` of the values of `n` windows of together `calls` calls."""

    total: float = 0.0
    squares: float = 0.0
    n: int = 0
    calls: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(
            self.total + other.total,
            self.squares + other.squares,
            self.n + other.n,
            self.calls + other.calls,
        )


@dataclass(frozen=True, eq=False)
class Series:
    """One subject's calls at one provider, in order: `rows` has row, ts and value.

    A value is 0 or 1 where a share is watched, and ln(latency_ms) with `of_latency`.
    """

    provider: str | None
    subject: str | None
    rows: pl.DataFrame
    of_latency: bool = False

    def level(self, sums: Sums) -> float:
        """What is watched: the share of calls that are 1, or the mean of ln(latency_ms)."""
        return sums.total / sums.calls if sums.calls else 0.0

    def chance(self, before: Sums, after: Sums, level: float = 1.0) -> float:
        """The chance that the level rises from `before` to `after` although nothing changed.

        Shares by Fisher's exact test. Latencies of neighbours are alike, so not calls but windows
        are compared, by the t-test: the method of batch means. 1 where there is too little before,
        and where a share cannot be below `level` by the much cheaper z-test.
        """
        if self.of_latency:
            if before.n < _LEAST_BATCHES:
                return 1.0
            size = before.calls / before.n
            mean, squares = before.total / before.n / size, before.squares / size**2
            variance = (squares - before.n * mean**2) / (before.n - 1)
            return chance_of_higher(self.level(after) - mean, variance, before.n, after.n, level)
        hits_before, hits = round(before.total), round(after.total)
        if (
            before.calls < _LEAST_CALLS
            or normal_chance_of_rise(hits_before, before.calls, hits, after.calls) >= level
        ):
            return 1.0
        return chance_of_rise(hits_before, before.calls, hits, after.calls)


@dataclass(frozen=True)
class Stretch:
    """Calls `start` up to `stop` of a series: the level rose from `before` to `after`.

    `p` is the chance of that when it fired, with the call at `fired`; `ongoing` says that it holds
    to the end of the series. A stretch ends before the windows that cleared it.
    """

    start: int
    fired: int
    stop: int
    before: float
    after: float
    p: float
    ongoing: bool


def shares(calls: pl.DataFrame, subject: pl.Expr, hit: pl.Expr) -> list[Series]:
    """A series for each provider and subject with over 50 calls, in order of first sight.

    `hit` is a predicate.
    """
    value = hit.cast(pl.Float64)
    return _split(calls.select("provider", "row", "ts", subject=subject, value=value))


def latencies(calls: pl.DataFrame) -> list[Series]:
    """A series of latencies for each provider and model with over 50 calls, as shares()."""
    value = pl.col("latency_ms").clip(lower_bound=1.0).log()
    timed = calls.filter(pl.col("latency_ms").is_not_null())
    return _split(
        timed.select("provider", "row", "ts", subject="model", value=value), of_latency=True
    )


def _split(calls: pl.DataFrame, *, of_latency: bool = False) -> list[Series]:
    keys = ("provider", "subject")
    sizes = calls.group_by(keys).len()
    long = sizes.filter(pl.col("len") > _LEAST_CALLS)
    if long.height < sizes.height:  # of the many that have a call or two nothing is ever found
        calls = calls.join(long, on=keys, how="semi", nulls_equal=True, maintain_order="left")
    return [
        Series(_name(provider), _name(subject), rows.drop(keys), of_latency)
        for (provider, subject), rows in calls.group_by(keys, maintain_order=True)
    ]


def _name(key: object) -> str | None:
    return None if key is None else str(key)


def stretches(series: Series, rule: Trend) -> Iterator[Stretch]:
    """Each stretch of a series in which its level was higher than in all windows before it.

    The last 1, 2, 4, 8 and 16 windows are judged against all before them that were in no stretch.
    The n-th window that is judged gets level / (n (n + 1)) of the rule's level, which adds up to
    the level, however long the log is.
    """
    windows = _Windows(series, rule)
    earlier, since, at = Sums(), 0, 0
    size = rule.window_calls
    candidates = iter(windows.candidates(earlier, since, at))
    while (at := next(candidates, 0)) > 0:
        found = windows.risen(earlier, since, at, rule.level / (at * (at + 1)))
        if found is None:
            continue
        start, before, p = found
        fired = at
        stop, at = windows.cleared(start, at, before)
        end = windows.full if stop is None else stop
        yield Stretch(
            start=start * size,
            fired=fired * size - 1,
            stop=series.rows.height if stop is None else end * size,
            before=before,
            after=series.level(windows.between(start, end)),
            p=p,
            ongoing=stop is None,
        )
        earlier, since = earlier.plus(windows.between(since, start)), end
        candidates = iter(windows.candidates(earlier, since, at))


class _Windows:
    """The full windows of a series, counted from 0; bounds are as in slices."""

    def __init__(self, series: Series, rule: Trend) -> None:
        self._series = series
        self._rule = rule
        self._size = size = rule.window_calls
        self.full = full = series.rows.height // size
        values = series.rows["value"].head(full * size)
        totals = values.reshape((full, size)).arr.sum().to_list() if full else []
        self._totals = [0.0, *accumulate(totals)]
        self._cumulated = pl.Series(self._totals, dtype=pl.Float64)
        self._squares = [0.0, *accumulate(total * total for total in totals)]

    def between(self, start: int, stop: int) -> Sums:
        return Sums(
            self._totals[stop] - self._totals[start],
            self._squares[stop] - self._squares[start],
            stop - start,
            (stop - start) * self._size,
        )

    def candidates(self, earlier: Sums, since: int, behind: int) -> list[int]:
        """The bounds behind which windows end, at one width, high enough to be judged."""
        found = pl.Series([False]).new_from_index(0, self.full + 1)
        total = self._cumulated - self._totals[since]
        calls = pl.int_range(-since, self.full + 1 - since, eager=True) * self._size
        before = (total + earlier.total) / (calls + earlier.calls)
        for width in WIDTHS:
            after = (total - total.shift(width)) / (width * self._size)
            is_high = after - before.shift(width) >= self._rule.least_rise
            found |= is_high.fill_null(value=False)
        places = found.arg_true()
        return places.filter(places > max(behind, since)).to_list()

    def risen(
        self, earlier: Sums, since: int, stop: int, level: float
    ) -> tuple[int, float, float] | None:
        """(first window, level before, p) of a rise that the window before `stop` completes."""
        for width in WIDTHS:
            start = stop - width
            if start < since:
                return None
            before, after = earlier.plus(self.between(since, start)), self.between(start, stop)
            low, high = self._series.level(before), self._series.level(after)
            if not before.calls or high - low < self._rule.least_rise:
                continue
            p = self._series.chance(before, after, level)
            if p < level:
                first = next(at for at in range(start, stop) if self._is_high(at, (low + high) / 2))
                return first, low, p
        return None

    def cleared(self, start: int, stop: int, before: float) -> tuple[int | None, int]:
        """Where the stretch that fired at `stop` ends (None: not yet), and where that was known."""
        after = self._series.level(self.between(start, stop))
        low_below = before + (after - before) * _STILL_HIGH
        low = 0
        for at in range(stop, self.full):
            low = 0 if self._is_high(at, low_below) else low + 1
            if low == self._rule.clear_windows:
                return at + 1 - low, at + 1
        return None, self.full

    def _is_high(self, at: int, middle: float) -> bool:
        return self._series.level(self.between(at, at + 1)) >= middle
