"""Exact quantiles of a growing set of numbers, without sorting all of them again."""

from __future__ import annotations

from typing import Final

import polars as pl

_MERGE_AT: Final = 4_096
_MERGE_SHARE: Final = 1 / 32
"""Share of the older numbers above which newer ones are merged, beyond MERGE_AT."""


class RunningQuantiles:
    """A multiset of numbers; nulls are ignored."""

    def __init__(self, numbers: pl.Series) -> None:
        self._base = _sorted(numbers)
        self._more = self._base.clear()

    def __len__(self) -> int:
        return len(self._base) + len(self._more)

    def add(self, numbers: pl.Series) -> None:
        self._more = _merged(self._more, _sorted(numbers))
        if len(self._more) > max(_MERGE_AT, len(self._base) * _MERGE_SHARE):
            self._base = _merged(self._base, self._more)
            self._more = self._base.clear()

    def quantile(self, q: float) -> float | None:
        """Return the quantile with linear interpolation, as polars does; None if empty."""
        if not len(self):
            return None
        position = (len(self) - 1) * q
        below = int(position)
        low = self._nth(below)
        high = self._nth(below + 1) if position > below else low
        return low + (high - low) * (position - below)

    def _nth(self, n: int) -> float:
        """Return the n-th number of both sorted series together, by binary search."""
        base, more = self._base, self._more
        fewest, most = max(0, n - len(base)), min(n, len(more))
        while fewest < most:  # find the count of `more` among the first n
            half = (fewest + most) // 2
            if more[half] < base[n - half - 1]:
                fewest = half + 1
            else:
                most = half
        ends = ((base, n - fewest), (more, fewest))
        return float(min(numbers[at] for numbers, at in ends if at < len(numbers)))


def _sorted(numbers: pl.Series) -> pl.Series:
    return numbers.cast(pl.Float64).drop_nulls().sort()


def _merged(some: pl.Series, more: pl.Series) -> pl.Series:
    if not len(some) or not len(more):
        return some if len(some) else more
    both = some.to_frame("n").merge_sorted(more.to_frame("n"), "n")
    return both.to_series().rechunk()
