"""What a record is called, and by what it is known again: in another run, a rotated file."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from llmlog_tui import humanize

IDS: Final = ("span_id", "id", "request_id", "trace_id")
"""Fields of which one is enough to tell a record from most others."""

KNOWN_BY: Final = (*IDS, "ts", "step", "event")
"""The fields that make an identity, the most telling one first."""

LINE: Final = "sha256"
"""The name under which an identity has the SHA-256 of the record's line."""

RecordKey: TypeAlias = tuple[tuple[str, str | int], ...]
"""Names and values: those of KNOWN_BY that the record has, ts as RFC 3339; then LINE, if at all."""

_LONGEST: Final = 256
"""No id is longer; what is, stands in no identity."""

_TOO_MUCH: Final = 2**63


@dataclass(frozen=True)
class Bookmark:
    """A record to come back to: who it is, what it is called, and a note on it.

    `made` says when, in RFC 3339.
    """

    record: RecordKey
    what: str = ""
    note: str = ""
    made: str = ""

    def of(self, field: str) -> str | int | None:
        """What the record's identity has in a field."""
        return dict(self.record).get(field)


def record_key(record: Mapping[str, Any]) -> RecordKey:
    """By what a record, as a frame has it, is known; not by its place, which rotation changes."""
    known: list[tuple[str, str | int]] = []
    for name in KNOWN_BY:
        value = record[name]
        if isinstance(value, datetime):
            value = humanize.rfc3339(value)
        if value is not None and len(str(value)) <= _LONGEST:
            known.append((name, value))
    return tuple(known)


def parse_record_key(found: object) -> RecordKey | None:
    """What `dict(identity)` gave, read back; None for what cannot be one."""
    if not isinstance(found, dict) or not found:
        return None
    if not all(_can_be(name, value) for name, value in found.items()):
        return None
    return tuple((name, found[name]) for name in (*KNOWN_BY, LINE) if name in found)


def _can_be(name: object, value: object) -> bool:
    if name == "step":
        return type(value) is int and abs(value) < _TOO_MUCH
    if name not in (*KNOWN_BY, LINE) or not isinstance(value, str):
        return False
    with contextlib.suppress(ValueError):
        return name != "ts" or datetime.fromisoformat(value).tzinfo is not None
    return False


def with_line_hash(known: RecordKey, line: bytes) -> RecordKey:
    """The same for a record that has none of IDS: its line tells it from others of its kind."""
    import hashlib  # noqa: PLC0415 - not before the first frame

    line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    return (*known, (LINE, hashlib.sha256(line).hexdigest()))


def has_id(known: RecordKey) -> bool:
    """Whether one of IDS is in it."""
    return any(name in IDS for name, _ in known)


def record_label(record: Mapping[str, Any]) -> str:
    """What a record is of: a tool, a span, a model, else its event."""
    names = (record[name] for name in ("tool_name", "name", "model", "requested_model"))
    return next((str(name) for name in names if name), str(record["event"]))
