"""Blocks -> Snapshot: everything read so far, and where each raw line lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.log.faults import Faults
from llmlog_tui.log.lines import Block
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.schema import COLUMNS

FRAME_SCHEMA: Final[dict[str, pl.DataType]] = {
    **COLUMNS,
    "line": pl.UInt32(),
    "block": pl.UInt32(),
    "file": pl.UInt16(),
    "row": pl.UInt32(),
}
"""COLUMNS, and where a record is from: `line` in `block`, `file` (both indexes), `row` its key."""

_MAX_CHUNKS: Final = 64
"""A frame in more pieces than this is made one: a live log arrives a few lines at a time."""


@dataclass(frozen=True)
class Place:
    """A line of a file; `line` counts from 1 over all that was read of that file."""

    file: Path
    line: int


@dataclass(frozen=True)
class Counts:
    """What became of every line: lines = records + sum of skipped + blanks."""

    lines: int = 0
    records: int = 0
    blanks: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    nulled: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, Place] = field(default_factory=dict)
    first_nulled: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Stretch:
    """Where a block lies: bytes `offset` to `offset + length` of one generation of a file."""

    file: int
    generation: int
    offset: int
    length: int


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All records read up to one moment; never changes.

    `frame` has one row a record, in file order (several files: merged by ts as they were loaded),
    with FRAME_SCHEMA's columns. `row` is the record's key: it counts up as records arrive.
    """

    files: tuple[Path, ...]
    frame: pl.DataFrame
    counts: Counts

    @classmethod
    def empty(cls, files: Sequence[Path]) -> Snapshot:
        """A snapshot of files of which nothing was read yet."""
        return cls(tuple(files), pl.DataFrame(schema=FRAME_SCHEMA), Counts())


class Store:
    """Takes parsed blocks in, gives snapshots out. Belongs to one thread; its snapshots to all."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._frame = pl.DataFrame(schema=FRAME_SCHEMA)
        self._counts = Counts()
        self._lines = [0] * len(self._files)
        self._stretches: list[Stretch] = []

    def add(self, file: int, block: Block, parsed: Parsed) -> None:
        """Append the records of `block`, which is from the file with index `file`."""
        have = self._counts
        skipped, nulled = parsed.skipped, parsed.nulled
        if block.too_long:
            skipped.add("too_long", -1, block.too_long)
        rows = pl.int_range(have.records, have.records + parsed.frame.height, eager=True)
        where = {"block": len(self._stretches), "file": file}
        self._frame.vstack(
            parsed.frame.with_columns(
                *(pl.lit(index, FRAME_SCHEMA[name]).alias(name) for name, index in where.items()),
                rows.cast(pl.UInt32).alias("row"),
            ),
            in_place=True,
        )
        self._stretches.append(Stretch(file, block.generation, block.offset, len(block.data)))
        self._counts = Counts(
            have.lines + parsed.lines + block.too_long,
            have.records + parsed.frame.height,
            have.blanks + parsed.blanks,
            have.skipped + skipped.counts,
            have.nulled + nulled.counts,
            self._places(file, skipped, block.too_long) | have.first_skipped,
            self._places(file, nulled, block.too_long) | have.first_nulled,
        )
        self._lines[file] += parsed.lines + block.too_long

    def _places(self, file: int, faults: Faults, passed: int) -> dict[str, Place]:
        before = self._lines[file] + passed
        return {
            kind: Place(self._files[file], before + line + 1) for kind, line in faults.first.items()
        }

    def merge_by_time(self) -> None:
        """Bring the records of several files into one order.

        One without ts stays behind the last before it in its file that has one.
        """
        if len(self._files) > 1:
            when = pl.col("ts").forward_fill().over("file")
            self._frame = self._frame.sort(when, maintain_order=True, nulls_last=False)

    def snapshot(self) -> Snapshot:
        """All records added so far."""
        if self._frame.n_chunks() > _MAX_CHUNKS:
            self._frame = self._frame.rechunk()
        return Snapshot(self._files, self._frame.clone(), self._counts)

    def stretch(self, block: int) -> Stretch:
        """Where the block with this index lies."""
        return self._stretches[block]
