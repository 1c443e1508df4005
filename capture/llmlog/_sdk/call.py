"""One model call, from its start to its one record."""

from __future__ import annotations

import atexit
import json
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, cast

from llmlog import _context
from llmlog._foreign import Fields, Foreign, set_known
from llmlog._guard import guarded
from llmlog._sdk import fields, headers
from llmlog._sdk.chunks import Accumulator, ChatAccumulator, ResponseAccumulator, parse_sse
from llmlog.record import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmlog._core import TraceCore
    from llmlog._sdk.tool_calls import ToolCall


class Call:
    """A call in progress; the first of its ends writes the record, later ones do nothing.

    A call never references an unread body or response: an abandoned stream is noticed by their
    garbage collection.
    """

    is_open = False
    """Whether the answer's body is yet to be read when `request` returns."""
    strip_usage_chunk = False
    """Whether to withhold the usage chunk, which the application has not requested."""
    raw_mode: str | None = None
    """How the application asked for the raw response: "true", "stream" or not at all."""
    reads_chunks = False
    """Whether the application reads typed chunks, so that the bytes need no parsing."""
    reader: weakref.ref[Any] | None = None
    """Generator through which the application reads the answer."""
    last_ns: int | None = None
    """Clock reading when the answer, or the latest part of it, arrived."""

    def __init__(
        self,
        trace: TraceCore,
        event: str,
        body: Mapping[str, object],
        *,
        stream: bool,
        provider: str | None,
    ) -> None:
        self.core = trace.core
        self._guard = trace.core.guard
        self._content = trace.core.content
        self._trace = trace
        self._event = event
        self._pid = os.getpid()
        self._fields = self._first_fields(body, provider)
        self._fields["stream"] = stream
        # A list, because pop() hands the fields to exactly one of several threads.
        self._unwritten = [self._fields]
        self.chunks: Accumulator | None = None
        """Accumulator of the stream's chunks; None if it is no stream."""
        if stream and event == "chat_completion":
            self.chunks = ChatAccumulator(keeps_content=self._content.keeps_content)
        elif stream:
            self.chunks = ResponseAccumulator()
        self._blocks: list[tuple[int, bytes]] = []
        self._blocks_size = 0
        self._response: Any = None
        self._unread: weakref.ref[Any] | None = None
        self.now = trace.core.clock.monotonic_ns
        # Last, so that the set-up above is no part of the latency.
        self._started_ns = self.now()

    def _first_fields(self, body: Mapping[str, object], provider: str | None) -> Fields:
        trace, content = self._trace, self._content
        known = fields.request_fields(body)
        known["event"] = self._event
        known["ts"] = timestamp(trace.core.clock.time_ns())
        known["step"] = trace.next_step()
        known["span_id"] = trace.core.new_id(16)
        known["status"] = "ok"
        set_known(known, parent_span_id=_context.current_span_id(trace), provider=provider)
        if content.computes_hashes:
            messages = fields.request_messages(self._event, body)
            # The inputs of embeddings are a batch: none is the prefix of the next.
            hashes = content.prefix_hashes(messages) if self._event != "embedding" else None
            set_known(known, input=content.snapshot(messages), prefix_hashes=hashes)
        return known

    def responded(self, response: Foreign, retries: int) -> None:
        """Note the server's response; unless the call is open, its body has been read."""
        self.last_ns = self.now()
        if not self.is_open:
            self._response = response
        self._fields["retries"] = retries
        headers.add_headers(self._fields, response.headers)

    def keep_open(self, unread: Foreign) -> None:
        """Let the call end with `unread`, the body or response yet to be read."""
        _open_calls.add(self)
        self._unread = weakref.ref(unread, self.abandoned)
        self.is_open = True

    def on_bytes(self, block: bytes, at_ns: int) -> bool:
        """Keep a block of the body that the application reads as bytes; never withhold it."""
        if not self.reads_chunks and self._blocks_size <= _MAX_BODY:
            self._blocks.append((at_ns, block))
            self._blocks_size += len(block)
        return False

    @guarded
    def complete(self, result: object) -> None:
        """End the call with the result of `request`: an answer or a raw response."""
        # The server's JSON holds members that the SDK's types drop, but parsing it again is only
        # worth its time if the content is kept.
        is_typed = not self._content.keeps_content and _is_answer(result)
        self._finish(None, self.last_ns, self._answer(result if is_typed else self._json_body()))

    @guarded
    def exhausted(self) -> None:
        """End the call: its stream was read to the end."""
        self._finish("exhausted", self.last_ns, {})

    @guarded
    def closed(self) -> None:
        """End the call: the application closed the stream."""
        self._finish("closed", self.last_ns, {})

    @guarded
    def abandoned(self, _unread: object = None) -> None:
        """End the call: the stream was garbage collected, or the process exits."""
        self._finish("abandoned", self.last_ns, {})

    @guarded
    def failed(self, error: BaseException) -> None:
        """End the call: it raised `error`, before its answer or in the middle of it."""
        # By name, as trio's and anyio's cancellations share no class with asyncio's.
        cancelled = type(error).__name__ in ("CancelledError", "Cancelled")
        # An answer that was received but could not be parsed into the application's type.
        known = self._answer(self._json_body()) if self._response is not None else {}
        known |= headers.error_fields(error) | {"status": "error", "error_message": error}
        self._finish("cancelled" if cancelled else "error", self.now(), known)

    def _finish(self, end: str | None, at_ns: int | None, known: Fields) -> None:
        # A forked child has a copy of the call, but the call is its parent's.
        if self._pid != os.getpid():
            return
        try:
            record = self._unwritten.pop()
        except IndexError:
            return
        if self.is_open:
            _open_calls.discard(self)
            self._unread = None
            self._add_streamed(record)
        record |= known
        elapsed = (self.now() if at_ns is None else at_ns) - self._started_ns
        record["latency_ms"] = latency_ms = _ms(elapsed)
        tokens: Any = record.get("completion_tokens")
        if tokens is not None and latency_ms > 0:
            record["tokens_per_sec"] = tokens / (latency_ms / 1000)
        if self.chunks is not None:
            if (first := self.chunks.first_content_ns) is not None:
                record["ttft_ms"] = _ms(first - self._started_ns)
            # A connection that is cut raises nothing: the missing end is the only sign.
            if end == "exhausted":
                end = "complete" if self.chunks.ended else "truncated"
            set_known(record, stream_end=end)
        self._trace.write(record)

    def _add_streamed(self, record: Fields) -> None:
        if self.chunks is None:
            body = b"".join(block for _, block in self._blocks)
            record.update(self._answer(_parsed(body)))
            return
        for at_ns, chunk in parse_sse(self._blocks):
            self.chunks.feed(chunk, at_ns)
        self._remember(self.chunks.add_fields(record))
        if self._content.keeps_content:
            set_known(record, output=self.chunks.output())

    def _answer(self, answer: object) -> Fields:
        known, calls = fields.answer_fields(self._event, answer)
        self._remember(calls)
        if self._content.keeps_content:
            set_known(known, output=fields.answer_output(self._event, answer))
        return known

    def _remember(self, calls: list[ToolCall]) -> None:
        for call in calls:
            if call.id:
                self._trace.remember_tool_call(call.id, cast("str", self._fields["span_id"]))

    def _json_body(self) -> object:
        return _parsed(self._response.content) if self._response is not None else None


_MAX_BODY = 8 * 1024 * 1024
"""Maximum bytes of a body kept while the application reads it as bytes."""


def _ms(ns: int) -> int:
    return (ns + 500_000) // 1_000_000


_open_calls: set[Call] = set()
"""Calls whose answers are still being read: kept here, as nothing else may hold them."""


@atexit.register
def _at_exit() -> None:
    for call in list(_open_calls):
        call.abandoned()


def _at_exit_of_worker(_: object = None) -> None:
    # A child of multiprocessing ends without atexit, but not without its finalizers.
    util: Foreign = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _at_exit, exitpriority=0)


def _after_fork_in_child() -> None:
    # Not at once: a child of multiprocessing first clears the finalizers of its parent.
    util: Foreign = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_at_exit, _at_exit_of_worker)


_at_exit_of_worker()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _is_answer(result: object) -> bool:
    return hasattr(result, "__pydantic_fields_set__") or isinstance(result, dict)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
