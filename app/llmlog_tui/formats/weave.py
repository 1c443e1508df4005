"""W&B Weave: calls of traced functions; those of an SDK's methods are model calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import (
    CALL_EVENTS,
    FieldTable,
    Row,
    TableFormat,
    named_by_event,
)
from llmlog_tui.formats.vocabulary import dig, mapping

_TABLE: Final = FieldTable(
    fields={
        "session_id": ("thread_id",),
        "trace_id": ("trace_id",),
        "span_id": ("id",),
        "parent_span_id": ("parent_id",),
        "name": ("display_name", "op"),
        "tool_name": ("display_name", "op"),
        "model": ("output/model", "usage_model", "inputs/model"),
        "requested_model": ("inputs/model",),
        "id": ("output/id",),
        "finish_reason": ("output/choices/0/finish_reason", "output/stop_reason"),
        "max_tokens": ("inputs/max_completion_tokens", "inputs/max_tokens"),
        "temperature": ("inputs/temperature",),
        "stream": ("inputs/stream",),
        "system_fingerprint": ("output/system_fingerprint",),
    },
    start=("started_at",),
    end=("ended_at",),
    usage=("output/usage", "usage"),
    error=("exception",),
    tool_calls=("output/choices/0/message/tool_calls", "output/content"),
    input=("inputs/messages", "inputs/input", "inputs"),
    output=("output/choices/0/message", "output"),
    error_message=("exception",),
)

_CALL: Final = re.compile(
    r"(?:completions|messages|responses|embeddings|models|chat)"
    r"\.(?:create|parse|stream|complete|embed|generate_content|converse)(?:_async|_stream)?$"
    r"|(?:^|\.)a?(?:completion|embedding|generate_content|converse|invoke_model)$",
    re.IGNORECASE,
)
"""Methods of SDKs that Weave traces: openai.chat.completions.create, litellm.acompletion …"""


def _op(item: Row) -> str:
    """Return an operation's name without its project and version."""
    return str(item.get("op_name")).rsplit("/op/", 1)[-1].split(":", 1)[0]


def _is_call(item: Item) -> bool:
    return isinstance(item.get("op_name"), str) and "started_at" in item and "trace_id" in item


def _rows(item: Item) -> Iterable[Row]:
    by_model = mapping(dig(item, "summary", "usage"))
    model, usage = next(iter(by_model.items()), (None, None))
    return ({**item, "op": _op(item), "usage_model": model, "usage": usage},)


def _event(row: Row) -> str:
    op = _op(row)
    if _CALL.search(op):
        if "embed" in op.lower():
            return "embedding"
        return "response" if "responses." in op else "chat_completion"
    kind = dig(row, "attributes", "weave", "kind")
    return "tool_call" if kind == "tool" else "span"


def _adjusted(row: Row, record: Record) -> Record:
    del row
    if record["event"] not in CALL_EVENTS:
        # The summary of a function adds up the calls inside it.
        for name in ("model", "requested_model", "finish_reason", "id"):
            record.pop(name, None)
    return named_by_event(record)


WEAVE: Final = TableFormat(
    name="Weave",
    table=_TABLE,
    is_item=_is_call,
    rows=_rows,
    event=_event,
    adjusted=_adjusted,
    unique=("id",),
)
