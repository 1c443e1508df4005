"""Recording clients: a subclass of the application's own client class, extended in `request`.

One generator makes the packages openai and anthropic. Nothing in them is changed, so Azure and
other variants, isinstance and `with_options` work as before.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from llmlog import _context, _credentials
from llmlog._foreign import safe_getattr
from llmlog._guard import guarded
from llmlog._sdk import endpoints, sockets, streams
from llmlog._sdk.background import BackgroundCall, Retrieval
from llmlog._sdk.call import Call, MessageCall

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from llmlog._core import Core, TraceCore
    from llmlog._foreign import Fields, Foreign
    from llmlog._sdk.endpoints import Endpoint

_C = TypeVar("_C")

_RAW_HEADER: Final = "x-stainless-raw-response"
_COUNTS_ON_REQUEST: Final = ("chat_completion", "completion")
"""Events whose streams hold token counts only if they were requested."""


def wrap(
    client: _C,
    core: Core,
    trace: TraceCore | None,
    *,
    stream_usage: bool = False,
    tags: Mapping[str, object] | None = None,
) -> _C:
    """Return a recording client that shares the connection pool and settings of `client`.

    Its calls belong to `trace`, or without one to the trace they run in. Raises TypeError for
    other objects than clients of openai and anthropic.
    """
    if not core.enabled:
        return client
    base: Foreign = type(client)
    if not hasattr(base, "with_options") or not hasattr(base, "request"):
        raise TypeError(f"only clients of openai and anthropic can be wrapped, not {base.__name__}")
    with core.guard:
        binding = Binding(core, trace, stream_usage=stream_usage, tags=core.content.tags(tags))
        return _recording_copy(client, binding)
    return client


def _recording_copy(client: _C, binding: Binding) -> _C:
    base: Foreign = type(client)
    if isinstance(client, _Recording):
        base = base.__mro__[_DEPTH_OF_BASE]
    wrapped = object.__new__(_recording_class(base))
    for name, value in cast("Foreign", client).__dict__.items():
        if safe_getattr(value, "_client") is not client:
            wrapped.__dict__[name] = value
        # A resource is bound to the client it came from. Most, such as client.chat, are cached on
        # first use, but clients for other platforms make some of theirs at once.
        elif not isinstance(getattr(base, name, None), functools.cached_property):
            wrapped.__dict__[name] = type(value)(wrapped)
    wrapped.llmlog_binding = binding
    binding.add_credentials_of(client)
    # Anthropic's middleware is a chain of functions, bound to the client it was made for.
    if wrapped.__dict__.get("_middleware"):
        wrapped._middleware_chain = wrapped._build_middleware_chain()
    return cast("_C", wrapped)


def _api_key_of(client: Foreign) -> object:
    # Clients for other platforms' credentials have none.
    return getattr(client, "api_key", None)


class Binding:
    """Target of a wrapped client's calls: a session, and perhaps one of its traces."""

    def __init__(
        self, core: Core, trace: TraceCore | None, *, stream_usage: bool, tags: Fields
    ) -> None:
        self._core = core
        self._guard = core.guard
        self._trace = trace
        self._stream_usage = stream_usage
        self.tags = tags
        """Tags of each call of the client."""
        self._api_key: object = None

    @guarded
    def start(self, client: Foreign, options: Foreign, *, stream: bool) -> Call | None:
        """Return the call made by a request with `options`; None for other requests."""
        request: dict[str, Foreign] = options.__dict__
        endpoint = endpoints.endpoint_of(request["method"], request["url"])
        if endpoint is None:
            return None
        call = self._call(client, endpoint, request, stream=stream)
        if call is None:
            return None
        if _api_key_of(client) is not self._api_key:
            self.add_credentials_of(client)
        given = request["headers"]
        if hasattr(given, "items"):
            self.add_credentials_in(given)
            call.raw_mode = _raw_mode(given)
        return call

    def _call(
        self, client: Foreign, endpoint: Endpoint, request: dict[str, Foreign], *, stream: bool
    ) -> Call | None:
        provider = endpoint.host or client.base_url.host or None
        if endpoint.response_id is not None:
            return Retrieval(
                self._core,
                self.trace,
                endpoint.response_id,
                stream=stream,
                provider=provider,
                tags=self.tags,
            )
        body = endpoints.body_of(request)
        event = endpoint.event or endpoints.event_of_body(body)
        if event is None:
            if endpoints.runs_a_model(endpoint, body):
                self.warn_unrecorded(endpoint.name)
            return None
        kind = _kind_of_call(endpoint, event, body)
        call = kind(self.trace(), event, body, stream=stream, provider=provider, tags=self.tags)
        if self._stream_usage and stream and kind is Call and event in _COUNTS_ON_REQUEST:
            call.strip_usage_chunk = "stream_options" not in body and isinstance(
                request["json_data"], Mapping
            )
        return call

    def trace(self) -> TraceCore:
        """Return the trace that a call made now belongs to."""
        return self._trace or _context.current_or_new_trace(self._core)

    def warn_unrecorded(self, name: str) -> None:
        """Warn once that calls of `name` leave no record."""
        self._core.guard.warn(f"unrecorded {name}", f"llmlog does not record {name}")

    @guarded
    def responded(self, client: Foreign, call: Call, processed: Mapping[str, Foreign]) -> None:
        """Note that the server has answered `call`; `processed`: arguments of _process_response."""
        response = processed["response"]
        if processed["stream"] or call.raw_mode == "stream":
            streams.track(response, call)
        # The client may have fetched a new key for this very request.
        if _api_key_of(client) is not self._api_key:
            self.add_credentials_of(client)
        call.responded(response, processed["retries_taken"])

    @guarded
    def add_credentials_of(self, client: Foreign) -> None:
        self._api_key = _api_key_of(client)
        self._add_credentials(_credentials.credentials_of(client))

    @guarded
    def add_credentials_in(self, headers: Foreign) -> None:
        """Add the credentials in the headers of one request."""
        self._add_credentials(_credentials.credentials_in(headers), per_request=True)

    @guarded
    def _add_credentials(self, found: Iterable[object], *, per_request: bool = False) -> None:
        for credential in found:
            self._core.credentials.add(credential, per_request=per_request)


def _kind_of_call(endpoint: Endpoint, event: str, body: Mapping[str, object]) -> type[Call]:
    if endpoint.is_messages:
        return MessageCall
    return BackgroundCall if event == "response" and body.get("background") is True else Call


class _Recording:
    """Base of both client mixins."""

    llmlog_binding: Binding | None = None

    def copy(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        """Copy the client with other options; the copy is recorded as well."""
        return self._bound(cast("Any", super()).copy(*args, **kwargs))

    # An attribute of its own, as the SDK's `with_options = copy` would be the base's `copy`.
    def with_options(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        """Copy the client with other options; the copy is recorded as well."""
        return self._bound(cast("Any", super()).with_options(*args, **kwargs))

    def _bound(self, copied: Foreign) -> Foreign:
        binding = self.llmlog_binding
        if binding is not None and isinstance(copied, _Recording):
            copied.llmlog_binding = binding
            binding.add_credentials_of(copied)
        return copied

    def _process_response(self, **kwargs: Foreign) -> Foreign:
        if (request := _active.get()) is not None:
            request.responded(kwargs)
        # Not awaited here: for an asynchronous client this is an awaitable, and the SDK awaits it.
        return cast("Any", super())._process_response(**kwargs)  # noqa: SLF001


class _SyncRecording(_Recording):
    """For OpenAI, Anthropic and their subclasses."""

    def request(
        self,
        cast_to: Foreign,
        options: Foreign,
        *,
        stream: bool = False,
        stream_cls: Foreign = None,
    ) -> Foreign:
        request = cast("Any", super()).request
        with _Request(self, options, stream, stream_cls) as made:
            result = request(cast_to, made.options, stream=stream, stream_cls=made.stream_cls)
        return made.returned(result)


class _AsyncRecording(_Recording):
    """For AsyncOpenAI, AsyncAnthropic and their subclasses."""

    async def request(
        self,
        cast_to: Foreign,
        options: Foreign,
        *,
        stream: bool = False,
        stream_cls: Foreign = None,
    ) -> Foreign:
        request = cast("Any", super()).request
        with _Request(self, options, stream, stream_cls) as made:
            result = await request(cast_to, made.options, stream=stream, stream_cls=made.stream_cls)
        return made.returned(result)


_DEPTH_OF_BASE: Final = 3
"""Index of the client's own class in the method resolution order, after those added here."""


@functools.cache
def _recording_class(base: Foreign) -> Foreign:
    mixin = _AsyncRecording if inspect.iscoroutinefunction(base.request) else _SyncRecording
    # The SDK sends the class name as its user agent.
    names = {"__module__": base.__module__, "__qualname__": base.__qualname__}
    if hasattr(base, "responses"):
        names |= sockets.recording_resources(base, lambda client: client.llmlog_binding)
    return type(base.__name__, (mixin, base), names)


class _Request:
    """One request of a recording client, with its call if it is a model call.

    As a context manager it is the active request, and a call that raises has failed.
    """

    def __init__(
        self,
        client: _Recording,
        options: Foreign,
        stream: bool,  # noqa: FBT001 - as given to `request`
        stream_cls: Foreign,
    ) -> None:
        self._client = client
        self._binding = binding = client.llmlog_binding
        self._call = call = binding.start(client, options, stream=stream) if binding else None
        self.options = options
        self.stream_cls = stream_cls
        if binding is None or call is None:
            return
        if call.strip_usage_chunk:
            self.options = _asking_usage(options, call)
        if stream and stream_cls is not None:
            with call.core.guard:
                self.stream_cls = streams.recording_stream_class(stream_cls)

    # Also without a call: a request may be nested in another, for example to fetch its key, and
    # its response must not be taken for the other's.
    def __enter__(self) -> Self:
        self._outer = _active.get()
        _active.set(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _active.set(self._outer)
        if exc is not None and self._binding is not None and self._call is not None:
            self._binding.add_credentials_of(self._client)
            self._call.failed(exc)

    def responded(self, processed: Mapping[str, Foreign]) -> None:
        if self._binding is not None and self._call is not None:
            self._binding.responded(self._client, self._call, processed)

    def returned(self, result: Foreign) -> Foreign:
        """Return the SDK's `result`, with which the call is complete unless it is open."""
        if self._call is not None and not self._call.is_open:
            self._call.complete(result)
        return result


# From `request` down to `_process_response`, where response and retries are at hand.
_active: ContextVar[_Request | None] = ContextVar("llmlog_request", default=None)


def _raw_mode(headers: Mapping[str, object]) -> str | None:
    for name, mode in headers.items():
        if name.lower() == _RAW_HEADER and isinstance(mode, str):
            return mode
    return None


def _asking_usage(options: Foreign, call: Call) -> Foreign:
    with call.core.guard:
        # A copy: the options may be the application's own, for more than one request.
        asking = copy.copy(options)
        asking.json_data = {**options.json_data, "stream_options": {"include_usage": True}}
        return asking
    return options
