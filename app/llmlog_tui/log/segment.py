"""Rows that follow one another, in frames, and what was counted among them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import polars as pl

from llmlog_tui.log.chunked_frame import ChunkedFrame
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.schema import without_nulls

First = dict[str, tuple[int, int]]
"""For each kind of fault the file (its index) and the line, from 1, of the first."""


class Segment:
    """A stretch of the log: a loading log has two, one still growing in front of the other."""

    def __init__(self) -> None:
        self.rows = ChunkedFrame(packed=without_nulls)
        self.is_cut = False  # whether there were rows in front that are too old
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
        for first, faults in (
            (self.first_skipped, parsed.skipped),
            (self.first_nulled, parsed.nulled),
        ):
            for kind, line in faults.first.items():
                place = (file, before + too_long + line)
                known = first.setdefault(kind, place)
                if known[0] == file:  # of lines that were kept for their rest, one may be earlier
                    first[kind] = min(known, place)
        self.rows.append(frame)

    def drop_before(self, oldest: datetime, newest: datetime) -> bool:
        """Let go of older rows in front of the first one between these times; False without one.

        Rows without ts, or with one after `newest`, go with older ones, now or before, if any. Of
        older ones behind that row only those in its frame go.
        """
        frames = self.rows.frames
        for at, frame in enumerate(frames):
            is_within = frame["ts"].is_between(oldest, newest).fill_null(value=False)
            first = is_within.arg_max() or 0 if is_within.any() else frame.height
            self.is_cut = self.is_cut or (frame["ts"].head(first) < oldest).any()
            if first < frame.height:
                rest = frame.slice(first) if self.is_cut else frame
                kept = rest.filter((pl.col("ts") >= oldest) | pl.col("ts").is_null())
                front = [] if self.is_cut else frames[:at]
                self.rows.replace([*front, kept, *frames[at + 1 :]])
                return True
        if self.is_cut:
            self.rows.replace([])
        return False
