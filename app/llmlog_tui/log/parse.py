"""A block of lines -> a frame, and a count of what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from llmlog_tui.log.faults import Faults, LineError, dump, is_likely, load
from llmlog_tui.log.schema import READ_SCHEMA, TEXT_SCHEMA, fitted, inferred

_BOM: Final = b"\xef\xbb\xbf"

_PIECE_LINES: Final = 256
"""A block that keeps being refused is read in pieces; in a bad piece, every line alone."""

_Lines = list[tuple[int, bytes]]


@dataclass(frozen=True, eq=False)
class Parsed:
    """What a block of lines holds; lines = frame.height + all of skipped + blanks.

    `frame` has schema.COLUMNS and `line`, UInt32: the line within the block, from 0. `skipped` are
    the lines that gave no row, by kind; `nulled` the fields, by name, that lost a value of the
    wrong type while the row was kept.
    """

    frame: pl.DataFrame
    lines: int
    blanks: int = 0
    skipped: Faults = field(default_factory=Faults)
    nulled: Faults = field(default_factory=Faults)


def parse(block: bytes, *, at_start: bool = False) -> Parsed:
    """Parse lines of JSON; `at_start`: the block begins its file, where a BOM is no fault.

    polars reads the block as one. It refuses a whole block for one bad line; in such a block the
    bad lines are found, so that each costs itself and nothing else.
    """
    if at_start:
        block = block.removeprefix(_BOM)
    count = block.count(b"\n") + (block != b"" and not block.endswith(b"\n"))
    skipped, nulled, blanks = Faults(), Faults(), 0
    numbers: Sequence[int] = range(count)
    read = _read(block, READ_SCHEMA)
    if read is None or read.height != count:
        lines = [(number, line) for number, line in enumerate(block.split(b"\n")) if line.strip()]
        blanks = count - len(lines)
        if read is None or read.height != len(lines):
            read, lines = _salvage(lines, skipped, nulled)
        numbers = [number for number, _ in lines]
    fit, lost = fitted(read)
    for name, (values, row) in lost.items():
        nulled.add(name, numbers[row], values)
    frame = inferred(fit).with_columns(pl.Series("line", numbers, pl.UInt32))
    return Parsed(frame, count, blanks, skipped, nulled)


def _read(block: bytes, schema: dict[str, pl.DataType]) -> pl.DataFrame | None:
    """The block as polars reads it, or None if it refuses it."""
    if not block or block.isspace():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_ndjson(block, schema=schema)
    except pl.exceptions.PolarsError:
        return None


def _read_lines(lines: _Lines) -> pl.DataFrame | None:
    """The lines as polars reads them, a row each, or None."""
    read = _read(b"\n".join(line for _, line in lines), TEXT_SCHEMA)
    return read if read is not None and read.height == len(lines) else None


def _salvage(lines: _Lines, skipped: Faults, nulled: Faults) -> tuple[pl.DataFrame, _Lines]:
    """The rows of all lines that hold a record, and those lines; faults of the others are noted."""
    likely = []
    for number, line in lines:
        if is_likely(line):
            likely.append((number, line))
        else:
            _clean(number, line, skipped, nulled)
    read = _read_lines(likely)
    if read is not None:
        return read, likely
    frames, kept = [pl.DataFrame(schema=TEXT_SCHEMA)], []
    for start in range(0, len(likely), _PIECE_LINES):
        piece = likely[start : start + _PIECE_LINES]
        read = _read_lines(piece)
        if read is None:
            cleaned = (_clean(*numbered, skipped, nulled) for numbered in piece)
            piece = [numbered for numbered in cleaned if numbered is not None]
            read = _read_lines(piece)
        if read is None:  # not seen yet; were it so, the lines would at least be counted
            for number, _ in piece:
                skipped.add("not_json", number)
            continue
        frames.append(read)
        kept += piece
    return pl.concat(frames), kept


def _clean(number: int, line: bytes, skipped: Faults, nulled: Faults) -> tuple[int, bytes] | None:
    """The line's known fields in words polars reads, or None, the fault noted."""
    try:
        record = load(line)
        known = {name: record[name] for name in TEXT_SCHEMA if name in record}
        for name in _LISTS & known.keys():
            if not isinstance(known[name], list | None):
                del known[name]
                nulled.add(name, number)
        return number, dump(known)
    except LineError as fault:
        skipped.add(str(fault), number)
        return None


_LISTS: Final = {name for name, dtype in TEXT_SCHEMA.items() if isinstance(dtype, pl.List)}
