"""Tool calls of one of Codex's rollouts, each from its call to its output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llmlog_tui.formats import Record
from llmlog_tui.formats.times import NS_PER_MS, ms_between, ts_at
from llmlog_tui.formats.vocabulary import integer, mapping, number

_MAX_OPEN: Final = 1_000
"""Maximum tools without an output per file; an aborted turn's never get one."""

_EXITED: Final = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,9})$", re.MULTILINE)
_MAX_HEADER: Final = 500
"""Maximum characters of the header in front of a command's own output."""


@dataclass(slots=True)
class ToolCall:
    """A tool call, asked for at `ns` by the model call with span `parent`."""

    name: str
    ns: int | None
    trace: str | None
    step: int
    parent: str
    duration_ms: float | None = None
    exit_code: int | None = None
    failed: bool = False

    def measure(self, item: Mapping[str, Any]) -> None:
        """Note how long the tool really ran and how it ended."""
        duration = mapping(item.get("duration"))
        secs, nanos = number(duration.get("secs")), number(duration.get("nanos"))
        if secs is not None:
            self.duration_ms = secs * 1_000 + (nanos or 0) / NS_PER_MS
        self.exit_code = integer(item.get("exit_code"))
        self.failed = item.get("status") == "failed"

    def record(
        self, call_id: str, session_id: str | None, ended_ns: int | None, output: object
    ) -> Record:
        """Return the record of the tool call, whose output came at `ended_ns`."""
        derived = None if self.duration_ms else ms_between(self.ns, ended_ns)
        exit_code = self.exit_code if self.exit_code is not None else _exit_code(output)
        failed = bool(exit_code) or self.failed or mapping(output).get("success") is False
        return {
            "ts": ts_at(self.ns),
            "event": "tool_call",
            "session_id": session_id,
            "trace_id": self.trace,
            "step": self.step,
            "span_id": call_id,
            "parent_span_id": self.parent,
            "status": "error" if failed else "ok",
            "latency_ms": integer(self.duration_ms) if self.duration_ms else derived,
            "tool_name": self.name or None,
            "tool_call_id": call_id,
            "timing": None if derived is None else "derived",
        }


class OpenToolCalls(dict[str, ToolCall]):
    """Tool calls without an output by their call_id; the oldest is dropped beyond a limit."""

    def start(self, call_id: str, tool: ToolCall) -> None:
        """Add a tool call."""
        self[call_id] = tool
        if len(self) > _MAX_OPEN:
            del self[next(iter(self))]


def _exit_code(output: object) -> int | None:
    """Return a command's exit code from its output, structured or in its header."""
    code = integer(mapping(mapping(output).get("metadata")).get("exit_code"))
    if code is None and isinstance(output, str):
        found = _EXITED.search(output[:_MAX_HEADER])
        code = int(found[1]) if found else None
    return code
