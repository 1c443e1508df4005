"""Read an archive of any size by time, few parts in memory at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.log.archive_part import ArchiveParts, archive_entry, part_records
from llmlog_tui.log.store import BY_TIME, FRAME_SCHEMA
from llmlog_tui.log.tags import Types, conform

_LONG_AGO: Final = -(2**63)
"""Time of the records before the first one with a ts, in µs."""

_AT: Final = "at"
"""Column of the time by which records are sorted, in µs."""


class ArchiveStream:
    """The records of parts, frame after frame, in the order of a Reader.

    Parts are read in the order of their first records, and only overlapping ones are in memory
    together. Only `columns` have values, and `tags` are added.
    """

    def __init__(self, parts: Sequence[Path], columns: Collection[str], tags: Types) -> None:
        self.files = tuple(parts)
        self.records = 0
        """Number of records read so far."""
        self._columns = columns
        self._tags = tags
        self._archives = ArchiveParts()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield records with store.FRAME_SCHEMA, then tags; `row` counts up. Raises OSError."""
        pending: list[pl.DataFrame] = []
        for at, index in sorted((self._first(index), index) for index in range(len(self.files))):
            yield from self._taken(pending, at)
            pending.append(self._load(index))
        yield from self._taken(pending, None)

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
            frame = taken[0] if len(taken) == 1 else pl.concat(taken).sort(_AT, "file", "line")
            row = pl.int_range(self.records, self.records + frame.height, dtype=pl.UInt32)
            self.records += frame.height
            yield frame.drop(_AT).with_columns(row=row)

    def _first(self, index: int) -> int:
        """Return the time of a part's earliest record."""
        part = archive_entry(self._archives, self.files[index])
        return _LONG_AGO if part.first is None else part.first

    def _load(self, index: int) -> pl.DataFrame:
        """Return a part's records by time; those of an only part in their order."""
        records = part_records(self._archives, self.files[index], self._columns)
        is_only = len(self.files) == 1
        at = pl.lit(_LONG_AGO) if is_only else BY_TIME.dt.epoch("us").fill_null(_LONG_AGO)
        frame = conform(records, self._tags).with_columns(
            at.alias(_AT),
            block=pl.lit(0, pl.UInt32),
            file=pl.lit(index, pl.UInt16),
            row=pl.lit(0, pl.UInt32),
        )
        columns = pl.col(*FRAME_SCHEMA, *self._tags, _AT)
        return frame.select(columns).sort(_AT, maintain_order=True)
