"""OpenTelemetry: records as spans of the GenAI conventions, in the OTLP file format.

That is JSON lines, one TracesData each (opentelemetry.io/docs/specs/otel/protocol/file-exporter).
What the conventions have a name for has it, all else that is known is `llmlog.` and the field's
name. Prompts, answers and tags are left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import orjson

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""The version of the conventions that is written; they are still in development."""

SPANS_PER_LINE: Final = 100
"""So a line stays well below 1 MiB, which is what collectors read of one."""

NAMES: Final = {
    "session_id": "gen_ai.conversation.id",
    "model": "gen_ai.response.model",
    "requested_model": "gen_ai.request.model",
    "provider": "server.address",
    "id": "gen_ai.response.id",
    "finish_reason": "gen_ai.response.finish_reasons",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "max_tokens": "gen_ai.request.max_tokens",
    "stream": "gen_ai.request.stream",
    "ttft_ms": "gen_ai.response.time_to_first_chunk",
    "system_fingerprint": "openai.response.system_fingerprint",
    "tool_name": "gen_ai.tool.name",
    "tool_call_id": "gen_ai.tool.call.id",
    "error_type": "error.type",
    "error_status": "http.response.status_code",
}
"""The attribute that a field of the record is written as."""

_OF_THE_SPAN: Final = frozenset({"ts", "latency_ms", "parent_span_id", "status", "error_message"})
"""Fields that are no attributes: a span has them itself."""

_OPERATIONS: Final = {
    "chat_completion": "chat",
    "response": "chat",
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
}
"""What the conventions call the provider at a host; another one is called by its host."""

_INTERNAL, _CLIENT = 1, 3
_ERROR: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The records (rows of a frame with log.schema.COLUMNS, in plain values) as OTLP lines.

    A trace_id or span_id that OpenTelemetry cannot have is padded or hashed, the same each time;
    as it was it stands in `llmlog.trace_id` and `llmlog.span_id`. Without ts a span begins at 0.
    """
    spans = (_span(number, record) for number, record in enumerate(records))
    while some := list(islice(spans, SPANS_PER_LINE)):
        scope = {"scope": {"name": "llmlog"}, "spans": some, "schemaUrl": SCHEMA_URL}
        resource = {"attributes": [_attribute("service.name", "llmlog")]}
        traces = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
        yield orjson.dumps(traces) + b"\n"


def _span(number: int, record: Mapping[str, Any]) -> dict[str, object]:
    begin = 0 if record["ts"] is None else (record["ts"] - _EPOCH) // timedelta(microseconds=1)
    trace = record["trace_id"] or f"record {number}"
    span = {
        "traceId": _hex(trace, 32),
        "spanId": _hex(record["span_id"] or f"{trace} {number}", 16),
        "name": _name(record),
        "kind": _INTERNAL if record["event"] in ("tool_call", "span") else _CLIENT,
        "startTimeUnixNano": str(begin * 1_000),
        "endTimeUnixNano": str(begin * 1_000 + round((record["latency_ms"] or 0) * 1_000_000)),
        "attributes": [_attribute(name, value) for name, value in _attributes(record)],
        "status": {},
    }
    if record["parent_span_id"] is not None:
        span["parentSpanId"] = _hex(record["parent_span_id"], 16)
    if record["status"] == "error":
        message = record["error_message"]
        span["status"] = {"code": _ERROR} | ({} if message is None else {"message": message})
    return span


def _hex(text: str, digits: int) -> str:
    """`text` as an id of so many hexadecimal digits, not all of them 0."""
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
        if value is None or name in _OF_THE_SPAN:
            continue
        if name == "ttft_ms":
            yield NAMES[name], value / 1_000
        elif name == "finish_reason":
            yield NAMES[name], [value]
        else:
            yield NAMES.get(name, f"llmlog.{name}"), value


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
    return {"stringValue": str(value)}
