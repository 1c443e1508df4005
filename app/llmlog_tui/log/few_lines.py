"""Read a few plain records of llmlog's without polars' parser.

A call of that wakes threads and costs as much for one line as for a hundred: too much ten times a
second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import polars as pl

from llmlog.record import EVENTS, FIELDS
from llmlog_tui.log.schema import COLUMNS, EXACT_BELOW, READ_SCHEMA, SECONDS_BELOW

MAX_BYTES: Final = 2**16
"""Maximum bytes of a block that is read here."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_ZONES: Final = {
    len("2026-11-23T12:00:00.250000Z"): "Z",
    len("2026-11-23T12:00:00.250000+00:00"): "+00:00",
}
"""Length of a plain RFC 3339 timestamp -> its zone."""


class _UnusualError(ValueError):
    """A value that is left to polars."""


def read_few(block: bytes) -> dict[str, pl.Series] | None:
    """Return the columns of a small block of plain records, as coerce() does; else None.

    A plain record has only fields of FIELDS, of their types, without content and tags; its event
    and its time need no inference.
    """
    if len(block) > MAX_BYTES or not block.startswith(b"{"):
        return None
    try:
        records = [_record(line) for line in block.removesuffix(b"\n").split(b"\n")]
        names = set[str]().union(*records)
        values = {name: [_CHECK_OF[name](each.get(name)) for each in records] for name in names}
    except ValueError:  # orjson's errors, too
        return None
    height = len(records)
    return {
        name: _column(name, column)
        for name, column in values.items()
        if name in READ_SCHEMA and column.count(None) < height
    }


def _record(line: bytes) -> dict[str, Any]:
    """Return the object of a line. Raises ValueError unless it is a plain record."""
    record = orjson.loads(line)
    if not isinstance(record, dict) or not record.keys() <= _NAMES:
        raise _UnusualError
    # One colon per name, unless a name occurs twice: polars takes the first value, orjson the last.
    if line.count(b'":') != len(record) or _SPACED.search(line):
        raise _UnusualError
    if record.get("event") not in _RECORD_EVENTS:
        raise _UnusualError
    return record


def _column(name: str, values: Sequence[object]) -> pl.Series:
    if name == "ts":
        return pl.Series(name, values, pl.Int64).cast(COLUMNS[name])
    return pl.Series(name, values, COLUMNS.get(name, READ_SCHEMA[name]))


# -- checks: each returns a value as it is kept, or raises _UnusualError


def _text(value: object) -> str | None:
    if value is not None and type(value) is not str:
        raise _UnusualError
    return value


def _integer(value: object) -> int | None:
    # polars reads integers as floats.
    if value is not None and (type(value) is not int or abs(value) >= EXACT_BELOW):
        raise _UnusualError
    return value


def _number(value: object) -> float | None:
    return value if type(value) is float else _integer(value)


def _boolean(value: object) -> bool | None:
    if value is not None and type(value) is not bool:
        raise _UnusualError
    return value


def _texts(value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(each) is str for each in value):
        raise _UnusualError
    return value


def _time(value: object) -> int | None:
    """Return µs since 1970."""
    if value is None:
        return None
    if isinstance(value, str):
        zone = _ZONES.get(len(value))
        if zone is None or not value.endswith(zone) or value[10] != "T" or value[19] != ".":
            raise _UnusualError
        return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND
    seconds = _number(value)
    if seconds is None or not 0 <= seconds < SECONDS_BELOW:
        raise _UnusualError
    return round(seconds * 1e6)


_SPACED: Final = re.compile(rb'"\s+:')
"""White space between a name and its colon."""

_RECORD_EVENTS: Final = tuple(event for event in EVENTS if event != "start")
_CHECK_OF_TYPE: Final[dict[str, Callable[[object], object]]] = {
    "int": _integer,
    "float": _number,
    "str": _text,
    "bool": _boolean,
    "strings": _texts,
    "time": _time,
}
_CHECK_OF: Final = {
    **{field.name: _CHECK_OF_TYPE[field.type] for field in FIELDS if field.type != "json"},
    "latency_ms": _number,
    "ttft_ms": _number,
}
_NAMES: Final = _CHECK_OF.keys()
