"""Langfuse: observations as its API, its blob export (snake_case) and its UI give them."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat, named_by_event

_EVENTS: Final = {"GENERATION": "chat_completion", "EMBEDDING": "embedding", "TOOL": "tool_call"}
_OTHERS: Final = frozenset(
    {"SPAN", "EVENT", "AGENT", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"}
)
_ANSWER: Final = ("output/choices/0/message", "output")
_TABLE: Final = FieldTable(
    fields={
        "session_id": ("sessionId", "session_id", "trace/sessionId"),
        "trace_id": ("traceId", "trace_id"),
        "trace_name": ("traceName", "trace_name", "trace/name"),
        "span_id": ("id",),
        "parent_span_id": ("parentObservationId", "parent_observation_id"),
        "name": ("name",),
        "tool_name": ("name",),
        "model": ("model", "providedModelName", "provided_model_name"),
        "id": ("output/id",),
        "finish_reason": ("metadata/finish_reason", "output/choices/0/finish_reason"),
        "prompt_tokens": ("promptTokens",),
        "completion_tokens": ("completionTokens",),
        "total_tokens": ("totalTokens",),
        **{
            name: tuple(
                f"{parameters}/{name}" for parameters in ("modelParameters", "model_parameters")
            )
            for name in ("max_tokens", "temperature", "top_p", "seed", "reasoning_effort")
        },
    },
    start=("startTime", "start_time"),
    end=("endTime", "end_time"),
    first_token=("completionStartTime", "completion_start_time"),
    latency_s=("latency",),
    usage=("usageDetails", "usage_details", "usage"),
    status=("level",),
    tool_calls=tuple(f"{path}/tool_calls" for path in _ANSWER),
    input=("input",),
    output=_ANSWER,
    error_message=("statusMessage", "status_message"),
)


def _kind(row: Row) -> str:
    return str(row.get("type")).upper()


def _is_observation(item: Item) -> bool:
    return (
        ("traceId" in item or "trace_id" in item)
        and ("startTime" in item or "start_time" in item)
        and (_kind(item) in _EVENTS or _kind(item) in _OTHERS)
    )


def _event(row: Row) -> str:
    return _EVENTS.get(_kind(row), "span")


def _adjusted(row: Row, record: Record) -> Record:
    del row
    # Where usage is unknown, the older fields are zeros.
    if not any(record.get(name) for name in ("prompt_tokens", "completion_tokens")):
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            record.pop(name, None)
    return named_by_event(record)


LANGFUSE: Final = TableFormat(
    name="Langfuse",
    table=_TABLE,
    is_item=_is_observation,
    event=_event,
    adjusted=_adjusted,
    unique=("id",),
)
