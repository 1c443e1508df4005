"""A block of lines -> a frame, and a count of what was wrong with it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from llmlog.record import EVENTS
from llmlog_tui.formats.llmlog import TIME_KEYS
from llmlog_tui.log.inference import events, fill_defaults, has_foreign_events, lacks_times
from llmlog_tui.log.line_errors import FaultCounts, LineError, dump, load, make_suspect_check
from llmlog_tui.log.schema import (
    COLUMNS,
    READ_SCHEMA,
    TELLING_KEYS,
    TEXT_SCHEMA,
    cheap_schema,
    coerce,
    required_schema,
)

_BOM: Final = b"\xef\xbb\xbf"

AS_ONE, WITHOUT_SUSPECTS, AS_TEXT, EACH_CHECKED, EACH_REWRITTEN = range(5)
"""How much care a block needs, until polars reads what is left of it."""

_Lines = list[tuple[int, bytes]]
_Schema = dict[str, pl.DataType]


FOREIGN: Final = "foreign"
"""Kind of a line that holds an object, but no record."""


@dataclass(frozen=True, eq=False)
class Parsed:
    """What a block of lines holds; lines = frame.height + all of skipped + blanks.

    `frame` has schema.COLUMNS and `line`, UInt32: the line within the block, from 0. `skipped` are
    the lines that gave no row, by kind; `nulled` the fields, by name, that lost a value of the
    wrong type while the row was kept. `refused` has each skipped line with its kind. `care` is
    what the next block of the file is likely to need.

    Of other formats (see file_parser) `line` is Int64, below 0 for a line of an earlier block, and
    lines may give no row, or several. `formats` counts the records of ours, and the objects of
    other formats, by the format's name.
    """

    frame: pl.DataFrame
    lines: int
    blanks: int = 0
    skipped: FaultCounts = field(default_factory=FaultCounts)
    nulled: FaultCounts = field(default_factory=FaultCounts)
    care: int = AS_ONE
    refused: Sequence[tuple[int, str]] = ()
    formats: Counter[str] = field(default_factory=Counter)


def parse(
    block: bytes,
    *,
    at_start: bool = False,
    care: int = AS_ONE,
    columns: Collection[str] = COLUMNS,
    only_ours: bool = False,
) -> Parsed:
    """Parse lines of JSON; `at_start`: the block begins its file, where a BOM is no fault.

    polars reads the block as one. It refuses a whole block for one bad line; from such a block bad
    lines are taken with more and more care, so that each costs itself and nothing else. `care`, of
    the block before, says where to begin; it changes nothing but the time this takes. Only
    `columns`, event and status have values, the others are null; values that do not fit are counted
    in all of them. With `only_ours` an object without an event of llmlog's is foreign, too.
    """
    if at_start:
        block = block.removeprefix(_BOM)
    ends = len(block) - len(block.replace(b"\n", b""))  # many times faster than count()
    count = ends + (block != b"" and not block.endswith(b"\n"))
    refused, nulled, no_lists = _Refused(), FaultCounts(), list[tuple[str, int]]()
    blanks = 0
    numbers: Sequence[int] = range(count)
    read = _read_whole(block, columns, only_ours=only_ours) if care == AS_ONE else None
    if read is None or read.height != count:
        lines = [(number, line) for number, line in enumerate(block.split(b"\n")) if line.strip()]
        blanks = count - len(lines)
        if read is None or read.height != len(lines):
            salvage = _Salvage(*_schemas(block, columns), refused, no_lists)
            read, lines, care = salvage.read(lines, make_suspect_check(block), care)
        numbers = [number for number, _ in lines]
    if has_foreign_events(read):
        read, numbers = _records_of(read, numbers, refused, only_ours=only_ours)
    fit, lost = coerce(read)
    if no_lists:
        kept = set(numbers)
        for name, line in no_lists:
            if line in kept:
                nulled.add(name, line)
    for name, (values, row) in lost.items():
        nulled.add(name, numbers[row], values)
    frame = fill_defaults(fit, columns).with_columns(pl.Series("line", numbers, pl.UInt32))
    # polars reads a block in several chunks; columns cut differently are put together in every
    # later question, which costs a hundred times what it costs here.
    frame = frame.rechunk()
    skipped = refused.counts()
    needs_care = skipped.counts or nulled.counts
    care = care if needs_care else AS_ONE
    return Parsed(frame, count, blanks, skipped, nulled, care, refused.lines)


class _Refused:
    """Lines that gave no row, and why."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def add(self, kind: str, line: int) -> None:
        self.lines.append((line, kind))

    def counts(self) -> FaultCounts:
        counts = FaultCounts()
        for line, kind in self.lines:
            counts.add(kind, line)
        return counts


def _read_whole(block: bytes, columns: Collection[str], *, only_ours: bool) -> pl.DataFrame | None:
    """The block as polars reads it, with all columns that its records turn out to need."""
    required = required_schema(READ_SCHEMA, columns)
    light = cheap_schema(required, columns)
    read = _read(block, light)
    if read is None and light != required:
        read = _read(block, required)
    if read is None:
        return None
    extra = set[str]()
    if not only_ours and has_foreign_events(read):
        extra |= TELLING_KEYS.difference(read.columns)
    if lacks_times(read):
        extra.update(_time_keys(block))
    return _read(block, required_schema(READ_SCHEMA, columns, extra)) if extra else read


def _schemas(block: bytes, columns: Collection[str]) -> tuple[_Schema, _Schema]:
    """The schemas for lines of which some are bad: all that any of them may need."""
    extra = [*TELLING_KEYS, *_time_keys(block)]
    typed, text = (required_schema(schema, columns, extra) for schema in (READ_SCHEMA, TEXT_SCHEMA))
    return typed, text


def _time_keys(block: bytes) -> list[str]:
    """Names under which loggers put their times, those that the block has."""
    return [name for name in TIME_KEYS if b'"%s"' % name.encode() in block]


def _records_of(
    read: pl.DataFrame, numbers: Sequence[int], refused: _Refused, *, only_ours: bool
) -> tuple[pl.DataFrame, Sequence[int]]:
    """The rows that are records, with their events, and their lines; the others are refused."""
    event = read["event"]
    event = event.set(~event.is_in(list(EVENTS)), None) if only_ours else events(read)
    is_record = event.is_not_null()
    for row in (~is_record).arg_true():
        refused.add(FOREIGN, numbers[row])
    rows = is_record.arg_true()
    return read.with_columns(event).filter(is_record), [numbers[row] for row in rows]


_COMPRESSED: Final = (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"(\xb5/\xfd")
"""How gzip, zlib and zstd begin."""


def _read(block: bytes, schema: _Schema) -> pl.DataFrame | None:
    """The block as polars reads it, or None if it refuses it.

    polars would unpack one that begins as a compressed file does; here that is a bad line.
    """
    if block.startswith(_COMPRESSED):
        return None
    if not block or block.isspace():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_ndjson(block, schema=schema)
    except pl.exceptions.PolarsError:
        return None


class _Salvage:
    """Reads what can be read of a bad block; notes the faults of the rest."""

    def __init__(
        self, typed: _Schema, text: _Schema, refused: _Refused, no_lists: list[tuple[str, int]]
    ) -> None:
        self._typed = typed
        self._text = text
        self._refused = refused
        self._no_lists = no_lists

    def read(
        self, lines: _Lines, is_suspect: Callable[[bytes], bool], care: int
    ) -> tuple[pl.DataFrame, _Lines, int]:
        """The rows, the lines they are of, and the care it took."""
        for level in range(max(care, WITHOUT_SUSPECTS), EACH_REWRITTEN + 1):
            kept = []
            for number, line in lines:
                if level >= EACH_CHECKED or is_suspect(line):
                    text = self._checked(number, line, rewrite=level == EACH_REWRITTEN)
                    if text is not None:
                        kept.append((number, text))
                else:
                    kept.append((number, line))
            lines = kept
            read = _read_lines(lines, self._text if level >= AS_TEXT else self._typed)
            if read is not None and level >= AS_TEXT:
                read = self._with_lists(read, lines)
            if read is not None:
                return read, lines, level
        for number, _ in lines:  # not seen yet; were it so, the lines would at least be counted
            self._refused.add("not_json", number)
        return pl.DataFrame(schema=self._text), [], care

    def _with_lists(self, read: pl.DataFrame, lines: _Lines) -> pl.DataFrame | None:
        """Lists for the text they were read as, from their lines again; None if one is no list."""
        for name in _LISTS.intersection(read.columns):
            text = read[name]
            rows = text.str.starts_with("[").arg_true()
            lists = _lists(name, lines, rows)
            if lists is None:  # text may look like a list and be none
                rows = rows.filter([_has_list(name, lines[row][1]) for row in rows])
                lists = _lists(name, lines, rows)
            if lists is None:
                return None
            for row in set(text.is_not_null().arg_true()).difference(rows):
                self._no_lists.append((name, lines[row][0]))
            nowhere = pl.Series([None], dtype=pl.UInt32).new_from_index(0, read.height)
            where = nowhere.scatter(rows, pl.int_range(len(rows), dtype=pl.UInt32, eager=True))
            read = read.with_columns(lists.gather(where))
        return read

    def _checked(self, number: int, line: bytes, *, rewrite: bool) -> bytes | None:
        """The line, perhaps in other words, or None if it holds no record."""
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
    """A row for each line, or None if polars refuses one of them or sees other lines."""
    read = _read(b"\n".join(line for _, line in lines), schema)
    return read if read is not None and read.height == len(lines) else None


def _lists(name: str, lines: _Lines, rows: pl.Series) -> pl.Series | None:
    """What these rows' lines have under `name`, or None if one of it is no list."""
    read = _read_lines([lines[row] for row in rows], {name: READ_SCHEMA[name]})
    return None if read is None else read[name]


def _has_list(name: str, line: bytes) -> bool:
    with contextlib.suppress(LineError):
        return isinstance(load(line)[0].get(name), list)
    return False
