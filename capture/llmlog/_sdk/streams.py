"""Streams that end in exactly one record: what the SDK hands out, watched as it is read.

A stream can be read as typed chunks or as bytes, and closed on either level. Both levels are
subclasses made of the SDK's own classes, so that types and behaviour stay the SDK's.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from llmlog._sdk.call import Call
    from llmlog._sdk.fields import Foreign

_R = TypeVar("_R")


def watch(response: Foreign, call: Call, *, as_bytes: bool) -> None:
    """Let `call` end when the unread body of `response` does; `as_bytes`: it may be read as such.

    If not, what is watched is the body, with which the SDK has less to do: that slows it down less.
    A response that is closed already, as one made for a test can be, would not close its body.
    """
    watched = response if as_bytes or response.is_closed else response.stream
    watched.llmlog_call = response.llmlog_call = call
    watched.__class__ = _watched_class(watched.__class__)
    call.watch(watched)


@functools.cache
def _watched_class(base: type) -> type:
    return type(base.__name__, (_Watched, base), {"__module__": base.__module__})


@functools.cache
def recording(stream_cls: Foreign) -> Foreign:
    """A subclass of the SDK's stream class, or of an alias such as Stream[Chunk], that is seen."""
    origin: Foreign = get_origin(stream_cls) or stream_cls
    mixin = _AsyncChunks if hasattr(origin, "__anext__") else _Chunks
    names: dict[str, Foreign] = {
        "__module__": origin.__module__,
        "__qualname__": origin.__qualname__,
    }
    if get_args(stream_cls):
        # The SDK finds the type of the chunks through its own class among the bases.
        sdk_class = [base for base in origin.__mro__ if hasattr(base, "__stream__")][-1]
        names["__orig_bases__"] = (sdk_class[get_args(stream_cls)],)
        names["__orig_class__"] = stream_cls
    return type(origin.__name__, (mixin, origin), names)


def _read(
    call: Call, inner: Foreign, see: Callable[[Any, int], bool], left: Callable[[], None]
) -> Iterator[Any]:
    """Pass on what `inner` yields; the call ends when it does, or is `left` for good."""
    now = call.now
    try:
        for item in inner:
            try:
                call.last = at = now()
                if see(item, at) and call.hides_usage:
                    continue
            except Exception as fault:  # noqa: BLE001 - as @guarded
                call.guard.caught(fault)
            yield item
    except GeneratorExit:
        left()
        raise
    except BaseException as error:
        call.failed(error)
        raise
    finally:
        inner.close()
    call.exhausted()


async def _read_async(
    call: Call, inner: Foreign, see: Callable[[Any, int], bool], left: Callable[[], None]
) -> AsyncIterator[Any]:
    now = call.now
    try:
        async for item in inner:
            try:
                call.last = at = now()
                if see(item, at) and call.hides_usage:
                    continue
            except Exception as fault:  # noqa: BLE001 - as @guarded
                call.guard.caught(fault)
            yield item
    except GeneratorExit:
        left()
        raise
    except BaseException as error:
        call.failed(error)
        raise
    finally:
        await inner.aclose()
    call.exhausted()


def _known(call: Call, reader: _R) -> _R:
    """The reader of the answer, now known to the call."""
    call.reader = weakref.ref(reader)
    return reader


class _Chunks:
    """For openai.Stream."""

    response: Foreign

    def __stream__(self) -> Iterator[Any]:
        bare: Foreign = super()
        inner: Iterator[Any] = bare.__stream__()
        call: Call | None = getattr(self.response, "llmlog_call", None)
        if call is None:
            return inner
        call.typed = True
        return _known(call, _read(call, inner, call.chunks.skim, call.abandoned))

    def close(self) -> None:
        """Close the response; the call is over."""
        _closed(self.response, "gi_running")
        bare: Foreign = super()
        bare.close()


class _AsyncChunks:
    """For openai.AsyncStream."""

    response: Foreign

    def __stream__(self) -> AsyncIterator[Any]:
        bare: Foreign = super()
        inner: AsyncIterator[Any] = bare.__stream__()
        call: Call | None = getattr(self.response, "llmlog_call", None)
        if call is None:
            return inner
        call.typed = True
        return _known(call, _read_async(call, inner, call.chunks.skim, call.abandoned))

    async def close(self) -> None:
        """Close the response; the call is over."""
        _closed(self.response, "ag_running")
        bare: Foreign = super()
        await bare.close()


class _Watched:
    """For the HTTP response below, or for its body, which is closed with it."""

    llmlog_call: Call

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body, decoded, in blocks."""
        bare: Foreign = super()
        inner: Iterator[bytes] = bare.iter_bytes(chunk_size)
        if (call := self.llmlog_call).typed:
            return inner
        return _known(call, _read(call, inner, call.block, call.closed))

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The body, decoded, in blocks."""
        bare: Foreign = super()
        inner: AsyncIterator[bytes] = bare.aiter_bytes(chunk_size)
        if (call := self.llmlog_call).typed:
            return inner
        return _known(call, _read_async(call, inner, call.block, call.closed))

    def close(self) -> None:
        """Release the connection; the call is over."""
        _closed(self, "gi_running")
        bare: Foreign = super()
        bare.close()

    async def aclose(self) -> None:
        """Release the connection; the call is over."""
        _closed(self, "ag_running")
        bare: Foreign = super()
        await bare.aclose()


def _closed(watched: Foreign, running: str) -> None:
    """What is watched is being closed: by the application, unless the answer's reader is `running`.

    Then it is the SDK, within that generator, and the call goes on until the generator ends.
    """
    call: Call | None = getattr(watched, "llmlog_call", None)
    if call is not None and not getattr(call.reader and call.reader(), running, False):
        call.closed()
