"""A callback for LiteLLM, with one record per call: streams, embeddings and failures included.

import litellm, llmlog, llmlog.litellm
litellm.callbacks = [llmlog.litellm.callback(llmlog.session("calls.jsonl"))]

LiteLLM reports the end of a call from another thread or task, shortly after the call has returned.
So a call belongs to the trace that was open as it began, but a tool that runs at once may not find
the call that asked for it. LiteLLM reports no end of a call that is cancelled, or of a stream that
is left early: its record is written when the process exits.
"""

from __future__ import annotations

import functools
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from llmlog import _context, _credentials
from llmlog._foreign import Fields, Foreign, as_object, as_str, safe_getattr
from llmlog._guard import guarded
from llmlog._optional import import_optional
from llmlog._sdk import headers
from llmlog._sdk.call import Call
from llmlog.record import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmlog._core import Core
    from llmlog._session import Session

_EVENTS: Final = {
    "completion": "chat_completion",
    "text_completion": "completion",
    "responses": "response",
    "embedding": "embedding",
    "image_generation": "image",
    "image_edit": "image",
    "transcription": "audio",
    "speech": "audio",
    "moderation": "moderation",
}
"""Events by LiteLLM's type of call, whose asynchronous form has an `a` in front."""

_MAX_CALLS: Final = 4096
"""Maximum calls that are open, and ids of calls that have ended, per callback."""


def callback(session: Session) -> Foreign:
    """Return a callback for `litellm.callbacks` that records each call in `session`."""
    return _callback_class()(session._core)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@functools.cache
def _callback_class() -> Foreign:
    base = import_optional("litellm.integrations.custom_logger", "litellm").CustomLogger
    return type("LlmlogCallback", (_Callback, base), {"__module__": __name__})


class _Times(NamedTuple):
    """When a call began and ended by LiteLLM's clock."""

    start: datetime
    end: datetime

    def ns_until(self, moment: object) -> int:
        """Nanoseconds from the start to `moment`, or to the end if it is none."""
        end = moment if isinstance(moment, datetime) else self.end
        return round((end - self.start).total_seconds() * 1e9)


class _Callback:
    """The methods that LiteLLM calls; each may come twice, or not at all."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self._core = core
        self._guard = core.guard
        self._open: dict[str, _LitellmCall] = {}
        self._ended: dict[str, object] = {}

    def log_pre_api_call(self, model: object, messages: object, kwargs: Fields) -> None:  # noqa: ARG002
        self._begin(kwargs)

    def log_success_event(
        self, kwargs: Fields, response_obj: Foreign, start_time: datetime, end_time: datetime
    ) -> None:
        self._succeed(kwargs, response_obj, _Times(start_time, end_time))

    def log_failure_event(
        self,
        kwargs: Fields,
        response_obj: Foreign,  # noqa: ARG002
        start_time: datetime,
        end_time: datetime,
    ) -> None:
        self._fail(kwargs, _Times(start_time, end_time))

    async def async_log_success_event(
        self, kwargs: Fields, response_obj: Foreign, start_time: datetime, end_time: datetime
    ) -> None:
        self.log_success_event(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Fields, response_obj: Foreign, start_time: datetime, end_time: datetime
    ) -> None:
        self.log_failure_event(kwargs, response_obj, start_time, end_time)

    @guarded
    def _begin(self, kwargs: Fields) -> None:
        call_id = str(kwargs.get("litellm_call_id"))
        # An attempt of a call that is repeated with the same id is the same call.
        if call_id in self._open or not self._core.enabled:
            return
        call = self._call(kwargs)
        if call is None:
            return
        self._ended.pop(call_id, None)
        self._open[call_id] = call
        if len(self._open) > _MAX_CALLS:
            evicted = self._open.pop(next(iter(self._open)), None)
            if evicted is not None:
                evicted.abandoned()

    def _call(self, kwargs: Fields) -> _LitellmCall | None:
        call_type = as_str(kwargs.get("call_type")) or ""
        event = _EVENTS.get(call_type) or _EVENTS.get(call_type.removeprefix("a"))
        if event is None:
            self._guard.warn(f"unrecorded {call_type}", f"llmlog does not record {call_type}")
            return None
        sent = as_object(kwargs.get("additional_args")) or {}
        for credential in _credentials.credentials_in(sent.get("headers")):
            self._core.credentials.add(credential, per_request=True)
        trace = _context.current_or_new_trace(self._core)
        is_stream = kwargs.get("stream") is True
        return _LitellmCall(
            trace, event, _body_of(event, kwargs), stream=is_stream, provider=_provider_of(kwargs)
        )

    def _take(self, kwargs: Fields, times: _Times) -> _LitellmCall | None:
        """Return the call that ends, the first time that LiteLLM reports its end."""
        call_id = str(kwargs.get("litellm_call_id"))
        claim = object()
        # In one step, as the end may be reported by two threads.
        if self._ended.setdefault(call_id, claim) is not claim:
            return None
        if len(self._ended) > _MAX_CALLS:
            self._ended.pop(next(iter(self._ended)), None)
        call = self._open.pop(call_id, None)
        if call is None and self._core.enabled:
            # An answer from LiteLLM's cache has not been asked for before.
            call = self._call(kwargs)
            if call is not None:
                call.began_at(times.start)
        return call

    @guarded
    def _succeed(self, kwargs: Fields, response: Foreign, times: _Times) -> None:
        if (call := self._take(kwargs, times)) is not None:
            first = times.ns_until(kwargs.get("completion_start_time"))
            call.answered(response, first, times.ns_until(times.end))

    @guarded
    def _fail(self, kwargs: Fields, times: _Times) -> None:
        error = kwargs.get("exception")
        if not isinstance(error, BaseException):
            error = RuntimeError(error)
        if (call := self._take(kwargs, times)) is not None:
            call.ends_after(times.ns_until(times.end))
            call.failed(error)


class _LitellmCall(Call):
    """A call whose clock is LiteLLM's."""

    def began_at(self, moment: datetime) -> None:
        """Set the start of a call that is known from its end only."""
        self._fields["ts"] = timestamp(round(moment.timestamp() * 1e6) * 1000)

    def ends_after(self, elapsed_ns: int) -> None:
        """Set the end of the call, in nanoseconds from its start."""
        self.last_ns = at_ns = self._started_ns + elapsed_ns
        self.now = lambda: at_ns

    @guarded
    def answered(self, response: Foreign, first_ns: int, elapsed_ns: int) -> None:
        """End the call with the whole answer; that of a stream began after `first_ns`."""
        self.ends_after(elapsed_ns)
        hidden = as_object(safe_getattr(response, "_hidden_params")) or {}
        received = as_object(hidden.get("additional_headers")) or {}
        headers.add_headers(self._fields, _Headers(received), self.core.clock.time_ns())
        if self.chunks is None:
            self.complete(response)
            return
        self.is_open = self.reads_chunks = True
        self.chunks.feed(response, self._started_ns + first_ns)
        self.exhausted()

    @guarded
    def at_exit(self) -> None:
        """End the call, unless LiteLLM has yet to report that end itself."""
        _flush_litellm()
        self.abandoned()


class _Headers:
    """Headers in the form in which they come over the wire."""

    def __init__(self, headers: Mapping[str, object]) -> None:
        self.raw = [(name.encode(), str(value).encode()) for name, value in headers.items()]


@functools.cache
def _flush_litellm() -> None:
    module: Foreign = sys.modules.get("litellm.litellm_core_utils.logging_worker")
    worker = safe_getattr(module, "GLOBAL_LOGGING_WORKER")
    flush = safe_getattr(worker, "_flush_on_exit")
    if flush is not None:
        flush()


def _body_of(event: str, kwargs: Fields) -> Fields:
    """Return the request: with the application's messages, not in the provider's own shape."""
    sent = as_object(kwargs.get("additional_args")) or {}
    body: dict[str, Any] = dict(as_object(sent.get("complete_input_dict")) or {})
    body |= as_object(kwargs.get("optional_params")) or {}
    body["model"] = kwargs.get("model")
    if event == "chat_completion":
        body["messages"] = kwargs.get("messages")
        body.pop("system", None)
    return body


def _provider_of(kwargs: Fields) -> str | None:
    sent = as_object(kwargs.get("additional_args")) or {}
    base: Foreign = sent.get("api_base")
    host = urlsplit(base).hostname if isinstance(base, str) else safe_getattr(base, "host")
    return as_str(host) or as_str(kwargs.get("custom_llm_provider"))
