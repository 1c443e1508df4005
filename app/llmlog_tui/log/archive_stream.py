"""Read an archive of any size by time, few parts in memory at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.archive_part import (
    ArchiveParts,
    archive_entry,
    lines_of,
    nulled_in,
    only_here,
    part_rows,
    records_of,
)
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import BY_TIME, FRAME_SCHEMA, LONG_AGO, latest
from llmlog_tui.log.stream_window import last_records, records_since
from llmlog_tui.log.tags import Types, conform, merged_types, tag_types, with_same_tags

_UNDATED: Final = -(2**63)
"""Time of the records before the first one with a ts, in µs."""

_AT: Final = "at"
"""Column of the time by which records are sorted, in µs."""


class ArchiveStream:
    """The records of parts of archives, frame after frame, in the order of a Reader.

    Parts are read in the order of their first records, and only overlapping ones are in memory
    together. `others` are the records of other files among `files`, of which parts may have some.
    Only `columns` have values, and each frame has its own tags. With `with_lines` stored rows are
    kept for lines(), too. Of parts outside the `window` nothing is read.
    """

    def __init__(
        self,
        files: Sequence[Path],
        columns: Collection[str],
        *,
        with_lines: bool = False,
        window: Retention = EVERYTHING,
        others: pl.DataFrame | None = None,
    ) -> None:
        self.files = tuple(files)
        self.records = 0
        """Number of records read so far."""
        self._columns = columns if columns is COLUMNS else (*columns, "ts")
        self._tags: Types | None = None
        self._with_lines = with_lines
        self._window = window
        self._archives = ArchiveParts(window)
        self._archives.add(files)
        self._parts = {index: file for index, file in enumerate(files) if is_part(file)}
        self._others = others
        self._rows: dict[int, pl.DataFrame] = {}  # by file

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield records with store.FRAME_SCHEMA, then tags; `row` counts up. Raises OSError."""
        files = self._within()
        frames = self._in_order(files)
        if self._window.records is not None:
            read = sum(archive_entry(self._archives, self.files[index]).records for index in files)
            return last_records(frames, max(0, read - self._window.records))
        if self._window.span is not None and (newest := self._newest(files)):
            oldest = newest - min(self._window.span, newest - LONG_AGO)
            return records_since(frames, oldest, newest, is_cut=len(files) < len(self.files))
        return frames

    def _in_order(self, files: Sequence[int]) -> Iterator[pl.DataFrame]:
        pending = [] if self._others is None else [self._placed(self._others)]
        for at, index in sorted((self._first(index), index) for index in files):
            yield from self._taken(pending, at)
            self._rows = {file: self._rows[file] for file in _files(pending) if self._with_lines}
            pending.append(self._load(index))
        yield from self._taken(pending, None)

    @property
    def total(self) -> int:
        """Number of records in the parts."""
        return sum(archive_entry(self._archives, file).records for file in self._parts.values())

    @property
    def tags(self) -> Types:
        """The tags of all frames, after unify_tags()."""
        return {} if self._tags is None else self._tags

    @property
    def nulled(self) -> Counter[str]:
        """Numbers of values of a wrong type in the columns of the parts, by field."""
        parts = (archive_entry(self._archives, file) for file in self._parts.values())
        return sum((nulled_in(part, self._columns) for part in parts), Counter())

    def lines(self, frame: pl.DataFrame) -> list[bytes]:
        """Return lines of the last frame: as logged, or with the known fields."""
        found: list[tuple[int, bytes]] = []
        places = frame.select("file", "line").with_row_index()
        for (file,), part in places.partition_by("file", as_dict=True).items():
            found += zip(part["index"], lines_of(self._rows[file][part["line"]]), strict=True)
        return [line for _, line in sorted(found)]

    def _taken(self, pending: list[pl.DataFrame], before: int | None) -> Iterator[pl.DataFrame]:
        """Take the rows before a time, None for all, from sorted frames."""
        taken = []
        for n, frame in enumerate(pending):
            rows = frame.height if before is None else int(frame[_AT].search_sorted(before))
            taken.append(frame.head(rows))
            pending[n] = frame.slice(rows)
        pending[:] = [frame for frame in pending if frame.height]
        taken = [frame for frame in taken if frame.height]
        if taken:
            frame = taken[0]
            if len(taken) > 1:
                frame = pl.concat(with_same_tags(taken)).sort(_AT, "file", "line")
            row = pl.int_range(self.records, self.records + frame.height, dtype=pl.UInt32)
            self.records += frame.height
            yield frame.drop(_AT).with_columns(row=row)

    def unify_tags(self) -> None:
        """Give all frames the tags of all parts. Raises OSError."""
        tags = {} if self._others is None else tag_types(self._others)
        for index in self._within():
            rows = part_rows(self._archives, self.files[index], self._columns)
            tags = merged_types(tags, tag_types(records_of(rows.head(0))))
        self._tags = tags

    def _within(self) -> list[int]:
        """Return the files that may have records in the window."""
        for file in self._parts.values():
            archive_entry(self._archives, file)
        return [
            index
            for index, file in self._parts.items()
            if file.name not in self._archives.of(file).outside
        ]

    def _newest(self, files: Sequence[int]) -> datetime | None:
        """Return the latest time, a future one only if there is no other."""
        last = [archive_entry(self._archives, self.files[index]).last for index in files]
        times = pl.Series(last, dtype=pl.Int64).cast(COLUMNS["ts"])
        newest = latest(None, times)
        for index, time in zip(files, times, strict=True):
            if newest is not None and time is not None and time > newest:
                rows = part_rows(self._archives, self.files[index], ("ts",))
                newest = latest(newest, records_of(rows)["ts"])
        return newest

    def _first(self, index: int) -> int:
        """Return the time of a part's earliest record."""
        part = archive_entry(self._archives, self.files[index])
        return _UNDATED if part.first is None else part.first

    def _load(self, index: int) -> pl.DataFrame:
        """Return a part's records by time; those of an only part in their order."""
        rows = part_rows(self._archives, self.files[index], self._columns)
        if self._with_lines:
            self._rows[index] = rows
        records = records_of(rows, only_here(self._archives, self.files[index]))
        place = {"block": pl.lit(0, pl.UInt32), "row": pl.lit(0, pl.UInt32)}
        return self._by_time(records.with_columns(file=pl.lit(index, pl.UInt16), **place))

    def _placed(self, others: pl.DataFrame) -> pl.DataFrame:
        """Return the records of other files by time; `line` counts them."""
        others = others.sort("row")  # as read: where undated ones are depends on it
        files = [index for index in range(len(self.files)) if index not in self._parts]
        file = pl.Series("file", files, pl.UInt16).gather(others["file"])
        line = pl.int_range(others.height, dtype=pl.UInt32).alias("line")
        return self._by_time(others.with_columns(file, line))

    def _by_time(self, records: pl.DataFrame) -> pl.DataFrame:
        is_only = len(self.files) == 1
        when = BY_TIME.over("file").dt.epoch("us").fill_null(_UNDATED)
        at = pl.lit(_UNDATED) if is_only else when
        if self._tags is not None:
            records = conform(records, self._tags)
        columns = (*FRAME_SCHEMA, _AT, *tag_types(records))
        frame = records.with_columns(at.alias(_AT)).select(columns)
        return frame.sort(_AT, "file", maintain_order=True)


def _files(frames: Sequence[pl.DataFrame]) -> list[int]:
    """Return the file of each frame."""
    return [int(frame["file"][0]) for frame in frames]
