"""Record responses over WebSockets: `client.responses.connect()` and `client.realtime.connect()`.

Each message passes through the socket below the SDK's connection, whichever of the connection's
methods the application uses, and after it was reconnected as well. So it is the socket that is
tracked, by a subclass made of its own class.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from llmlog._foreign import Fields, Foreign, as_str, attributes, get_path
from llmlog._guard import Guard, guarded
from llmlog._sdk.call import Call

if TYPE_CHECKING:
    from llmlog._core import TraceCore

_ROOTS: Final = ("responses", "realtime", "beta", "live")
"""Resources of a client that connect, or have resources that do."""
_INNER: Final = ("responses", "realtime", "translations", "sideband")
_RECORDED: Final = ("responses", "realtime")
"""Modules of the SDK whose connections speak in `response.create` and `response.done`."""


class _Binding(Protocol):
    """A wrapped client's session and trace."""

    @property
    def _guard(self) -> Guard: ...
    @property
    def tags(self) -> Fields: ...
    def trace(self) -> TraceCore: ...
    def warn_unrecorded(self, name: str) -> None: ...
    def add_credentials_of(self, client: Foreign) -> None: ...


BindingOf = Callable[[Foreign], "_Binding | None"]


def recording_resources(base: type, binding_of: BindingOf) -> dict[str, Any]:
    """Return properties for a subclass of `base`, whose resources record their connections."""
    names = _ROOTS if hasattr(base, "with_options") else _INNER
    return {
        name: _recording_property(base, name, binding_of)
        for name in names
        if isinstance(getattr(base, name, None), functools.cached_property)
    }


def _recording_property(base: type, name: str, binding_of: BindingOf) -> Foreign:
    inner: Foreign = getattr(base, name)

    def resource(owner: Foreign) -> Foreign:
        found = inner.__get__(owner, type(owner))
        if (binding := binding_of(owner)) is not None:
            with binding._guard:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                found.__class__ = _resource_class(found.__class__)
                found.llmlog_binding = binding
        return found

    made = functools.cached_property(resource)
    made.__set_name__(base, name)
    return made


@functools.cache
def _resource_class(base: Foreign) -> Foreign:
    names = recording_resources(base, lambda owner: owner.llmlog_binding)
    mixins = (_Connecting, base) if hasattr(base, "connect") else (base,)
    return type(base.__name__, mixins, {"__module__": base.__module__, **names})


class _Connecting:
    """For the SDK's resources that connect."""

    llmlog_binding: _Binding

    def connect(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        bare: Foreign = super()
        manager = bare.connect(*args, **kwargs)
        binding = self.llmlog_binding
        name = type(self).__module__.rpartition(".")[2]
        if name not in _RECORDED or not hasattr(manager, "_connect_ws"):
            binding.warn_unrecorded(f"connections of {name}")
            return manager
        with binding._guard:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            client: Foreign = getattr(self, "_client", None)
            binding.add_credentials_of(client)
            conversation = _Conversation(binding, client, as_str(kwargs.get("model")))
            conversation.is_realtime = name == "realtime"
            manager.llmlog_conversation = conversation
            manager.__class__ = _manager_class(manager.__class__)
        return manager


@functools.cache
def _manager_class(base: Foreign) -> Foreign:
    mixin = _AsyncManager if hasattr(base, "__aenter__") else _Manager
    return type(base.__name__, (mixin, base), {"__module__": base.__module__})


class _Manager:
    """For the SDK's connection managers."""

    llmlog_conversation: _Conversation

    def _connect_ws(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        bare: Foreign = super()
        return _tracked(bare._connect_ws(*args, **kwargs), self.llmlog_conversation)  # noqa: SLF001


class _AsyncManager:
    """For the SDK's asynchronous connection managers."""

    llmlog_conversation: _Conversation

    async def _connect_ws(self, *args: Foreign, **kwargs: Foreign) -> Foreign:
        bare: Foreign = super()
        socket = await bare._connect_ws(*args, **kwargs)  # noqa: SLF001
        return _tracked(socket, self.llmlog_conversation)


def _tracked(socket: Foreign, conversation: _Conversation) -> Foreign:
    with conversation.guard:
        socket.llmlog_conversation = conversation
        socket.__class__ = _socket_class(socket.__class__)
        conversation.socket = socket
    return socket


@functools.cache
def _socket_class(base: Foreign) -> Foreign:
    methods = _async_methods(base) if inspect.iscoroutinefunction(base.recv) else _methods(base)
    # Its only base is the socket's class: with a mixin, an object could not change to it.
    return type(base.__name__, (base,), {"__module__": base.__module__, **methods})


def _methods(base: Foreign) -> dict[str, Any]:
    """Return the methods of a subclass of a socket's class."""

    def send(self: Foreign, message: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        self.llmlog_conversation.sending(message)
        with self.llmlog_conversation:
            return base.send(self, message, *args, **kwargs)

    def recv(self: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        with self.llmlog_conversation:
            message = base.recv(self, *args, **kwargs)
        self.llmlog_conversation.received(message)
        return message

    def close(self: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        self.llmlog_conversation.closed()
        return base.close(self, *args, **kwargs)

    return {"send": send, "recv": recv, "close": close}


def _async_methods(base: Foreign) -> dict[str, Any]:
    """Return the methods of a subclass of an asynchronous socket's class."""

    async def send(self: Foreign, message: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        self.llmlog_conversation.sending(message)
        with self.llmlog_conversation:
            return await base.send(self, message, *args, **kwargs)

    async def recv(self: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        with self.llmlog_conversation:
            message = await base.recv(self, *args, **kwargs)
        self.llmlog_conversation.received(message)
        return message

    async def close(self: Foreign, *args: Foreign, **kwargs: Foreign) -> Foreign:
        self.llmlog_conversation.closed()
        return await base.close(self, *args, **kwargs)

    return {"send": send, "recv": recv, "close": close}


class _Conversation:
    """The messages of one connection, and the calls that are open on it."""

    def __init__(self, binding: _Binding, client: Foreign, model: str | None) -> None:
        self._binding = binding
        self.guard = self._guard = binding._guard  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._provider = get_path(client, "base_url", "host") or None
        self._model = model
        self.socket: Foreign = None
        self.is_realtime = False
        """Whether it is a realtime session, in which most errors end no response."""
        self._waiting: list[tuple[object, object, Call]] = []
        """Lane, event id and call of each response that has not been created yet."""
        self._calls: dict[object, Call] = {}
        """Calls by the id of their response."""
        self._lanes: dict[object, object] = {}
        """Id of the response that is generated on each lane."""

    @guarded
    def sending(self, message: object) -> None:
        """Start a call if the application asks for a response."""
        event = _event_in(message)
        if event.get("type") == "response.create":
            # The Responses API has the options in the event, a realtime session inside `response`.
            body = event.get("response") if isinstance(event.get("response"), dict) else event
            call = self._start(cast("Fields", body))
            self._waiting.append((event.get("stream_id"), event.get("event_id"), call))

    def _start(self, body: Fields) -> Call:
        if "model" not in body and self._model is not None:
            body = {**body, "model": self._model}
        call = Call(
            self._binding.trace(),
            "response",
            body,
            stream=True,
            provider=self._provider,
            tags=self._binding.tags,
        )
        call.reads_chunks = True
        call.keep_open(self.socket)
        return call

    @guarded
    def received(self, message: object) -> None:
        """Feed an event of the server to the call it belongs to."""
        event = _event_in(message)
        kind = as_str(event.get("type")) or ""
        if kind == "session.created":
            model = as_str(get_path(event, "session", "model"))
            self._model = self._model or model
        elif kind == "error":
            self._fail(event)
        elif kind.startswith("response."):
            self._feed(kind, event)

    def _feed(self, kind: str, event: Fields) -> None:
        lane = event.get("stream_id")
        response_id = get_path(event, "response", "id") or event.get("response_id")
        response_id = response_id or self._lanes.get(lane)
        call = self._calls.get(response_id)
        if call is None:
            # A realtime session also creates responses by itself, once its user has spoken.
            call = self._take_waiting(lane) or (self._start({}) if kind == _CREATED else None)
        if call is None or call.chunks is None:
            return
        self._calls[response_id] = call
        self._lanes[lane] = response_id
        call.last_ns = at_ns = call.now()
        call.chunks.feed(event, at_ns)
        if call.chunks.ended:
            self._forget(call)
            call.exhausted()

    def _take_waiting(self, lane: object) -> Call | None:
        return self._take(lambda of, _: of == lane)

    def _take(self, matches: Callable[[object, object], bool]) -> Call | None:
        for number, (lane, event_id, call) in enumerate(self._waiting):
            if matches(lane, event_id):
                del self._waiting[number]
                return call
        return None

    def _forget(self, call: Call) -> None:
        self._calls = {name: other for name, other in self._calls.items() if other is not call}
        self._lanes = {lane: name for lane, name in self._lanes.items() if name in self._calls}

    def _fail(self, event: Fields) -> None:
        lane = event.get("stream_id")
        if self.is_realtime:
            refused = get_path(event, "error", "event_id")
            call = self._take(lambda _, event_id: refused is not None and event_id == refused)
        else:
            # A request that was refused; without any, the response in progress broke off.
            call = self._take_waiting(lane) or self._calls.get(self._lanes.get(lane))
        if call is None or call.chunks is None:
            return
        self._forget(call)
        call.last_ns = at_ns = call.now()
        call.chunks.feed(event, at_ns)
        call.exhausted()

    def _open(self) -> list[Call]:
        calls = [*(call for *_, call in self._waiting), *self._calls.values()]
        self._waiting, self._calls, self._lanes = [], {}, {}
        return list(dict.fromkeys(calls))

    @guarded
    def closed(self) -> None:
        """End the calls that are open: the application closed the connection."""
        for call in self._open():
            call.closed()

    def __enter__(self) -> None:
        """Nothing to do: an exception of the socket is noticed on exit."""

    def __exit__(self, exc_type: object, exc: BaseException | None, traceback: object) -> None:
        # By name, as the socket's library is not ours. A receive that timed out can be repeated.
        is_closed = type(exc).__name__.startswith("ConnectionClosed")
        is_broken = isinstance(exc, OSError) and not isinstance(exc, TimeoutError)
        if isinstance(exc, Exception) and (is_closed or is_broken):
            self._broke_off(exc)

    @guarded
    def _broke_off(self, exc: Exception) -> None:
        for call in self._open():
            call.failed(exc)


_CREATED: Final = "response.created"


def _event_in(message: object) -> Fields:
    if not isinstance(message, (str, bytes, bytearray)):
        return {}
    try:
        return attributes(json.loads(message))
    except (ValueError, RecursionError):
        return {}
