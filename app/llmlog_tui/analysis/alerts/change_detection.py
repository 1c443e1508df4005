"""Windows: where a share of calls, or their latency, rose over what it was, and how long.

Windows count calls, so logs without ts work, and are judged only when they are full: what was found
once is found again, however much the log grows. So each is judged once, when it fills up.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.numeric.significance import (
    batch_means_t,
    fisher_exact_greater,
    two_proportion_z,
)
from llmlog_tui.config.rules import TrendRule

WIDTHS: Final = (1, 2, 4, 8, 16)
"""So many windows, up to the last one, are judged together: bursts are short, creep is long."""

_LEAST_CALLS: Final = 50
_LEAST_BATCHES: Final = 4
_FEW_WINDOWS: Final = 16
"""Of more windows than this those are sought first that may be high enough: most are not."""

_STILL_HIGH: Final = 1 / 3
"""An alert holds while windows keep this much of the rise it fired with: no flapping."""


class WindowSums(NamedTuple):
    """`total` and the sum of `squares` of the values of `n` windows of together `calls` calls."""

    total: float = 0.0
    squares: float = 0.0
    n: int = 0
    calls: int = 0

    def plus(self, other: WindowSums) -> WindowSums:
        """Both together."""
        return WindowSums(
            self.total + other.total,
            self.squares + other.squares,
            self.n + other.n,
            self.calls + other.calls,
        )


@dataclass(frozen=True)
class Episode:
    """Calls `start` up to `stop` of a series: the level rose from `before` to `after`.

    `p` is the chance of that when it fired, with the call at `fired`; `ongoing` says that it holds
    to the end of the series. A stretch ends before the windows that cleared it. `total` is the sum
    of the calls' values.
    """

    start: int
    fired: int
    stop: int
    before: float
    after: float
    p: float
    total: float
    ongoing: bool


@dataclass
class OpenEpisode:
    """A stretch that has fired and is not cleared; `start` and `fired` are bounds of windows.

    The last `low` windows in a row had less than `low_below`.
    """

    start: int
    fired: int
    before: float
    p: float
    low_below: float
    low: int = 0


class WindowedSeries:
    """The values of one subject's calls, in order, and the stretches in which their level was high.

    A value is 0 or 1 where a share is watched, and ln(latency_ms) with `of_latency`.

    The level of the last 1, 2, 4, 8 and 16 windows is judged against all before them that were in
    no stretch. The n-th window that is judged gets level / (n (n + 1)) of the rule's level, which
    adds up to the level, however long the log is.
    """

    def __init__(self, rule: TrendRule, *, of_latency: bool = False) -> None:
        self._rule = rule
        self._of_latency = of_latency
        self._values = pl.Series(dtype=pl.Float64)  # of the window that is not full yet
        self._totals, self._squares = array("d", [0.0]), array("d", [0.0])  # up to each bound
        self._earlier = WindowSums()  # of the windows before `since` that were in no stretch
        self._since = 0
        self._judged = 0
        self._rise: OpenEpisode | None = None
        self._over: list[Episode] = []

    @property
    def full(self) -> int:
        """How many windows are full."""
        return len(self._totals) - 1

    @property
    def stretches(self) -> list[Episode]:
        """Each stretch in which the level was higher than in all windows before it."""
        if self._rise is None:
            return self._over
        return [*self._over, self._stretch(self._rise, None)]

    def add(self, values: pl.Series) -> None:
        """Take in the values of more calls."""
        size = self._rule.window_calls
        values = pl.concat([self._values, values])
        windows = len(values) // size
        self._values = pl.Series(values.slice(windows * size).to_list(), dtype=pl.Float64)
        if windows:
            whole = values.head(windows * size).reshape((windows, size))
            for total in whole.arr.sum().to_list():
                self._totals.append(self._totals[-1] + total)
                self._squares.append(self._squares[-1] + total * total)
        while self._clear(self._rise) if self._rise else self._fire():
            pass

    def level(self, sums: WindowSums) -> float:
        """What is watched: the share of calls that are 1, or the mean of ln(latency_ms)."""
        return sums.total / sums.calls if sums.calls else 0.0

    def chance(self, before: WindowSums, after: WindowSums, level: float = 1.0) -> float:
        """The chance that the level rises from `before` to `after` although nothing changed.

        Shares by Fisher's exact test. Latencies of neighbours are alike, so not calls but windows
        are compared, by the t-test: the method of batch means. 1 where there is too little before,
        and where a share cannot be below `level` by the much cheaper z-test.
        """
        if self._of_latency:
            if before.n < _LEAST_BATCHES:
                return 1.0
            size = before.calls / before.n
            mean, squares = before.total / before.n / size, before.squares / size**2
            variance = (squares - before.n * mean**2) / (before.n - 1)
            return batch_means_t(self.level(after) - mean, variance, before.n, after.n, level)
        hits_before, hits = round(before.total), round(after.total)
        if (
            before.calls < _LEAST_CALLS
            or two_proportion_z(hits_before, before.calls, hits, after.calls) >= level
        ):
            return 1.0
        return fisher_exact_greater(hits_before, before.calls, hits, after.calls)

    def _between(self, start: int, stop: int) -> WindowSums:
        return WindowSums(
            self._totals[stop] - self._totals[start],
            self._squares[stop] - self._squares[start],
            stop - start,
            (stop - start) * self._rule.window_calls,
        )

    def _fire(self) -> bool:
        """Judge the windows that were not yet, up to one with which a stretch fires."""
        candidates, self._judged = self._candidates(), self.full
        for at in candidates:
            self._rise = self._risen(at, self._rule.level / (at * (at + 1)))
            if self._rise is not None:
                self._judged = at
                return True
        return False

    def _candidates(self) -> list[int]:
        """The bounds behind which windows may end, at one width, high enough to be judged."""
        since, size = self._since, self._rule.window_calls
        behind = max(self._judged, since)
        if self.full - behind <= _FEW_WINDOWS:
            return list(range(behind + 1, self.full + 1))
        begin = max(since, self._judged + 1 - max(WIDTHS))
        total = pl.Series(self._totals[begin:].tolist()) - self._totals[since]
        calls = pl.int_range(begin - since, self.full + 1 - since, eager=True) * size
        before = (total + self._earlier.total) / (calls + self._earlier.calls)
        found = pl.Series([False]).new_from_index(0, len(total))
        for width in WIDTHS:
            after = (total - total.shift(width)) / (width * size)
            is_high = after - before.shift(width) >= self._rule.least_rise
            found |= is_high.fill_null(value=False)
        places = found.arg_true() + begin
        return places.filter(places > behind).to_list()

    def _risen(self, stop: int, level: float) -> OpenEpisode | None:
        """A rise that the window before `stop` completes, if there is one."""
        for width in WIDTHS:
            start = stop - width
            if start < self._since:
                return None
            before = self._earlier.plus(self._between(self._since, start))
            after = self._between(start, stop)
            low, high = self.level(before), self.level(after)
            if not before.calls or high - low < self._rule.least_rise:
                continue
            p = self.chance(before, after, level)
            if p < level:
                middle = (low + high) / 2
                first = next(at for at in range(start, stop) if self._is_high(at, middle))
                after = self._between(first, stop)
                low_below = low + (self.level(after) - low) * _STILL_HIGH
                return OpenEpisode(first, stop, low, p, low_below)
        return None

    def _clear(self, rise: OpenEpisode) -> bool:
        """Look whether the rise is over; False if it goes on to the last window."""
        for at in range(self._judged, self.full):
            rise.low = 0 if self._is_high(at, rise.low_below) else rise.low + 1
            self._judged = at + 1
            if rise.low == self._rule.clear_windows:
                stop = self._judged - rise.low
                self._over.append(self._stretch(rise, stop))
                self._earlier = self._earlier.plus(self._between(self._since, rise.start))
                self._since, self._rise = stop, None
                return True
        return False

    def _stretch(self, rise: OpenEpisode, stop: int | None) -> Episode:
        """A rise as it is found; `stop` is None if it goes on."""
        size, end = self._rule.window_calls, self.full if stop is None else stop
        after = self._between(rise.start, end)
        rest = 0 if stop is not None else len(self._values)
        return Episode(
            start=rise.start * size,
            fired=rise.fired * size - 1,
            stop=end * size + rest,
            before=rise.before,
            after=self.level(after),
            p=rise.p,
            total=after.total + (float(self._values.sum()) if rest else 0.0),
            ongoing=stop is None,
        )

    def _is_high(self, at: int, middle: float) -> bool:
        return self.level(self._between(at, at + 1)) >= middle
