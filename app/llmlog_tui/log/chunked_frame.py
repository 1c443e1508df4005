"""A frame that grows at its end: a list of frames, joined so that they stay few."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import takewhile
from typing import Final

import polars as pl

_JOINED: Final = 8
"""So many frames of a kind become one: a live log arrives in few lines, a big one in blocks."""

_FEW: Final = 10_000
"""So many rows may stay in memory for the sake of some of them."""

_KINDS: Final = (8, 64, 512, 4_096, 16_384)
"""Frames are of a kind if they have up to so many rows; those with more are left as they are."""

_SMALL: Final = 4_096
"""What comes in frames of more rows, the blocks of a file, comes in few: it is left as it is, and
all before it, or each of what comes next would be joined with a whole file."""

_LOOSE: Final = 32
"""About so many frames, the last ones, may become others soon: those before are put together."""


class ChunkedFrame:
    """Rows in order; a row is seldom copied, however many appends there are.

    `packed` makes of a joined frame one that takes less memory, if it is given.
    """

    def __init__(
        self,
        frames: Iterable[pl.DataFrame] = (),
        packed: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    ) -> None:
        self._packed = packed
        self._front = self._none = pl.DataFrame()
        self._put_together = 0  # so many frames are in `_front`
        self._left = 0  # so many frames are left as they are
        self.replace(frames)

    def replace(self, frames: Iterable[pl.DataFrame]) -> None:
        """Other rows for those here."""
        self.frames: list[pl.DataFrame] = []
        self._changed_from(0)
        for frame in frames:
            self._none = frame.clear()
            if frame.height:
                self.frames.append(frame)
        self.height = sum(frame.height for frame in self.frames)
        self._leave_large()

    def append(self, frame: pl.DataFrame) -> None:
        """More rows at the end."""
        if frame.height:
            self.frames.append(frame)
            self.height += frame.height
            if frame.height > _SMALL:
                self._left = len(self.frames)
            else:
                self._compact()

    def drop_first(self, rows: int) -> int:
        """Let go of the first `rows`, or of all there are; how many those were."""
        self._changed_from(0)
        dropped = left = min(rows, self.height)
        self.height -= left
        while left:
            first = self.frames[0]
            if first.height > left:
                self.frames[0] = first.slice(left)
                break
            left -= first.height
            del self.frames[0]
            self._left = max(0, self._left - 1)
        return dropped

    def keep_first(self, rows: int) -> None:
        """Let go of all rows behind the first `rows`."""
        while self.height > rows:
            last = self.frames.pop()
            self.height -= last.height
            if self.height < rows:
                self.frames.append(last.head(rows - self.height))
                self.height = rows
        self._changed_from(len(self.frames) - 1)
        self._left = min(self._left, len(self.frames))

    def cut_like(self, frame: pl.DataFrame) -> None:
        """Cut the rows where those of `frame`, which are as many, are: to stand beside them."""
        heights = [height for height in frame.to_series(0).chunk_lengths() if height]
        pairs = enumerate(zip(heights, self.frames, strict=False))
        same = next((at for at, (height, mine) in pairs if mine.height != height), len(heights))
        if same == len(heights):
            return
        self._changed_from(same)
        rest, at = pl.concat(self.frames[same:]), 0
        del self.frames[same:]
        for height in heights[same:]:
            self.frames.append(rest.slice(at, height).rechunk())
            at += height
        self._leave_large()

    def whole(self) -> pl.DataFrame:
        """All rows, with the columns of the frames that were given."""
        return pl.concat(self.few) if self.frames else self._none

    @property
    def few(self) -> list[pl.DataFrame]:
        """All rows in few frames: those that are not soon to be others are put together."""
        if len(self.frames) - self._put_together > 3 * _LOOSE:
            self._put_together = len(self.frames) - _LOOSE
            self._front = pl.concat(self.frames[: self._put_together])
        front = [self._front] if self._put_together else []
        return front + self.frames[self._put_together :]

    def _changed_from(self, first: int) -> None:
        """Say that the frame at `first`, and those behind it, are others than they were."""
        if first < self._put_together:
            self._put_together, self._front = 0, self._none

    def _leave_large(self) -> None:
        """Leave frames as they are up to the last large one."""
        large = (at for at, frame in enumerate(self.frames, 1) if frame.height > _SMALL)
        self._left = max(large, default=0)

    def _compact(self) -> None:
        """Join the last frames, kind by kind."""
        for rows in _KINDS:
            free = self.frames[self._left :]
            last = list(takewhile(partial(_has_up_to, rows), reversed(free)))
            if len(last) >= _JOINED:
                self._changed_from(len(self.frames) - len(last))
                joined = pl.concat(reversed(last), rechunk=True)
                self.frames[-len(last) :] = [self._packed(joined) if self._packed else joined]


def hstack(frame: pl.DataFrame, more: ChunkedFrame) -> pl.DataFrame:
    """`frame`, and beside it the columns of as many rows."""
    more.cut_like(frame)
    return frame.hstack(more.whole())


def detach(frame: pl.DataFrame, of: int) -> pl.DataFrame:
    """A slice of `of` rows, in memory of its own if they are many: a slice keeps all of them."""
    return frame if of <= _FEW else frame.select(pl.all().gather(pl.int_range(pl.len())))


def _has_up_to(rows: int, frame: pl.DataFrame) -> bool:
    return frame.height <= rows
