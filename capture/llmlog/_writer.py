"""Writers: one record, one line, one write."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from llmlog._files import FileSink

Target: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | Callable[[bytes], object]
"""Destination of records: a path, a binary or text file, or a function.

The file is open; the function is called with each line.
"""


class Writer:
    """Stores whole lines with `put`, one at a time, from any thread."""

    def __init__(self, put: Callable[[bytes], object]) -> None:
        self._put = put
        self._deferred: deque[bytes] = deque()
        self.reset_after_fork()
        _writers.add(self)

    def reset_after_fork(self) -> None:
        """Replace the lock in a forked child, where its holder does not exist."""
        self._lock = threading.RLock()
        self._busy = False

    def write(self, line: bytes) -> None:
        """Store one line that ends in a newline; raises what `put` raises."""
        with self._lock:
            # A stream that is garbage collected writes its record from wherever Python happens to
            # be, even from inside put(): that line waits until the current one is complete.
            if self._busy:
                self._deferred.append(line)
                return
            self._busy = True
            try:
                self._put(line)
                while self._deferred:
                    self._put(self._deferred.popleft())
            finally:
                self._busy = False


def _write_to_stream(stream: Any, line: bytes) -> None:  # noqa: ANN401 - binary, text, or alike
    """Write and flush `line` to an open file, such as sys.stdout.

    Lines are whole within one process. Between processes that share a pipe, only lines of up to
    4,096 bytes stay whole.
    """
    binary = getattr(stream, "buffer", None)
    if binary is not None:
        # Text that is still in the text layer was printed before this line.
        stream.flush()
        stream = binary
        stream.write(line)
    elif not hasattr(stream, "encoding") or "b" in getattr(stream, "mode", ""):
        stream.write(line)
    else:
        stream.write(line.decode())
    stream.flush()


def open_writer(target: Target, *, fsync: bool = False, rotate_bytes: int | None = None) -> Writer:
    """Return the writer for `target`; sessions with the same path share one.

    `fsync` and `rotate_bytes` are for paths, and taken from the path's first session.
    """
    if isinstance(target, (str, os.PathLike)):
        # Absolute, because the application may change its working directory.
        path = str(Path(cast("str", target)).absolute())
        with _registry_lock:
            writer = _by_path.get(path)
            if writer is None:
                sink = FileSink(path, fsync=fsync, rotate_bytes=rotate_bytes)
                writer = _by_path[path] = Writer(sink.put)
            return writer
    if hasattr(target, "write"):
        return Writer(functools.partial(_write_to_stream, target))
    if callable(target):
        return Writer(target)
    raise TypeError(f"records go to a path, a file or a function, not {type(target).__name__}")


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
_by_path: weakref.WeakValueDictionary[str, Writer] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()


def _after_fork_in_child() -> None:
    # A lock that another thread held at the fork is never released in the child.
    global _registry_lock  # noqa: PLW0603 - a lock can only be replaced
    _registry_lock = threading.Lock()
    for writer in list(_writers):
        writer.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
