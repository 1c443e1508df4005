"""Inspect AI: evaluation logs in JSON (`inspect log convert --to json`).

Its .eval files are zip archives with members that few readers can unpack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import CALL_EVENTS, FieldTable, Row, TableFormat
from llmlog_tui.formats.providers import provider_host
from llmlog_tui.formats.vocabulary import integer, mapping, text

_EVENTS: Final = {"model": "chat_completion", "tool": "tool_call"}
_CHOICE: Final = "output/choices/0"
_TABLE: Final = FieldTable(
    fields={
        "session_id": ("eval_id",),
        "trace_id": ("sample_uuid",),
        "trace_name": ("task",),
        "step": ("step",),
        "span_id": ("uuid",),
        "model": ("output/model", "model"),
        "requested_model": ("model",),
        "finish_reason": (f"{_CHOICE}/stop_reason", "output/stop_reason"),
        "prompt_tokens": ("output/usage/input_tokens",),
        "completion_tokens": ("output/usage/output_tokens",),
        "total_tokens": ("output/usage/total_tokens",),
        "cached_tokens": ("output/usage/input_tokens_cache_read",),
        "cache_write_tokens": ("output/usage/input_tokens_cache_write",),
        "reasoning_tokens": ("output/usage/reasoning_tokens",),
        "max_tokens": ("config/max_tokens",),
        "temperature": ("config/temperature",),
        "top_p": ("config/top_p",),
        "seed": ("config/seed",),
        "reasoning_effort": ("config/reasoning_effort",),
        "retries": ("retries",),
        "tool_name": ("function",),
        "tool_call_id": ("id",),
        "error_type": ("error/type",),
    },
    start=("timestamp",),
    end=("completed",),
    latency_s=("working_time",),
    error=("error", "output/error"),
    tool_calls=(f"{_CHOICE}/message/tool_calls",),
    input=("input", "arguments"),
    output=(f"{_CHOICE}/message", "result"),
    error_message=("error/message", "error", "output/error"),
)


def _is_log(item: Item) -> bool:
    return isinstance(item.get("eval"), dict) and ("samples" in item or "status" in item)


def _rows(item: Item) -> Iterable[Row]:
    run = mapping(item.get("eval"))
    samples = item.get("samples")
    for sample in samples if isinstance(samples, list) else ():
        if isinstance(sample, dict):
            shared = {
                "eval_id": run.get("eval_id") or run.get("run_id"),
                "task": run.get("task"),
                "sample_uuid": sample.get("uuid") or sample.get("id"),
            }
            for step, event in enumerate(_events(sample)):
                yield {**event, **shared, "step": step}


def _events(sample: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the model calls and tool executions of a sample."""
    events = sample.get("events")
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or event.get("event") not in tuple(_EVENTS):
            continue
        # One that is pending has not ended.
        if event.get("pending") is not True:
            yield event


def _event(row: Row) -> str | None:
    return _EVENTS.get(str(row.get("event")))


def _adjusted(row: Row, record: Record) -> Record:
    if record["event"] in CALL_EVENTS:
        record.pop("tool_call_id", None)
        _include_cached(record)
        # Models are named provider/model.
        vendor, slash, _ = (text(row.get("model")) or "").partition("/")
        host = provider_host(vendor) if slash else None
        if host is not None:
            record["provider"] = host
    else:
        record.pop("model", None)
        record.pop("requested_model", None)
    return record


def _include_cached(record: Record) -> None:
    """Add cached tokens to the prompt where the total shows that they were counted apart."""
    counts = [
        integer(record.get(name)) or 0
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens")
    ]
    cached = counts[2] + counts[3]
    if cached and record.get("total_tokens") == sum(counts):
        record["prompt_tokens"] = integer(counts[0] + cached)


INSPECT_AI: Final = TableFormat(
    name="Inspect AI",
    table=_TABLE,
    is_item=_is_log,
    rows=_rows,
    event=_event,
    adjusted=_adjusted,
)
