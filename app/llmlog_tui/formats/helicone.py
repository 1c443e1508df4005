"""Helicone: requests as its export and its query API give them."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat

_TABLE: Final = FieldTable(
    fields={
        "session_id": ("request_properties/Helicone-Session-Id",),
        "span_id": ("request_id",),
        "model": ("response_model", "model", "request_model"),
        "requested_model": ("request_model", "model"),
        "id": ("response_body/id",),
        "request_id": ("request_id",),
        "latency_ms": ("delay_ms",),
        "ttft_ms": ("time_to_first_token",),
        "finish_reason": ("response_body/choices/0/finish_reason", "response_body/stop_reason"),
        "prompt_tokens": ("prompt_tokens",),
        "completion_tokens": ("completion_tokens",),
        "total_tokens": ("total_tokens",),
        "cached_tokens": ("prompt_cache_read_tokens",),
        "cache_write_tokens": ("prompt_cache_write_tokens",),
        "reasoning_tokens": ("reasoning_tokens",),
        "reported_cost_usd": ("cost", "cost_usd", "costUSD"),
        "max_tokens": ("request_body/max_completion_tokens", "request_body/max_tokens"),
        "temperature": ("request_body/temperature",),
        "stream": ("request_body/stream",),
        "error_status": ("response_status",),
        "error_type": ("response_body/error/type",),
    },
    start=("request_created_at",),
    end=("response_created_at",),
    usage=("response_body/usage",),
    provider=("provider",),
    tool_calls=("response_body/choices/0/message/tool_calls", "response_body/content"),
    input=("request_body/messages", "request_body/input", "request_body"),
    output=("response_body/choices/0/message", "response_body/output", "response_body"),
    error_message=("response_body/error/message",),
)


def _is_request(item: Item) -> bool:
    return "request_id" in item and "request_created_at" in item


def _event(row: Row) -> str:
    path = str(row.get("request_path"))
    if "embedding" in path:
        return "embedding"
    return "response" if path.endswith("/responses") else "chat_completion"


HELICONE: Final = TableFormat(
    name="Helicone",
    table=_TABLE,
    is_item=_is_request,
    event=_event,
    unique=("request_id",),
)
