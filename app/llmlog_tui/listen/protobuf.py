"""Decoding of OTLP protobuf bodies: the same spans and log records as from JSON.

Needs opentelemetry-proto, which is imported with the first such body.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from llmlog_tui.formats.otlp_envelope import (
    Attributes,
    LogRecord,
    Span,
    SpanEvent,
    log_record_time,
    moment,
)

EXTRA: Final = "protobuf bodies need opentelemetry-proto: pip install 'llmlog[otlp]'"
"""Message where the extra is missing."""

_COLLECTOR: Final = "opentelemetry.proto.collector"
_FAILED: Final = 2
_MAX_DEPTH: Final = 32


class BodyError(ValueError):
    """A body that is no such message."""


def is_available() -> bool:
    """Return whether protobuf bodies can be decoded."""
    try:
        return find_spec(f"{_COLLECTOR}.trace.v1.trace_service_pb2") is not None
    except ModuleNotFoundError:
        return False


def decode_spans(body: bytes) -> tuple[list[Span], int]:
    """Return the spans of an ExportTraceServiceRequest, and how many had no ids."""
    request = _decoded("trace", "ExportTraceServiceRequest", body)
    spans: list[Span] = []
    bad = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                if span.trace_id.strip(b"\0") and span.span_id.strip(b"\0"):
                    spans.append(_span(span))
                else:
                    bad += 1
    return spans, bad


def decode_logs(body: bytes) -> tuple[list[LogRecord], int]:
    """Return the log records of an ExportLogsServiceRequest; all of them can be read."""
    request = _decoded("logs", "ExportLogsServiceRequest", body)
    records = [
        _log_record(log, _attributes(resource.resource.attributes), scope.scope.name)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for log in scope.log_records
    ]
    return records, 0


def _decoded(signal: str, message: str, body: bytes) -> Any:  # noqa: ANN401 - generated classes
    """Return a decoded message; raises BodyError, and ImportError without the extra."""
    module = import_module(f"{_COLLECTOR}.{signal}.v1.{signal}_service_pb2")
    errors = import_module("google.protobuf.message")
    try:
        return getattr(module, message).FromString(body)
    except errors.DecodeError as error:
        raise BodyError(f"the body is no {message}") from error


def _span(span: Any) -> Span:  # noqa: ANN401 - a generated class
    parent_id = span.parent_span_id
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        parent_id.hex() if parent_id.strip(b"\0") else "",
        span.name,
        moment(span.start_time_unix_nano),
        moment(span.end_time_unix_nano),
        _attributes(span.attributes),
        [
            SpanEvent(event.name, moment(event.time_unix_nano), _attributes(event.attributes))
            for event in span.events
        ],
        failed=span.status.code == _FAILED,
        message=span.status.message or None,
    )


def _log_record(log: Any, resource: Attributes, scope: str) -> LogRecord:  # noqa: ANN401 - as above
    about = _attributes(log.attributes)
    body = _plain(log.body)
    names = (about.get("event.name"), body, log.event_name)
    return LogRecord(
        next((name for name in names if isinstance(name, str) and name), ""),
        log_record_time(log.time_unix_nano, about, log.observed_time_unix_nano),
        log.trace_id.hex(),
        log.span_id.hex(),
        about,
        resource,
        scope,
    )


def _attributes(pairs: Iterable[Any]) -> Attributes:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any value
    """Return an AnyValue as plain JSON."""
    kind = value.WhichOneof("value")
    if kind is None or depth > _MAX_DEPTH:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [_plain(each, depth + 1) for each in held.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value, depth + 1) for pair in held.values}
    return held.hex() if kind == "bytes_value" else held
