"""One model call, from its start to its one record."""

from __future__ import annotations

import json
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from llmlog import headers, scopes, telemetry
from llmlog.chunks import ChatChunks, ResponseChunks, server_sent_json
from llmlog.guard import Guard, guarded
from llmlog.record import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmlog.telemetry import Fields, Foreign
    from llmlog.traces import Trace


class Call:
    """What is known of a call so far. The first way it ends writes the record, others do nothing.

    It never holds the HTTP response of a stream: that one's collection is how an abandoned
    stream is noticed.
    """

    def __init__(
        self,
        trace: Trace,
        event: str,
        body: Mapping[str, object],
        *,
        stream: bool,
        provider: str | None,
    ) -> None:
        session = trace.session
        self._trace = trace
        self._event = event
        self.stream = stream
        self._pid = os.getpid()
        self._once = threading.Lock()
        self._span_id = session.new_id(16)
        self._content = session.content
        self._fields = self._first_fields(body, provider)
        self._chunks = _NO_CHUNKS
        if stream:
            chat = event == "chat_completion"
            self._chunks = ChatChunks(keeps=self._content.keeps) if chat else ResponseChunks()
        self._blocks: list[tuple[int, bytes]] = []
        self._blocks_size = 0
        self._body: Any = None
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self.hides_usage = False
        self.raw_mode: str | None = None
        self.typed = False
        self.reading = False
        self._first: int | None = None
        self._last: int | None = None
        self._now = session.clock.monotonic_ns
        self._started = self._now()

    def _first_fields(self, body: Mapping[str, object], provider: str | None) -> Fields:
        """What is known when the call starts: its place in the trace, and what is asked."""
        event, content = self._event, self._content
        fields: Fields = {
            "event": event,
            "ts": timestamp(self._trace.session.clock.time_ns()),
            "step": self._trace.next_step(),
            "span_id": self._span_id,
            "parent_span_id": scopes.current_span_id(self._trace),
            "status": "ok",
            "provider": provider,
            "stream": self.stream,
            **telemetry.request_fields(body),
        }
        if content.hashes:
            messages = telemetry.request_messages(event, body)
            fields["input"] = content.snapshot(messages)
            if event != "embedding":
                fields["prefix_hashes"] = content.prefix_hashes(messages)
        return fields

    @property
    def guard(self) -> Guard:
        """Where faults in here are counted."""
        return self._trace.session.guard

    @guarded
    def responded(self, response: Foreign, retries: int) -> None:
        """The server has answered; unless it is watched, the response's body has been read."""
        self._last = self._now()
        self._fields.update(headers.header_fields(response.headers))
        self._fields["retries"] = retries
        self._body = response

    @guarded
    def watch(self, response: Foreign) -> None:
        """The body of `response` is yet to be read: the call ends with it."""
        self._body = None
        self._finalizer = weakref.finalize(response, self.abandoned)

    @property
    def watched(self) -> bool:
        """Whether the call goes on after `request` has returned."""
        return self._finalizer is not None

    @guarded
    def returned(self, result: object) -> None:
        """The call gave `result`: a typed answer, or an object that holds the response."""
        # With content wanted, what the server sent says more than what the SDK made of it.
        typed = _is_answer(result) and not self._content.keeps
        answer = result if typed else self._json_body()
        self._finish(None, self._last, self._answer(answer))

    def chunk(self, chunk: object) -> bool:
        """A chunk has arrived; True if the application did not ask for it."""
        try:
            self._last = self._now()
            if self._first is None:
                if self._chunks.see(chunk):
                    self._first = self._last
            elif self._chunks.is_text_only(chunk):
                return False
            else:
                self._chunks.see(chunk)
            return self.hides_usage and self._chunks.is_usage_only(chunk)
        except Exception as fault:  # noqa: BLE001 - as @guarded, which costs more per chunk
            self.guard.caught(fault)
            return False

    @guarded
    def block(self, block: bytes) -> bool:
        """A block of the body has arrived, on its way to an application that reads it itself."""
        self._last = self._now()
        if not self.typed and self._blocks_size <= _BODY_AT_MOST:
            self._blocks.append((self._last, block))
            self._blocks_size += len(block)
        return False

    @guarded
    def exhausted(self) -> None:
        """The stream has been read to its end."""
        self._finish("exhausted", self._last, {})

    @guarded
    def closed(self) -> None:
        """The application has closed the stream, unless the SDK does so while it reads."""
        if not self.reading:
            self._finish("closed", self._last, {})

    @guarded
    def abandoned(self) -> None:
        """Nobody can read the stream any more."""
        self._finish("abandoned", self._last, {})

    @guarded
    def failed(self, error: BaseException) -> None:
        """The call has raised `error`, before its answer or in the middle of it."""
        known = {k: v for k, v in headers.error_fields(error).items() if v is not None}
        cancelled = type(error).__name__ in ("CancelledError", "Cancelled")
        answer = self._answer(self._json_body()) if self._body is not None else {}
        fields = answer | known | {"status": "error", "error_message": error}
        self._finish("cancelled" if cancelled else "error", self._now(), fields)

    def _finish(self, end: str | None, at: int | None, fields: Fields) -> None:
        # A forked child has a copy of the call, but the call is its parent's.
        if self._pid != os.getpid() or not self._once.acquire(blocking=False):
            return
        if self._finalizer is not None:
            self._finalizer.detach()
            fields = self._streamed() | fields
        record = self._fields
        record.update(fields)
        elapsed = (self._now() if at is None else at) - self._started
        record["latency_ms"] = latency_ms = round(elapsed / 1e6)
        tokens = record.get("completion_tokens")
        if isinstance(tokens, int) and latency_ms > 0:
            record["tokens_per_sec"] = tokens / (latency_ms / 1000)
        if self.stream:
            if self._first is not None:
                record["ttft_ms"] = round((self._first - self._started) / 1e6)
            if end == "exhausted":
                end = "complete" if self._chunks.ended else "truncated"
            record["stream_end"] = end
        self._trace.emit(record)

    def _streamed(self) -> Fields:
        if self._blocks and not self.stream:
            return self._answer(_parsed(b"".join(block for _, block in self._blocks)))
        for at, chunk in server_sent_json(self._blocks):
            if self._chunks.see(chunk) and self._first is None:
                self._first = at
        fields, calls = self._chunks.fields()
        self._note_tools(calls)
        if self._content.keeps:
            fields["output"] = self._chunks.output()
        return fields

    def _answer(self, answer: object) -> Fields:
        fields, calls = telemetry.answer_fields(self._event, answer)
        self._note_tools(calls)
        if self._content.keeps:
            fields["output"] = telemetry.answer_output(self._event, answer)
        return fields

    def _note_tools(self, calls: list[telemetry.ToolCall]) -> None:
        for call in calls:
            if call.id:
                self._trace.asks(call.id, self._span_id)

    def _json_body(self) -> object:
        return _parsed(self._body.content) if self._body is not None else None


_NO_CHUNKS: ChatChunks | ResponseChunks = ResponseChunks()
_BODY_AT_MOST = 8 * 1024 * 1024


def _is_answer(result: object) -> bool:
    return isinstance(result, dict) or hasattr(result, "model_fields_set")


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
