"""mini-swe-agent: a trajectory (.traj.json) with the whole response of each call.

Responses have the moment they were made and no end, so latencies are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from llmlog_tui.formats import Item
from llmlog_tui.formats.field_tables import Row, TableFormat
from llmlog_tui.formats.model_responses import BODY, adjusted, event_of
from llmlog_tui.formats.vocabulary import dig, mapping, text

_TABLE: Final = replace(
    BODY,
    fields={**BODY.fields, "trace_id": ("run",), "step": ("step",)},
    start=("created", "created_at", "time"),
    extra={},
)


def _responses(item: Item) -> list[tuple[dict[str, Any], object]]:
    messages = item.get("messages")
    found = []
    for message in messages if isinstance(messages, list) else ():
        response = dig(message, "extra", "response")
        if isinstance(response, dict):
            found.append((response, dig(message, "extra", "timestamp")))
    return found


def _is_trajectory(item: Item) -> bool:
    if str(item.get("trajectory_format")).startswith("mini-swe-agent"):
        return True
    return "info" in item and bool(_responses(item))


def _rows(item: Item) -> Iterable[Row]:
    responses = _responses(item)
    # A trajectory has no id of its own: its first response's joins its calls.
    run = next((name for each, _ in responses if (name := text(each.get("id")))), None)
    for step, (response, time) in enumerate(responses):
        yield {**mapping(response), "run": run, "step": step, "time": time}


def _event(row: Row) -> str:
    # litellm's copy of a response may be without the object's kind.
    return event_of(row) or ("response" if "output" in row else "chat_completion")


MINI_SWE_AGENT: Final = TableFormat(
    name="mini-swe-agent",
    table=_TABLE,
    is_item=_is_trajectory,
    rows=_rows,
    event=_event,
    adjusted=adjusted,
)
