"""One model call, from its start to its one record."""

from __future__ import annotations

import atexit
import json
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, cast

from llmlog import _context as scopes
from llmlog._guard import guarded
from llmlog._sdk import fields as telemetry
from llmlog._sdk import headers
from llmlog._sdk.chunks import ChatChunks, ResponseChunks, server_sent_json
from llmlog.record import call_line, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmlog._sdk.client import Binding
    from llmlog._sdk.fields import Fields, Foreign
    from llmlog._trace import Trace


class Call:
    """What is known of a call so far. The first way it ends writes the record, others do nothing.

    Of a stream it never holds the body, nor the response where its bytes may be read: their
    collection is how an abandoned stream is noticed. Whoever takes the fields out of `_unwritten`
    writes them.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that is known when it starts
        self,
        binding: Binding,
        trace: Trace,
        event: str,
        body: Mapping[str, object],
        stream: bool,  # noqa: FBT001 - quicker than by name, as the others
        provider: str | None,
    ) -> None:
        session = trace.session
        self.binding = binding
        self.guard = session.guard
        """Where faults in here are counted."""
        self._trace = trace
        self._event = event
        self._pid = os.getpid()
        self._content = session.content
        self._fields = self._first_fields(body, provider)
        self._fields["stream"] = stream
        self._unwritten = [self._fields]
        self.chunks = _NO_CHUNKS
        if stream:
            chat = event == "chat_completion"
            self.chunks = ChatChunks(keeps=self._content.keeps) if chat else ResponseChunks()
        self._blocks: list[tuple[int, bytes]] = []
        self._blocks_size = 0
        self._body: Any = None
        self._unread: weakref.ref[Any] | None = None
        self.watched = False
        """Whether the call goes on after `request` has returned."""
        self.hides_usage = False
        self.raw_mode: str | None = None
        self.typed = False
        self.reader: weakref.ref[Any] | None = None
        """The generator that the application reads the answer through."""
        self.last: int | None = None
        """When the answer, or the latest part of it, came."""
        self.now = session.clock.monotonic_ns
        self._started = self.now()

    def _first_fields(self, body: Mapping[str, object], provider: str | None) -> Fields:
        """What is known when the call starts: its place in the trace, and what is asked."""
        trace, content = self._trace, self._content
        fields = telemetry.request_fields(body)
        fields["event"] = self._event
        fields["ts"] = timestamp(trace.session.clock.time_ns())
        fields["step"] = trace.next_step()
        fields["span_id"] = trace.session.new_id(16)
        fields["status"] = "ok"
        if (parent := scopes.current_span_id(trace)) is not None:
            fields["parent_span_id"] = parent
        if provider is not None:
            fields["provider"] = provider
        if content.hashes:
            messages = telemetry.request_messages(self._event, body)
            hashes = content.prefix_hashes(messages) if self._event != "embedding" else None
            telemetry.add(fields, input=content.snapshot(messages), prefix_hashes=hashes)
        return fields

    def responded(self, response: Foreign, retries: int) -> None:
        """The server has answered; unless it is watched, the response's body has been read."""
        self.last = self.now()
        if not self.watched:
            self._body = response
        self._fields["retries"] = retries
        headers.add_headers(self._fields, response.headers)

    def watch(self, unread: Foreign) -> None:
        """The body of the answer is yet to be read: the call ends with `unread`."""
        _watched.add(self)
        self._unread = weakref.ref(unread, self.abandoned)
        self.watched = True

    @guarded
    def returned(self, result: object) -> None:
        """The call gave `result`: a typed answer, or an object that holds the response."""
        # With content wanted, what the server sent says more than what the SDK made of it.
        typed = not self._content.keeps and _is_answer(result)
        answer = result if typed else self._json_body()
        self._finish(None, self.last, self._answer(answer))

    def block(self, block: bytes, at: int) -> bool:
        """A block of the body has come, on its way to an application that reads it itself."""
        if not self.typed and self._blocks_size <= _BODY_AT_MOST:
            self._blocks.append((at, block))
            self._blocks_size += len(block)
        return False

    @guarded
    def exhausted(self) -> None:
        """The stream has been read to its end."""
        self._finish("exhausted", self.last, {})

    @guarded
    def closed(self) -> None:
        """The application has closed the stream."""
        self._finish("closed", self.last, {})

    @guarded
    def abandoned(self, _unread: object = None) -> None:
        """Nobody can read the stream any more."""
        self._finish("abandoned", self.last, {})

    @guarded
    def failed(self, error: BaseException) -> None:
        """The call has raised `error`, before its answer or in the middle of it."""
        cancelled = type(error).__name__ in ("CancelledError", "Cancelled")
        answer = self._answer(self._json_body()) if self._body is not None else {}
        fields = answer | headers.error_fields(error) | {"status": "error", "error_message": error}
        self._finish("cancelled" if cancelled else "error", self.now(), fields)

    def _finish(self, end: str | None, at: int | None, fields: Fields) -> None:
        # A forked child has a copy of the call, but the call is its parent's.
        if self._pid != os.getpid():
            return
        try:
            record = self._unwritten.pop()
        except IndexError:
            return
        if self.watched:
            _watched.discard(self)
            self._unread = None
            self._add_streamed(record)
        record |= fields
        elapsed = (self.now() if at is None else at) - self._started
        record["latency_ms"] = latency_ms = (elapsed + _HALF_MS) // _MS
        tokens: Any = record.get("completion_tokens")
        if tokens is not None and latency_ms > 0:
            record["tokens_per_sec"] = tokens / (latency_ms / 1000)
        if record["stream"]:
            if (first := self.chunks.first_at) is not None:
                record["ttft_ms"] = (first - self._started + _HALF_MS) // _MS
            if end == "exhausted":
                end = "complete" if self.chunks.ended else "truncated"
            if end is not None:
                record["stream_end"] = end
        self._trace.emit(record, call_line)

    def _add_streamed(self, record: Fields) -> None:
        if self.chunks is _NO_CHUNKS:
            record.update(self._answer(_parsed(b"".join(block for _, block in self._blocks))))
            return
        if self._blocks:
            for at, chunk in server_sent_json(self._blocks):
                self.chunks.see(chunk, at)
        if calls := self.chunks.add_to(record):
            self._note_tools(calls)
        if self._content.keeps:
            telemetry.add(record, output=self.chunks.output())

    def _answer(self, answer: object) -> Fields:
        fields, calls = telemetry.answer_fields(self._event, answer)
        if calls:
            self._note_tools(calls)
        if self._content.keeps:
            telemetry.add(fields, output=telemetry.answer_output(self._event, answer))
        return fields

    def _note_tools(self, calls: list[telemetry.ToolCall]) -> None:
        for call in calls:
            if call.id:
                self._trace.asks(call.id, cast("str", self._fields["span_id"]))

    def _json_body(self) -> object:
        return _parsed(self._body.content) if self._body is not None else None


_NO_CHUNKS: ChatChunks | ResponseChunks = ResponseChunks()
_BODY_AT_MOST = 8 * 1024 * 1024
_MS = 1_000_000
_HALF_MS = 500_000


_watched: set[Call] = set()
"""Calls whose answers are still being read."""


@atexit.register
def _at_exit() -> None:
    for call in list(_watched):
        call.abandoned()


def _at_exit_of_worker(_: object = None) -> None:
    """A child of multiprocessing may end without atexit, but not without its finalizers."""
    util: Foreign = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _at_exit, exitpriority=0)


def _after_fork_in_child() -> None:
    """Wait with the finalizer: a child of multiprocessing first forgets those of its parent."""
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
