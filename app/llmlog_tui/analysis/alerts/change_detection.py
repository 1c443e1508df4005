"""Change detection: episodes in which a share of calls, or their latency, is raised.

Windows count calls, so logs without ts work. Each is judged once, when it is full, so the result
does not depend on how the log grew.
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
"""Numbers of latest windows judged together: bursts are short, creep is long."""

_LEAST_CALLS: Final = 50
_LEAST_BATCHES: Final = 4
_FEW_WINDOWS: Final = 16
"""Maximum windows that are judged without a vectorised search for candidates first."""

_STILL_HIGH: Final = 1 / 3
"""Share of the initial rise below which a window counts as low again: hysteresis."""


class WindowSums(NamedTuple):
    """`total` and sum of `squares` of `n` windows with `calls` calls in all."""

    total: float = 0.0
    squares: float = 0.0
    n: int = 0
    calls: int = 0

    def plus(self, other: WindowSums) -> WindowSums:
        return WindowSums(
            self.total + other.total,
            self.squares + other.squares,
            self.n + other.n,
            self.calls + other.calls,
        )


@dataclass(frozen=True)
class Episode:
    """Calls `start` up to `stop` of a series: the level rose from `before` to `after`.

    `p` is the p-value when it fired, with the call at `fired`; `ongoing`: it lasts to the end of
    the series. An episode ends before the windows that cleared it. `total` is the sum of the
    calls' values.
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
    """An episode that is not cleared yet; `start` and `fired` are window indexes.

    The last `low` windows in a row were below `low_below`.
    """

    start: int
    fired: int
    before: float
    p: float
    low_below: float
    low: int = 0


class WindowedSeries:
    """The values of one subject's calls in order, and the episodes with a raised level.

    A value is 0 or 1 for a share, and ln(latency_ms) with `of_latency`.

    The level of the last 1, 2, 4, 8 and 16 windows is compared with all windows before them outside
    an episode. The n-th judged window is tested at level / (n (n + 1)), which sums to the rule's
    level over a log of any length.
    """

    def __init__(self, rule: TrendRule, *, of_latency: bool = False) -> None:
        self._rule = rule
        self._of_latency = of_latency
        self._values = pl.Series(dtype=pl.Float64)  # of the last, partial window
        self._totals, self._squares = array("d", [0.0]), array("d", [0.0])  # cumulative, per window
        self._earlier = WindowSums()  # windows before `since` outside an episode
        self._since = 0
        self._judged = 0
        self._open: OpenEpisode | None = None
        self._closed: list[Episode] = []

    @property
    def full(self) -> int:
        return len(self._totals) - 1

    @property
    def episodes(self) -> list[Episode]:
        if self._open is None:
            return self._closed
        return [*self._closed, self._episode(self._open, None)]

    def add(self, values: pl.Series) -> None:
        size = self._rule.window_calls
        values = pl.concat([self._values, values])
        windows = len(values) // size
        # Copied: a slice would keep all of the batch in memory.
        self._values = pl.Series(values.slice(windows * size).to_list(), dtype=pl.Float64)
        if windows:
            complete = values.head(windows * size).reshape((windows, size))
            for total in complete.arr.sum().to_list():
                self._totals.append(self._totals[-1] + total)
                self._squares.append(self._squares[-1] + total * total)
        # One batch may clear an episode and start the next one.
        while self._clear(self._open) if self._open else self._fire():
            pass

    def level(self, sums: WindowSums) -> float:
        """Return the share of calls that are 1, or the mean of ln(latency_ms)."""
        return sums.total / sums.calls if sums.calls else 0.0

    def p_value(self, before: WindowSums, after: WindowSums, level: float = 1.0) -> float:
        """Return the one-sided p-value of a rise from `before` to `after`.

        Shares by Fisher's exact test; latencies by the t-test over windows (batch means), because
        neighbouring latencies correlate. 1 with too few calls before, and where the much cheaper
        z-test already exceeds `level`.
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
        """Judge the new windows, up to the first that starts an episode."""
        candidates, self._judged = self._candidates(), self.full
        for at in candidates:
            self._open = self._test(at, self._rule.level / (at * (at + 1)))
            if self._open is not None:
                self._judged = at
                return True
        return False

    def _candidates(self) -> list[int]:
        """Return the new windows whose level, at some width, is high enough for a test."""
        since, size = self._since, self._rule.window_calls
        judged = max(self._judged, since)
        if self.full - judged <= _FEW_WINDOWS:  # a live log: vectorising would cost more
            return list(range(judged + 1, self.full + 1))
        begin = max(since, self._judged + 1 - max(WIDTHS))
        total = pl.Series(self._totals[begin:].tolist()) - self._totals[since]
        calls = pl.int_range(begin - since, self.full + 1 - since, eager=True) * size
        before = (total + self._earlier.total) / (calls + self._earlier.calls)
        found = pl.Series([False]).new_from_index(0, len(total))
        for width in WIDTHS:
            after = (total - total.shift(width)) / (width * size)
            is_high = after - before.shift(width) >= self._rule.least_rise
            found |= is_high.fill_null(value=False)
        indexes = found.arg_true() + begin
        return indexes.filter(indexes > judged).to_list()

    def _test(self, stop: int, level: float) -> OpenEpisode | None:
        """Return the episode that the windows before `stop` start, if any."""
        for width in WIDTHS:
            start = stop - width
            if start < self._since:
                return None
            before = self._earlier.plus(self._between(self._since, start))
            after = self._between(start, stop)
            low, high = self.level(before), self.level(after)
            if not before.calls or high - low < self._rule.least_rise:
                continue
            p = self.p_value(before, after, level)
            if p < level:
                middle = (low + high) / 2
                first = next(at for at in range(start, stop) if self._is_high(at, middle))
                after = self._between(first, stop)
                low_below = low + (self.level(after) - low) * _STILL_HIGH
                return OpenEpisode(first, stop, low, p, low_below)
        return None

    def _clear(self, episode: OpenEpisode) -> bool:
        """Close the episode if it has cleared; False if it lasts to the last window."""
        for at in range(self._judged, self.full):
            episode.low = 0 if self._is_high(at, episode.low_below) else episode.low + 1
            self._judged = at + 1
            if episode.low == self._rule.clear_windows:
                stop = self._judged - episode.low
                self._closed.append(self._episode(episode, stop))
                self._earlier = self._earlier.plus(self._between(self._since, episode.start))
                self._since, self._open = stop, None
                return True
        return False

    def _episode(self, opened: OpenEpisode, stop: int | None) -> Episode:
        """Return an episode in calls; `stop` is None while it is open."""
        size, end = self._rule.window_calls, self.full if stop is None else stop
        after = self._between(opened.start, end)
        partial = 0 if stop is not None else len(self._values)
        return Episode(
            start=opened.start * size,
            fired=opened.fired * size - 1,
            stop=end * size + partial,
            before=opened.before,
            after=self.level(after),
            p=opened.p,
            total=after.total + (float(self._values.sum()) if partial else 0.0),
            ongoing=stop is None,
        )

    def _is_high(self, at: int, middle: float) -> bool:
        return self.level(self._between(at, at + 1)) >= middle
