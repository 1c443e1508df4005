"""A contiguous part of a log: its rows in frames, and its fault counts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import polars as pl

from llmlog_tui.log.chunked_frame import ChunkedFrame
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.schema import without_nulls

FirstSeen = dict[str, tuple[int, int]]
"""By kind of fault: (file index, line from 1) of the first."""


class Segment:
    """Part of a log; while loading, an older one grows before the newer."""

    def __init__(self) -> None:
        self.rows = ChunkedFrame(compress=without_nulls)
        self.is_cut = False  # whether leading rows were too old
        self.blanks = 0
        self.lines: Counter[int] = Counter()  # by file
        self.skipped: Counter[str] = Counter()
        self.nulled: Counter[str] = Counter()
        self.first_skipped: FirstSeen = {}
        self.first_nulled: FirstSeen = {}

    def add(self, file: int, parsed: Parsed, frame: pl.DataFrame, too_long: int) -> None:
        """Append the rows of `parsed`, as `frame`; `too_long` lines before them were skipped."""
        self.count(file, parsed, too_long)
        self.rows.append(frame)

    def count(self, file: int, parsed: Parsed, too_long: int) -> None:
        """Count the lines and faults of `parsed`, whose rows are elsewhere."""
        before = self.lines[file] + 1
        if too_long:
            self.skipped["too_long"] += too_long
            self.first_skipped.setdefault("too_long", (file, before))
        self.lines[file] += parsed.lines + too_long
        self.blanks += parsed.blanks
        self.skipped.update(parsed.skipped.counts)
        self.nulled.update(parsed.nulled.counts)
        for first, faults in (
            (self.first_skipped, parsed.skipped),
            (self.first_nulled, parsed.nulled),
        ):
            for kind, line in faults.first.items():
                place = (file, before + too_long + line)
                known = first.setdefault(kind, place)
                if known[0] == file:  # of lines that were kept for their rest, one may be earlier
                    first[kind] = min(known, place)

    def drop_before(self, oldest: datetime, newest: datetime) -> bool:
        """Drop leading rows older than `oldest`; False if no row is in the window.

        Leading rows without ts, or later than `newest`, are dropped with older ones. Older rows
        after the first row in the window are dropped only from its own frame.
        """
        frames = self.rows.frames
        for at, frame in enumerate(frames):
            is_within = frame["ts"].is_between(oldest, newest).fill_null(value=False)
            first = is_within.arg_max() or 0 if is_within.any() else frame.height
            self.is_cut = self.is_cut or (frame["ts"].head(first) < oldest).any()
            if first < frame.height:
                remainder = frame.slice(first) if self.is_cut else frame
                kept = remainder.filter((pl.col("ts") >= oldest) | pl.col("ts").is_null())
                front = [] if self.is_cut else frames[:at]
                self.rows.replace([*front, kept, *frames[at + 1 :]])
                return True
        if self.is_cut:
            self.rows.replace([])
        return False
