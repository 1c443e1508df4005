"""OpenTelemetry spans of the GenAI conventions, from OTLP files, as records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final, NamedTuple

import orjson

from llmlog.record import FIELDS, timestamp
from llmlog_tui.formats.otlp import NAMES

_EVENTS: Final = {
    "chat": "chat_completion",
    "generate_content": "chat_completion",
    "text_completion": "chat_completion",
    "embeddings": "embedding",
    "execute_tool": "tool_call",
}
"""By gen_ai.operation.name; any other span is a named stretch of work."""

_OLDER: Final = {
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "prompt_tokens": ("gen_ai.usage.prompt_tokens",),
    "completion_tokens": ("gen_ai.usage.completion_tokens",),
    "system_fingerprint": ("gen_ai.openai.response.system_fingerprint",),
}
"""What a field is looked for under where the attribute of NAMES is not there."""

_OWN: Final = {f"llmlog.{field.name}": field.name for field in FIELDS}
_FAILED: Final = (2, "STATUS_CODE_ERROR")
_NS_PER_MS: Final = 1_000_000

Record = dict[str, Any]


class _Span(NamedTuple):
    """Times in ns, 0 if unknown; ids as OpenTelemetry has them, the parent's empty without one."""

    begin: int
    end: int
    trace: str
    id: str
    parent: str
    record: Record


def from_lines(lines: Iterable[bytes]) -> tuple[list[Record], int]:
    """The spans of OTLP lines (one TracesData each) as records, and how many lines were none.

    Records stand by their ends, as in a log. Fields by name, unknown ones left out; content is not
    taken over. A span without a step gets one: the place of its start in its trace.
    """
    spans: list[_Span] = []
    bad = 0
    for line in lines:
        try:
            spans += map(_span, list(_in(line)))
        except (ValueError, TypeError, KeyError, AttributeError):
            bad += 1
    _join(spans)
    return [span.record for span in sorted(spans, key=lambda span: span.end)], bad


def _in(line: bytes) -> Iterator[Mapping[str, Any]]:
    for resource in orjson.loads(line)["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def _span(span: Mapping[str, Any]) -> _Span:
    known = {each["key"]: _plain(each.get("value") or {}) for each in span.get("attributes", ())}
    begin, end = (int(span.get(f"{edge}TimeUnixNano") or 0) for edge in ("start", "end"))
    status = span.get("status") or {}
    record: Record = {
        "ts": timestamp(begin) if begin else None,
        "event": _EVENTS.get(str(known.get("gen_ai.operation.name")), "span"),
        "trace_id": span["traceId"],
        "span_id": span["spanId"],
        "status": "error" if status.get("code") in _FAILED else "ok",
        "latency_ms": round((end - begin) / _NS_PER_MS) if end >= begin > 0 else None,
        "error_message": status.get("message") or None,
        **_fields(known),
    }
    if record["event"] == "span":
        record.setdefault("name", span.get("name"))
    parent = span.get("parentSpanId") or ""
    return _Span(begin, end, span["traceId"], span["spanId"], parent, record)


def _fields(known: Mapping[str, Any]) -> Record:
    """What the attributes say, but for what is unknown."""
    fields: Record = {}
    for field, name in NAMES.items():
        names = (name, *_OLDER.get(field, ()))
        fields[field] = next((known[each] for each in names if each in known), None)
    if fields["ttft_ms"] is not None:
        fields["ttft_ms"] = round(fields["ttft_ms"] * 1_000)
    if isinstance(fields["finish_reason"], list):
        fields["finish_reason"] = next(iter(fields["finish_reason"]), None)
    fields.update((_OWN[name], value) for name, value in known.items() if name in _OWN)
    return {name: value for name, value in fields.items() if value is not None}


def _plain(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """An AnyValue as a plain one; integers may be text. None for what no field holds."""
    for kind, held in value.items():
        if kind == "intValue":
            return int(held)
        if kind == "arrayValue":
            return [_plain(each) for each in held.get("values", ())]
        if kind in ("stringValue", "boolValue", "doubleValue"):
            return held
    return None


def _join(spans: list[_Span]) -> None:
    """Give each record a step in its trace, and the parent that its span has."""
    called = {(span.trace, span.id): span.record["span_id"] for span in spans}
    steps: defaultdict[str, Iterator[int]] = defaultdict(count)
    for span in sorted(spans, key=lambda span: span.begin):
        span.record.setdefault("step", next(steps[span.trace]))
        if span.parent:
            parent = called.get((span.trace, span.parent), span.parent)
            span.record["parent_span_id"] = parent
