"""Model responses as APIs return them: bare ones, and OpenAI's Batch output.

Known are chat.completion, text_completion, response, a list of embeddings, and Anthropic's
message. A response has the moment it was made and no end, so its latency is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat, value_at
from llmlog_tui.formats.vocabulary import finish_reason, mapping, text

_EVENTS: Final = {
    "chat.completion": "chat_completion",
    "text_completion": "completion",
    "response": "response",
}
BODY: Final = FieldTable(
    fields={
        "model": ("model",),
        "id": ("id",),
        "span_id": ("id",),
        "request_id": ("_request_id", "batch/response/request_id"),
        "finish_reason": ("choices/0/finish_reason", "stop_reason"),
        "reported_cost_usd": ("usage/cost",),
        "service_tier": ("service_tier", "usage/service_tier"),
        "max_tokens": ("max_output_tokens",),
        "temperature": ("temperature",),
        "top_p": ("top_p",),
        "reasoning_effort": ("reasoning/effort",),
        "system_fingerprint": ("system_fingerprint",),
        "error_type": ("error/type", "batch/error/type", "error/code", "batch/error/code"),
        "error_code": ("error/code", "batch/error/code"),
        "error_status": ("batch/response/status_code",),
    },
    start=("created", "created_at"),
    usage=("usage",),
    error=("error", "batch/error"),
    tool_calls=("choices/0/message/tool_calls", "output", "content"),
    output=("choices/0/message", "output", "content"),
    error_message=("error/message", "batch/error/message"),
    extra={"custom_id": ("batch/custom_id",)},
)
"""Paths of a record's fields in a response."""


def event_of(row: Row) -> str | None:
    """Return the event of a response, None if it is none."""
    if _is_message(row):
        return "chat_completion"
    if row.get("object") == "list":
        return "embedding"
    return _EVENTS.get(str(row.get("object")))


def adjusted(row: Row, record: Record) -> Record:
    """Return the record with the finish reason of a Responses API's response."""
    if record["event"] == "response":
        reason = value_at(row, ("incomplete_details/reason", "status"))
        called = "tool_calls" in record and reason == "completed"
        known = finish_reason("tool_calls" if called else reason)
        if known in ("stop", "length", "tool_calls", "content_filter"):
            record["finish_reason"] = known
        if row.get("status") == "failed":
            record["status"] = "error"
    return record


def _is_message(row: Row) -> bool:
    """Return whether this is a message of Anthropic's API."""
    return (
        row.get("type") == "message"
        and row.get("role") == "assistant"
        and "output_tokens" in mapping(row.get("usage"))
    )


def _is_response(item: Item) -> bool:
    if "event" in item:
        return False
    if item.get("object") == "list":
        return "usage" in item and "model" in item
    return _is_message(item) or (
        item.get("object") in tuple(_EVENTS) and ("choices" in item or "output" in item)
    )


def _is_batch_row(item: Item) -> bool:
    return "custom_id" in item and "response" in item and "error" in item


def _batch_rows(item: Item) -> Iterable[Row]:
    body = mapping(mapping(item.get("response")).get("body"))
    return ({**body, "batch": item},)


def _batch_event(row: Row) -> str:
    # A failed request has no object that names its kind.
    return event_of(row) or "chat_completion"


def _batch_adjusted(row: Row, record: Record) -> Record:
    request = text(value_at(row, ("batch/id",)))
    if request is not None:
        record.setdefault("span_id", request)
    return adjusted(row, record)


MODEL_RESPONSES: Final = TableFormat(
    name="model responses",
    table=BODY,
    is_item=_is_response,
    event=event_of,
    adjusted=adjusted,
)
OPENAI_BATCH: Final = TableFormat(
    name="OpenAI Batch output",
    table=BODY,
    is_item=_is_batch_row,
    rows=_batch_rows,
    event=_batch_event,
    adjusted=_batch_adjusted,
)
