"""Writers: one record, one line, one write."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, cast

from llmlog._files import FileSink

Target: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | Callable[[bytes], object]
"""Where records go: a path, an open file (binary or text), or anything that takes a line."""


class Sink(Protocol):
    """Takes one whole line; raises OSError if it cannot be stored."""

    def put(self, line: bytes, /) -> object:
        """Store `line`."""
        ...


class Writer:
    """Puts whole lines into one sink, one at a time, from any thread.

    A stream that is garbage collected writes its record from wherever Python happens to be, even
    from inside `write` itself: such a line waits until the current one is complete.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._late: deque[bytes] = deque()
        self.renew_lock()
        _writers.add(self)

    def renew_lock(self) -> None:
        """Forget who holds the lock; for a forked child, which has one thread."""
        self._lock = threading.RLock()
        self._busy = False

    def write(self, line: bytes) -> None:
        """Store one line that ends in a newline; raises what the sink raises."""
        with self._lock:
            if self._busy:
                self._late.append(line)
                return
            self._busy = True
            try:
                self._sink.put(line)
                while self._late:
                    self._sink.put(self._late.popleft())
            finally:
                self._busy = False


class StreamSink:
    """Writes to an open file, such as sys.stdout, and flushes it.

    Whole lines within one process. Between processes that share a pipe, only lines of up to 4,096
    bytes stay whole.
    """

    def __init__(self, stream: IO[bytes] | IO[str]) -> None:
        self._stream = stream

    def put(self, line: bytes) -> None:
        """Write and flush `line`."""
        stream: Any = self._stream
        binary = getattr(stream, "buffer", None)
        if binary is not None:
            stream.flush()
            stream = binary
            stream.write(line)
        elif not hasattr(stream, "encoding") or "b" in getattr(stream, "mode", ""):
            stream.write(line)
        else:
            stream.write(line.decode())
        stream.flush()


class CallableSink:
    """Hands each line to a function."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take

    def put(self, line: bytes) -> None:
        """Call the function with `line`."""
        self._take(line)


def open_writer(target: Target, *, fsync: bool = False, rotate_bytes: int | None = None) -> Writer:
    """The writer for `target`; one path has one writer, however many sessions use it.

    `fsync` and `rotate_bytes` are for paths; those of a path's first session count.
    """
    if isinstance(target, (str, os.PathLike)):
        path = str(Path(cast("str", target)).absolute())
        with _registry_lock:
            writer = _by_path.get(path)
            if writer is None:
                writer = _by_path[path] = Writer(
                    FileSink(path, fsync=fsync, rotate_bytes=rotate_bytes)
                )
            return writer
    if hasattr(target, "write"):
        return Writer(StreamSink(cast("IO[bytes]", target)))
    if callable(target):
        return Writer(CallableSink(target))
    raise TypeError(f"records go to a path, a file or a function, not {type(target).__name__}")


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
_by_path: weakref.WeakValueDictionary[str, Writer] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()


def _after_fork_in_child() -> None:
    """A lock that another thread held at the fork has nobody left to release it."""
    global _registry_lock  # noqa: PLW0603 - a lock can only be replaced
    _registry_lock = threading.Lock()
    for writer in list(_writers):
        writer.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
