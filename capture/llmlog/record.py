"""The record: its fields, their order and types, and the JSON line written for it.

Fields are named here and nowhere else; the dashboard derives its columns from FIELDS.
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
"""Value of field `v`; raised for a field's changed meaning, not a new field."""

CALL_EVENTS: Final = (
    "chat_completion",
    "response",
    "completion",
    "embedding",
    "image",
    "audio",
    "moderation",
)
"""Events that are model calls."""

EVENTS: Final = (*CALL_EVENTS, "tool_call", "span", "start")
"""Every event; `start` announces a call or tool that has begun, and is counted nowhere."""

FieldType = Literal["int", "float", "str", "bool", "time", "strings", "json"]
Section = Literal["core", "model", "ratelimit", "tool", "span", "error", "content"]


class Field(NamedTuple):
    """One field: `type` as in JSON (`time` is RFC 3339 text, `json` any value)."""

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
        cache_write_tokens="int",
        reported_cost_usd="float",
        service_tier="str",
        max_tokens="int",
        tokens_per_sec="float",
        temperature="float",
        top_p="float",
        seed="int",
        reasoning_effort="str",
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
    *_section(
        "content",
        prefix_hashes="strings",
        input="json",
        output="json",
        trace_name="str",
        timing="str",
        extra="json",
    ),
)
"""Every field, in the order of a line."""

_NAMES: Final = frozenset(field.name for field in FIELDS)
_SECTION_OF_EVENT: Final[dict[str, Section]] = {
    **dict.fromkeys(CALL_EVENTS, "model"),
    "tool_call": "tool",
    "span": "span",
    "start": "core",
}


def timestamp(time_ns: int) -> str:
    """Return nanoseconds since 1970 as field `ts`: RFC 3339, UTC, microseconds."""
    minute, us = divmod(time_ns // 1000, 60_000_000)
    return "%s%09.6fZ" % (_minute(minute), us / 1_000_000)  # noqa: UP031 - quicker, and once a call


# Calendar arithmetic is the slow part, and consecutive calls share their minute.
@functools.lru_cache(maxsize=16)
def _minute(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).isoformat().removesuffix("00")


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, for the text to end without +00:00


def checked(fields: dict[str, object]) -> dict[str, object]:
    """Return `fields` unchanged, after checking that they make a record.

    Raises ValueError for an unknown event or field name, and if session_id, trace_id or step is
    missing: a record that cannot be joined is never written.
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


def _template(event: str) -> dict[str, str]:
    required = ("core", _SECTION_OF_EVENT[event])
    return {name: f'"{name}": null' if section in required else "" for name, _, section in FIELDS}


_TEMPLATES: Final = {event: _template(event) for event in EVENTS}
"""Event -> every field in order: null if always in a line, else empty."""


def to_line(fields: Mapping[str, object]) -> bytes:
    """Return fields from checked() as one line of JSON, in the order of FIELDS.

    Unknown core fields, and unknown fields of the event's own section, are null; other unknown
    fields are left out. A value of the wrong type is written as JSON of its own type.
    """
    # Replacing a template's values keeps its order, whatever the order of `fields`.
    members = _TEMPLATES[cast("str", fields["event"])].copy()
    for name, value in fields.items():
        if value is not None:
            members[name] = f'"{name}": {_ENCODERS.get(type(value), _dump_jsonable)(value)}'
    members["v"] = f'"v": {VERSION}'
    rate = fields.get("tokens_per_sec")
    # Two decimals, but below 1 all of them: 0.004 tokens/s is slow, not 0.
    if type(rate) is float and 1 <= abs(rate) < math.inf:
        members["tokens_per_sec"] = f'"tokens_per_sec": {rate:.2f}'
    return _encoded("{" + ", ".join(filter(None, members.values())) + "}\n")


def dump(record: Mapping[str, object]) -> bytes:
    """Return a record that was parsed from its line, as a line again."""
    return _encoded(_dump(record) + "\n")


def _encoded(line: str) -> bytes:
    # Most lines are ASCII, and isascii() costs far less than the search.
    if not line.isascii() or "\x7f" in line:
        line = re.sub(_UNSAFE, _escape, line)
    return line.encode()


_dump: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _dump_jsonable(value: object) -> str:
    return _dump(jsonable(value))


# Nearly all values are of these types, for which setting up a JSONEncoder takes far longer.
_ENCODERS: Final[dict[type, Callable[[Any], str]]] = {
    str: encode_basestring,
    int: lambda value: repr(value) if LEAST_INT <= value <= MOST_INT else _dump_jsonable(value),
    bool: lambda value: "true" if value else "false",
}


# Characters that json.dumps leaves alone but some reader or terminal trips over: DEL and the C1
# controls, the two Unicode line separators, and surrogates, whether in pairs or alone.
_UNSAFE: Final = "[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|[\x7f-\x9f\u2028\u2029]"


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 2:  # noqa: PLR2004 - a pair of surrogates is one character
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    return "\ufffd" if "\ud800" <= found <= "\udfff" else f"\\u{ord(found):04x}"
