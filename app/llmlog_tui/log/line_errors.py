"""Diagnose a line that polars rejects, and salvage its record."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from llmlog_tui.sanitize import encodable


@dataclass(frozen=True)
class FaultCounts:
    """Number of faults by kind, and the line of the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, line: int, times: int = 1) -> None:
        self.counts[kind] += times
        self.first[kind] = min(line, self.first.get(kind, line))

    def update(self, other: FaultCounts, lines: Sequence[int]) -> None:
        """Note the faults of other lines, by the numbers they have here."""
        for kind, times in other.counts.items():
            self.add(kind, lines[other.first[kind]], times)


class LineError(Exception):
    """A line without a record; the message is the kind of fault.

    One of not_json, not_object, torn, invalid_utf8, nul, bom, two_objects, not_finite (NaN or an
    infinity), number_too_large (for a double), too_deep.
    """


def load(line: bytes) -> tuple[dict[str, object], bool]:
    """Return the object of a line, and whether orjson accepts it. Raises LineError."""
    is_plain = True
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith(_DEPTH):  # json's own limit depends on the Python version
            raise LineError("too_deep") from None
        value = _load_slowly(line)
        is_plain = False
    if not isinstance(value, dict):
        raise LineError("not_object")
    return value, is_plain


def dump(record: dict[str, object]) -> bytes:
    """Return a line that every parser accepts, of a record from load(). Raises LineError.

    Half a surrogate pair is U+FFFD.
    """
    try:
        return encodable(json.dumps(record, ensure_ascii=False)).encode()
    except RecursionError:
        raise LineError("too_deep") from None


def make_suspect_check(block: bytes) -> Callable[[bytes], bool]:
    """Return a fast check whether a non-blank line of `block` may be faulty.

    Suspect is a line that does not begin and end like an object, or may contain two of them, a NaN,
    an infinity, a NUL or invalid UTF-8.
    """
    is_clean = b"\0" not in block and _is_utf8(block)

    def is_suspect(line: bytes) -> bool:
        if line[-1] != _CLOSE:
            line = line.strip()
        # Each search for two bytes follows one for a single byte, which is ten times faster.
        return not (
            line[:1] == b"{"
            and line[-1:] == b"}"
            and (line.find(_CLOSE) == len(line) - 1 or not (b"}{" in line or b"} {" in line))
            and (_N not in line or b"NaN" not in line)
            and (_I not in line or b"Infinity" not in line)
            and (is_clean or (b"\0" not in line and _is_utf8(line)))
        )

    return is_suspect


_DEPTH: Final = "depth limit exceeded"
_OPEN, _CLOSE = b"{}"
_N, _I = b"NI"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _load_slowly(line: bytes) -> object:
    """Parse with json: it accepts lone surrogates, and its errors are the most precise."""
    if b"\0" in line:
        raise LineError("nul")
    try:
        text = line.decode().strip(" \t\r\n")
        value, end = _DECODER.raw_decode(text)
    except UnicodeDecodeError:
        raise LineError("invalid_utf8") from None
    except RecursionError:
        raise LineError("too_deep") from None
    except json.JSONDecodeError as error:
        raise LineError(_broken(text, error)) from None
    if end < len(text):
        raise LineError("two_objects" if text[end:].lstrip().startswith("{") else "not_json")
    return value


def _broken(text: str, error: json.JSONDecodeError) -> str:
    if text.startswith("\ufeff"):
        return "bom"
    if text.startswith("{") and (error.pos >= len(text) or not text.endswith("}")):
        return "torn"
    return "not_json"


def _refuse(_: str) -> None:
    raise LineError("not_finite")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise LineError("number_too_large")
    return number


_INT64_DIGITS: Final = 18


def _int(digits: str) -> float:
    return int(digits) if len(digits) <= _INT64_DIGITS else _finite(digits)


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_int)
