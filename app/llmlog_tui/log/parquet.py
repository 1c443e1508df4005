"""Read a .parquet file as the lines of JSON that its rows are."""

from __future__ import annotations

from collections.abc import Collection
from typing import BinaryIO, Final

import polars as pl
from polars.exceptions import PolarsError

from llmlog_tui.formats.csv_rows import EXPORT_ONLY, TAG
from llmlog_tui.log.schema import decategorize, integer_masks, restore_integers

_ROWS_READ: Final = 2**18
"""Rows decoded at once: the size of a row group as polars writes it."""

_ROWS_WRITTEN: Final = 2**12
"""Rows written as JSON at once; a line of every field is about a kilobyte."""


PLACE: Final = ("file", "position", "line")
"""Columns of an archive's parts that are no fields.

The number of the record's log, the offset of its line there, and with --raw the line.
"""


class ParquetError(Exception):
    """A file that cannot be read as parquet."""


class ParquetReader:
    """Reads an open file in sequence; the same file gives the same bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._row = 0
        self._rows = pl.DataFrame()
        self._unread = memoryview(b"")

    def read1(self, size: int) -> bytes:
        """Return some of the next `size` bytes, none at the end; raises ParquetError."""
        while not self._unread:
            if self._rows.is_empty():
                self._rows = self._next_rows()
                if self._rows.is_empty():
                    return b""
            rows, self._rows = self._rows.head(_ROWS_WRITTEN), self._rows.slice(_ROWS_WRITTEN)
            self._unread = memoryview(rows.write_ndjson().encode())
        part, self._unread = self._unread[:size], self._unread[size:]
        return bytes(part)

    def close(self) -> None:
        self._rows = pl.DataFrame()
        self._unread = memoryview(b"")

    def _next_rows(self) -> pl.DataFrame:
        try:
            rows = pl.scan_parquet(self._file).slice(self._row, _ROWS_READ).collect()
            self._row += rows.height
            return _as_json(rows)
        except (PolarsError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ParquetError(reason) from error


def as_lines(rows: pl.DataFrame) -> list[bytes]:
    """Return each row as a line of JSON, with its known fields."""
    masks = integer_masks(rows)
    if not masks:
        return _as_json(rows).write_ndjson().encode().split(b"\n")[:-1]
    kinds = rows.select(masks).fill_null(value=True).with_row_index()
    names = kinds.columns[1:]
    found: list[tuple[int, bytes]] = []
    for values, of_kind in kinds.partition_by(names, as_dict=True).items():
        index = of_kind["index"]
        integers = [name for name, is_integer in zip(names, values, strict=True) if is_integer]
        same = rows if index.len() == rows.height else rows[index]
        lines = _as_json(same, integers).write_ndjson().encode().split(b"\n")[:-1]
        found += zip(index, lines, strict=True)
    return [line for _, line in sorted(found)]


def _as_json(rows: pl.DataFrame, integers: Collection[str] | None = None) -> pl.DataFrame:
    """Return rows with columns as fields of a line: times as text, tags in `extra`."""
    rows = restore_integers(decategorize(rows), integers)
    if not {*PLACE} - {"line"} - {*rows.columns}:
        rows = rows.drop(PLACE, strict=False)
    elif EXPORT_ONLY.issubset(rows.columns):
        rows = rows.drop(EXPORT_ONLY)
    times = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    rows = rows.with_columns(pl.col(times).dt.strftime(_RFC_3339))
    tags = [name for name in rows.columns if name.startswith(TAG)]
    if not tags or "extra" in rows.columns:
        return rows
    members = [pl.col(name).alias(name.removeprefix(TAG)) for name in tags]
    return rows.with_columns(extra=pl.struct(members)).drop(tags)


_RFC_3339: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"
