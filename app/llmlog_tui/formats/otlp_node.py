"""Spans as nodes of their trace's tree, with their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmlog.record import timestamp
from llmlog_tui.formats.json_text import dump
from llmlog_tui.formats.otlp_attributes import CALLS, of_llm_library
from llmlog_tui.formats.otlp_envelope import Span
from llmlog_tui.formats.otlp_failures import has_failed
from llmlog_tui.formats.otlp_fields import fields_of
from llmlog_tui.formats.otlp_own import is_own, own_record
from llmlog_tui.formats.times import NS_PER_MS
from llmlog_tui.formats.vocabulary import Record, tokens_per_sec

_CORE: Final = ("ts", "trace_id", "span_id", "session_id", "trace_name", "status", "latency_ms")


@dataclass(slots=True)
class Node:
    """A span of a trace; `record` is complete but for step, parent and inherited fields."""

    line: int
    key: str
    """Identity of the span in its trace: its copies have the same."""
    span_id: str
    parent_id: str
    name: str
    begin: int
    end: int
    record: Record
    is_own: bool
    is_library: bool
    is_unfinished: bool = False
    """Whether it only opened a stream, of which nothing more came: no call yet."""
    is_joined: bool = False
    """Whether it has another span in it, which no copy of its own has."""

    @property
    def is_call(self) -> bool:
        """Whether it is a model call."""
        return self.record["event"] in CALLS

    @property
    def is_complete(self) -> bool:
        """Whether its end is known."""
        return self.end > 0 or self.is_own

    @property
    def is_work(self) -> bool:
        """Whether the trace is worth listing for this record."""
        return self.is_own or self.record["event"] != "span"

    def is_replaced_by(self, copy: Node) -> bool:
        """Return whether a copy of the span that came later counts instead."""
        return not self.is_joined and (copy.is_complete or not self.is_complete)

    def demote(self) -> None:
        """Make a span of a call: the call inside it counts."""
        kept = {name: self.record[name] for name in _CORE if name in self.record}
        self.record = kept | {"event": "span", "name": self.name}

    def set_times(self, begin: int, end: int) -> None:
        """Set when the span ran, and the fields that follow from it."""
        self.begin, self.end = begin, end
        if begin:
            self.record["ts"] = timestamp(begin)
        if "latency_ms" not in self.record and end >= begin > 0:
            self.record["latency_ms"] = round((end - begin) / NS_PER_MS)
        if self.is_call and "tokens_per_sec" not in self.record:
            rate = tokens_per_sec(
                self.record.get("completion_tokens"), self.record.get("latency_ms")
            )
            if rate is not None:
                self.record["tokens_per_sec"] = rate


def node_of(line: int, span: Span, event: str) -> Node:
    """Return the node of a span that is this kind of event."""
    if is_own(span.attributes):
        return _node(line, span, own_record(span), is_own=True)
    record: Record = {
        "event": event,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "status": "error" if has_failed(span) else "ok",
    }
    node = _node(line, span, record | fields_of(span, event), is_own=False)
    node.set_times(span.begin, span.end)
    return node


def _node(line: int, span: Span, record: Record, *, is_own: bool) -> Node:
    # Records of llmlog's own may share their ids: a call and its start, or what an application
    # numbers as it likes. Only equal ones are copies.
    key = f"{span.span_id} {hash(dump(record))}" if is_own else span.span_id
    return Node(
        line,
        key,
        span.span_id,
        span.parent_id,
        span.name,
        span.begin,
        span.end,
        record,
        is_own=is_own,
        is_library=is_own or of_llm_library(span.attributes),
    )
