"""Background responses: calls whose end a later request brings.

Such a call is kept until a `retrieve`, a `cancel` or a resumed stream brings its end, and is then
written as one record. If none does, it is written as it is when the process exits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

from llmlog import _context
from llmlog._core import TraceCore
from llmlog._foreign import Fields, as_int, attributes
from llmlog._guard import guarded
from llmlog._sdk.call import Call
from llmlog._sdk.events import FINAL_STATUSES, EventAccumulator
from llmlog._sdk.failures import ERROR_FIELDS
from llmlog._sdk.sse import parsed
from llmlog.record import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmlog._core import Core
    from llmlog._sdk.tool_calls import ToolCall


class Background:
    """Background responses of one session."""

    def __init__(self) -> None:
        self.pending: dict[str, BackgroundCall] = {}
        """Calls that have not ended, by the id of their response."""
        self._ended: dict[str, object] = {}

    def keep(self, response_id: str, call: BackgroundCall) -> None:
        """Keep `call` until its end is known."""
        replaced = self.pending.pop(response_id, None)
        self.pending[response_id] = call
        if replaced is not None and replaced is not call:
            replaced.give_up()
        if len(self.pending) > _MAX_PENDING:
            evicted = self.pending.pop(next(iter(self.pending)), None)
            if evicted is not None:
                evicted.give_up()

    def is_first_end(self, response_id: str) -> bool:
        """Return whether this is the first request that saw the response's end."""
        claim = object()
        # In one step, as several threads may poll for the same response.
        is_first = self._ended.setdefault(response_id, claim) is claim
        if len(self._ended) > _MAX_ENDED:
            self._ended.pop(next(iter(self._ended)), None)
        return is_first


_MAX_PENDING: Final = 1024
"""Maximum pending calls per session.

Beyond it the oldest is written as it is.
"""
_MAX_ENDED: Final = 4096
"""Maximum ids per session of responses whose end was seen."""

_of_core: WeakKeyDictionary[Core, Background] = WeakKeyDictionary()


def background_of(core: Core) -> Background:
    """Return the background responses of a session."""
    return _of_core.setdefault(core, Background())


class BackgroundCall(Call):
    """A background response, written once its end is known, perhaps at once."""

    _response_id: str | None = None
    _status: object = None
    _kept: tuple[str | None, int | None, Fields] | None = None

    def _answer(self, answer: object) -> Fields:
        known = attributes(answer)
        self._note(known)
        return super()._answer(answer)

    def _note(self, response: Fields) -> None:
        if isinstance(response_id := response.get("id"), str):
            self._response_id = response_id
        self._status = response.get("status")

    def _finish(self, end: str | None, at_ns: int | None, known: Fields) -> None:
        # A stream that waits for its end may be closed more than once.
        if self._kept is not None:
            return
        if self._waits():
            self._kept = (end, at_ns, known)
            self._unread = None
            self._background.keep(cast("str", self._response_id), self)
            return
        super()._finish(end, at_ns, known)
        if self._response_id is not None:
            self._background.is_first_end(self._response_id)

    @property
    def _background(self) -> Background:
        return background_of(self.core)

    def _waits(self) -> bool:
        if self.is_open:
            self._read_unfinished()
        return self._response_id is not None and self._status not in FINAL_STATUSES

    def _read_unfinished(self) -> None:
        if self.chunks is None:
            self._note(attributes(parsed(self._body())))
        elif isinstance(self.chunks, EventAccumulator):
            if not self.reads_chunks:
                self._feed(self.chunks)
                self._blocks.clear()
            self._note(self.chunks.response)

    @guarded
    def at_exit(self) -> None:
        """End the call: the process exits."""
        super().at_exit()
        self.give_up()

    @guarded
    def give_up(self) -> None:
        """Write the call as it is: nothing is going to bring its end."""
        if self._kept is not None:
            super()._finish(*self._kept)

    def end_with(self, known: Fields, calls: list[ToolCall], at_ns: int | None) -> None:
        """End the call with the answer that another request has brought."""
        self._remember(calls)
        end, _, before = self._kept or (None, None, {})
        self._kept = None
        has_stream = self.chunks is not None
        # An error of the connection is none of the response, which continued without it.
        kept = {name: value for name, value in before.items() if not name.startswith("error_")}
        # Between the end and the request that brought it, no tokens were generated.
        merged: Fields = {"status": "ok", **kept, **known, "tokens_per_sec": None}
        merged["status"] = known.get("status", "ok")
        super()._finish("complete" if has_stream else end, at_ns, merged)


class Retrieval(Call):
    """A request that may bring the end of a background response."""

    _is_background = False
    _status: object = None
    _created_at: int | None = None

    def __init__(  # noqa: PLR0913 - options by name
        self,
        core: Core,
        trace_of: Callable[[], TraceCore],
        response_id: str,
        *,
        stream: bool,
        provider: str | None,
        tags: Fields | None = None,
    ) -> None:
        # A trace of its own until it turns out to be a record of its own.
        own = TraceCore(core)
        super().__init__(own, "response", {}, stream=stream, provider=provider, tags=tags)
        self._trace_of = trace_of
        self._response_id = response_id
        self._calls: list[ToolCall] = []
        pending = background_of(self.core).pending.get(response_id)
        # The chunks that follow continue those seen before the stream was broken off.
        if stream and pending is not None and isinstance(pending.chunks, EventAccumulator):
            self.chunks = pending.chunks
            pending.chunks.resume()

    def _first_fields(self, body: object, provider: str | None) -> Fields:  # noqa: ARG002
        # Without ids and step: it is a record of its own only if no call is waiting for it.
        return {"event": self._event, "status": "ok", "provider": provider, "retries": None}

    def _announce(self) -> None:
        """Write no line: the response has begun before."""

    def _answer(self, answer: object) -> Fields:
        self._note(attributes(answer))
        return super()._answer(answer)

    def _note(self, response: Fields) -> None:
        self._status = response.get("status")
        self._is_background = response.get("background") is True
        self._created_at = as_int(response.get("created_at"))

    def _remember(self, calls: list[ToolCall]) -> None:
        # They belong to the call that is ended by this request, which is not known yet.
        self._calls += calls

    def _deliver(self, record: Fields, end: str | None, at_ns: int | None) -> None:  # noqa: ARG002
        if isinstance(self.chunks, EventAccumulator):
            self._note(self.chunks.response)
        if self._status not in FINAL_STATUSES:
            return
        background = background_of(self.core)
        pending = background.pending.pop(self._response_id, None)
        is_first = background.is_first_end(self._response_id)
        if pending is not None:
            known = {name: record[name] for name in record.keys() & _OF_ANSWER}
            pending.end_with(known, self._calls, at_ns)
        # Created by another process, whose record ends with the creation.
        elif is_first and self._is_background:
            self._write_own(record)

    def _write_own(self, record: Fields) -> None:
        core = self.core
        self._trace = trace = self._trace_of()
        record["ts"] = timestamp(
            core.clock.time_ns() if self._created_at is None else self._created_at * 10**9
        )
        # When it ended is not known, only when this was seen.
        for unknown in ("latency_ms", "tokens_per_sec", "ttft_ms"):
            record.pop(unknown, None)
        if self.chunks is not None:
            record["stream_end"] = "complete"
        record["step"] = trace.next_step()
        record["span_id"] = core.new_id(16)
        record["parent_span_id"] = _context.current_span_id(trace)
        self._fields = record
        super()._remember(self._calls)
        trace.write(record)


_OF_ANSWER: Final = frozenset(
    {
        "model",
        "id",
        "system_fingerprint",
        "service_tier",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "reasoning_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "reported_cost_usd",
        "tool_calls",
        "tool_args_ok",
        "output",
        *ERROR_FIELDS,
    }
)
"""Fields of a retrieval that are the answer's, not the request's."""
