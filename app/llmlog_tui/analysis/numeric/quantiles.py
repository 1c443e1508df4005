"""Numbers in order, to which more are added: quantiles that do not sort all of them again."""

from __future__ import annotations

from typing import Final

import polars as pl

_FEW: Final = 4_096
_PART: Final = 32
"""Numbers that came later are merged once they are more than a few, and one in so many."""


class RunningQuantiles:
    """A bag of numbers; nulls are left out."""

    def __init__(self, numbers: pl.Series) -> None:
        self._base = _sorted(numbers)
        self._more = self._base.clear()

    def __len__(self) -> int:
        return len(self._base) + len(self._more)

    def add(self, numbers: pl.Series) -> None:
        """More of them."""
        self._more = _merged(self._more, _sorted(numbers))
        if len(self._more) > max(_FEW, len(self._base) // _PART):
            self._base = _merged(self._base, self._more)
            self._more = self._base.clear()

    def quantile(self, q: float) -> float | None:
        """With linear interpolation, as polars' quantile; None without numbers."""
        if not len(self):
            return None
        place = (len(self) - 1) * q
        below = int(place)
        low = self._nth(below)
        high = self._nth(below + 1) if place > below else low
        return low + (high - low) * (place - below)

    def _nth(self, n: int) -> float:
        """The number at place `n`: so many of `more` stand before it that all of them belong."""
        base, more = self._base, self._more
        fewest, most = max(0, n - len(base)), min(n, len(more))
        while fewest < most:  # how many of `more` are among the first n
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
