"""Rollouts of Codex: $CODEX_HOME/sessions/YEAR/MONTH/DAY/rollout-TIME-ID.jsonl.

A call is the output items (reasoning, messages, tool calls) up to the line that counts its tokens:
`token_usage_record`, or `token_count` in rollouts that have no such lines. Latencies are between
timestamps of lines, so `timing` is derived. Not in rollouts: attempts that failed and were made
again, finish reasons (tool_calls or stop is concluded from the output), limits, request ids.
What `codex exec --json` prints counts tokens per turn only: CODEX_EXEC recognises it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from llmlog_tui.formats import FormatWithoutCalls, Item, LogState, Record
from llmlog_tui.formats.codex_rollout import Rollout
from llmlog_tui.formats.messages import joined_text, message, tool_call
from llmlog_tui.formats.vocabulary import decoded, error_message, mapping

_LINES: Final = frozenset(
    {
        "session_meta",
        "response_item",
        "event_msg",
        "turn_context",
        "token_usage_record",
        "compacted",
        "world_state",
        "thread_settings_applied",
    }
)


class _Codex:
    name = "Codex"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is a line of a rollout."""
        return any(
            item.get("type") in _LINES and isinstance(item.get("payload"), dict)
            for item in items
            if isinstance(item.get("timestamp"), str) and isinstance(item.get("type"), str)
        )

    def converter(self, log: LogState) -> Rollout:
        """Return the converter of one more rollout."""
        return Rollout(log)

    def content(self, item: Item, record: Record) -> Record:
        """Return the last output item of a call, a tool's output, or an error's text."""
        payload = mapping(item.get("payload"))
        if record.get("event") == "tool_call":
            return {"output": decoded(payload.get("output"))} if "output" in payload else {}
        if record.get("status") == "error":
            text = error_message(payload.get("message"))
            return {} if text is None else {"error_message": text}
        kind = payload.get("type")
        if kind == "message":
            return {"output": message("assistant", joined_text(payload.get("content")))}
        if isinstance(kind, str) and kind.endswith("_call"):
            arguments = next((payload[name] for name in _ARGUMENTS if name in payload), None)
            call = tool_call(payload.get("call_id"), payload.get("name") or kind, arguments)
            return {"output": message("assistant", None, [call])}
        return {}


_ARGUMENTS: Final = ("arguments", "input", "action")


class _CodexExec(FormatWithoutCalls):
    name = "Codex exec --json"
    hint = "it counts tokens per turn, not per call: open the session's rollout instead"

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects begins a thread or ends a turn."""
        return any(
            (item.get("type") == "thread.started" and "thread_id" in item)
            or (item.get("type") == "turn.completed" and isinstance(item.get("usage"), dict))
            or (item.get("type") in _EXEC_ITEMS and isinstance(item.get("item"), dict))
            for item in items
        )


_EXEC_ITEMS: Final = ("item.started", "item.updated", "item.completed")

CODEX: Final = _Codex()
CODEX_EXEC: Final = _CodexExec()
