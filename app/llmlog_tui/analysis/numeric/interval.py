"""The stretch of an axis that is looked at: zoomed, moved, and kept within the whole of it."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """From `begin` to `end`, in the unit of the axis it is of."""

    begin: float
    end: float

    @property
    def length(self) -> float:
        """How much of the axis it is."""
        return self.end - self.begin

    @property
    def middle(self) -> float:
        """Half way."""
        return (self.begin + self.end) / 2

    def within(self, whole: Interval) -> Interval:
        """As long, moved to where `whole` is; all of that if it is no longer than this."""
        if self.length >= whole.length:
            return whole
        if self.begin < whole.begin:
            return Interval(whole.begin, whole.begin + self.length)
        if self.end > whole.end:
            return Interval(whole.end - self.length, whole.end)
        return self

    def moved(self, share: float) -> Interval:
        """A share of its length later; before it, if that is negative."""
        by = self.length * share
        return Interval(self.begin + by, self.end + by)

    def scaled(self, factor: float, around: float) -> Interval:
        """So many times as long, with `around` where it was in it."""
        return Interval(
            around - (around - self.begin) * factor, around + (self.end - around) * factor
        )

    def around(self, middle: float) -> Interval:
        """As long, with `middle` in its middle."""
        return Interval(middle - self.length / 2, middle + self.length / 2)

    def showing(self, part: Interval) -> Interval:
        """Itself if any of `part` is in it, else moved so that `part` begins at a quarter of it."""
        has_part = part.end > self.begin or part.begin == self.begin
        if has_part and part.begin < self.end:
            return self
        begin = part.begin - self.length / 4
        return Interval(begin, begin + self.length)
