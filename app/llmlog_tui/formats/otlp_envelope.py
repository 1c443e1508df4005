"""Decoding of OTLP JSON: envelopes, ids and values of spans and log records.

Shapes: the collector's (`resourceSpans`, also in snake_case), Tempo's `batches`, and the SDK's
console exporter, which prints one span an object.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from llmlog_tui.formats import Item
from llmlog_tui.formats.times import MAX_NS, nanoseconds
from llmlog_tui.formats.vocabulary import integer, mapping, text

Attributes = dict[str, Any]


class SpanEvent(NamedTuple):
    """An event of a span; `time` in ns since 1970, 0 if unknown."""

    name: str
    time: int
    attributes: Attributes


class Span(NamedTuple):
    """A span of any encoding.

    Times are ns since 1970, 0 if unknown; ids are hexadecimal, `parent_id` empty at the root;
    `message` is the message of the span's status.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    begin: int
    end: int
    attributes: Attributes
    events: Sequence[SpanEvent]
    failed: bool
    message: str | None


class LogRecord(NamedTuple):
    """A log record: `event` is its name, `time` in ns since 1970 (0 if unknown)."""

    event: str
    time: int
    trace_id: str
    span_id: str
    attributes: Attributes
    resource: Attributes
    scope: str


def has_spans(item: Item) -> bool:
    """Return whether an object holds spans."""
    return _is_envelope(item, ("resourceSpans", "resource_spans")) or (
        _is_tempo(item) or _is_console(item)
    )


def has_logs(item: Item) -> bool:
    """Return whether an object is an envelope of log records."""
    return _is_envelope(item, _LOG_ENVELOPES) or _is_plain_log(item)


def has_metrics(item: Item) -> bool:
    """Return whether an object is an envelope of metrics, which hold no calls."""
    return _is_envelope(item, ("resourceMetrics", "resource_metrics"))


def spans_in(item: Item) -> tuple[list[Span], int]:
    """Return the spans of an object, and the number of unreadable ones."""
    if _is_console(item):
        found = _console_span(item)
        return ([found], 0) if found else ([], 1)
    spans: list[Span] = []
    bad = 0
    for span in _span_objects(item):
        read = _span(span) if isinstance(span, dict) else None
        if read is None:
            bad += 1
        else:
            spans.append(read)
    return spans, bad


def logs_in(item: Item) -> tuple[list[LogRecord], int]:
    """Return the log records of an object, and the number of unreadable ones."""
    if _is_plain_log(item):
        return [_plain_log(item)], 0
    records: list[LogRecord] = []
    bad = 0
    for resource in _resources(item, _LOG_ENVELOPES):
        if not isinstance(resource, dict):
            bad += 1
            continue
        about = attributes(mapping(resource.get("resource")).get("attributes"))
        for scope in _elements(_get(resource, "scopeLogs", "scope_logs")):
            if not isinstance(scope, dict):
                bad += 1
                continue
            name = text(mapping(scope.get("scope")).get("name")) or ""
            for log in _elements(_get(scope, "logRecords", "log_records")):
                if isinstance(log, dict):
                    records.append(_log_record(log, about, name))
                else:
                    bad += 1
    return records, bad


# ---- envelopes

_SPAN_ENVELOPES: Final = ("resourceSpans", "resource_spans", "batches")
_LOG_ENVELOPES: Final = ("resourceLogs", "resource_logs")


def _is_envelope(item: Item, names: Sequence[str]) -> bool:
    return any(isinstance(item.get(name), list) for name in names)


def _is_tempo(item: Item) -> bool:
    """Return whether an object is a trace from Tempo, by more than one key."""
    inner = item.get("trace")
    if isinstance(inner, dict) and len(item) == 1:
        return has_spans(inner)
    return any(not _SCOPES.isdisjoint(batch) for batch in _objects(_list(item.get("batches"))[:1]))


_SCOPES: Final = frozenset({"scopeSpans", "scope_spans", "instrumentationLibrarySpans"})


def _resources(item: Item, names: Sequence[str]) -> list[Any]:
    """Return an envelope's elements: an object for each resource, or anything unreadable."""
    for name in names:
        if isinstance(found := item.get(name), list):
            return found
    # Tempo's second API wraps the envelope once more.
    inner = item.get("trace")
    return _resources(inner, names) if isinstance(inner, dict) and len(item) == 1 else []


def _span_objects(item: Item) -> Iterator[Any]:
    """Yield the spans of an envelope, and None for an unreadable part of it."""
    for resource in _resources(item, _SPAN_ENVELOPES):
        if not isinstance(resource, dict):
            yield None
            continue
        scopes = _get(resource, "scopeSpans", "scope_spans")
        if scopes is None:
            scopes = resource.get("instrumentationLibrarySpans")
        for scope in _elements(scopes):
            yield from _elements(scope.get("spans")) if isinstance(scope, dict) else (None,)


def _get(source: Mapping[str, Any], name: str, snake: str) -> Any:  # noqa: ANN401 - any JSON
    found = source.get(name)
    return source.get(snake) if found is None else found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _elements(value: object) -> list[Any]:
    """Return a list; [None], one unreadable element, of anything else but null."""
    return value if isinstance(value, list) else [] if value is None else [None]


def _objects(value: object) -> Iterator[Item]:
    return (each for each in _list(value) if isinstance(each, dict))


# ---- spans


def _span(span: Item) -> Span | None:
    """Return a span of an envelope; None without ids."""
    trace_id = hex_id(_get(span, "traceId", "trace_id"), _TRACE_BYTES)
    span_id = hex_id(_get(span, "spanId", "span_id"), _SPAN_BYTES)
    if not trace_id or not span_id:
        return None
    status = mapping(span.get("status"))
    return Span(
        trace_id,
        span_id,
        hex_id(_get(span, "parentSpanId", "parent_span_id"), _SPAN_BYTES),
        text(span.get("name")) or "",
        _time(_get(span, "startTimeUnixNano", "start_time_unix_nano")),
        _time(_get(span, "endTimeUnixNano", "end_time_unix_nano")),
        attributes(span.get("attributes")),
        [_event(event) for event in _objects(span.get("events"))],
        failed=status.get("code") in _FAILED,
        message=text(status.get("message")),
    )


_FAILED: Final = (2, "2", "STATUS_CODE_ERROR", "ERROR")


def _event(event: Item) -> SpanEvent:
    return SpanEvent(
        text(event.get("name")) or "",
        _time(_get(event, "timeUnixNano", "time_unix_nano")),
        attributes(event.get("attributes")),
    )


def _time(value: object) -> int:
    """Return nanoseconds since 1970 from a number or text; 0 if unknown."""
    return moment(integer(value) or 0)


def moment(time_ns: int) -> int:
    """Return a time in ns since 1970; 0, unknown, if Python has no such date."""
    return time_ns if 0 < time_ns < MAX_NS else 0


# ---- the console exporter


def _is_console(item: Item) -> bool:
    context = item.get("context")
    return isinstance(context, dict) and "trace_id" in context and "start_time" in item


def _console_span(item: Item) -> Span | None:
    context = item["context"]
    trace_id = hex_id(context.get("trace_id"), _TRACE_BYTES)
    span_id = hex_id(context.get("span_id"), _SPAN_BYTES)
    if not trace_id or not span_id:
        return None
    status = mapping(item.get("status"))
    events = [
        SpanEvent(
            text(event.get("name")) or "",
            nanoseconds(event.get("timestamp")) or 0,
            dict(mapping(event.get("attributes"))),
        )
        for event in _objects(item.get("events"))
    ]
    return Span(
        trace_id,
        span_id,
        hex_id(item.get("parent_id"), _SPAN_BYTES),
        text(item.get("name")) or "",
        nanoseconds(item.get("start_time")) or 0,
        nanoseconds(item.get("end_time")) or 0,
        dict(mapping(item.get("attributes"))),
        events,
        failed=status.get("status_code") in _FAILED,
        message=text(status.get("description")),
    )


# ---- log records


def _is_plain_log(item: Item) -> bool:
    """Return whether an object is a log record dumped by the JavaScript SDK."""
    about = item.get("attributes")
    return (
        isinstance(about, dict)
        and isinstance(name := about.get("event.name"), str)
        and name.startswith(("gemini_cli.", "claude_code.", "codex."))
    )


def _plain_log(item: Item) -> LogRecord:
    resource = mapping(mapping(item.get("resource")).get("attributes"))
    return _log_record(item, dict(resource), "")


def _log_record(log: Item, resource: Attributes, scope: str) -> LogRecord:
    about = attributes(log.get("attributes"))
    body = _plain(log.get("body"))
    return LogRecord(
        text(about.get("event.name"))
        or (body if isinstance(body, str) else None)
        or text(_get(log, "eventName", "event_name"))
        or "",
        log_record_time(
            _time(_get(log, "timeUnixNano", "time_unix_nano")),
            about,
            _time(_get(log, "observedTimeUnixNano", "observed_time_unix_nano")),
        ),
        hex_id(_get(log, "traceId", "trace_id"), _TRACE_BYTES),
        hex_id(_get(log, "spanId", "span_id"), _SPAN_BYTES),
        about,
        resource,
        scope,
    )


def log_record_time(time: int, about: Attributes, observed: int) -> int:
    """Return the time of an event in ns since 1970; 0 if unknown."""
    # Codex leaves the time of the record 0.
    return moment(time) or nanoseconds(about.get("event.timestamp")) or moment(observed)


# ---- values

_TRACE_BYTES, _SPAN_BYTES = 16, 8


def hex_id(value: object, size: int) -> str:
    """Return an id of `size` bytes in lower-case hexadecimal, also from base64; "" without one.

    protobuf's own JSON mapping writes bytes as base64. Text of neither kind is left unchanged.
    """
    if not isinstance(value, str):
        return ""
    found = value.removeprefix("0x")
    if len(found) == -(-size // 3) * 4 and not _HEX.fullmatch(found):
        try:
            decoded = base64.b64decode(found, validate=True)
        except binascii.Error:
            return found
        found = decoded.hex() if len(decoded) == size else found
    found = found.lower() if _HEX.fullmatch(found) else found
    return "" if not found.strip("0") else found


_HEX: Final = re.compile(r"[0-9a-fA-F]+")


def attributes(pairs: object) -> Attributes:
    """Return key-value pairs as a map, without odd ones; a map unchanged."""
    if isinstance(pairs, dict):
        return pairs
    found: Attributes = {}
    for pair in _objects(pairs):
        key = pair.get("key")
        if isinstance(key, str):
            found[key] = _plain(pair.get("value"))
    return found


_MAX_DEPTH: Final = 32
_SCALARS: Final = frozenset(
    f"{kind}{ending}"
    for kind in ("string", "bool", "double", "bytes")
    for ending in ("Value", "_value")
)

_NESTED: Final = frozenset({"arrayValue", "array_value", "kvlistValue", "kvlist_value"})


def _plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return an AnyValue as plain JSON; None if it is unknown or nested too deeply."""
    if not isinstance(value, dict):
        return value
    for kind, held in value.items():
        if kind in _SCALARS:
            return held
        if kind in ("intValue", "int_value"):
            return integer(held)
        if kind in _NESTED and depth < _MAX_DEPTH:
            return _plain_nested(held, depth + 1)
    return None


def _plain_nested(held: object, depth: int) -> Any:  # noqa: ANN401 - any JSON
    """Return the values of an array or of a key-value list."""
    values = _list(mapping(held).get("values"))
    if values and isinstance(values[0], dict) and "key" in values[0]:
        return {
            each["key"]: _plain(each.get("value"), depth)
            for each in _objects(values)
            if isinstance(each.get("key"), str)
        }
    return [_plain(each, depth) for each in values]
