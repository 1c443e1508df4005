"""The record: its fields, their order and types, and the JSON line they make.

This is the one place that names a field. The dashboard derives its columns from FIELDS.
"""

from __future__ import annotations

import functools
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from json.encoder import encode_basestring
from typing import Final, Literal, NamedTuple, cast

VERSION: Final = 1
"""What field `v` holds; goes up when a field changes its meaning."""

CALL_EVENTS: Final = ("chat_completion", "response", "embedding")
"""The events that are model calls."""

EVENTS: Final = (*CALL_EVENTS, "tool_call", "span")

FieldType = Literal["int", "float", "str", "bool", "time", "strings", "json"]
Section = Literal["core", "model", "ratelimit", "tool", "span", "error", "content"]


class Field(NamedTuple):
    """One field of the record: `type` as in JSON (`time` is RFC 3339 text, `json` any value)."""

    name: str
    type: FieldType
    section: Section


def _section(section: Section, **fields: FieldType) -> tuple[Field, ...]:
    return tuple(Field(name, type_, section) for name, type_ in fields.items())


FIELDS: Final[tuple[Field, ...]] = (
    *_section(
        "core",
        v="int",
        ts="time",
        event="str",
        session_id="str",
        trace_id="str",
        step="int",
        span_id="str",
        parent_span_id="str",
        status="str",
        latency_ms="int",
    ),
    *_section(
        "model",
        model="str",
        requested_model="str",
        provider="str",
        id="str",
        request_id="str",
        finish_reason="str",
        prompt_tokens="int",
        completion_tokens="int",
        total_tokens="int",
        reasoning_tokens="int",
        cached_tokens="int",
        max_tokens="int",
        tokens_per_sec="float",
        stream="bool",
        ttft_ms="int",
        stream_end="str",
        server_ms="int",
        retries="int",
        system_fingerprint="str",
    ),
    *_section(
        "ratelimit",
        ratelimit_limit_requests="int",
        ratelimit_limit_tokens="int",
        ratelimit_remaining_requests="int",
        ratelimit_remaining_tokens="int",
        ratelimit_reset_requests_ms="int",
        ratelimit_reset_tokens_ms="int",
    ),
    *_section("model", tool_calls="strings", tool_args_ok="bool"),
    *_section("tool", tool_name="str", tool_call_id="str"),
    *_section("span", name="str"),
    *_section("error", error_type="str", error_status="int", error_code="str", error_message="str"),
    *_section("content", prefix_hashes="strings", input="json", output="json", extra="json"),
)
"""Every field, in the order a line has them."""

_NAMES: Final = frozenset(field.name for field in FIELDS)
_IDS: Final = ("event", "session_id", "trace_id", "step")
_SECTION_OF_EVENT: Final[dict[str, Section]] = {
    **dict.fromkeys(CALL_EVENTS, "model"),
    "tool_call": "tool",
    "span": "span",
}


class _Shape(NamedTuple):
    """How records with the same event and fields are written."""

    pieces: list[str]
    """The line's text, with an empty piece in the place of each value."""
    values: Callable[[Mapping[str, object]], Iterable[object]]
    """Picks a record's values in the order of the line."""
    optional: list[str]
    """Fields that are left out where they are unknown; all others are null then."""


@functools.lru_cache(maxsize=256)
def _shape(event: str, names: tuple[str, ...]) -> _Shape:
    """The shape of a record with the fields `names`; ValueError if they make no record."""
    if event not in EVENTS:
        raise ValueError(f"event must be one of {', '.join(EVENTS)}, not {event!r}")
    absent = [name for name in _IDS if name not in names]
    if absent:
        raise ValueError(f"a record needs a {absent[0]}")
    if not _NAMES.issuperset(names):
        raise ValueError(f"no such field: {', '.join(sorted(set(names) - _NAMES))}")
    always = ("core", _SECTION_OF_EVENT[event])
    pieces = [f'{{"v": {VERSION}']
    ordered: list[str] = []
    optional: list[str] = []
    for name, _, section in FIELDS[1:]:
        if name in names:
            pieces[-1] += f', "{name}": '
            pieces += "", ""
            ordered.append(name)
            if section not in always:
                optional.append(name)
        elif section in always:
            pieces[-1] += f', "{name}": null'
    pieces[-1] += "}\n"
    return _Shape(pieces, operator.itemgetter(*ordered), optional)


def timestamp(time_ns: int) -> str:
    """Nanoseconds since 1970 as field `ts`: RFC 3339, UTC, microseconds."""
    second, ns = divmod(time_ns, 1_000_000_000)
    return f"{_second(second)}.{ns // 1000:06d}Z"


@functools.lru_cache(maxsize=16)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).isoformat()


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, for the text to end without +00:00


def checked(fields: Mapping[str, object]) -> dict[str, object]:
    """The known ones of `fields`, if they make a record, safe for every reader.

    Raises ValueError if an id of the tuple (session_id, trace_id, step) or the event is missing,
    and for a name that is no field: a record that cannot be joined is never written.
    """
    safe = {name: jsonable(value) for name, value in fields.items() if value is not None}
    _shape(str(fields.get("event")), tuple(safe))
    for name in ("session_id", "trace_id"):
        if not isinstance(safe[name], str) or not safe[name]:
            raise ValueError(f"a record needs a {name}")
    step = safe["step"]
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError("a record needs a step, an integer from 0")
    return safe


def to_line(fields: Mapping[str, object]) -> bytes:
    """Fields as their record's line: in order, complete for the event.

    Integers have up to 64 bits. Records of an application have few shapes: the text around the
    values is made once for each. Raises ValueError for fields that make no record.
    """
    shape = _shape(cast("str", fields["event"]), tuple(fields))
    for name in shape.optional:
        if fields[name] is None:
            return to_line({name: fields[name] for name in fields if fields[name] is not None})
    pieces = shape.pieces.copy()
    pieces[1::2] = [
        encode_basestring(value)
        if (kind := type(value)) is str
        else f"{value}"
        if kind is int
        else _text_of(value)
        for value in shape.values(fields)
    ]
    return _encoded("".join(pieces))


def _text_of(value: object) -> str:
    """`value` in JSON."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is float and math.isfinite(value):
        return repr(value)
    return _dump(jsonable(value))


def dump(record: Mapping[str, object]) -> bytes:
    """A record as read from its line, as a line."""
    return _encoded(_dump(record) + "\n")


def _encoded(line: str) -> bytes:
    if not line.isascii() or "\x7f" in line:
        line = re.sub(_UNSAFE, _escape, line)
    return line.encode()


_dump: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_MAX_DEPTH: Final = 64
_LEAST_INT: Final = -(2**63)
_MOST_INT: Final = 2**63 - 1


def jsonable(value: object, _depth: int = 0) -> object:
    """A copy of `value` that every JSON reader accepts.

    What JSON has no word for becomes text (objects, integers over 64 bits, anything deeper than
    64 levels) or null (NaN, infinities). Never raises.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if _LEAST_INT <= value <= _MOST_INT else _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if _depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            pairs = cast("Mapping[object, object]", value).items()
            return {_text(key): jsonable(item, _depth + 1) for key, item in pairs}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [jsonable(item, _depth + 1) for item in cast("Iterable[object]", value)]
    return _text(value)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - somebody else's __str__ can raise anything
        return f"<{type(value).__name__}>"


# What json.dumps leaves as it is but some reader or terminal trips over: DEL and the C1 controls,
# the two Unicode line separators, and surrogates (a pair is one character, a lone one is none).
_UNSAFE: Final = "[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|[\x7f-\x9f\u2028\u2029]"


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 2:  # noqa: PLR2004 - the pair of the pattern's first branch
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    return "\ufffd" if "\ud800" <= found <= "\udfff" else f"\\u{ord(found):04x}"
