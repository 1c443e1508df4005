"""Writers: one record, one line, one write."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, cast

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
            self._late.append(line)
            if self._busy:
                return
            self._busy = True
            try:
                while self._late:
                    self._sink.put(self._late.popleft())
            finally:
                self._busy = False


class FileSink:
    """Appends to a file by path: opened on the first line, with its folder, readable by its owner.

    One `os.write` of a whole line on an O_APPEND descriptor: lines of several threads and
    processes never mix, and a killed process keeps everything it has written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._pid = 0
        self._torn = False

    def put(self, line: bytes) -> None:
        """Append `line`; a disk that is full or a file that is gone raises OSError."""
        if self._pid != os.getpid():
            self._open()
        if self._torn:
            line = b"\n" + line
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        finally:
            self._torn = 0 < len(rest) < len(line) or (self._torn and len(rest) > 0)

    def _open(self) -> None:
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._pid = os.getpid()
        self._torn = _ends_mid_line(self._fd)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def _ends_mid_line(fd: int) -> bool:
    """Whether the file's last line was cut off, by a crash or a full disk."""
    size = os.fstat(fd).st_size
    try:
        return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
    except OSError:
        return False  # a pipe or a terminal opened by path has no last byte


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
        elif "b" in getattr(stream, "mode", "") or not hasattr(stream, "encoding"):
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


def open_writer(target: Target) -> Writer:
    """The writer for `target`; one path has one writer, however many sessions use it."""
    if isinstance(target, (str, os.PathLike)):
        path = str(Path(cast("str", target)).resolve())
        with _registry_lock:
            writer = _by_path.get(path)
            if writer is None:
                writer = _by_path[path] = Writer(FileSink(path))
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


os.register_at_fork(after_in_child=_after_fork_in_child)
