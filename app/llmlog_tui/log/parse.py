"""Parse a block of lines into a frame, and count its faults."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import polars as pl

from llmlog.record import EVENTS
from llmlog_tui.formats import Key, Record
from llmlog_tui.formats.llmlog import TIME_KEYS
from llmlog_tui.log.few_lines import read_few
from llmlog_tui.log.inference import events, fill_defaults, has_foreign_events, lacks_times
from llmlog_tui.log.line_errors import FaultCounts, LineError, dump, load, make_suspect_check
from llmlog_tui.log.line_splitter import count_newlines
from llmlog_tui.log.repeated_text import share_repeats
from llmlog_tui.log.schema import (
    COLUMNS,
    READ_SCHEMA,
    TELLING_KEYS,
    TEXT_SCHEMA,
    Columns,
    LostValues,
    coerce,
    required_schema,
    schema_of_filled,
)
from llmlog_tui.log.starts import NO_STARTS, split_starts
from llmlog_tui.log.tags import NO_TAGS, KnownTags, find_fields, read_schema, take_tags, wants_tags

_REPEATED: Final = frozenset({"trace_id", "session_id"})
"""Fields whose long texts many records share."""

_BOM: Final = b"\xef\xbb\xbf"


class Strictness(IntEnum):
    """How closely the lines of a block are examined before polars reads them."""

    WHOLE_BLOCK = 0
    SUSPECT_LINES = 1
    AS_TEXT = 2
    EVERY_LINE = 3
    REWRITTEN = 4


_Lines = list[tuple[int, bytes]]
_Schema = dict[str, pl.DataType]


FOREIGN: Final = "foreign"
"""Kind of a line with an object that is no record."""


@dataclass(frozen=True, eq=False)
class Parsed:
    """The records of a block.

    Of its lines, each is a row of `frame` or of `starts`, skipped, or blank. `starts` has the lines
    with event `start`: they announce records, and are none.

    `frame` has schema.COLUMNS and `line`, UInt32: the line within the block, from 0. `skipped`
    counts the lines without a row, by kind; `nulled`, by field, the values of a wrong type in rows
    that were kept. `strictness` is the one the next block of the file is likely to need. `refused`
    has each skipped line with its kind. Its tags are columns, too (see log.tags); `tags` is where
    the next block of the file begins to look for them. `filled` are the fields with values, in
    this block or those before it.

    Of other formats (see file_parser) `line` is Int64, below 0 for a line of an earlier block, and
    a line may give no row, or several. `formats` counts the records of llmlog's, and the objects of
    other formats, by the format's name. `corrections` are fields of records of earlier blocks.
    """

    frame: pl.DataFrame
    lines: int
    blanks: int = 0
    skipped: FaultCounts = field(default_factory=FaultCounts)
    nulled: FaultCounts = field(default_factory=FaultCounts)
    strictness: Strictness = Strictness.WHOLE_BLOCK
    refused: Sequence[tuple[int, str]] = ()
    formats: Counter[str] = field(default_factory=Counter)
    tags: KnownTags = NO_TAGS
    filled: frozenset[str] = frozenset()
    starts: pl.DataFrame = field(default_factory=NO_STARTS.clone)
    corrections: Mapping[Key, Record] = field(default_factory=dict)


def parse(  # noqa: PLR0913 - options by name
    block: bytes,
    *,
    at_start: bool = False,
    strictness: Strictness = Strictness.WHOLE_BLOCK,
    columns: Collection[str] = COLUMNS,
    only_ours: bool = False,
    tags: KnownTags = NO_TAGS,
    filled: frozenset[str] = frozenset(),
) -> Parsed:
    """Parse lines of JSON; a BOM is no fault `at_start` of a file.

    polars reads a block as one, and rejects all of it for one bad line. Such a block is examined
    with increasing strictness, so that each bad line costs only itself. `strictness`, of the block
    before, is where to start; it changes nothing but the time. So do its `filled`, and its `tags`,
    except that an unknown field of earlier blocks is read in this one, too, and that a tag with
    text in them has only text. Only `columns`, event and status have values, the others are null;
    values of a wrong type are counted in the fields that are read for them. With `only_ours` an
    object without an event of llmlog's is foreign, too.
    """
    if at_start:
        block = block.removeprefix(_BOM)
    count = _line_count(block)
    numbers: Sequence[int] = range(count)
    is_whole = strictness == Strictness.WHOLE_BLOCK
    few = read_few(block) if is_whole and columns is COLUMNS else None
    if few is not None:
        frame, starts = _framed(few, [], numbers, columns)
        return Parsed(frame, count, tags=tags, filled=filled.union(few), starts=starts)
    refused, nulled, no_lists = _Refused(), FaultCounts(), list[tuple[str, int]]()
    blanks = 0
    tags, more = _tag_schema(block, columns, tags)
    read = _Whole(block, columns, more, filled).read(only_ours=only_ours) if is_whole else None
    if read is None or read.height != count:
        lines = [(number, line) for number, line in enumerate(block.split(b"\n")) if line.strip()]
        blanks = count - len(lines)
        if read is None or read.height != len(lines):
            salvage = _Salvage(*_schemas(block, columns, more), refused, no_lists)
            read, lines, strictness = salvage.read(lines, make_suspect_check(block), strictness)
        numbers = [number for number, _ in lines]
    if has_foreign_events(read):
        read, numbers = _records_of(read, numbers, refused, only_ours=only_ours)
    of_tags, tags = _take_tags(read, tags, (block, numbers), nulled)
    of_more = [name for name in more if read.drop_in_place(name).null_count() < read.height]
    fit, lost = coerce(read)
    if lost or no_lists:
        _count(nulled, numbers, no_lists, lost, required_schema(READ_SCHEMA, columns))
    for name in _REPEATED & fit.keys():
        fit[name] = share_repeats(fit[name])
    frame, starts = _framed(fit, of_tags, numbers, columns)
    skipped = refused.counts()
    is_faulty = skipped.counts or nulled.counts
    next_strictness = strictness if is_faulty else Strictness.WHOLE_BLOCK
    return Parsed(
        frame,
        count,
        blanks,
        skipped,
        nulled,
        next_strictness,
        refused.lines,
        tags=tags,
        filled=filled.union(fit, of_more),
        starts=starts,
    )


def _framed(
    fit: Columns, tags: Sequence[pl.Series], numbers: Sequence[int], columns: Collection[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records, and the starts, of columns from coerce() and of tags."""
    line = pl.Series("line", numbers, pl.UInt32)
    # polars reads a block in chunks that differ by column; aligning them in every later query costs
    # a hundred times more than a rechunk here.
    frame = pl.DataFrame([*fill_defaults(fit, len(line), columns), line, *tags]).rechunk()
    return split_starts(frame)


def _line_count(block: bytes) -> int:
    return count_newlines(block) + (block != b"" and not block.endswith(b"\n"))


def _tag_schema(
    block: bytes, columns: Collection[str], tags: KnownTags
) -> tuple[KnownTags, _Schema]:
    """Return the tags to look for in a block, and their schema."""
    if not wants_tags(columns):
        return tags, {}
    found = find_fields(block, tags)
    return found, read_schema(found)


def _take_tags(
    read: pl.DataFrame, tags: KnownTags, source: tuple[bytes, Sequence[int]], nulled: FaultCounts
) -> tuple[list[pl.Series], KnownTags]:
    """Return the tag columns of rows, and the known tags."""
    if "extra" not in read.columns:
        return [], tags
    block, numbers = source

    def lines_of(rows: pl.Series) -> list[bytes]:
        lines = block.split(b"\n")
        return [lines[numbers[row]] for row in rows]

    found = take_tags(read, tags, lines_of)
    for row in found.misfits.arg_true():
        nulled.add("extra", numbers[row])
    return found.columns, found.known


def _count(
    nulled: FaultCounts,
    numbers: Sequence[int],
    no_lists: Sequence[tuple[str, int]],
    lost: Mapping[str, LostValues],
    counted: Collection[str],
) -> None:
    """Note the misfits of the fields `counted`; bad lines may need others to be read."""
    if no_lists:
        kept = set(numbers)
        for name, line in no_lists:
            if line in kept and name in counted:
                nulled.add(name, line)
    for name, (values, row) in lost.items():
        if name in counted:
            nulled.add(name, numbers[row], values)


class _Refused:
    """Lines without a row, by kind."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def add(self, kind: str, line: int) -> None:
        self.lines.append((line, kind))

    def counts(self) -> FaultCounts:
        counts = FaultCounts()
        for line, kind in self.lines:
            counts.add(kind, line)
        return counts


class _Whole:
    """Reads a block at once: its required columns, and `more`."""

    def __init__(
        self, block: bytes, columns: Collection[str], more: _Schema, filled: frozenset[str]
    ) -> None:
        self._block = block
        self._columns = columns
        self._more = more
        self._filled = filled

    def read(self, *, only_ours: bool) -> pl.DataFrame | None:
        """Return the rows; None if polars rejects the block."""
        read = self._with()
        if read is None:
            return None
        extra = set[str]()
        if not only_ours and has_foreign_events(read):
            extra |= TELLING_KEYS.difference(read.columns)
        if lacks_times(read):
            extra.update(_time_keys(self._block))
        return self._with(extra) if extra else read

    def _with(self, extra: Collection[str] = ()) -> pl.DataFrame | None:
        required = required_schema(READ_SCHEMA, self._columns, extra) | self._more
        schemas = [required]
        if self._filled:
            # Columns without values are a third of the work in a log of llmlog's.
            schemas.insert(0, schema_of_filled(required, self._filled.union(extra)))
        reads = (_read(self._block, schema) for schema in schemas)
        return next((read for read in reads if read is not None), None)


def _schemas(block: bytes, columns: Collection[str], more: _Schema) -> tuple[_Schema, _Schema]:
    """Return the typed and the text schema for a block with bad lines.

    They have all columns that any of the lines may need.
    """
    extra = [*TELLING_KEYS, *_time_keys(block)]
    typed, text = (required_schema(schema, columns, extra) for schema in (READ_SCHEMA, TEXT_SCHEMA))
    return typed | more, text | more


def _time_keys(block: bytes) -> list[str]:
    """Return the names of loggers' times that occur in the block."""
    return [name for name in TIME_KEYS if b'"%s"' % name.encode() in block]


def _records_of(
    read: pl.DataFrame, numbers: Sequence[int], refused: _Refused, *, only_ours: bool
) -> tuple[pl.DataFrame, Sequence[int]]:
    """Return the rows that are records, and their lines; refuse the others."""
    event = read["event"]
    event = event.set(~event.is_in(list(EVENTS)), None) if only_ours else events(read)
    is_record = event.is_not_null()
    for row in (~is_record).arg_true():
        refused.add(FOREIGN, numbers[row])
    rows = is_record.arg_true()
    return read.with_columns(event).filter(is_record), [numbers[row] for row in rows]


_COMPRESSED: Final = (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"(\xb5/\xfd")
"""First bytes of gzip, zlib and zstd data."""


def _read(block: bytes, schema: _Schema) -> pl.DataFrame | None:
    """Return the block as polars reads it; None if polars rejects it."""
    # polars would decompress such a block; here it is a bad line.
    if block.startswith(_COMPRESSED):
        return None
    if not block or block.isspace():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_ndjson(block, schema=schema)
    except pl.exceptions.PolarsError:
        return None


class _Salvage:
    """Reads the good lines of a bad block, and counts the faults of the others."""

    def __init__(
        self, typed: _Schema, text: _Schema, refused: _Refused, no_lists: list[tuple[str, int]]
    ) -> None:
        self._typed = typed
        self._text = text
        self._refused = refused
        self._no_lists = no_lists

    def read(
        self, lines: _Lines, is_suspect: Callable[[bytes], bool], strictness: Strictness
    ) -> tuple[pl.DataFrame, _Lines, Strictness]:
        """Return the rows, their lines, and the strictness that was needed."""
        for level in tuple(Strictness)[max(strictness, Strictness.SUSPECT_LINES) :]:
            kept = []
            for number, line in lines:
                if level >= Strictness.EVERY_LINE or is_suspect(line):
                    text = self._checked(number, line, rewrite=level == Strictness.REWRITTEN)
                    if text is not None:
                        kept.append((number, text))
                else:
                    kept.append((number, line))
            lines = kept
            read = _read_lines(lines, self._text if level >= Strictness.AS_TEXT else self._typed)
            if read is not None and level >= Strictness.AS_TEXT:
                read = self._with_lists(read, lines)
            if read is not None:
                return read, lines, level
        for number, _ in lines:  # never observed; the lines are counted at least
            self._refused.add("not_json", number)
        return pl.DataFrame(schema=self._text), [], strictness

    def _with_lists(self, read: pl.DataFrame, lines: _Lines) -> pl.DataFrame | None:
        for name in _LISTS.intersection(read.columns):
            text = read[name]
            rows = text.str.starts_with("[").arg_true()
            lists = _lists(name, lines, rows)
            if lists is None:  # text may only look like a list
                rows = rows.filter([_has_list(name, lines[row][1]) for row in rows])
                lists = _lists(name, lines, rows)
            if lists is None:
                return None
            for row in set(text.is_not_null().arg_true()).difference(rows):
                self._no_lists.append((name, lines[row][0]))
            no_index = pl.Series([None], dtype=pl.UInt32).new_from_index(0, read.height)
            index = no_index.scatter(rows, pl.int_range(len(rows), dtype=pl.UInt32, eager=True))
            read = read.with_columns(lists.gather(index))
        return read

    def _checked(self, number: int, line: bytes, *, rewrite: bool) -> bytes | None:
        """Return the line, rewritten if necessary; None if it has no record."""
        try:
            record, is_plain = load(line)
            lists = _LISTS & self._text.keys()
            misfits = [name for name in lists if not isinstance(record.get(name), list | None)]
            if is_plain and not misfits and not rewrite:
                return line
            for name in misfits:
                self._no_lists.append((name, number))
                del record[name]
            return dump({name: record[name] for name in self._text if name in record})
        except LineError as fault:
            self._refused.add(str(fault), number)
            return None


_LISTS: Final = {name for name, dtype in READ_SCHEMA.items() if isinstance(dtype, pl.List)}


def _read_lines(lines: _Lines, schema: _Schema) -> pl.DataFrame | None:
    """Return one row per line; None if polars rejects a line or splits lines differently."""
    read = _read(b"\n".join(line for _, line in lines), schema)
    return read if read is not None and read.height == len(lines) else None


def _lists(name: str, lines: _Lines, rows: pl.Series) -> pl.Series | None:
    read = _read_lines([lines[row] for row in rows], {name: READ_SCHEMA[name]})
    return None if read is None else read[name]


def _has_list(name: str, line: bytes) -> bool:
    with contextlib.suppress(LineError):
        return isinstance(load(line)[0].get(name), list)
    return False
