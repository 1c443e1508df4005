"""A growing frame: a list of frames, merged so that they stay few."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import takewhile
from typing import Final

import polars as pl

_MERGE_FRAMES: Final = 8
"""Frames of a size class that are merged into one."""

_MAX_SHARED_ROWS: Final = 1_000
"""Rows of a frame that a slice may keep in memory."""

_SIZE_CLASSES: Final = (8, 64, 512, 4_096, 16_384)
"""Maximum rows per size class; larger frames are never merged."""

_MAX_MERGED_ROWS: Final = 4_096
"""Frames above this many rows are never merged, nor any before them.

Such frames are blocks of a file: merging would copy a whole file per append.
"""

_CHANGING_FRAMES: Final = 32
"""Last frames that may still change; the frames before them are concatenated once."""


class ChunkedFrame:
    """Rows in order; appends copy each row a few times at most.

    `compress` reduces the memory of a merged frame.
    """

    def __init__(
        self,
        frames: Iterable[pl.DataFrame] = (),
        compress: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    ) -> None:
        self._compress = compress
        self._front = self._empty = pl.DataFrame()
        self._front_frames = 0  # frames concatenated in `_front`
        self._fixed = 0  # first frames that are never merged
        self.replace(frames)

    def replace(self, frames: Iterable[pl.DataFrame]) -> None:
        self.frames: list[pl.DataFrame] = []
        self._changed_from(0)
        for frame in frames:
            self._empty = frame.clear()
            if frame.height:
                self.frames.append(frame)
        self.height = sum(frame.height for frame in self.frames)
        self._leave_large()

    def append(self, frame: pl.DataFrame) -> None:
        if frame.height:
            self.frames.append(frame)
            self.height += frame.height
            if frame.height > _MAX_MERGED_ROWS:  # a block of a file
                self._fixed = len(self.frames)
            else:
                self._compact()

    def replace_frame(self, at: int, frame: pl.DataFrame) -> None:
        """Replace one frame by another with the same number of rows."""
        self.frames[at] = frame
        self._changed_from(at)

    def drop_first(self, rows: int) -> int:
        """Drop up to `rows` first rows; return the number dropped."""
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
            self._fixed = max(0, self._fixed - 1)
        return dropped

    def keep_first(self, rows: int) -> None:
        while self.height > rows:
            last = self.frames.pop()
            self.height -= last.height
            if self.height < rows:
                self.frames.append(last.head(rows - self.height))
                self.height = rows
        self._changed_from(len(self.frames) - 1)
        self._fixed = min(self._fixed, len(self.frames))

    def align_chunks(self, frame: pl.DataFrame) -> None:
        """Re-chunk to the chunk boundaries of `frame`, so that hstack does not copy."""
        heights = [height for height in frame.to_series(0).chunk_lengths() if height]
        pairs = enumerate(zip(heights, self.frames, strict=False))
        same = next((at for at, (height, mine) in pairs if mine.height != height), len(heights))
        if same == len(heights):
            return
        self._changed_from(same)
        remainder, at = pl.concat(self.frames[same:]), 0
        del self.frames[same:]
        for height in heights[same:]:
            self.frames.append(remainder.slice(at, height).rechunk())
            at += height
        self._leave_large()

    def frame(self) -> pl.DataFrame:
        """Return all rows as one frame, empty but with its columns if there are none."""
        return pl.concat(self.merged) if self.frames else self._empty

    @property
    def merged(self) -> list[pl.DataFrame]:
        """All rows in few frames: settled ones are concatenated."""
        if len(self.frames) - self._front_frames > 3 * _CHANGING_FRAMES:
            self._front_frames = len(self.frames) - _CHANGING_FRAMES
            self._front = pl.concat(self.frames[: self._front_frames])
        front = [self._front] if self._front_frames else []
        return front + self.frames[self._front_frames :]

    def _changed_from(self, first: int) -> None:
        """Invalidate the concatenated front if the frames from `first` on have changed."""
        if first < self._front_frames:
            self._front_frames, self._front = 0, self._empty

    def _leave_large(self) -> None:
        """Exclude frames from merging up to the last large one."""
        large = (at for at, frame in enumerate(self.frames, 1) if frame.height > _MAX_MERGED_ROWS)
        self._fixed = max(large, default=0)

    def _compact(self) -> None:
        for rows in _SIZE_CLASSES:
            free = self.frames[self._fixed :]
            last = list(takewhile(partial(_has_up_to, rows), reversed(free)))
            if len(last) >= _MERGE_FRAMES:
                self._changed_from(len(self.frames) - len(last))
                merged = pl.concat(reversed(last), rechunk=True)
                self.frames[-len(last) :] = [self._compress(merged) if self._compress else merged]


def hstack(frame: pl.DataFrame, more: ChunkedFrame) -> pl.DataFrame:
    """Return `frame` with the columns of `more`, which has the same number of rows."""
    more.align_chunks(frame)
    return frame.hstack(more.frame())


def detach(frame: pl.DataFrame, of: int) -> pl.DataFrame:
    """Return a slice of a frame of `of` rows, copied if small compared to it."""
    is_shared = of <= max(_MAX_SHARED_ROWS, 2 * frame.height)
    return frame if is_shared else frame.select(pl.all().gather(pl.int_range(pl.len())))


def _has_up_to(rows: int, frame: pl.DataFrame) -> bool:
    return frame.height <= rows
