"""Export to OpenTelemetry: records as spans of the GenAI conventions, in the OTLP file format.

That is JSON lines, one TracesData each (opentelemetry.io/docs/specs/otel/protocol/file-exporter).
A field that the conventions name has that name, any other is `llmlog.` and the field's name.
Prompts and answers are left out. formats.otlp_own reads such spans back as the same records.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import orjson

from llmlog_tui.formats.otlp_own import NAMES, OWN_PREFIX, latency_of
from llmlog_tui.formats.times import EPOCH

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""Version of the conventions that is written; they are still in development."""

SPANS_PER_LINE: Final = 100
"""Maximum spans per line: collectors read lines of at most 1 MiB."""

_OF_THE_SPAN: Final = frozenset(
    {"v", "ts", "latency_ms", "parent_span_id", "status", "error_message"}
)
"""Fields of the span itself; attributes only where it loses a part of them."""

_CONTENT: Final = frozenset({"input", "output", "prefix_hashes"})

_OPERATIONS: Final = {
    "chat_completion": "chat",
    "response": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "tool_call": "execute_tool",
}
_PROVIDERS: Final = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.mistral.ai": "mistral_ai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "generativelanguage.googleapis.com": "gcp.gemini",
}
"""Provider's name in the conventions, by host; others keep the host."""

_INTERNAL, _CLIENT = 1, 3
_ERROR: Final = 2


def to_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield OTLP lines of records (rows of a frame with log.schema.COLUMNS, in plain values).

    A trace_id or span_id that OpenTelemetry cannot have is padded or hashed, always the same way;
    `llmlog.trace_id` and `llmlog.span_id` keep the original. Without ts a span begins at 0.
    """
    spans = (_span(number, record) for number, record in enumerate(records))
    while some := list(islice(spans, SPANS_PER_LINE)):
        scope = {"scope": {"name": "llmlog"}, "spans": some, "schemaUrl": SCHEMA_URL}
        resource = {"attributes": [_attribute("service.name", "llmlog")]}
        traces = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
        yield orjson.dumps(traces) + b"\n"


def _span(number: int, record: Mapping[str, Any]) -> dict[str, object]:
    begin, end = _times(record)
    trace = record["trace_id"] or f"record {number}"
    span = {
        "traceId": _hex(trace, 32),
        "spanId": _hex(record["span_id"] or f"{trace} {number}", 16),
        "name": _name(record),
        "kind": _INTERNAL if record["event"] in ("tool_call", "span") else _CLIENT,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(end),
        "attributes": [
            _attribute(name, value)
            for name, value in (*_attributes(record), *_exact(record, begin, end))
        ],
        "status": {},
    }
    if record["parent_span_id"] is not None:
        span["parentSpanId"] = _hex(record["parent_span_id"], 16)
    if record["status"] == "error":
        message = record["error_message"]
        span["status"] = {"code": _ERROR} | ({} if message is None else {"message": message})
    return span


def _times(record: Mapping[str, Any]) -> tuple[int, int]:
    """Return begin and end in ns since 1970; 0 without a time."""
    ts = record["ts"]
    begin = 0 if ts is None else max(0, (ts - EPOCH) // timedelta(microseconds=1)) * 1_000
    lasted = max(0.0, (record["latency_ms"] or 0) * 1_000_000.0)
    return begin, _LATEST if lasted > _LATEST - begin else begin + round(lasted)


_LATEST: Final = 2**64 - 1
"""Last ns of a span: its times are unsigned integers of 64 bits."""


def _hex(text: str, digits: int) -> str:
    """Return `text` as an id of `digits` hexadecimal digits, not all of them 0."""
    if re.fullmatch(rf"0*[1-9a-f][0-9a-f]{{0,{digits - 1}}}", text) and len(text) <= digits:
        return text.zfill(digits)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


def _name(record: Mapping[str, Any]) -> str:
    """`chat gpt-5`, `execute_tool search`, what a span is called, else the event."""
    operation = _OPERATIONS.get(record["event"])
    if operation is None:
        return str(record["name"] or record["event"])
    of = record["tool_name"] if operation == "execute_tool" else record["requested_model"]
    return " ".join(str(part) for part in (operation, of or record["model"]) if part)


def _attributes(record: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if (operation := _OPERATIONS.get(record["event"])) is not None:
        yield "gen_ai.operation.name", operation
    if (host := record["provider"]) is not None:
        yield "gen_ai.provider.name", _provider(host)
    for name, value in record.items():
        if value is None or name in _OF_THE_SPAN or name in _CONTENT:
            continue
        if name == "ttft_ms":
            yield NAMES[name], value / 1_000
        elif name == "finish_reason":
            yield NAMES[name], [value]
        elif name == "extra" and isinstance(value, Mapping):
            yield from ((f"{OWN_PREFIX}extra.{tag}", of) for tag, of in value.items())
        else:
            yield NAMES.get(name, f"{OWN_PREFIX}{name}"), value


def _exact(record: Mapping[str, Any], begin: int, end: int) -> Iterator[tuple[str, object]]:
    """Yield the fields that the span itself would not give back as they are."""
    latency, ttft, ts = record["latency_ms"], record["ttft_ms"], record["ts"]
    if latency is not None and latency != latency_of(begin, end):
        yield f"{OWN_PREFIX}latency_ms", latency
    if ttft is not None and ttft != round(ttft):
        yield f"{OWN_PREFIX}ttft_ms", ttft
    if ts is not None and not begin:
        yield f"{OWN_PREFIX}ts", ts.isoformat()
    parent = record["parent_span_id"]
    if parent is not None and parent != _hex(parent, 16):
        yield f"{OWN_PREFIX}parent_span_id", parent
    status, message = record["status"], record["error_message"]
    if status not in ("ok", "error", None):
        yield f"{OWN_PREFIX}status", status
    if message is not None and (status != "error" or not message):
        yield f"{OWN_PREFIX}error_message", message


def _provider(host: str) -> str:
    if host.endswith(".openai.azure.com"):
        return "azure.ai.openai"
    return _PROVIDERS.get(host, host)


def _attribute(name: str, value: object) -> dict[str, object]:
    return {"key": name, "value": _any_value(value)}


_KINDS: Final = {str: "stringValue", bool: "boolValue", float: "doubleValue"}


def _any_value(value: object) -> dict[str, object]:
    """A value as OTLP has it: 64 bit integers are text."""
    if (kind := _KINDS.get(type(value))) is not None:
        return {kind: value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        known = (each for each in value if each is not None)
        return {"arrayValue": {"values": [_any_value(each) for each in known]}}
    if isinstance(value, Mapping):
        pairs = (_attribute(str(name), of) for name, of in value.items() if of is not None)
        return {"kvlistValue": {"values": list(pairs)}}
    return {"stringValue": str(value)}
