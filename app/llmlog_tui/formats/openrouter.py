"""OpenRouter: the activity export, a CSV; its rows are objects of texts."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat

_TABLE: Final = FieldTable(
    fields={
        "span_id": ("generation_id",),
        "model": ("model_permaslug",),
        "requested_model": ("model_permaslug",),
        "id": ("generation_id",),
        "latency_ms": ("generation_time_ms",),
        "ttft_ms": ("time_to_first_token_ms",),
        "finish_reason": ("finish_reason_normalized", "finish_reason_raw"),
        "prompt_tokens": ("tokens_prompt",),
        "completion_tokens": ("tokens_completion",),
        "reasoning_tokens": ("tokens_reasoning",),
        "cached_tokens": ("tokens_cached", "tokens_cached_prompt"),
        "reported_cost_usd": ("cost_total",),
        "stream": ("streamed",),
    },
    start=("created_at",),
    extra={"app_name": ("app_name",), "provider_name": ("provider_name",)},
)
_HEADER: Final = frozenset({"generation_id", "created_at", "model_permaslug", "tokens_prompt"})


def _is_row(item: Item) -> bool:
    return item.keys() >= _HEADER


def _event(row: Row) -> str:
    del row
    return "chat_completion"


def _adjusted(row: Row, record: Record) -> Record:
    del row
    # The host that was called and billed; extra.provider_name is who it passed the call on to.
    record["provider"] = "openrouter.ai"
    if record.get("finish_reason") == "error":
        record["status"] = "error"
    return record


OPENROUTER: Final = TableFormat(
    name="OpenRouter activity",
    table=_TABLE,
    is_item=_is_row,
    event=_event,
    adjusted=_adjusted,
    unique=("generation_id",),
    csv_header=_HEADER,
)
