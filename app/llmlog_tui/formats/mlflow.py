"""MLflow: traces with their spans, and single spans; attributes are JSON in text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import (
    CALL_EVENTS,
    FieldTable,
    Row,
    TableFormat,
    named_by_event,
    value_at,
)
from llmlog_tui.formats.vocabulary import mapping, text

_EVENTS: Final = {
    "CHAT_MODEL": "chat_completion",
    "LLM": "chat_completion",
    "EMBEDDING": "embedding",
    "TOOL": "tool_call",
}
_TYPE: Final = "mlflow.spanType"
_OUTPUTS: Final = "attributes/mlflow.spanOutputs"
_TABLE: Final = FieldTable(
    fields={
        "session_id": ("info/trace_metadata/mlflow.trace.session",),
        "trace_id": ("info/trace_id", "info/request_id", "context/trace_id", "trace_id"),
        "trace_name": ("info/tags/mlflow.traceName",),
        "span_id": ("span_id", "context/span_id"),
        "parent_span_id": ("parent_span_id", "parent_id"),
        "name": ("name",),
        "tool_name": ("name",),
        "model": (f"{_OUTPUTS}/model", "attributes/mlflow.llm.model"),
        "requested_model": ("attributes/mlflow.llm.model",),
        "id": (f"{_OUTPUTS}/id",),
        "finish_reason": (f"{_OUTPUTS}/choices/0/finish_reason",),
        "max_tokens": ("attributes/mlflow.spanInputs/max_tokens",),
        "temperature": ("attributes/mlflow.spanInputs/temperature",),
        "stream": ("attributes/mlflow.spanInputs/stream",),
        "error_type": (
            "events/-1/attributes/exception.type",
            "events/0/attributes/exception.type",
        ),
    },
    start=("start_time_unix_nano", "start_time_ns", "start_time"),
    end=("end_time_unix_nano", "end_time_ns", "end_time"),
    usage=("attributes/mlflow.chat.tokenUsage",),
    status=("status/code", "status_code"),
    provider=("attributes/mlflow.llm.provider",),
    tool_calls=(f"{_OUTPUTS}/choices/0/message/tool_calls",),
    input=("attributes/mlflow.spanInputs",),
    output=(f"{_OUTPUTS}/choices/0/message", _OUTPUTS),
    error_message=("status/message", "status_message"),
)


def _spans(item: Item) -> list[Mapping[str, object]]:
    found = mapping(item.get("data")).get("spans", item.get("spans"))
    return [span for span in found if isinstance(span, dict)] if isinstance(found, list) else [item]


def _is_mlflow(item: Item) -> bool:
    return any(_TYPE in mapping(span.get("attributes")) for span in _spans(item))


def _event(row: Row) -> str | None:
    if row.get("is_wrapper") is True:
        return "span"
    kind = value_at(row, (f"attributes/{_TYPE}",))
    return None if kind is None else _EVENTS.get(str(kind), "span")


def _rows(item: Item) -> Iterable[Row]:
    spans = _spans(item)
    parents = {text(span.get("span_id")): text(span.get("parent_span_id")) for span in spans}
    wrappers: set[str] = set()
    for span in spans:
        # A call around a call is the same call twice; only the innermost counts.
        if _event(span) in CALL_EVENTS:
            wrappers |= _ancestors(text(span.get("span_id")), parents)
    info = mapping(item.get("info"))
    for span in spans:
        yield {**span, "info": info, "is_wrapper": text(span.get("span_id")) in wrappers}


def _ancestors(span: str | None, parents: Mapping[str | None, str | None]) -> set[str]:
    found: set[str] = set()
    while (span := parents.get(span)) is not None and span not in found:
        found.add(span)
    return found


def _adjusted(row: Row, record: Record) -> Record:
    del row
    if record["event"] not in CALL_EVENTS:
        for name in ("model", "requested_model"):
            record.pop(name, None)
    return named_by_event(record)


MLFLOW: Final = TableFormat(
    name="MLflow traces",
    table=_TABLE,
    is_item=_is_mlflow,
    rows=_rows,
    event=_event,
    adjusted=_adjusted,
)
