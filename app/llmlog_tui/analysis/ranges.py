"""The stretch of an axis that is looked at: zoomed, moved, and kept within the whole of it."""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
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

    def within(self, whole: Range) -> Range:
        """As long, moved to where `whole` is; all of that if it is no longer than this."""
        if self.length >= whole.length:
            return whole
        if self.begin < whole.begin:
            return Range(whole.begin, whole.begin + self.length)
        if self.end > whole.end:
            return Range(whole.end - self.length, whole.end)
        return self

    def moved(self, share: float) -> Range:
        """A share of its length later; before it, if that is negative."""
        by = self.length * share
        return Range(self.begin + by, self.end + by)

    def scaled(self, factor: float, around: float) -> Range:
        """So many times as long, with `around` where it was in it."""
        return Range(around - (around - self.begin) * factor, around + (self.end - around) * factor)

    def around(self, middle: float) -> Range:
        """As long, with `middle` in its middle."""
        return Range(middle - self.length / 2, middle + self.length / 2)

    def showing(self, part: Range) -> Range:
        """Itself if any of `part` is in it, else moved so that `part` begins at a quarter of it."""
        has_part = part.end > self.begin or part.begin == self.begin
        if has_part and part.begin < self.end:
            return self
        begin = part.begin - self.length / 4
        return Range(begin, begin + self.length)
