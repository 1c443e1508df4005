"""Rows that follow one another, in frames, and what was counted among them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Final

import polars as pl

from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.schema import without_nulls

_JOINED: Final = 8
"""So many frames of a kind become one: a live log arrives in few lines, a big one in blocks."""

_KINDS: Final = tuple(_JOINED**power for power in range(1, 5))
"""Frames are of a kind if they have up to so many rows; those with more are left as they are."""

First = dict[str, tuple[int, int]]
"""For each kind of fault the file (its index) and the line, from 1, of the first."""


class Part:
    """A stretch of the log: a loading log has two, one still growing in front of the other."""

    def __init__(self) -> None:
        self.frames: list[pl.DataFrame] = []
        self.height = 0
        self.blanks = 0
        self.lines: Counter[int] = Counter()  # by file, as all lines here
        self.skipped: Counter[str] = Counter()
        self.nulled: Counter[str] = Counter()
        self.first_skipped: First = {}
        self.first_nulled: First = {}

    def add(self, file: int, parsed: Parsed, frame: pl.DataFrame, too_long: int) -> None:
        """Append the rows `parsed` gave, as `frame`; `too_long` lines before them were passed."""
        before = self.lines[file] + 1
        if too_long:
            self.skipped["too_long"] += too_long
            self.first_skipped.setdefault("too_long", (file, before))
        self.lines[file] += parsed.lines + too_long
        self.blanks += parsed.blanks
        self.skipped.update(parsed.skipped.counts)
        self.nulled.update(parsed.nulled.counts)
        for kind, line in parsed.skipped.first.items():
            self.first_skipped.setdefault(kind, (file, before + too_long + line))
        for name, line in parsed.nulled.first.items():
            self.first_nulled.setdefault(name, (file, before + too_long + line))
        if frame.height:
            self.frames.append(frame)
            self.height += frame.height
            self._compact()

    def replace_rows(self, frame: pl.DataFrame) -> None:
        """Other rows for those here."""
        self.frames = [frame] if frame.height else []
        self.height = frame.height

    def drop_rows(self, rows: int) -> int:
        """Let go of the first `rows`, or of all there are; how many those were."""
        left = min(rows, self.height)
        self.height -= left
        dropped = left
        while left:
            first = self.frames[0]
            if first.height > left:
                self.frames[0] = first.slice(left)
                break
            left -= first.height
            del self.frames[0]
        return dropped

    def drop_before(self, time: datetime) -> int:
        """Let go of the frames before `time`, and of the rows before it in the frame it is in.

        Rows without ts go with those around them. How many rows those were is returned.
        """
        before = self.height
        while self.frames:
            first = self.frames[0]
            newest = first["ts"].max()
            if not isinstance(newest, datetime) or newest >= time:
                kept = first.filter((pl.col("ts") >= time) | pl.col("ts").is_null())
                self.height += kept.height - first.height
                self.frames[0] = kept
                break
            self.height -= first.height
            del self.frames[0]
        return before - self.height

    def _compact(self) -> None:
        """Join the last frames, kind by kind, so that frames are few and a row is seldom copied."""
        for rows in _KINDS:
            last = list(takewhile(partial(_has_up_to, rows), reversed(self.frames)))
            if len(last) >= _JOINED:
                joined = pl.concat(reversed(last), rechunk=True)
                self.frames[-len(last) :] = [without_nulls(joined)]


def _has_up_to(rows: int, frame: pl.DataFrame) -> bool:
    return frame.height <= rows
