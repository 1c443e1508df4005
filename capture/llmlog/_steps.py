"""Step counters of traces, unique over threads and forked processes.

At a fork each counter moves into a file that parent and children have open, where a lock guards it.
Without a fork a counter is a number in memory.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import weakref
from contextlib import suppress
from typing import Final

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_UN, lockf

_SIZE: Final = 8
"""Bytes of a counter in the file."""


class StepCounter:
    """Counts a trace's steps from `first`."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._lock = threading.RLock()
        self._shared: _SharedCounter | None = None
        with _registry_lock:
            _counters.add(self)

    def take(self) -> int:
        """Take the next step."""
        with self._lock:
            step = self._next if self._shared is None else self._shared.take(self._next)
            self._next = step + 1
            return step

    def share(self) -> None:
        """Count with the processes that are forked from now on."""
        with self._lock:
            if self._shared is None:
                self._shared = _SharedCounter(_shared_file(), self._next)

    def reset_after_fork(self) -> None:
        """Replace the lock in a forked child, where its holder does not exist."""
        self._lock = threading.RLock()


class _SharedFile:
    """A file without a name that holds counters, one after the other."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open while a counter is in it
        self.fd = self._file.fileno()
        self._identity = self._stat()
        self.counters = 0

    def is_open(self) -> bool:
        """Return whether the descriptor is still this file's, and not one of the application's."""
        try:
            return self._stat() == self._identity
        except OSError:
            return False

    def _stat(self) -> tuple[int, int]:
        status = os.fstat(self.fd)
        return status.st_dev, status.st_ino


class _SharedCounter:
    """A counter in a file that several processes have open."""

    def __init__(self, file: _SharedFile, first: int) -> None:
        self._file = file
        self._offset = file.counters * _SIZE
        file.counters += 1
        os.pwrite(file.fd, first.to_bytes(_SIZE, "little"), self._offset)

    def take(self, fallback: int) -> int:
        """Take the next number; `fallback` if the application has closed the file."""
        if not self._file.is_open():
            return fallback
        fd = self._file.fd
        # Locks of lockf belong to the process, those of flock to what parent and child share.
        lockf(fd, LOCK_EX, _SIZE, self._offset)
        try:
            number = int.from_bytes(os.pread(fd, _SIZE, self._offset), "little")
            os.pwrite(fd, (number + 1).to_bytes(_SIZE, "little"), self._offset)
        finally:
            lockf(fd, LOCK_UN, _SIZE, self._offset)
        return number


_counters: weakref.WeakSet[StepCounter] = weakref.WeakSet()
_registry_lock = threading.RLock()
_file: _SharedFile | None = None


def _shared_file() -> _SharedFile:
    """Return the file for counters that are shared by this process."""
    global _file  # noqa: PLW0603 - one descriptor per process, however many traces are open
    if _file is None or _file.pid != os.getpid() or not _file.is_open():
        _file = _SharedFile()
    return _file


def _before_fork() -> None:
    _registry_lock.acquire()
    with suppress(OSError):  # no descriptor or disk is left: steps may repeat, the fork succeeds
        for counter in list(_counters):
            counter.share()


def _after_fork_in_parent() -> None:
    _registry_lock.release()


def _after_fork_in_child() -> None:
    global _registry_lock  # noqa: PLW0603 - a lock can only be replaced
    _registry_lock = threading.RLock()
    for counter in list(_counters):
        counter.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
