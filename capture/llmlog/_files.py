"""Log files: append, rotate by size, prune by age.

A writer holds a shared lock (flock) around each write, a process that moves or rewrites the file an
exclusive one; a writer that then finds another file at its path opens that one. No line is lost,
however many processes write. Without flock, a file can only be appended to.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if sys.platform != "win32":
    from fcntl import LOCK_EX as _EXCLUSIVE
    from fcntl import LOCK_NB as _AT_ONCE
    from fcntl import LOCK_SH as _SHARED
    from fcntl import LOCK_UN as _UNLOCK
    from fcntl import flock as _flock
else:
    _SHARED = _EXCLUSIVE = _AT_ONCE = _UNLOCK = 0

    def _flock(_fd: int, _operation: int) -> None:
        """Do nothing: without locks no file is ever moved."""


if TYPE_CHECKING:
    from datetime import timedelta

_CAN_LOCK: Final = sys.platform != "win32"


# Windows has no O_CLOEXEC, as no descriptor is inherited there, and writes \r\n without O_BINARY.
_OPEN_FLAGS: Final = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)

_LOCK_S: Final = 1.0
"""Maximum seconds a call waits for the lock of the log."""

_FIRST_PAUSE_S: Final = 0.0002
_LONGEST_PAUSE_S: Final = 0.01
"""Seconds between attempts to lock, doubled up to the longest."""


class LockTimeoutError(OSError):
    """A line was written without the lock, which another program holds."""


class FileSink:
    """Appends to a file, created by the first line, readable by its owner.

    Lines of several threads and processes never mix, and a killed process keeps everything it has
    written: each line is one `os.write` on an O_APPEND descriptor.
    """

    def __init__(self, path: str, *, fsync: bool = False, rotate_bytes: int | None = None) -> None:
        self._path = path
        self._fsync = fsync
        self._rotate_bytes = rotate_bytes if _CAN_LOCK else None
        self._fd = -1
        self._pid = 0
        self._file = (0, 0)
        self._torn = False
        self._is_refused = False  # the lock, by another program

    def put(self, line: bytes) -> None:
        """Append `line`; raises OSError, as for a full disk.

        LockTimeoutError is raised after the line was written: without the lock, because another
        program holds it.
        """
        size = self._lock()
        try:
            if self._rotate_bytes is not None and 0 < size > self._rotate_bytes - len(line):
                self._rotate(len(line))
            self._append(line)
        finally:
            self._unlock()
        if self._is_refused:
            raise LockTimeoutError("another program holds the lock of the log")

    def _append(self, line: bytes) -> None:
        # A line that was cut off is ended first, or it would spoil this one as well.
        if self._torn:
            line = b"\n" + line
        done = 0
        try:
            done = os.write(self._fd, line)
            # Only a disk that is nearly full, or a signal, makes the kernel write less.
            while done < len(line):
                done += os.write(self._fd, line[done:])
        finally:
            self._torn = 0 < done < len(line) or (self._torn and done == 0)
        if self._fsync:
            os.fsync(self._fd)

    def _lock(self, *, exclusive: bool = False) -> int:
        """Lock the file at the path, opening it if needed, and return its size."""
        # flock belongs to the open file: a forked child that used its parent's descriptor would
        # release its parent's lock.
        if self._pid != os.getpid() or not self._is_own():
            self._open()
        while True:
            self._acquire(_EXCLUSIVE if exclusive else _SHARED)
            try:
                found = os.stat(self._path)  # noqa: PTH116 - once per record
                if found.st_ino == self._file[1] and found.st_dev == self._file[0]:
                    return found.st_size
            except OSError:  # the file or its folder is gone: opening raises the clearer error
                pass
            self._unlock()
            self._open()

    def _acquire(self, operation: int) -> None:
        """Lock the open file, or give up after _LOCK_S: the application's call is waiting."""
        pause, give_up = _FIRST_PAUSE_S, 0.0
        while True:
            try:
                _flock(self._fd, operation | _AT_ONCE)
            except BlockingIOError:
                # Waited for once: whoever holds it that long holds it for good.
                now = time.monotonic()
                give_up = give_up or now + (0 if self._is_refused else _LOCK_S)
                if now >= give_up:
                    self._is_refused = True
                    return
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                self._is_refused = False
                return

    def _unlock(self) -> None:
        # Not checked as in _lock(): between the two are microseconds, and a check would be one.
        if self._fd >= 0:
            _flock(self._fd, _UNLOCK)

    def _is_own(self) -> bool:
        """Return whether the descriptor still is this sink's.

        An application that closes all descriptors, as daemons do, may have opened another file
        under the same number: that one is neither written to nor closed.
        """
        if self._fd < 0:
            return False
        try:
            status = os.fstat(self._fd)
        except OSError:
            return False
        return status.st_ino == self._file[1] and status.st_dev == self._file[0]

    def _open(self) -> None:
        if self._is_own():
            os.close(self._fd)
        self._fd, self._pid = -1, 0  # opened by the next line, should it fail now
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, _OPEN_FLAGS, 0o600)
        self._pid = os.getpid()
        status = os.fstat(self._fd)
        self._file = (status.st_dev, status.st_ino)
        self._torn = _ends_mid_line(self._fd)

    def _rotate(self, coming: int) -> None:
        """Rename the full file, unless another process has just done so."""
        # A shared lock cannot be made exclusive in one step, so the size is checked once more.
        self._unlock()
        size = self._lock(exclusive=True)
        is_full = self._rotate_bytes is not None and 0 < size > self._rotate_bytes - coming
        if is_full and not self._is_refused:
            os.rename(self._path, _unused_name(self._path))  # noqa: PTH104
        self._unlock()
        self._lock()

    def __del__(self) -> None:
        if self._is_own():
            os.close(self._fd)


def _ends_mid_line(fd: int) -> bool:
    try:
        # While others write the last byte means nothing, and they have checked when they began.
        _flock(fd, _EXCLUSIVE | _AT_ONCE)
        if os.fstat(fd).st_size == 0:
            return False
        # Not pread, which Windows lacks; appending does not depend on the position.
        os.lseek(fd, -1, os.SEEK_END)
        return os.read(fd, 1) != b"\n"
    except OSError:
        return False  # a pipe or a terminal that was opened by path has no last byte
    finally:
        _flock(fd, _UNLOCK)


def _unused_name(path: str) -> str:
    """Return a name that sorts by time, such as `calls.jsonl.20261123T115258.123456Z`."""
    while True:
        name = f"{path}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        if not os.path.lexists(name):
            return name


def prune(path: str | os.PathLike[str], older_than: timedelta, *, dry_run: bool = False) -> int:
    """Remove records older than `older_than` from the start of a log.

    Returns the number of lines removed: those before the first record that is young enough, as
    records are in the order in which their calls ended. Safe while others write and follow: the
    remainder is written to a new file, which replaces the old one in one step. With `dry_run` the
    lines are only counted. Raises OSError if the file cannot be read or replaced.
    """
    path = Path(path).resolve()
    if not _CAN_LOCK:
        raise OSError("a log cannot be pruned safely where there is no flock")
    oldest = datetime.now(UTC) - older_than
    while True:
        with path.open("rb") as log:
            size, lines = _old_prefix(log, oldest)
            log.seek(size)
            if dry_run or not lines or _replaced(path, log):
                return lines


def _old_prefix(log: IO[bytes], oldest: datetime) -> tuple[int, int]:
    """Return (bytes, lines) up to the last old record before the first young one."""
    size = lines = offset = 0
    for number, line in enumerate(log, 1):
        offset += len(line)
        started = _started(line)
        # A line without a time is removed only with an old record after it.
        if started is None:
            continue
        if started >= oldest:
            break
        size, lines = offset, number
    return size, lines


def _started(line: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(json.loads(line)["ts"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _replaced(path: Path, log: IO[bytes]) -> bool:
    """Replace `path` by the remainder of `log`; False if another file is there by then."""
    # No pattern such as `calls.jsonl*` finds the unfinished file; its name is new each time, as one
    # of a process that died may be there.
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as kept:
            _copy_owner(os.fstat(log.fileno()), descriptor)
            # Most of it before the lock, so that writers wait only for the rest.
            _copy(log, kept)
            _flock(log.fileno(), _EXCLUSIVE)
            if not os.path.samestat(os.fstat(log.fileno()), path.stat()):
                return False
            _copy(log, kept)
            os.replace(unfinished, path)  # noqa: PTH105 - a name, not a Path
    finally:
        _flock(log.fileno(), _UNLOCK)
        Path(unfinished).unlink(missing_ok=True)
    # A rename is on disk once its folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _copy_owner(log: os.stat_result, descriptor: int) -> None:
    """Give a file the owner, group and mode of a log, for its writers.

    Raises OSError if that is not permitted: the log then stays as it is.
    """
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (log.st_uid, log.st_gid):
        os.fchown(descriptor, log.st_uid, log.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(log.st_mode))  # after the owner, which resets some of it


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    shutil.copyfileobj(source, target, 1024 * 1024)
    target.flush()
    os.fsync(target.fileno())
