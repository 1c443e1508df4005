"""Read the parts of an archive as files of a log, in blocks of records."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from llmlog_tui.log.archivable_log import open_bytes
from llmlog_tui.log.archive_manifest import Manifest, Part, Source, is_part
from llmlog_tui.log.archived_prefix import KnownLogs
from llmlog_tui.log.file_identity import file_identity
from llmlog_tui.log.line_errors import FaultCounts
from llmlog_tui.log.line_source import LineSource
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.open_archive import OpenArchive, Ranges
from llmlog_tui.log.parquet import PLACE, as_lines
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.reading_order import size_and_time
from llmlog_tui.log.record_block import RecordBlock
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import ALL_IDS, ALWAYS, COLUMNS, READ_SCHEMA, nulls, required_schema
from llmlog_tui.log.sources import STDIN
from llmlog_tui.log.tags import merged_types, tag_types, wants_tags

_BLOCK_ROWS: Final = 2**14
"""Rows per block, which are read again for the line of a record."""

BIG: Final = 2_000_000
"""Maximum records of an archive that are all read to look up an id."""

BIG_WINDOW: Final = Retention(records=1_000_000)
"""The window of an archive that is too big for memory, where none is given."""

_TAG_TYPES: Final = frozenset({pl.Categorical(), pl.Int64(), pl.Float64(), pl.Boolean()})


class ArchiveParts:
    """The archives among the files of a log, without records of its other files.

    Of parts outside the `window` nothing is read; with `ids` the records that have one of them, or
    begin with it. Of an archive with more than BIG records these, and the newest part, are all.
    """

    def __init__(self, window: Retention = EVERYTHING, ids: Sequence[str] = ()) -> None:
        self._window = window
        self._ids = [each for each in ids if each]
        self._others: list[Path] = []
        self._archives: dict[Path, OpenArchive] = {}

    def add(self, files: Iterable[Path]) -> None:
        """Note files that are read together."""
        self._others += [file for file in files if file != STDIN and not is_part(file)]

    def of(self, path: Path) -> OpenArchive:
        """Return the archive of a part. Raises OSError."""
        folder = path.parent
        if folder not in self._archives:
            archive = OpenArchive(folder, self._window)
            archive.elsewhere = _elsewhere(archive.sources, self._others)
            self._archives[folder] = archive
        return self._archives[folder]

    def with_ids(self, path: Path) -> pl.Expr | None:
        """Return the predicate of a part's rows to read; None for all. Raises OSError."""
        archive = self.of(path)
        newest = archive.newest
        is_big = archive.records > BIG and newest is not None and path.name != newest.file
        if not self._ids or not (is_big or path.name in archive.outside):
            return None
        return _has_id(self._ids)


class ArchivePart(LineSource):
    """Reads one part; a LineSource whose lines are its rows.

    With `newest_first` the last rows of the newest part are read first.
    """

    def __init__(
        self,
        path: Path,
        archives: ArchiveParts,
        columns: Collection[str],
        *,
        newest_first: bool = False,
    ) -> None:
        self.path = path
        self.is_waiting = False
        self.is_gone = False
        self._archives = archives
        self._columns = columns
        self._newest_first = newest_first
        self._blocks: list[RecordBlock] | None = None
        self._is_polled = False
        self._is_newest = False
        self._opened: tuple[int, ...] = ()  # the file, once its content was checked
        self._rows = self._records = 0  # that were read
        self._problem: OSError | None = None
        self._read_rows: set[int] = set()  # of a part that is outside the window
        self.rows_outside = 0
        """Number of rows that are outside the window, and were not read.

        Below 0 for rows that were read, evicted and fetched: they are counted twice elsewhere.
        """

    def read(self) -> Block | None:
        """Return the last rows if they are to come first, else None; raise as read_older()."""
        if not self._is_polled:
            self._is_polled = True
            self._try(self._find)
            if self._newest_first and self._is_newest and self._problem is None:
                self._try(self._load)
                # Not older: the rows before them are placed in front.
                return replace(self._blocks.pop(), older=False) if self._blocks else None
        if self._problem is not None:
            raise OSError(self._problem.errno, self._problem.strerror)
        return None

    def read_older(self) -> Block | None:
        if self._blocks is None and self._problem is None:
            self._try(self._load)
        return self._blocks.pop(0) if self._blocks else self.read()

    def fetch(self, wanted: Sequence[str], kept: Callable[[], pl.Series]) -> list[RecordBlock]:
        """Return the rows outside the window with an id that begins with one of these.

        Of a part that was read, `kept` returns the rows that are in the window. Raises OSError.
        """
        here = kept() if self._records else pl.Series(dtype=pl.UInt32)
        if not self.rows_outside and len(here) >= self._records:
            return []
        archive = self._archives.of(self.path)
        part = archive.named(self.path.name)
        content, records = self._content(archive, part)
        ids = _parsed(_checked(content, ALL_IDS, records), _here(archive, part)).frame
        found = ids.filter(_has_id(wanted))["line"]
        new = set(found.filter(~found.is_in(here.implode()))) - self._read_rows
        if not new:
            return []
        is_first = not self._read_rows and not self._records
        self._read_rows |= new
        self.rows_outside -= len(new)
        is_new = pl.int_range(records, dtype=pl.UInt32, eager=True).is_in(new)
        rows = _checked(content, self._columns, records)
        blocks = [_masked(block, is_new) for block in _blocks(rows.head(part.records), None)]
        # All blocks once, for the numbers of their lines.
        return [block for block in blocks if is_first or block.parsed.frame.height]

    def is_at_rest(self) -> bool:
        """Return whether all was read: a part does not change."""
        return self._is_polled and self._blocks == [] and self._problem is None

    def finish(self) -> Block | None:
        return None

    def close(self) -> None:
        self._blocks = []

    def position(self) -> tuple[int, int]:
        """Return (bytes read, bytes in the file), in proportion to its rows."""
        size, _ = size_and_time(self.path)
        if self._blocks is None:
            return 0, size if self._is_polled else 0
        if not self._rows:
            return 0, 0
        left = sum(block.length for block in self._blocks)
        return size - (size * left // self._rows if left else 0), size

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Return the lines of rows: the raw ones, else the known fields."""
        del generation
        try:
            path = self._file_now()
            if path is None:
                return None
            # Neither the names of folders nor [ and * in them have a meaning.
            found = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            rows = found.slice(offset, length)
            return b"".join(line + b"\n" for line in _lines(rows))
        except (OSError, PolarsError):
            return None

    def has_open(self, file: os.stat_result) -> bool:
        """Return whether this is the file: no other source can read it."""
        return file_identity(file) == self._opened

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            self._problem = error

    def _find(self) -> None:
        archive = self._archives.of(self.path)
        self._is_newest = archive.newest is not None and self.path.name == archive.newest.file

    def _file_now(self) -> Path | None:
        """Return the file that has the rows now, or None."""
        with suppress(FileNotFoundError):
            return self.path if file_identity(self.path.stat()) == self._opened else None
        archive = self._archives.of(self.path)
        successor = archive.successor(archive.named(self.path.name))
        return None if successor is None else self.path.with_name(successor.file)

    def _load(self) -> None:
        """Read the part into blocks. Raises OSError."""
        archive = self._archives.of(self.path)
        part = archive.part(self.path.name)
        wanted = self._archives.with_ids(self.path)
        self._blocks = []
        if part is None:
            return
        here = _here(archive, part)
        if wanted is None and part.file in archive.outside:
            self._pass_over(archive, part, here)
            return
        content, records = self._content(archive, part)
        if wanted is not None:
            ids = _parsed(_checked(content, ALL_IDS, records), here).frame
            self._read_rows = set(ids.filter(wanted)["line"])
            self.rows_outside = part.records - len(self._read_rows)
            if not self._read_rows:
                return
            here = wanted if here is None else wanted & here
        rows = _checked(content, self._columns, records).head(part.records)
        self._rows = rows.height
        self._blocks = _blocks(rows, here)
        self._records = sum(block.parsed.frame.height for block in self._blocks)
        if here is None and self._blocks:
            first = self._blocks[0]
            parsed = replace(first.parsed, nulled=self._nulled(part))
            self._blocks[0] = replace(first, parsed=parsed)

    def _pass_over(self, archive: OpenArchive, part: Part, here: pl.Expr | None) -> None:
        """Count the records of a part outside the window, from the manifest alone if possible."""
        self.rows_outside = part.records
        if here is not None:
            content, records = self._content(archive, part)
            self.rows_outside = _parsed(_checked(content, (), records), here).frame.height
        elif (nulled := self._nulled(part)).counts:
            parsed = replace(_parsed(pl.DataFrame(), None), nulled=nulled)
            self._blocks = [RecordBlock(b"", 0, 0, older=True, parsed=parsed, rows=0)]

    def _nulled(self, part: Part) -> FaultCounts:
        return FaultCounts(nulled_in(part, self._columns))

    def _content(self, archive: OpenArchive, part: Part) -> tuple[bytes, int]:
        """Return the bytes of a part's file, and its number of rows. Raises OSError."""
        try:
            identity = file_identity(self.path.stat())
            content = part.content(self.path.parent)
        except FileNotFoundError:
            successor = archive.successor(part)
            if successor is None:
                raise
            return successor.content(self.path.parent), successor.records
        self._opened = identity
        return content, part.records


def nulled_in(part: Part, columns: Collection[str]) -> Counter[str]:
    """Count a part's values of a wrong type in these columns, as parse() does."""
    counted = {*required_schema(READ_SCHEMA, columns), *(("extra",) if wants_tags(columns) else ())}
    return Counter({name: times for name, times in part.nulled if name in counted})


def _blocks(rows: pl.DataFrame, here: pl.Expr | None) -> list[RecordBlock]:
    """Return a part's rows as blocks."""
    return [
        RecordBlock(b"", at, 0, older=True, parsed=_parsed(block, here), rows=block.height)
        for at in range(0, rows.height, _BLOCK_ROWS)
        if (block := rows.slice(at, _BLOCK_ROWS)).height
    ]


def _masked(block: RecordBlock, rows: pl.Series) -> RecordBlock:
    """Return a block with some of its part's rows."""
    frame = block.parsed.frame.filter(rows.slice(block.offset, block.rows))
    return replace(block, parsed=Parsed(frame, block.rows))


def _has_id(ids: Sequence[str]) -> pl.Expr:
    """Return the predicate of rows with an id that begins with one of these."""
    columns = [pl.col(name) for name in ALL_IDS]
    found = [column.str.starts_with(each) for column in columns for each in ids]
    return pl.any_horizontal(found).fill_null(value=False)


def is_big(files: Sequence[Path]) -> bool:
    """Return whether files are the parts of an archive with more than BIG records."""
    folders = {file.parent for file in files if is_part(file)}
    with suppress(OSError):
        return sum(Manifest.read(folder).records for folder in folders) > BIG
    return False


def archived_tags(parts: Sequence[Path]) -> dict[str, pl.DataType]:
    """Return the tags of parts, and their types in all of them. Raises OSError."""
    found: dict[str, pl.DataType] = {}
    for frame in archived_frames(parts, COLUMNS, head=0):
        found = merged_types(found, tag_types(frame))
    return found


def archived_frames(
    parts: Sequence[Path], columns: Collection[str], head: int | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the records of parts, one part after the other; only `columns` have values.

    Of each only the first `head`. Raises OSError.
    """
    archives = ArchiveParts()
    for path in parts:
        rows = part_rows(archives, path, columns)
        yield records_of(rows if head is None else rows.head(head))


def archive_entry(archives: ArchiveParts, path: Path) -> Part:
    """Return a part's entry. Raises OSError with its name."""
    try:
        return archives.of(path).named(path.name)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def part_rows(archives: ArchiveParts, path: Path, columns: Collection[str]) -> pl.DataFrame:
    """Return the rows of a part with these columns. Raises OSError with its name."""
    part = archive_entry(archives, path)
    try:
        return _checked(part.content(path.parent), columns, part.records)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def records_of(rows: pl.DataFrame, here: pl.Expr | None = None) -> pl.DataFrame:
    """Return the records of a part's rows; `line` is their number, from 0."""
    return _parsed(rows, here).frame


def only_here(archives: ArchiveParts, path: Path) -> pl.Expr | None:
    """Return the predicate of a part's rows that no other file has; None for all."""
    part = archive_entry(archives, path)
    return _here(archives.of(path), part)


def lines_of(rows: pl.DataFrame) -> list[bytes]:
    """Return the lines of a part's rows: as logged, or with the known fields."""
    return list(_lines(rows.lazy()))


def _parsed(rows: pl.DataFrame, here: pl.Expr | None) -> Parsed:
    """Return the records of rows that no other file has."""
    numbers = pl.int_range(rows.height, dtype=pl.UInt32, eager=True).alias("line")
    tags = [column for column in rows if column.name not in COLUMNS and column.name not in PLACE]
    fields = [rows[name] if name in rows.columns else nulls(name, rows.height) for name in COLUMNS]
    frame = pl.DataFrame([*fields, numbers, *tags])
    if here is not None:
        frame = frame.filter(frame.with_columns(rows.select(PLACE[:2])).select(here).to_series())
    return Parsed(frame.rechunk(), frame.height)


def _here(archive: OpenArchive, part: Part) -> pl.Expr | None:
    """Return a predicate of a part's rows that no other file has; None for all."""
    known = archive.known(part.file)
    return _is_here({source: known.get(source, ()) for source in part.sources})


def _is_here(elsewhere: Mapping[int, Sequence[tuple[int, int]]]) -> pl.Expr | None:
    """Return a predicate of rows that no other file has; None for all."""
    file, position = pl.col("file"), pl.col("position")
    others = [
        (file == source) & (position >= start) & (position < end)
        for source, ranges in elsewhere.items()
        for start, end in ranges
    ]
    return ~pl.any_horizontal(others) if others else None


def _checked(content: bytes, columns: Collection[str], records: int) -> pl.DataFrame:
    """Return the wanted columns of a part, and its rows' places. Raises OSError."""
    needed = ALWAYS.union(columns, PLACE[:2])
    try:
        schema = pl.read_parquet_schema(content)
        wanted = [
            name
            for name in schema
            if name in needed or (name not in COLUMNS and name not in PLACE and wants_tags(columns))
        ]
        rows = pl.read_parquet(content, columns=wanted)
    except PolarsError as error:
        raise OSError(errno.EINVAL, "is no parquet file") from error
    fits = all(
        dtype == COLUMNS[name] if name in COLUMNS else name in PLACE or dtype in _TAG_TYPES
        for name, dtype in rows.schema.items()
    )
    if not fits or rows.height != records or not {"event", *PLACE[:2]}.issubset(rows.columns):
        raise OSError(errno.EINVAL, "has other columns or rows than the parts of an archive")
    return rows


def _lines(rows: pl.LazyFrame) -> Iterable[bytes]:
    """Return the lines of rows: as logged, or with the known fields."""
    if "line" in rows.collect_schema():
        lines = rows.select("line").collect().to_series()
        if not lines.null_count():
            return lines
    found = rows.collect()
    known = as_lines(found)
    raw = found["line"] if "line" in found.columns else [None] * found.height
    return (given if line is None else line for line, given in zip(raw, known, strict=True))


def _elsewhere(sources: Sequence[Source], files: Sequence[Path]) -> Ranges:
    """Return which archived records are in `files` as well."""
    logs, found = KnownLogs(sources), Ranges()
    for file in files:
        with suppress(OSError), open_bytes(file) as log:
            known = logs.unchanged(log.identity) or logs.find(log.read, log.size)
            for source, start, end in logs.archived(known) if known else ():
                found.setdefault(source, []).append((start, end))
    return found
