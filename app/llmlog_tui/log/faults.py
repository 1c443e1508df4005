"""What is wrong with a line that polars refuses, and what can be saved of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import orjson


@dataclass(frozen=True)
class Faults:
    """How often each kind of fault was met, and the line of its first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, line: int, times: int = 1) -> None:
        """Note a fault; lines need not come in order."""
        self.counts[kind] += times
        self.first[kind] = min(line, self.first.get(kind, line))


class LineError(Exception):
    """A line that gives no record; its text is the kind of fault.

    One of not_json, not_object, torn, invalid_utf8, nul, bom, two_objects, not_finite (NaN or an
    infinity), number_too_large (for a double), too_deep.
    """


def load(line: bytes) -> dict[str, object]:
    """The object a line holds. Raises LineError."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _load_slowly(line)
    if not isinstance(value, dict):
        raise LineError("not_object")
    return value


def dump(record: dict[str, object]) -> bytes:
    """A line that every reader takes, of a record from load(). Raises LineError."""
    try:
        return json.dumps(record, ensure_ascii=False).encode(errors="replace")
    except RecursionError:
        raise LineError("too_deep") from None


def is_likely(line: bytes) -> bool:
    """Whether a line begins and ends like an object: of bad lines, nearly all do not."""
    text = line.strip()
    return text[:1] == b"{" and text[-1:] == b"}"


def _load_slowly(line: bytes) -> object:
    """As json reads it: it takes lone surrogates, and says most precisely what it cannot take."""
    if b"\0" in line:
        raise LineError("nul")
    try:
        text = line.decode().strip()
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
