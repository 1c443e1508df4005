"""Streams that end in exactly one record: the SDK's own, tracked while they are read.

A stream can be read as typed chunks or as bytes, and closed on either level. On both levels a
subclass is made of the SDK's own class, so that types and behaviour stay the SDK's.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_args, get_origin

from llmlog._sdk.sse import UsageChunkFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from llmlog._foreign import Foreign
    from llmlog._sdk.call import Call

_R = TypeVar("_R")


def track(response: Foreign, call: Call) -> None:
    """Let `call` end when the body of `response` has been read, or is closed."""
    response.llmlog_call = call
    response.__class__ = _tracked_class(response.__class__)
    call.keep_open(response)


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
    """One reading of an answer: feeds the call, and ends it on an exception."""

    def __init__(
        self, call: Call, feed: Callable[[Any, int], bool], on_exit: Callable[[], None]
    ) -> None:
        self.call = call
        self._feed = feed
        self.on_exit = on_exit

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
            self.on_exit()
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


class _AsyncIterator:
    """Async iterator over an asynchronous generator of the SDK."""

    # Not a generator itself: the event loop closes all abandoned generators at the same time, and
    # one that closes another in its own turn would meet it while it is being closed.

    is_reading = False
    """Whether an item is being waited for."""

    def __init__(self, inner: Foreign) -> None:
        self._inner = aiter(inner)

    def __aiter__(self) -> Self:
        return self

    @property
    def is_closing(self) -> bool:
        """Whether the generator below is being closed, in place of being read."""
        return not self.is_reading and getattr(self._inner, "ag_running", False)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _AsyncReader(_AsyncIterator):
    """Asynchronous counterpart of `_read`."""

    def __init__(self, reading: _Reading, inner: Foreign) -> None:
        super().__init__(inner)
        self._reading = reading
        self._has_begun = False

    async def __anext__(self) -> Foreign:
        self._has_begun = self.is_reading = True
        try:
            with self._reading:
                async for item in self._inner:
                    if self._reading.admits(item):
                        return item
        finally:
            self.is_reading = False
        self._reading.call.exhausted()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._reading.on_exit()
        await super().aclose()

    def __del__(self) -> None:
        # A generator that was never started ends nothing either.
        if self._has_begun:
            self._reading.on_exit()


def _keep_head(call: Call, inner: Foreign) -> Iterator[bytes]:
    """Yield the bytes below typed chunks, keeping them until the first chunk has arrived."""
    try:
        for block in inner:
            more = _kept(call, block)
            yield block
            if not more:
                break
        yield from inner
    finally:
        inner.close()


class _AsyncHead(_AsyncIterator):
    """Asynchronous counterpart of `_keep_head`."""

    def __init__(self, call: Call, inner: Foreign) -> None:
        super().__init__(inner)
        self._call = call
        self._more = True

    async def __anext__(self) -> bytes:
        block: bytes = await anext(self._inner)
        self._more = self._more and _kept(self._call, block)
        return block


def _kept(call: Call, block: bytes) -> bool:
    try:
        return call.on_head(block)
    except Exception as fault:  # noqa: BLE001 - like @guarded, but the block is passed on
        call.core.guard.caught(fault)
        return False


def _without_usage(call: Call, inner: Foreign) -> Iterator[bytes]:
    """Yield the bytes of a stream without the usage chunk, which was not requested."""
    usage = UsageChunkFilter()
    try:
        for block in inner:
            if passed := _passed(call, usage, block):
                yield passed
        if rest := _passed(call, usage, None):
            yield rest
    finally:
        inner.close()


class _AsyncWithoutUsage(_AsyncIterator):
    """Asynchronous counterpart of `_without_usage`."""

    def __init__(self, call: Call, inner: Foreign) -> None:
        super().__init__(inner)
        self._call = call
        self._usage = UsageChunkFilter()
        self._at_end = False

    async def __anext__(self) -> bytes:
        async for block in self._inner:
            if passed := _passed(self._call, self._usage, block):
                return passed
        if not self._at_end:
            self._at_end = True
            if rest := _passed(self._call, self._usage, None):
                return rest
        raise StopAsyncIteration


def _passed(call: Call, usage: UsageChunkFilter, block: bytes | None) -> bytes:
    """Return the bytes to pass on after `block`, or at the end (None)."""
    try:
        return usage.rest() if block is None else usage.feed(block)
    except Exception as fault:  # noqa: BLE001 - like @guarded, but the block is passed on
        call.core.guard.caught(fault)
        return usage.give_up() + (block or b"")


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
    """For Stream of openai and anthropic."""

    _read = staticmethod(_read)

    def close(self) -> None:
        _closed(self.response)
        bare: Foreign = super()
        bare.close()


class _AsyncRecordingStream(_RecordingStream):
    """For AsyncStream of openai and anthropic."""

    _read = _AsyncReader

    async def close(self) -> None:
        _closed(self.response)
        bare: Foreign = super()
        await bare.close()


class _TrackedResponse:
    """For the HTTP response below a stream."""

    llmlog_call: Call
    llmlog_raw: weakref.ref[Any] | None = None
    """Asynchronous generator of the bytes as they come over the wire."""

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        bare: Foreign = super()
        inner: Foreign = bare.iter_bytes(chunk_size)
        call = self.llmlog_call
        # Typed chunks are fed to the call by the stream above.
        if call.reads_chunks:
            return _keep_head(call, inner)
        reader = _known_reader(call, _read(_Reading(call, call.on_bytes, call.closed), inner))
        return _without_usage(call, reader) if call.strip_usage_chunk else reader

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        bare: Foreign = super()
        inner: Foreign = bare.aiter_bytes(chunk_size)
        call = self.llmlog_call
        if call.reads_chunks:
            return _AsyncHead(call, inner)
        reading = _Reading(call, call.on_bytes, call.closed)
        reader = _known_reader(call, _AsyncReader(reading, inner))
        return _AsyncWithoutUsage(call, reader) if call.strip_usage_chunk else reader

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        bare: Foreign = super()
        raw: AsyncIterator[bytes] = bare.aiter_raw(chunk_size)
        self.llmlog_raw = weakref.ref(raw)
        return raw

    def read(self) -> bytes:
        bare: Foreign = super()
        content: bytes = bare.read()
        self.llmlog_call.was_read(content)
        return content

    async def aread(self) -> bytes:
        bare: Foreign = super()
        content: bytes = await bare.aread()
        self.llmlog_call.was_read(content)
        return content

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
    # While the reader runs it is the SDK that closes, not the application: the call ends when the
    # reader does.
    reader: Foreign = call.reader and call.reader()
    if getattr(reader, "gi_running", False) or getattr(reader, "is_reading", False):
        return
    # The event loop closes each generator of an abandoned stream, in any order.
    raw: Foreign = reader and tracked.llmlog_raw and tracked.llmlog_raw()
    if getattr(reader, "is_closing", False) or getattr(raw, "ag_running", False):
        call.abandoned()
    else:
        call.closed()
