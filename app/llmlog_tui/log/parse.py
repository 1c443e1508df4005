"""A block of lines -> a frame, and a count of what was wrong with it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import orjson
import polars as pl

from llmlog_tui.log.schema import READ_SCHEMA, typed

_BOM: Final = b"\xef\xbb\xbf"

_PIECES: Final = 16
"""Into how many pieces a block with a bad line is cut, and again, until the bad line is alone."""

_Lines = list[tuple[int, bytes]]


@dataclass(frozen=True, eq=False)
class Parsed:
    """What a block of lines holds; lines = frame.height + sum of skipped + blanks.

    `frame` has schema.COLUMNS and `line`, UInt32: the line within the block, from 0. `skipped`
    counts lines that gave no row, by kind, and `first_skipped` has the line of each kind's first;
    `nulled` counts fields, by name, that lost a value of the wrong type while the row was kept.
    """

    frame: pl.DataFrame
    lines: int
    blanks: int
    skipped: Counter[str] = field(default_factory=Counter)
    nulled: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, int] = field(default_factory=dict)


def parse(block: bytes, *, at_start: bool = False) -> Parsed:
    """Parse lines of JSON; `at_start`: the block begins its file, where a BOM is no fault.

    polars reads the block as one. It refuses a whole block for one bad line; such a block is cut
    until the bad lines stand alone, so that each costs itself and nothing else.
    """
    if at_start:
        block = block.removeprefix(_BOM)
    lines = block.count(b"\n") + (block != b"" and not block.endswith(b"\n"))
    read = _read(block)
    if read is not None and read.height == lines:
        return _parsed(Parsed(_EMPTY, lines, 0), read, range(lines))
    full = [(number, line) for number, line in enumerate(block.split(b"\n")) if line.strip()]
    parsed = Parsed(_EMPTY, lines, lines - len(full))
    pieces = list(_pieces(full, parsed))
    numbers = [number for _, found in pieces for number in found]
    return _parsed(parsed, pl.concat([_NOTHING, *(read for read, _ in pieces)]), numbers)


def _parsed(counted: Parsed, read: pl.DataFrame, numbers: Sequence[int]) -> Parsed:
    """`counted` with the rows that were read, and a count of the times that are none."""
    frame = typed(read).with_columns(pl.Series("line", numbers, pl.UInt32))
    if no_time := frame["ts"].null_count() - read["ts"].null_count():
        counted.nulled["ts"] += no_time
    return replace(counted, frame=frame)


def _read(block: bytes) -> pl.DataFrame | None:
    """The block as polars reads it, or None if it refuses it."""
    if not block.strip():
        return _NOTHING
    try:
        return pl.read_ndjson(block, schema=READ_SCHEMA)
    except pl.exceptions.PolarsError:
        return None


_NOTHING: Final = pl.DataFrame(schema=READ_SCHEMA)
_EMPTY: Final = typed(_NOTHING).with_columns(pl.Series("line", [], pl.UInt32))


def _pieces(lines: _Lines, parsed: Parsed) -> Iterator[tuple[pl.DataFrame, list[int]]]:
    """Frames of the good lines with their numbers, in order; the bad ones are noted in `parsed`."""
    if not lines:
        return
    read = _read(b"\n".join(line for _, line in lines))
    if read is not None and read.height == len(lines):
        yield read, [number for number, _ in lines]
    elif len(lines) > 1:
        rest = iter(lines)
        while piece := list(islice(rest, math.ceil(len(lines) / _PIECES))):
            yield from _pieces(piece, parsed)
    else:
        yield from _alone(*lines[0], parsed)


def _alone(number: int, line: bytes, parsed: Parsed) -> Iterator[tuple[pl.DataFrame, list[int]]]:
    """The one row of a line that polars refused, if it can be had; else the line is skipped."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _skip(_fault(line), number, parsed)
    if not isinstance(value, dict):
        return _skip("not_object", number, parsed)
    known = {name: value[name] for name in READ_SCHEMA if value.get(name) is not None}
    fitting = {name: _fit(item, READ_SCHEMA[name]) for name, item in known.items()}
    read = _read(orjson.dumps(fitting))
    if read is None or read.height != 1:
        return _skip("not_json", number, parsed)
    parsed.nulled.update(name for name, item in fitting.items() if item is None)
    return iter([(read, [number])])


def _skip(kind: str, number: int, parsed: Parsed) -> Iterator[tuple[pl.DataFrame, list[int]]]:
    parsed.skipped[kind] += 1
    parsed.first_skipped.setdefault(kind, number)
    return iter(())


def _fit(value: object, dtype: pl.DataType) -> object:
    """`value` if it fits the dtype (a numeric string fits a number), else None."""
    if dtype == pl.Float64():
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if fits else None
    if dtype == pl.Boolean():
        return value if isinstance(value, bool) else None
    if dtype == pl.List(pl.String()):
        return value if isinstance(value, list) else None
    return value


def _fault(line: bytes) -> str:
    """The kind of what is wrong with a line that is no JSON."""
    if b"\0" in line:
        return "nul"
    try:
        text = line.decode().strip()
        _, end = json.JSONDecoder(parse_constant=_refuse).raw_decode(text)
    except UnicodeDecodeError:
        return "invalid_utf8"
    except _ConstantError:
        return "not_finite"
    except RecursionError:
        return "too_deep"
    except json.JSONDecodeError as error:
        return _broken(text, error)
    return "two_objects" if text[end:].lstrip().startswith("{") else "not_json"


def _broken(text: str, error: json.JSONDecodeError) -> str:
    if text.startswith("\ufeff"):
        return "bom"
    ends_early = error.pos >= len(text) or error.msg.startswith("Unterminated string")
    return "torn" if ends_early and text.startswith("{") else "not_json"


class _ConstantError(Exception):
    """NaN or an infinity, which Python's json takes and JSON does not have."""


def _refuse(constant: str) -> None:
    raise _ConstantError(constant)
