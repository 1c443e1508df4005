"""Recording clients: the application's own client, its class extended where a request is made.

Nothing in the openai package is changed. The class is a subclass of the client's own, so Azure and
other variants, isinstance and `with_options` work as before.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Generator, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from llmlog import _credentials as credentials
from llmlog._guard import guarded
from llmlog._sdk import streams
from llmlog._sdk.call import Call

if TYPE_CHECKING:
    from llmlog._sdk.fields import Foreign
    from llmlog._session import Session
    from llmlog._trace import Trace

_C = TypeVar("_C")

_EVENT_OF_URL: Final = {
    "/chat/completions": "chat_completion",
    "/responses": "response",
    "/responses?beta=true": "response",
    "/embeddings": "embedding",
}
_RAW_HEADER: Final = "x-stainless-raw-response"


class Binding:
    """Where the calls of a wrapped client go: a session, and perhaps one trace of it."""

    def __init__(self, session: Session, trace: Trace | None, *, stream_usage: bool) -> None:
        self._session = session
        self.guard = session.guard
        """Where faults in here are counted."""
        self._trace = trace
        self._stream_usage = stream_usage
        self.key: object = None
        self._stream_classes: tuple[object, object] = (None, None)
        self._host: tuple[object, str | None] = (None, None)

    def start(self, client: Foreign, options: Foreign, stream: bool) -> Call | None:  # noqa: FBT001 - quicker than by name
        """The call that a request with `options` is; None if it is no model call."""
        try:
            asked: dict[str, Foreign] = options.__dict__  # quicker than one attribute after another
            event = _EVENT_OF_URL.get(asked["url"])
            if event is None or asked["method"].lower() != "post":
                return None
            body: dict[str, object] = asked["json_data"] or {}
            if asked["extra_json"]:
                body = {**body, **asked["extra_json"]}
            trace = self._trace or self._session.trace_of_call()
            call = Call(self, trace, event, body, stream, self._provider_of(client))
            given = asked["headers"]
            if client.api_key is not self.key:
                self.conceal(client)
            if hasattr(given, "items"):
                self._conceal(credentials.of_headers(given), of_request=True)
                call.raw_mode = _raw_mode(given)
            if self._stream_usage and stream and event == "chat_completion":
                call.hides_usage = "stream_options" not in body and call.raw_mode is None
        except Exception as fault:  # noqa: BLE001 - as @guarded, which costs more per call
            self.guard.caught(fault)
            return None
        return call

    def responded(self, client: Foreign, call: Call, processed: Mapping[str, Foreign]) -> None:
        """The server has answered `call`; `processed` is what _process_response is given."""
        try:
            response = processed["response"]
            if processed["stream"] or call.raw_mode == "stream":
                as_bytes = call.raw_mode is not None or processed["stream_cls"] is None
                streams.watch(response, call, as_bytes=as_bytes)
            if client.api_key is not self.key:  # the client got itself a new one for this request
                self.conceal(client)
            call.responded(response, processed["retries_taken"])
        except Exception as fault:  # noqa: BLE001 - as @guarded, which costs more per call
            self.guard.caught(fault)

    def seen(self, stream_cls: Foreign) -> Foreign:
        """`stream_cls`, with its chunks seen by the call."""
        bare, seen = self._stream_classes
        if stream_cls is not bare:
            seen = stream_cls
            with self.guard:
                seen = streams.recording(stream_cls)
            self._stream_classes = stream_cls, seen
        return seen

    def _provider_of(self, client: Foreign) -> str | None:
        # The attribute behind the property, which takes its time.
        url = client._base_url  # noqa: SLF001
        known, host = self._host
        if url is not known:
            host = client.base_url.host or None
            self._host = url, host
        return host

    @guarded
    def conceal(self, client: Foreign) -> None:
        """Keep the credentials of `client` out of every record."""
        self.key = client.api_key
        self._conceal(credentials.of_client(client))

    @guarded
    def _conceal(self, found: Iterable[object], *, of_request: bool = False) -> None:
        for credential in found:
            self._session.conceal(credential, of_request=of_request)


def check(client: object) -> None:
    """Raise TypeError if `client` is none of the openai package's."""
    base = type(client)
    if not hasattr(base, "with_options") or not hasattr(base, "request"):
        raise TypeError(f"only OpenAI and AsyncOpenAI clients can be wrapped, not {base.__name__}")


def wrap(client: _C, binding: Binding) -> _C:
    """A recording client that shares the connection pool and settings of `client`."""
    base = cast("Foreign", type(client))
    if isinstance(client, _Recording):
        base = base.__mro__[_DEPTH_OF_BASE]
    wrapped = object.__new__(_recording_class(base))
    wrapped.__dict__.update(
        (name, value)
        for name, value in cast("Foreign", client).__dict__.items()
        # A resource, such as client.chat, is cached here and bound to the client it came from.
        if not isinstance(getattr(base, name, None), functools.cached_property)
    )
    wrapped.llmlog_binding = binding
    binding.conceal(client)
    return cast("_C", wrapped)


class _Recording:
    """What both recording clients share."""

    llmlog_binding: Binding | None = None

    def copy(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        """A copy with other options, recorded like this one."""
        return self._bound(cast("Any", super()).copy(*args, **kwargs))

    def with_options(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        """As copy, unless the client's own class makes it something else."""
        return self._bound(cast("Any", super()).with_options(*args, **kwargs))

    def _bound(self, copied: Foreign) -> Foreign:
        binding = self.llmlog_binding
        if binding is not None and isinstance(copied, _Recording):
            copied.llmlog_binding = binding
            binding.conceal(copied)
        return copied


_DEPTH_OF_BASE: Final = 3
"""In the method resolution order: the class itself, its mixin, _Recording, the client's own."""


@functools.cache
def _recording_class(base: Foreign) -> Foreign:
    from openai import AsyncOpenAI  # noqa: PLC0415 - the application's own, once it wraps a client

    mixin = _AsyncRecording if issubclass(base, AsyncOpenAI) else _SyncRecording
    # The SDK sends the class name as its user agent.
    names = {"__module__": base.__module__, "__qualname__": base.__qualname__}
    return type(base.__name__, (mixin, base), names)


class _SyncRecording(_Recording):
    """For OpenAI and its subclasses."""

    def request(
        self,
        cast_to: Foreign,
        options: Foreign,
        *,
        stream: bool = False,
        stream_cls: Foreign = None,
    ) -> Foreign:
        """Make a request; if it is a model call, one record is written when it ends."""
        binding = self.llmlog_binding
        call = binding.start(self, options, stream) if binding else None
        bare: Foreign = super()
        request = bare.request
        if binding is None or call is None:
            with _no_call():
                return request(cast_to, options, stream=stream, stream_cls=stream_cls)
        if call.hides_usage:
            options = _asking_usage(options, call)
        if stream and stream_cls is not None:
            stream_cls = binding.seen(stream_cls)
        outer = _active.get()
        _active.set(call)
        try:
            result = request(cast_to, options, stream=stream, stream_cls=stream_cls)
        except BaseException as error:
            binding.conceal(self)
            call.failed(error)
            raise
        finally:
            _active.set(outer)
        if not call.watched:
            call.returned(result)
        return result

    def _process_response(self, **kwargs: Foreign) -> Foreign:
        call = _active.get()
        if call is not None:
            call.binding.responded(self, call, kwargs)
        bare: Foreign = super()
        return bare._process_response(**kwargs)  # noqa: SLF001


class _AsyncRecording(_Recording):
    """For AsyncOpenAI and its subclasses."""

    async def request(
        self,
        cast_to: Foreign,
        options: Foreign,
        *,
        stream: bool = False,
        stream_cls: Foreign = None,
    ) -> Foreign:
        """Make a request; if it is a model call, one record is written when it ends."""
        binding = self.llmlog_binding
        call = binding.start(self, options, stream) if binding else None
        bare: Foreign = super()
        request = bare.request
        if binding is None or call is None:
            with _no_call():
                return await request(cast_to, options, stream=stream, stream_cls=stream_cls)
        if call.hides_usage:
            options = _asking_usage(options, call)
        if stream and stream_cls is not None:
            stream_cls = binding.seen(stream_cls)
        outer = _active.get()
        _active.set(call)
        try:
            result = await request(cast_to, options, stream=stream, stream_cls=stream_cls)
        except BaseException as error:
            binding.conceal(self)
            call.failed(error)
            raise
        finally:
            _active.set(outer)
        if not call.watched:
            call.returned(result)
        return result

    async def _process_response(self, **kwargs: Foreign) -> Foreign:
        call = _active.get()
        if call is not None:
            call.binding.responded(self, call, kwargs)
        bare: Foreign = super()
        return await bare._process_response(**kwargs)  # noqa: SLF001


# From `request` down to `_process_response`, where response and retries are at hand.
_active: ContextVar[Call | None] = ContextVar("llmlog_call", default=None)


@contextlib.contextmanager
def _no_call() -> Generator[None]:
    """For a request that is no model call, perhaps made in the middle of one, say for its key."""
    outer = _active.get()
    _active.set(None)
    try:
        yield
    finally:
        _active.set(outer)


def _raw_mode(headers: Mapping[str, object]) -> str | None:
    """How the application asked for the raw response: "true", "stream" or not at all."""
    for name, mode in headers.items():
        if name.lower() == _RAW_HEADER and isinstance(mode, str):
            return mode
    return None


def _asking_usage(options: Foreign, call: Call) -> Foreign:
    """`options`, with token counts asked for, as the application wants them on its streams."""
    with call.guard:
        asked = copy.copy(options)
        asked.json_data = {**options.json_data, "stream_options": {"include_usage": True}}
        return asked
    return options
