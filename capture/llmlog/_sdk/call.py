"""One model call, from its start to its one record."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final, cast

from llmlog import _context
from llmlog._foreign import Fields, Foreign, as_list, as_object, set_known
from llmlog._guard import guarded
from llmlog._sdk import fields, headers
from llmlog._sdk.chunks import ChatAccumulator
from llmlog._sdk.events import EventAccumulator
from llmlog._sdk.failures import ERROR_FIELDS, empty_answer, invalid_answer
from llmlog._sdk.messages import MessageAccumulator
from llmlog._sdk.sse import looks_like_sse, parse_sse, parsed
from llmlog.record import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmlog._core import TraceCore
    from llmlog._sdk.tool_calls import ToolCall


class Call:
    """A call in progress; its first end writes the record, others do nothing.

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

    def __init__(  # noqa: PLR0913 - options by name
        self,
        trace: TraceCore,
        event: str,
        body: Mapping[str, object],
        *,
        stream: bool,
        provider: str | None,
        tags: Fields | None = None,
    ) -> None:
        self.core = trace.core
        self._guard = trace.core.guard
        self._content = trace.core.content
        self._trace = trace
        self._event = event
        self._pid = os.getpid()
        self._fields = self._first_fields(body, provider)
        self._fields["stream"] = stream
        if tags := (tags or {}) | _context.current_tags(trace):
            self._fields["extra"] = tags
        # A list, because pop() hands the fields to exactly one of several threads.
        self._unwritten = [self._fields]
        self.chunks: Accumulator | None = self._accumulator() if stream else None
        """Accumulator of the stream's chunks; None if it is no stream."""
        self._blocks: list[tuple[int, bytes]] = []
        self._blocks_size = 0
        self._response: Any = None
        self._unread: weakref.ref[Any] | None = None
        self.now = trace.core.clock.monotonic_ns
        self._announce()
        self.keep_until_exit()
        # Last, so that the set-up above is no part of the latency.
        self._started_ns = self.now()

    def _announce(self) -> None:
        """Write the line that the call begins, if the session wants them."""
        self._trace.write_start(self._fields)

    def _accumulator(self) -> Accumulator:
        keeps_content = self._content.keeps_content
        if self._event in ("chat_completion", "completion"):
            return ChatAccumulator(keeps_content=keeps_content)
        return EventAccumulator(self._event, keeps_content=keeps_content)

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
            has_prefixes = fields.has_prefixes(self._event, messages)
            hashes = content.prefix_hashes(messages) if has_prefixes else None
            set_known(known, input=content.snapshot(messages), prefix_hashes=hashes)
        return known

    def responded(self, response: Foreign, retries: int) -> None:
        """Note the server's response; unless the call is open, its body has been read."""
        self.last_ns = self.now()
        if not self.is_open:
            self._response = response
        self._fields["retries"] = retries
        headers.add_headers(self._fields, response.headers, self.core.clock.time_ns())

    def keep_open(self, unread: Foreign) -> None:
        """Let the call end with `unread`, the body or response yet to be read."""
        self._unread = weakref.ref(unread, self.abandoned)
        self.is_open = True

    def keep_until_exit(self) -> None:
        """Let the call end when the process exits, if nothing ends it before."""
        _open_calls.add(self)

    def on_bytes(self, block: bytes, at_ns: int) -> bool:
        """Keep a block of the body that the application reads as bytes; never withhold it."""
        if not self.reads_chunks:
            self._keep_block(block, at_ns)
        return False

    def on_head(self, block: bytes) -> bool:
        """Keep a block of a stream until its first chunk; return whether to call again."""
        if self.chunks is None or self.chunks.has_chunks:
            self._blocks.clear()
            return False
        # A body in place of a stream, such as an error or a page, has no chunks.
        self._keep_block(block, self.now())
        return True

    @guarded
    def was_read(self, body: bytes) -> None:
        """End the call: its body was read at once."""
        # One that had been received before, as in a test, did not come in blocks.
        if not self._blocks and not self.reads_chunks:
            self._keep_block(body, self.now() if self.last_ns is None else self.last_ns)
        self._finish("exhausted", self.last_ns, {})

    def _keep_block(self, block: bytes, at_ns: int) -> None:
        self._blocks_size += len(block)
        if self._blocks_size <= _MAX_BODY:
            self._blocks.append((at_ns, block))

    @guarded
    def complete(self, result: object) -> None:
        """End the call with the result of `request`: an answer or a raw response."""
        # The server's JSON holds members that the SDK's types drop, but parsing it again is only
        # worth its time if the content is kept.
        known: Fields = {}
        if _is_answer(result) and (self._response is None or not self._content.keeps_content):
            known = self._answer(result)
        elif self._response is not None:
            known = self._whole_body(self._response.content, is_whole=True)
        # Without a response where the SDK's middleware has answered in place of the server.
        self._finish(None, self.last_ns, known)

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
        body = as_object(parsed(self._response.content)) if self._response is not None else None
        known = self._answer(body) if body is not None else {}
        known |= headers.error_fields(error, self.core.clock.time_ns())
        known |= {"status": "error", "error_message": error}
        self._finish("cancelled" if cancelled else "error", self.now(), known)

    @guarded
    def at_exit(self) -> None:
        """End the call: the process exits."""
        if self.is_open:
            self.abandoned()
        else:  # a daemon thread still waits for the answer
            self._finish("abandoned", self.now(), _UNANSWERED)

    def _finish(self, end: str | None, at_ns: int | None, known: Fields) -> None:
        # A forked child has a copy of the call, but the call is its parent's.
        if self._pid != os.getpid():
            return
        try:
            record = self._unwritten.pop()
        except IndexError:
            return
        _open_calls.discard(self)
        self._unread = None
        if self.is_open:
            self._add_streamed(record, end)
        record |= known
        self._deliver(record, end, at_ns)

    def _deliver(self, record: Fields, end: str | None, at_ns: int | None) -> None:
        elapsed = (self.now() if at_ns is None else at_ns) - self._started_ns
        record["latency_ms"] = latency_ms = _ms(elapsed)
        tokens: Any = record.get("completion_tokens")
        if tokens is not None and latency_ms > 0 and self._event in _GENERATES_TEXT:
            record.setdefault("tokens_per_sec", tokens / (latency_ms / 1000))
        if self.chunks is not None:
            if (first := self.chunks.first_content_ns) is not None:
                record["ttft_ms"] = _ms(first - self._started_ns)
            # A connection that is cut raises nothing: the missing end is the only sign.
            if end == "exhausted":
                broke_off = "error" if record["status"] == "error" else "truncated"
                end = "complete" if self.chunks.ended else broke_off
            set_known(record, stream_end=end)
        self._trace.write(record)

    def _add_streamed(self, record: Fields, end: str | None) -> None:
        is_whole = end == "exhausted" and self._blocks_size <= _MAX_BODY
        if self.chunks is None:
            record.update(self._whole_body(self._body(), is_whole=is_whole))
            return
        # Read as bytes, a stream is parsed here; a whole answer in place of one is no chunk.
        if not self.reads_chunks and _object_in(self._body()) is None:
            self._feed(self.chunks)
        if not self.chunks.has_chunks:
            record.update(self._in_place_of_stream(self.chunks, is_whole=is_whole))
        elif is_whole:
            record.update(self.chunks.failure())
        self._remember(self.chunks.add_fields(record))
        if self._content.keeps_content:
            set_known(record, output=self.chunks.output())

    def _body(self) -> bytes:
        return b"".join(block for _, block in self._blocks)

    def _feed(self, chunks: Accumulator) -> None:
        for at_ns, chunk in parse_sse(self._blocks):
            chunks.feed(chunk, at_ns)

    def _in_place_of_stream(self, chunks: Accumulator, *, is_whole: bool) -> Fields:
        """Read a body that has no chunks, and return the fields of its failure."""
        body = self._body()
        answer = _object_in(body)
        if answer is not None:
            chunks.feed(answer, 0)
            chunks.first_content_ns = None  # it came with the whole answer
            known, _ = fields.answer_fields(self._event, answer)
            return {name: known[name] for name in known.keys() & ERROR_FIELDS}
        if not is_whole:
            return {}
        return empty_answer() if looks_like_sse(body) or not body.strip() else invalid_answer()

    def _whole_body(self, body: bytes, *, is_whole: bool) -> Fields:
        """Return the fields of an answer's body; an incomplete one is not invalid."""
        if (answer := _object_in(body)) is not None:
            return self._answer(answer)
        if looks_like_sse(body[:_HEAD]):
            return self._streamed_unasked(body)
        # Speech is bytes, and transcripts may be plain text.
        if self._event == "audio" and not _is_page(body):
            return self._plain_text(body)
        return invalid_answer() if is_whole else {}

    def _streamed_unasked(self, body: bytes) -> Fields:
        chunks = self._accumulator()
        for _, chunk in parse_sse([(0, body)]):
            chunks.feed(chunk, 0)
        known: Fields = {}
        self._remember(chunks.add_fields(known))
        if self._content.keeps_content:
            set_known(known, output=chunks.output())
        return known if chunks.has_chunks else empty_answer()

    def _plain_text(self, body: bytes) -> Fields:
        if not self._content.keeps_content:
            return {}
        try:
            return {"output": body.decode()}
        except UnicodeDecodeError:
            return {}

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


class MessageCall(Call):
    """A call of Anthropic's Messages API."""

    def _accumulator(self) -> Accumulator:
        return MessageAccumulator(keeps_content=self._content.keeps_content)


Accumulator = ChatAccumulator | EventAccumulator | MessageAccumulator

_UNANSWERED: Final[Fields] = {
    "status": "error",
    "error_type": "Abandoned",
    "error_message": "the process exited before the answer",
}
_MAX_BODY: Final = 8 * 1024 * 1024
"""Maximum bytes of a body kept while the application reads it as bytes."""
_HEAD: Final = 256
"""Bytes of a body from which its kind is detected."""
_GENERATES_TEXT: Final = ("chat_completion", "response", "completion")
"""Events whose tokens per second are a speed."""


def _ms(ns: int) -> int:
    return (ns + 500_000) // 1_000_000


_open_calls: set[Call] = set()
"""Calls that have not ended. Nothing else may hold one whose answer is still read."""


@atexit.register
def _at_exit() -> None:
    for call in list(_open_calls):
        call.at_exit()


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


def _object_in(body: bytes) -> object:
    """Return the JSON object that `body` is; None if it is none."""
    if body[:_HEAD].lstrip()[:1] not in (b"{", b"["):
        return None
    answer = parsed(body)
    # Google sends an error as a list with one object.
    if len(items := as_list(answer)) == 1:
        error = as_object(items[0])
        return error if error is not None and "error" in error else None
    return as_object(answer)


def _is_page(body: bytes) -> bool:
    return body[:_HEAD].lstrip().lower().startswith((b"<!doctype", b"<html"))
