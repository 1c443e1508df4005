"""Portkey: logs as its export gives them."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat

_TABLE: Final = FieldTable(
    fields={
        "session_id": ("metadata/_session", "metadata/session_id"),
        "trace_id": ("trace_id",),
        "span_id": ("id",),
        "model": ("response/model", "ai_model"),
        "requested_model": ("ai_model",),
        "id": ("response/id",),
        "latency_ms": ("response_time",),
        "finish_reason": ("response/choices/0/finish_reason",),
        "prompt_tokens": ("req_units",),
        "completion_tokens": ("res_units",),
        "total_tokens": ("total_units",),
        "max_tokens": ("request/max_completion_tokens", "request/max_tokens"),
        "temperature": ("request/temperature",),
        "stream": ("request/stream",),
        "error_status": ("response_status_code",),
        "error_type": ("response/error/type",),
    },
    start=("created_at",),
    usage=("response/usage",),
    status=("is_success",),
    provider=("ai_org",),
    tool_calls=("response/choices/0/message/tool_calls",),
    input=("request/messages", "request"),
    output=("response/choices/0/message", "response"),
    error_message=("response/error/message",),
    extra={"prompt_slug": ("prompt_slug",)},
)


def _is_log(item: Item) -> bool:
    return "ai_model" in item and any(
        name in item for name in ("ai_org", "req_units", "response_status_code")
    )


def _event(row: Row) -> str:
    return "embedding" if "embed" in str(row.get("ai_model")) else "chat_completion"


PORTKEY: Final = TableFormat(
    name="Portkey",
    table=_TABLE,
    is_item=_is_log,
    event=_event,
    unique=("id",),
)
