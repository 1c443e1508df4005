"""Collect parsed blocks into snapshots, with the location of each raw line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.log.corrections import correct, corrected
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS, without_nulls
from llmlog_tui.log.segment import FirstSeen, Segment
from llmlog_tui.log.starts import RunningStep, StartTracker
from llmlog_tui.log.tags import conform, merged_types, tag_types

FRAME_SCHEMA: Final[dict[str, pl.DataType]] = {
    **COLUMNS,
    "line": pl.UInt32(),
    "block": pl.UInt32(),
    "file": pl.UInt16(),
    "row": pl.UInt32(),
}
"""COLUMNS, the source of a record (`line` in `block`, `file`: indexes), and its key `row`."""

BY_TIME: Final = pl.col("ts").forward_fill().backward_fill()
"""Time by which the records of several files are merged."""

_RANGE_BYTES: Final = 256 * 2**10
"""Maximum bytes of a range; adjacent blocks are joined up to this size."""

_MERGED_ROWS: Final = 2**17
"""Minimum rows of several files that are sorted to find the ones outside the window."""


@dataclass(frozen=True)
class SourceLocation:
    """A line of a file; `line` counts from 1 over everything read from that file."""

    file: Path
    line: int


@dataclass(frozen=True)
class RecordCounts:
    """Lines by outcome: lines = records + starts + sum of skipped + blanks."""

    lines: int = 0
    records: int = 0
    blanks: int = 0
    starts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    nulled: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, SourceLocation] = field(default_factory=dict)
    first_nulled: dict[str, SourceLocation] = field(default_factory=dict)


@dataclass(frozen=True)
class ByteRange:
    """Bytes `offset` to `offset + length` of one generation of a file, with `lines` lines.

    `skipped` lines before them were too long to be read.
    """

    file: int
    generation: int
    offset: int
    length: int
    lines: int
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The records read up to one moment; immutable.

    `frame` has one row a record, in file order (several files: merged by ts as they were loaded),
    with FRAME_SCHEMA's columns, then its tags' (see log.tags). `row` is the record's key: it counts
    up as records are read, the newest of a big file before its older ones. While `is_loading`,
    older records are still to be inserted before, and order is not final. Rows from key `live_from`
    on arrived while following. `dropped` records were read but are outside the retention window.
    `formats` are the names of the formats of its files, the commonest first. `revision` counts
    how often fields of earlier records were corrected, and records put in front of them. `running`
    are the steps that have begun and not ended; none while loading. The first `fetched` rows are
    from outside the window: they were asked for.
    """

    files: tuple[Path, ...]
    frame: pl.DataFrame
    counts: RecordCounts
    is_loading: bool = False
    live_from: int | None = None
    dropped: int = 0
    formats: tuple[str, ...] = ()
    running: tuple[RunningStep, ...] = ()
    revision: int = 0
    fetched: int = 0

    @classmethod
    def empty(cls, files: Sequence[Path]) -> Snapshot:
        return cls(tuple(files), pl.DataFrame(schema=FRAME_SCHEMA), RecordCounts(), is_loading=True)


class Store:
    """Collects parsed blocks; owned by one thread, its snapshots are for all."""

    def __init__(self, files: Sequence[Path], window: Retention = EVERYTHING) -> None:
        self._files = list(files)
        self._window = window
        self._older = (
            Segment()
        )  # read after the newest records while loading, and placed before them
        self._newer = Segment()
        self._fetched = pl.DataFrame()  # rows in front of these, whatever the window
        self._records = 0
        self._dropped = 0
        self._newest: datetime | None = None
        self._merge_at = _MERGED_ROWS  # rows of several files, while loading
        self._live_from: int | None = None
        self._ranges: list[ByteRange] = []
        self._numbers = _LineNumbers()
        self._converted: set[int] = set()  # ranges with records that differ from their lines
        self._formats: Counter[str] = Counter()
        self._starts = StartTracker()
        self._start_lines = 0
        self._tags: dict[str, pl.DataType] = {}
        self._revision = 0
        self._ends_line = True  # whether the last range ends with a newline

    def add_file(self, file: Path) -> int:
        self._files.append(file)
        return len(self._files) - 1

    def add(
        self, file: int, block: Block, parsed: Parsed, *, is_fetched: bool = False
    ) -> pl.DataFrame:
        """Append the records of a block, and return them.

        Records that are fetched from outside the window come before all others, and stay.
        """
        byte_range, line = self._locate(file, block, parsed.lines)
        if parsed.frame["line"].dtype == pl.UInt32:
            frame = parsed.frame
            if line:
                frame = frame.with_columns(pl.col("line") + line)
            frame = frame.hstack([_constant("block", byte_range, frame.height, pl.UInt32)])
        else:
            frame = self._located(file, parsed.frame)
        self._numbers.fed[file] += parsed.lines
        return self._append(file, parsed, frame, block, is_fetched=is_fetched)

    def add_late(self, file: int, parsed: Parsed) -> pl.DataFrame:
        """Append records of lines that were added before, and return them."""
        is_older = file in self._older.lines and file not in self._newer.lines
        block = Block(b"", 0, 0, older=is_older)
        return self._append(file, parsed, self._located(file, parsed.frame), block)

    def _located(self, file: int, frame: pl.DataFrame) -> pl.DataFrame:
        """Return converted records with `line` and `block` of the lines they were made of."""
        line, block = self._numbers.find(file, frame["line"])
        self._converted.update(block.value_counts().to_series())  # faster than unique()
        return frame.with_columns(line, block)

    def _append(
        self,
        file: int,
        parsed: Parsed,
        frame: pl.DataFrame,
        block: Block,
        *,
        is_fetched: bool = False,
    ) -> pl.DataFrame:
        height = frame.height
        rows = pl.int_range(self._records, self._records + height, dtype=pl.UInt32, eager=True)
        frame = frame.hstack([_constant("file", file, height, pl.UInt16), rows.alias("row")])
        if parsed.corrections:
            parts = (self._older.rows, self._newer.rows)
            self._revision += correct(parts, parsed.corrections)
            frame = corrected(frame, parsed.corrections)
        frame = self._with_tags(frame)
        self._start_lines += parsed.starts.height
        self._starts.add(parsed.starts, frame)
        self._records += height
        self._formats.update(parsed.formats)
        if is_fetched:
            self._older.count(file, parsed, block.too_long)
            self._put_in_front(frame)
            return frame
        part = self._older if block.older and self._live_from is None else self._newer
        part.add(file, parsed, frame, block.too_long)
        self._keep_window(frame)
        return frame

    def _put_in_front(self, frame: pl.DataFrame) -> None:
        if frame.height:
            frames = [each for each in (self._fetched, frame) if each.height]
            fetched = pl.concat(frames).sort(BY_TIME, maintain_order=True)
            self._fetched = without_nulls(fetched)
            self._revision += 1

    def _with_tags(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with all tags, and add new ones to earlier frames."""
        found = tag_types(frame)
        if not found and not self._tags:
            return frame
        types = merged_types(self._tags, found)
        if types != self._tags:
            self._tags = types
            for part in (self._older, self._newer):
                part.rows.replace([conform(each, types) for each in part.rows.frames])
            if self._fetched.height:
                self._fetched = conform(self._fetched, types)
        return conform(frame, types)

    def loaded(self) -> None:
        """Mark later records as live, and merge the records of several files by ts.

        A record without ts stays after the last record before it in its file that has one, and
        before the first if there is none.
        """
        self._live_from = self._records
        self._starts.settle(self._frame())  # the end of a file is read before its beginning
        if len(self._files) > 1 and self._height():
            self._merge_files()
            self._drop_outside()

    def snapshot(self) -> Snapshot:
        older, newer = self._older, self._newer
        counts = RecordCounts(
            older.lines.total() + newer.lines.total(),
            self._records,
            older.blanks + newer.blanks,
            self._start_lines,
            older.skipped + newer.skipped,
            older.nulled + newer.nulled,
            self._locations(older.first_skipped, newer.first_skipped),
            self._locations(older.first_nulled, newer.first_nulled),
        )
        is_loading = self._live_from is None
        files = tuple(self._files)
        formats = tuple(name for name, _ in self._formats.most_common())
        return Snapshot(
            files,
            self._frame(),
            counts,
            is_loading,
            self._live_from,
            self._dropped,
            formats,
            () if is_loading else self._starts.running(),
            self._revision,
            self._fetched.height,
        )

    def ranges(self) -> list[ByteRange]:
        """Return all ranges so far, by block index; any thread may ask."""
        return self._ranges.copy()

    @property
    def converted(self) -> frozenset[int]:
        """Blocks with records that differ from their lines."""
        return frozenset(self._converted)

    def byte_range(self, block: int) -> ByteRange:
        return self._ranges[block]

    def range_after(self, before: ByteRange) -> ByteRange | None:
        """Return the range that follows `before` in its file; None at its end."""
        for index in self._numbers.ranges[before.file]:
            found = self._ranges[index]
            is_same = found.generation == before.generation
            if is_same and found.offset == before.offset + before.length:
                return found
        return None

    @property
    def dropped(self) -> int:
        """Number of records that were read, and are outside the window."""
        return self._dropped

    def is_converted(self, block: int) -> bool:
        """Return whether records of a block differ from their lines."""
        return block in self._converted

    def first_lines(self) -> list[int]:
        """Return, by block index, the number of its first line in its file, from 1."""
        ends: dict[tuple[int, int], int] = {}
        known: dict[tuple[int, int], tuple[ByteRange, int]] = {}  # the last one, its first line
        first = [0] * len(self._ranges)
        by_offset = sorted(enumerate(self._ranges), key=lambda item: item[1].offset)
        for index, byte_range in by_offset:
            of_file = (byte_range.file, byte_range.generation)
            before, line = known.get(of_file, (byte_range, 0))
            if line and byte_range.offset < before.offset + before.length:
                # Rows of an archive that are read again, for other records.
                first[index] = line + byte_range.offset - before.offset
                continue
            first[index] = ends.get(of_file, 1) + byte_range.skipped
            ends[of_file] = first[index] + byte_range.lines
            known[of_file] = (byte_range, first[index])
        return first

    def rows_of(self, file: int) -> pl.Series:
        """Return the rows of an archive's part that are in memory, by their numbers."""
        places = self._frame().lazy().filter(pl.col("file") == file).select("block", "line")
        found = places.collect()
        starts = pl.Series([each.offset for each in self._ranges], dtype=pl.UInt64)
        return starts.gather(found["block"]) + found["line"]

    def _frame(self) -> pl.DataFrame:
        fetched = [self._fetched] if self._fetched.height else []
        frames = fetched + self._older.rows.merged + self._newer.rows.merged
        return pl.concat(frames) if frames else pl.DataFrame(schema=FRAME_SCHEMA)

    def _locate(self, file: int, block: Block, lines: int) -> tuple[int, int]:
        """Return the index of the range of `block`, and its first line in that range."""
        length = block.length
        last = self._ranges[-1] if self._ranges and self._ends_line else None
        self._ends_line = block.ends_line
        if (
            last
            and not block.too_long
            and (last.file, last.generation) == (file, block.generation)
            and last.offset + last.length == block.offset
            and last.length + length <= _RANGE_BYTES
        ):
            self._ranges[-1] = replace(last, length=last.length + length, lines=last.lines + lines)
            return len(self._ranges) - 1, last.lines
        self._ranges.append(
            ByteRange(file, block.generation, block.offset, length, lines, block.too_long)
        )
        self._numbers.add(file, len(self._ranges) - 1)
        return len(self._ranges) - 1, 0

    def _keep_window(self, added: pl.DataFrame) -> None:
        if self._window == EVERYTHING:
            return
        if self._window.span is not None:
            self._newest = latest(self._newest, added["ts"])
        if self._live_from is None and len(self._files) > 1 and self._older.rows.height:
            # Newest files come first: which rows are the oldest is known once all are in order.
            if self._height() < self._merge_at:
                return
            self._merge_files()
        self._drop_outside()
        self._merge_at = max(_MERGED_ROWS, 2 * self._height())

    def _merge_files(self) -> None:
        """Sort the records of several files by ts."""
        merged = self._frame().sort(BY_TIME.over("file"), maintain_order=True, nulls_last=False)
        self._older.rows.replace([without_nulls(merged)])
        self._newer.rows.replace([])

    def _drop_outside(self) -> None:
        """Drop the rows outside the window."""
        keep = self._window
        if keep.records is not None:
            extra = self._height() - keep.records
            from_older = self._older.rows.drop_first(max(0, extra))
            self._dropped += from_older + self._newer.rows.drop_first(max(0, extra - from_older))
        if keep.span is not None and (newest := self._newest):
            oldest = newest - min(keep.span, newest - LONG_AGO)
            before = self._height()
            if not self._older.drop_before(oldest, newest):
                self._newer.drop_before(oldest, newest)
                if self._newer.is_cut:
                    self._older.rows.replace([])
            self._dropped += before - self._height()

    def _height(self) -> int:
        return self._older.rows.height + self._newer.rows.height

    def _locations(self, older: FirstSeen, newer: FirstSeen) -> dict[str, SourceLocation]:
        """Return the first fault of each kind over both segments, of the first file."""
        before = self._older.lines
        newer = {kind: (file, before[file] + line) for kind, (file, line) in newer.items()}
        first = {kind: min(newer.get(kind, at), at) for kind, at in older.items()}
        return {
            kind: SourceLocation(self._files[file], line)
            for kind, (file, line) in (newer | first).items()
        }


def _constant(name: str, value: int, height: int, dtype: type[pl.DataType]) -> pl.Series:
    return pl.Series(name, [value], dtype).new_from_index(0, height)


class _LineNumbers:
    """Location of each file's lines by number, from 0, in reading order."""

    def __init__(self) -> None:
        self.fed: Counter[int] = Counter()
        """Number of lines so far, by file."""
        self.ranges: defaultdict[int, list[int]] = defaultdict(list)
        """Indexes of each file's ranges."""
        self._first: defaultdict[int, list[int]] = defaultdict(list)

    def add(self, file: int, byte_range: int) -> None:
        """Note that the file's next line begins a range."""
        self.ranges[file].append(byte_range)
        self._first[file].append(self.fed[file])

    def find(self, file: int, lines: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return `line` and `block` of lines given by their distance from the file's next one."""
        ranges = self.ranges[file]
        if len(ranges) == 1 and not self.fed[file]:  # of thousands of files, most are one block
            return lines.cast(pl.UInt32), _constant("block", ranges[0], len(lines), pl.UInt32)
        numbers = (lines + self.fed[file]).clip(0)
        firsts = pl.Series(self._first[file], dtype=pl.Int64)
        index = firsts.search_sorted(numbers, side="right") - 1
        blocks = pl.Series("block", self.ranges[file], pl.UInt32).gather(index)
        return (numbers - firsts.gather(index)).cast(pl.UInt32).alias("line"), blocks


def latest(known: datetime | None, times: pl.Series) -> datetime | None:
    """Return the latest time, a future one only if there is no other."""
    now = datetime.now(UTC) + _CLOCK_SKEW
    found = (known, times.filter(times <= now).max(), times.max())
    dated = [time for time in found if isinstance(time, datetime)]
    return max([time for time in dated if time <= now] or dated, default=None)


LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
"""The earliest datetime."""
_CLOCK_SKEW: Final = timedelta(days=1)
"""Maximum clock skew, or offset of a local time read as UTC."""
