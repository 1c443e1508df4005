"""The visible interval of an axis: zoom, shift, and keep within bounds."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """From `begin` to `end`, in the unit of its axis."""

    begin: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.begin

    @property
    def middle(self) -> float:
        return (self.begin + self.end) / 2

    def clamp(self, bounds: Interval) -> Interval:
        """Return it moved into `bounds`, at the same length; `bounds` if it is longer."""
        if self.length >= bounds.length:
            return bounds
        if self.begin < bounds.begin:
            return Interval(bounds.begin, bounds.begin + self.length)
        if self.end > bounds.end:
            return Interval(bounds.end - self.length, bounds.end)
        return self

    def shift(self, share: float) -> Interval:
        by = self.length * share
        return Interval(self.begin + by, self.end + by)

    def zoom(self, factor: float, around: float) -> Interval:
        """Return it `factor` times as long, with `around` at the same relative position."""
        return Interval(
            around - (around - self.begin) * factor, around + (self.end - around) * factor
        )

    def center(self, middle: float) -> Interval:
        return Interval(middle - self.length / 2, middle + self.length / 2)

    def scroll_to(self, part: Interval) -> Interval:
        """Return it moved so that `part` is visible, if it is not already."""
        has_part = part.end > self.begin or part.begin == self.begin
        if has_part and part.begin < self.end:
            return self
        begin = part.begin - self.length / 4
        return Interval(begin, begin + self.length)
