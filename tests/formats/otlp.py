"""OTLP as tests write it: spans from plain attributes, and the records that become of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmlog_tui.formats.otlp_traces import TRACES

TRACE, ROOT, CHILD = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
SECOND = 1_000_000_000
BEGIN = 1_795_424_400 * SECOND  # 2026-11-23 09:00:00

Json = dict[str, Any]

CHAT: Json = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}


def any_value(value: object) -> Json:
    """A plain value as an AnyValue; integers are text in OTLP."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {"stringValue": value}


def attributes(values: Mapping[str, object]) -> list[Json]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def at(seconds: float) -> str:
    return str(BEGIN + round(seconds * SECOND))


def span(
    about: Mapping[str, object] | None = None,
    begin: float = 0,
    end: float = 1,
    **fields: Any,  # noqa: ANN401 - JSON
) -> Json:
    """A span of these plain attributes; any field of OTLP's can be given as it is."""
    return {
        "traceId": TRACE, "spanId": CHILD, "name": "chat gpt-5", "kind": 3,
        "startTimeUnixNano": at(begin), "endTimeUnixNano": at(end),
        "attributes": attributes(about or {}), **fields,
    }  # fmt: skip


def event(name: str, seconds: float = 0, **about: object) -> Json:
    """An event of a span; `exception__type` means `exception.type`."""
    named = {key.replace("__", "."): value for key, value in about.items()}
    return {"name": name, "timeUnixNano": at(seconds), "attributes": attributes(named)}


def envelope(*spans: Json) -> Json:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def converted(items: Iterable[Json]) -> list[Json]:
    """The records of a file of these objects, in the order in which they are given out."""
    converter = TRACES.converter({})
    found = [each for line, item in enumerate(items) for each in converter.feed(line, item)]
    return [each.record for each in (*found, *converter.flush())]


def records(*spans: Json) -> list[Json]:
    """The records of spans in one envelope."""
    return converted([envelope(*spans)])
