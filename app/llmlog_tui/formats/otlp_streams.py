"""Streamed calls of logfire: two spans that make one call.

The first ends when the stream is opened, without usage; the second is a log of no length, written
when the stream has ended, with the usage, the finish reason and a `duration`.
"""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats.otlp_envelope import Span
from llmlog_tui.formats.otlp_node import Node
from llmlog_tui.formats.otlp_tree import Forest
from llmlog_tui.formats.vocabulary import number

MAX_WAITING: Final = 1_000
"""Maximum opened streams, and maximum logs, that wait for their other half."""

_TYPE: Final = "logfire.span_type"
_NS_PER_S: Final = 1_000_000_000
_MAX_SECONDS: Final = 1_000_000
_OPENED_WITHOUT: Final = ("prompt_tokens", "completion_tokens", "finish_reason", "id")
_ANSWER: Final = ("response_data", "gen_ai.output.messages")

_Key = tuple[str, str, object]
_Half = tuple[str, Node]


def is_pending(span: Span) -> bool:
    """Return whether logfire sent a span at its begin; it comes again."""
    return span.attributes.get(_TYPE) == "pending_span"


class StreamJoin:
    """The halves of streamed calls that wait for each other."""

    def __init__(self) -> None:
        self._opened: dict[_Key, list[_Half]] = {}
        self._logs: list[tuple[_Key, _Half]] = []

    def add(self, span: Span, node: Node) -> None:
        """Take a call if it is a half of a streamed one."""
        kind = span.attributes.get(_TYPE)
        if kind is None or not node.is_call:
            return
        # At the root both are traces of their own.
        trace_id = span.trace_id if span.parent_id else ""
        key = (trace_id, span.parent_id, node.record.get("requested_model"))
        duration = number(span.attributes.get("duration"))
        if kind == "log" and duration is not None and 0 <= duration < _MAX_SECONDS:
            node.record.pop("latency_ms", None)
            node.set_times(span.begin - round(duration * _NS_PER_S), span.begin)
            node.record["stream"] = True
            self._logs.append((key, (span.trace_id, node)))
        elif kind == "span" and _is_opening(span, node):
            node.is_unfinished = True
            self._opened.setdefault(key, []).append((span.trace_id, node))

    def join(self, forest: Forest) -> None:
        """Join each log to the stream opened last before it."""
        waiting = []
        for key, log in self._logs:
            if not forest.holds(*log):
                continue
            opened = [half for half in self._opened.get(key, ()) if forest.holds(*half)]
            before = [half for half in opened if half[1].begin <= log[1].end]
            if not before:
                waiting.append((key, log))
                continue
            half = max(before, key=lambda half: half[1].begin)
            self._opened[key] = [each for each in opened if each is not half]
            _join(half[1], log[1])
            forest.remove(*log)
        self._logs = waiting[-MAX_WAITING:]
        self._forget()

    def clear(self) -> None:
        """Forget all halves: they have been given out."""
        self._opened.clear()
        self._logs.clear()

    def _forget(self) -> None:
        while len(self._opened) > MAX_WAITING:
            del self._opened[next(iter(self._opened))]


def _is_opening(span: Span, node: Node) -> bool:
    """Return whether a call has nothing of an answer, though it did not fail."""
    return (
        node.record["status"] == "ok"
        and not any(name in node.record for name in _OPENED_WITHOUT)
        and not any(name in span.attributes for name in _ANSWER)
    )


def _join(call: Node, log: Node) -> None:
    own = {name: call.record[name] for name in ("span_id", "trace_id")}
    call.record = call.record | log.record | own
    call.begin, call.end = log.begin, log.end
    # The log has the messages of both sides.
    call.line = log.line
    call.is_unfinished = False
    call.is_joined = True
