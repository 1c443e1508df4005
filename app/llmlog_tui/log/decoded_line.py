"""One record's line, decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class DecodedLine(NamedTuple):
    """A record's raw line, None if its file is gone, and the record it holds."""

    line: bytes | None
    record: Mapping[str, Any] | None


def decode(raw: bytes | None, line: bytes | None = None) -> DecodedLine:
    """Decode a raw line, or the `line` that llmlog writes for it.

    It has no record if only polars can parse it.
    """
    return DecodedLine(raw, parsed(raw if line is None else line))


def parsed(line: bytes | None) -> dict[str, Any] | None:
    """Return the record; None without its line, or if only polars can parse it."""
    try:
        record = None if line is None else json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
