"""The record: its fields, their order and types, and the JSON line they make.

This is the one place that names a field. The dashboard derives its columns from FIELDS.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from json.encoder import encode_basestring
from typing import Any, Final, Literal, NamedTuple, cast

from llmlog._jsonable import LEAST_INT, MOST_INT
from llmlog._jsonable import jsonable as jsonable  # noqa: PLC0414 - exported

VERSION: Final = 1
"""What field `v` holds; goes up when a field changes its meaning."""

CALL_EVENTS: Final = ("chat_completion", "response", "embedding")
"""The events that are model calls."""

EVENTS: Final = (*CALL_EVENTS, "tool_call", "span")

FieldType = Literal["int", "float", "str", "bool", "time", "strings", "json"]
Section = Literal["core", "model", "ratelimit", "tool", "span", "error", "content"]


class Field(NamedTuple):
    """One field of the record: `type` as in JSON (`time` is RFC 3339 text, `json` any value).

    A `float` has two decimals, one below 1 all it has.
    """

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
_SECTION_OF_EVENT: Final[dict[str, Section]] = {
    **dict.fromkeys(CALL_EVENTS, "model"),
    "tool_call": "tool",
    "span": "span",
}


def timestamp(time_ns: int) -> str:
    """Nanoseconds since 1970 as field `ts`: RFC 3339, UTC, microseconds."""
    minute, us = divmod(time_ns // 1000, 60_000_000)
    return "%s%09.6fZ" % (_minute(minute), us / 1_000_000)  # noqa: UP031 - quicker, and once a call


@functools.lru_cache(maxsize=16)
def _minute(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).isoformat().removesuffix("00")


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, for the text to end without +00:00


def checked(fields: dict[str, object]) -> dict[str, object]:
    """`fields`, if they make a record.

    Raises ValueError if an id of the tuple (session_id, trace_id, step) or the event is missing,
    and for a name that is no field: a record that cannot be joined is never written.
    """
    if fields.get("event") not in EVENTS:
        raise ValueError(f"event must be one of {', '.join(EVENTS)}, not {fields.get('event')!r}")
    for name in ("session_id", "trace_id"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise ValueError(f"a record needs a {name}")
    step = fields.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError("a record needs a step, an integer from 0")
    if not fields.keys() <= _NAMES:
        raise ValueError(f"no such field: {', '.join(sorted(fields.keys() - _NAMES))}")
    return fields


def to_line(fields: Mapping[str, object]) -> bytes:
    """Fields from checked() as their record's line: in order, complete for the event.

    Unknown fields of the core and of the event's own kind are null, all others are left out.
    """
    known = {name: value for name, value in fields.items() if value is not None}
    odd = [name for name, value in known.items() if not _is_plain(value, _TYPES.get(name))]
    return _line(known, tuple(odd))


def _is_plain(value: object, type_: type | None) -> bool:
    if isinstance(value, int):
        return type(value) is type_ and LEAST_INT <= value <= MOST_INT
    return type(value) is type_ and (type_ is not float or math.isfinite(cast("float", value)))


def call_line(fields: dict[str, Any]) -> bytes:
    """As to_line, but takes for granted that values have the types of FIELDS, and none is None."""
    return _line(fields, ())


def _line(fields: dict[str, Any], odd: tuple[str, ...]) -> bytes:
    return _encoded(_format(fields["event"], tuple(fields), odd)(fields))


_TYPES: Final[dict[str, type]] = {
    name: {"int": int, "float": float, "bool": bool}.get(type_, str)
    for name, type_, _ in FIELDS
    if type_ not in ("strings", "json")
}


@functools.lru_cache(maxsize=256)
def _format(
    event: str, names: tuple[str, ...], odd: tuple[str, ...]
) -> Callable[[dict[str, Any]], str]:
    """A function from the fields `names` (of which `odd` have no type of ours) to their line.

    An application's records have few shapes: the text around the values is made once for each.
    """
    always = ("core", _SECTION_OF_EVENT[event])
    parts = [f'"v": {VERSION}']
    for name, type_, section in FIELDS[1:]:
        if name == "event":
            parts.append(f'"event": "{event}"')
        elif name in names:
            value = _VALUE["json" if name in odd else type_] % name
            parts.append(f'"{name}": {{{value}}}')
        elif section in always:
            parts.append(f'"{name}": null')
    text = "{{" + ", ".join(parts) + "}}\\n"
    tools = {
        "quoted": encode_basestring,
        "dumped": _dump,
        "jsonable": jsonable,
        "rounded": _rounded,
    }
    made: Callable[[dict[str, Any]], str] = eval(f"lambda of: f'''{text}'''", tools)  # noqa: S307 - nothing in it is from outside
    return made


def _rounded(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else repr(value)  # what is little is not nothing


_VALUE: Final[dict[FieldType, str]] = {
    "int": "of['%s']",
    "float": "rounded(of['%s'])",
    "bool": "'true' if of['%s'] else 'false'",
    "str": "quoted(of['%s'])",
    "time": "quoted(of['%s'])",
    "strings": "dumped(jsonable(of['%s']))",
    "json": "dumped(jsonable(of['%s']))",
}
"""How a value of each type is written in JSON; all of a float's digits would take far longer."""


def dump(record: Mapping[str, object]) -> bytes:
    """A record as read from its line, as a line."""
    return _encoded(_dump(record) + "\n")


def _encoded(line: str) -> bytes:
    if not line.isascii() or "\x7f" in line:
        line = re.sub(_UNSAFE, _escape, line)
    return line.encode()


_dump: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


# What json.dumps leaves as it is but some reader or terminal trips over: DEL and the C1 controls,
# the two Unicode line separators, and surrogates (a pair is one character, a lone one is none).
_UNSAFE: Final = "[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|[\x7f-\x9f\u2028\u2029]"


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 2:  # noqa: PLR2004 - the pair of the pattern's first branch
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    return "\ufffd" if "\ud800" <= found <= "\udfff" else f"\\u{ord(found):04x}"
