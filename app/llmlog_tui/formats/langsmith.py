"""LangSmith: runs as its API and its bulk export give them.

The session_id of a run is its project; the conversation is in its metadata.
"""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat, named_by_event

_EVENTS: Final = {"llm": "chat_completion", "embedding": "embedding", "tool": "tool_call"}
_METADATA: Final = "extra/metadata"
_GENERATION: Final = "outputs/generations/0/0"
_TABLE: Final = FieldTable(
    fields={
        "session_id": tuple(
            f"{_METADATA}/{name}" for name in ("thread_id", "session_id", "conversation_id")
        ),
        "trace_id": ("trace_id",),
        "span_id": ("id",),
        "parent_span_id": ("parent_run_id",),
        "name": ("name",),
        "tool_name": ("name",),
        "tool_call_id": ("outputs/output/tool_call_id", "inputs/tool_call_id"),
        "model": (
            f"{_GENERATION}/message/kwargs/response_metadata/model_name",
            "outputs/llm_output/model_name",
            f"{_METADATA}/ls_model_name",
        ),
        "requested_model": (f"{_METADATA}/ls_model_name", "extra/invocation_params/model"),
        "id": (f"{_GENERATION}/message/kwargs/response_metadata/id", "outputs/id"),
        "finish_reason": (
            f"{_GENERATION}/generation_info/finish_reason",
            "outputs/choices/0/finish_reason",
        ),
        "prompt_tokens": ("prompt_tokens",),
        "completion_tokens": ("completion_tokens",),
        "total_tokens": ("total_tokens",),
        "max_tokens": (f"{_METADATA}/ls_max_tokens", "extra/invocation_params/max_tokens"),
        "temperature": (f"{_METADATA}/ls_temperature", "extra/invocation_params/temperature"),
        "stream": ("extra/invocation_params/stream",),
    },
    start=("start_time",),
    end=("end_time",),
    first_token=("first_token_time",),
    usage=(
        f"{_GENERATION}/message/kwargs/usage_metadata",
        "outputs/usage_metadata",
        f"{_METADATA}/usage_metadata",
        "outputs/llm_output/token_usage",
        "outputs/usage",
    ),
    status=("status",),
    error=("error",),
    provider=(f"{_METADATA}/ls_provider",),
    tool_calls=(
        f"{_GENERATION}/message/kwargs/tool_calls",
        "outputs/choices/0/message/tool_calls",
    ),
    input=("inputs/messages", "inputs"),
    output=(f"{_GENERATION}/message/kwargs", "outputs/choices/0/message", "outputs"),
    error_message=("error",),
)


def _is_run(item: Item) -> bool:
    return (
        isinstance(item.get("run_type"), str)
        and "start_time" in item
        and ("trace_id" in item or "dotted_order" in item)
    )


def _event(row: Row) -> str:
    return _EVENTS.get(str(row.get("run_type")), "span")


def _adjusted(row: Row, record: Record) -> Record:
    if record["event"] not in ("chat_completion", "embedding"):
        # A chain's tokens are the sum of its calls.
        for name in ("prompt_tokens", "completion_tokens", "total_tokens", "model"):
            record.pop(name, None)
        record.pop("requested_model", None)
    del row
    return named_by_event(record)


LANGSMITH: Final = TableFormat(
    name="LangSmith",
    table=_TABLE,
    is_item=_is_run,
    event=_event,
    adjusted=_adjusted,
    unique=("id",),
)
