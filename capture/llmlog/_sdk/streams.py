"""Streams that end in exactly one record: the SDK's own, tracked while they are read.

A stream can be read as typed chunks or as bytes, and closed on either level. On both levels a
subclass is made of the SDK's own class, so that types and behaviour stay the SDK's.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from llmlog._foreign import Foreign
    from llmlog._sdk.call import Call

_R = TypeVar("_R")


def track(response: Foreign, call: Call, *, as_bytes: bool) -> None:
    """Let `call` end when the body of `response` has been read, or is closed.

    `as_bytes`: the application may read the body as bytes.
    """
    # Where it cannot, the body inside the response is tracked: it is called less often than the
    # response. A response that is closed already, as in a test, would not close its body.
    tracked = response if as_bytes or response.is_closed else response.stream
    tracked.llmlog_call = response.llmlog_call = call
    tracked.__class__ = _tracked_class(tracked.__class__)
    call.keep_open(tracked)


@functools.cache
def _tracked_class(base: type) -> type:
    return type(base.__name__, (_TrackedResponse, base), {"__module__": base.__module__})


@functools.cache
def recording_stream_class(stream_cls: Foreign) -> Foreign:
    """Return a recording subclass of the SDK's stream class or alias, such as Stream[Chunk]."""
    origin: Foreign = get_origin(stream_cls) or stream_cls
    mixin = _AsyncRecordingStream if hasattr(origin, "__anext__") else _SyncRecordingStream
    names: Foreign = {"__module__": origin.__module__, "__qualname__": origin.__qualname__}
    if get_args(stream_cls):
        # The SDK finds the type of the chunks through its own class among the bases.
        sdk_class = [base for base in origin.__mro__ if hasattr(base, "__stream__")][-1]
        names["__orig_bases__"] = (sdk_class[get_args(stream_cls)],)
        names["__orig_class__"] = stream_cls
    return type(origin.__name__, (mixin, origin), names)


class _Reading:
    """One reading of an answer: feeds items to the call, and ends it on an exception."""

    def __init__(
        self, call: Call, feed: Callable[[Any, int], bool], on_exit: Callable[[], None]
    ) -> None:
        self.call = call
        self._feed = feed
        self._on_exit = on_exit

    def admits(self, item: object) -> bool:
        """Feed `item` to the call, and return whether the application is to get it."""
        call = self.call
        try:
            call.last_ns = at_ns = call.now()
            return not (self._feed(item, at_ns) and call.strip_usage_chunk)
        except Exception as fault:  # noqa: BLE001 - like @guarded, but the item is passed on
            call.core.guard.caught(fault)
            return True

    def __enter__(self) -> None:
        """Nothing to do: the call is open."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The generator below was closed or collected, not read to its end.
        if isinstance(exc, GeneratorExit):
            self._on_exit()
        elif exc is not None:
            self.call.failed(exc)


def _read(reading: _Reading, inner: Foreign) -> Iterator[Any]:
    try:
        with reading:
            for item in inner:
                if reading.admits(item):
                    yield item
    finally:
        inner.close()
    reading.call.exhausted()


async def _read_async(reading: _Reading, inner: Foreign) -> AsyncIterator[Any]:
    try:
        with reading:
            async for item in inner:
                if reading.admits(item):
                    yield item
    finally:
        await inner.aclose()
    reading.call.exhausted()


def _known_reader(call: Call, reader: _R) -> _R:
    call.reader = weakref.ref(reader)
    return reader


class _RecordingStream:
    """Base of both stream mixins."""

    response: Foreign
    _read: Callable[[_Reading, Foreign], Foreign]

    def __stream__(self) -> Foreign:
        bare: Foreign = super()
        inner: Foreign = bare.__stream__()
        call: Call | None = getattr(self.response, "llmlog_call", None)
        if call is None or call.chunks is None:
            return inner
        call.reads_chunks = True
        # A loop that is left early can be resumed, so that alone is no end: dropping the stream is.
        reading = _Reading(call, call.chunks.feed, call.abandoned)
        return _known_reader(call, self._read(reading, inner))


class _SyncRecordingStream(_RecordingStream):
    """For openai.Stream."""

    _read = staticmethod(_read)

    def close(self) -> None:
        _closed(self.response)
        bare: Foreign = super()
        bare.close()


class _AsyncRecordingStream(_RecordingStream):
    """For openai.AsyncStream."""

    _read = staticmethod(_read_async)

    async def close(self) -> None:
        _closed(self.response)
        bare: Foreign = super()
        await bare.close()


class _TrackedResponse:
    """For the HTTP response below a stream, or for that response's body."""

    llmlog_call: Call

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        bare: Foreign = super()
        return self._reader(_read, bare.iter_bytes(chunk_size))

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        bare: Foreign = super()
        return self._reader(_read_async, bare.aiter_bytes(chunk_size))

    def _reader(self, read: Callable[[_Reading, Foreign], _R], inner: Foreign) -> _R:
        call = self.llmlog_call
        # Typed chunks are fed to the call by the stream above.
        if call.reads_chunks:
            unread: _R = inner
            return unread
        return _known_reader(call, read(_Reading(call, call.on_bytes, call.closed), inner))

    def close(self) -> None:
        _closed(self)
        bare: Foreign = super()
        bare.close()

    async def aclose(self) -> None:
        _closed(self)
        bare: Foreign = super()
        await bare.aclose()


def _closed(tracked: Foreign) -> None:
    call: Call | None = getattr(tracked, "llmlog_call", None)
    if call is None:
        return
    # While the reading generator runs it is the SDK that closes, not the application: the call
    # ends when the generator does.
    reader: Foreign = call.reader and call.reader()
    if not (getattr(reader, "gi_running", False) or getattr(reader, "ag_running", False)):
        call.closed()
