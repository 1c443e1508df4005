"""Identify a record across runs and rotated files, and label it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from llmlog_tui import humanize

IDS: Final = ("span_id", "id", "request_id", "trace_id")
"""Fields that identify a record alone, with few exceptions."""

KEY_FIELDS: Final = (*IDS, "ts", "step", "event")
"""The fields of a RecordKey, the most specific one first."""

LINE: Final = "sha256"
"""The name of the SHA-256 of the record's line in a RecordKey."""

RecordKey: TypeAlias = tuple[tuple[str, str | int], ...]
"""(name, value) of a record's KEY_FIELDS, ts as RFC 3339; LINE last, if any."""

_MAX_CHARS: Final = 256
"""Maximum characters per value; longer ones are left out."""

_STEP_LIMIT: Final = 2**63


class RecordLocation(NamedTuple):
    """Path of a record's file, its block and line, and its key.

    The key is part of it since a line may hold several records.
    """

    file: str
    block: int
    line: int
    row: int


@dataclass(frozen=True)
class Bookmark:
    """A bookmark: record key, label `what`, note, and time `made` (RFC 3339)."""

    record: RecordKey
    what: str = ""
    note: str = ""
    made: str = ""

    def get(self, field: str) -> str | int | None:
        return dict(self.record).get(field)


def record_key(record: Mapping[str, Any]) -> RecordKey:
    """Return the key of a frame's record, independent of its location."""
    known: list[tuple[str, str | int]] = []
    for name in KEY_FIELDS:
        value = record[name]
        if isinstance(value, datetime):
            value = humanize.rfc3339(value)
        if value is not None and len(str(value)) <= _MAX_CHARS:
            known.append((name, value))
    return tuple(known)


def parse_record_key(fields: object) -> RecordKey | None:
    """Return the key from its dict; None if it is invalid."""
    if not isinstance(fields, dict) or not fields:
        return None
    if not all(_is_valid(name, value) for name, value in fields.items()):
        return None
    return tuple((name, fields[name]) for name in (*KEY_FIELDS, LINE) if name in fields)


def _is_valid(name: object, value: object) -> bool:
    if name == "step":
        return type(value) is int and abs(value) < _STEP_LIMIT
    if name not in (*KEY_FIELDS, LINE) or not isinstance(value, str):
        return False
    with contextlib.suppress(ValueError):
        return name != "ts" or datetime.fromisoformat(value).tzinfo is not None
    return False


def with_line_hash(known: RecordKey, line: bytes) -> RecordKey:
    """Return the key with the hash of the line, for records without ids."""
    line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    return (*known, (LINE, hashlib.sha256(line).hexdigest()))


def has_id(known: RecordKey) -> bool:
    return any(name in IDS for name, _ in known)


def record_label(record: Mapping[str, Any]) -> str:
    """Return the tool, span or model of a record, else its event."""
    names = (record[name] for name in ("tool_name", "name", "model", "requested_model"))
    return next((str(name) for name in names if name), str(record["event"]))
