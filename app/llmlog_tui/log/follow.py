"""Follow one file through growth, renames, truncation, deletion and replacement, line by line.

The content of lines and threads are the caller's concern: it polls read().
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from llmlog_tui.log.line_splitter import Block, LineSplitter
from llmlog_tui.log.rotation import HEAD_BYTES, already_read_prefix

BLOCK_BYTES: Final = 8 * 2**20
"""Maximum bytes per read."""

NEWEST_BYTES: Final = 2**20
"""Bytes at the end of a big file that are read first."""

_MAX_OPEN: Final = 5
"""Maximum generations kept open: the current one, and the last ones renamed or deleted."""

StartOffset = Callable[[os.stat_result, bytes], int | None]
"""(stat, head) -> offset of the first unread byte; None: another follower's file."""


class Generation:
    """One open file: at the path, or renamed or deleted lately."""

    def __init__(self, fd: int, number: int, start: int = 0) -> None:
        self.fd = fd
        self.number = number
        self.opened = os.fstat(fd)
        self.head = os.pread(fd, HEAD_BYTES, 0)[:start]
        """The part of the first 256 bytes that was read."""
        self.live = LineSplitter(number, start)
        self.older: LineSplitter | None = None
        self._older_end = 0
        self._grew = time.monotonic()

    def skip_to_end(self, size: int) -> None:
        start = size - NEWEST_BYTES
        cut = os.pread(self.fd, NEWEST_BYTES, start).find(b"\n") + 1
        if cut:
            self.older = LineSplitter(self.number, older=True)
            self._older_end = start + cut
            self.head = os.pread(self.fd, HEAD_BYTES, 0)
            self.live = LineSplitter(self.number, self._older_end)

    def read(self) -> Block | None:
        while data := os.pread(self.fd, BLOCK_BYTES, self.live.offset):
            self._grew = time.monotonic()
            self.head += data[: HEAD_BYTES - len(self.head)]
            if block := self.live.feed(data):
                return block
        return None

    def read_older(self) -> Block | None:
        """Return the next whole lines that skip_to_end() skipped."""
        while self.older:
            room = min(BLOCK_BYTES, self._older_end - self.older.offset)
            data = os.pread(self.fd, room, self.older.offset)
            if not data:
                self.older = None
            elif block := self.older.feed(data):
                return block
        return None

    def flush_idle(self, settle_s: float) -> Block | None:
        """Return a last record that only lacks its newline, after `settle_s` seconds idle."""
        return self.live.record_at_end() if self.idle_s() >= settle_s else None

    def bytes_left(self) -> int:
        size = os.fstat(self.fd).st_size
        older = self._older_end - self.older.offset if self.older else 0
        return max(0, size - self.live.offset) + older

    def idle_s(self) -> float:
        return time.monotonic() - self._grew

    def is_rewritten(self) -> bool:
        """Return whether the file was truncated, or truncated and written again (copytruncate)."""
        if os.fstat(self.fd).st_size < self.live.offset:
            return True
        return os.pread(self.fd, len(self.head), 0) != self.head


def all_new(_: os.stat_result, __: bytes) -> int:
    """Return 0: the StartOffset of a file that is a log of its own."""
    return 0


class Follower:
    """Reads one path from its beginning, and on through rotation: every whole line exactly once.

    Descriptors stay open, so lines written to a renamed or deleted file are still read. A file that
    got shorter, or whose first 256 bytes changed, is a new generation, read from its beginning; if
    it begins with the end of the file before (a prefix was cut off, see llmlog.prune), it is read
    after that part. A partial line at the end of a replaced file is flushed after `linger_s`
    seconds without new data, a complete record without its newline after `settle_s` seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        newest_first: bool = False,
        linger_s: float = 5.0,
        settle_s: float = 1.0,
        start_offset: StartOffset = all_new,
    ) -> None:
        self.path = path
        self.is_waiting = True
        """Whether the file has never existed yet."""
        self.is_gone = False
        """Whether the file existed, and was not replaced."""
        self._newest_first = newest_first
        self._linger_s = linger_s
        self._settle_s = settle_s
        self._start_offset = start_offset
        self._generations: list[Generation] = []
        self._count = 0
        self._past: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()  # reread() and close() may run in different threads

    def read(self) -> Block | None:
        """Return the next whole lines, about BLOCK_BYTES at most; None if there are none now.

        Raises OSError if the path exists and cannot be opened or read (a folder, no permission).
        """
        if block := self._read_lingering():
            return block
        if not self._generations and not self._open():
            return None
        current = self._generations[-1]
        if current.is_rewritten():
            self._generations[-1] = self._generation(current.fd)
            self._remember(current)
            return current.live.flush() or self.read()
        is_replaced = self._is_replaced(
            current
        )  # checked first: data written before the replacement is read below
        if block := current.read():
            return block
        if is_replaced and self._open():
            return self.read()
        return current.flush_idle(self._settle_s)

    def read_older(self) -> Block | None:
        """Return the next lines before the newest ones, in file order, with `newest_first`."""
        blocks = (generation.read_older() for generation in self._generations)
        return next((block for block in blocks if block), None)

    def finish(self) -> Block | None:
        """Return the rest of a file after its last newline; call until it returns None."""
        blocks = (generation.live.flush() for generation in self._generations)
        return next((block for block in blocks if block), None)

    def close(self) -> None:
        with self._lock:
            for generation in self._generations:
                self._remember(generation)
                os.close(generation.fd)
            self._generations.clear()

    def position(self) -> tuple[int, int]:
        """Return (bytes read, bytes in the file), for a progress bar."""
        if not self._generations:
            return 0, 0
        size = os.fstat(self._generations[-1].fd).st_size
        left = sum(generation.bytes_left() for generation in self._generations)
        return max(0, size - left), size

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Return bytes that were read before; None if their generation is closed or rewritten."""
        with self._lock:
            for file in self._generations:
                if file.number == generation and not file.is_rewritten():
                    return os.pread(file.fd, length, offset)
        return None

    def has_open(self, file: os.stat_result) -> bool:
        return any(os.path.samestat(generation.opened, file) for generation in self._generations)

    def read_offset_of(self, head: bytes) -> int | None:
        """Return the end of the lines read from a file that began with `head`."""
        for generation in reversed(self._generations):
            if _is_of(head, generation.head):
                return generation.live.lines_end
        return next((end for begin, end in reversed(self._past) if _is_of(head, begin)), None)

    def _open(self) -> bool:
        """Open the file at the path; False if nothing is new."""
        try:
            # Non-blocking: opening a FIFO would wait for a writer.
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        file = os.fstat(fd)
        if not stat.S_ISREG(file.st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "is not a regular file")
        start = self._start_offset(file, os.pread(fd, HEAD_BYTES, 0))
        self.is_waiting = False
        if start == 0 and self._generations:
            last = self._generations[-1]
            start = already_read_prefix(last.fd, last.live.lines_end, fd)
        # Another follower owns the file, or a copy is in progress.
        if start is None or start > file.st_size:
            os.close(fd)
            return False
        generation = self._generation(fd, start)
        is_first = generation.number == 0 and start == 0
        if self._newest_first and is_first and file.st_size > 4 * NEWEST_BYTES:
            generation.skip_to_end(file.st_size)
        self._generations.append(generation)
        return True

    def _is_replaced(self, current: Generation) -> bool:
        """Return whether the path leads to another file; False if it cannot be examined."""
        opened = os.fstat(current.fd)
        self.is_gone = False
        try:
            return not os.path.samestat(self.path.stat(), opened) or opened.st_nlink == 0
        except FileNotFoundError:
            self.is_gone = True
        except OSError:
            pass
        return False

    def _generation(self, fd: int, start: int = 0) -> Generation:
        self._count += 1
        return Generation(fd, self._count - 1, start)

    def _read_lingering(self) -> Block | None:
        """Read files that were renamed or deleted: their writers may still have them open."""
        for generation in self._generations[:-1]:
            if block := generation.read():
                return block
            if generation.live.is_inside_line and generation.idle_s() >= self._linger_s:
                return generation.live.flush()
        if len(self._generations) > _MAX_OPEN and not self._generations[0].older:  # fully read
            with self._lock:
                oldest = self._generations.pop(0)
                self._remember(oldest)
                os.close(oldest.fd)
            return oldest.live.flush()
        return None

    def _remember(self, ended: Generation) -> None:
        self._past = [*self._past[1 - _REMEMBERED :], (ended.head, ended.live.lines_end)]


def _is_of(head: bytes, begin: bytes) -> bool:
    """Return whether `begin` is a long enough prefix to identify this head."""
    return head.startswith(begin) and (len(begin) == HEAD_BYTES or b"\n" in begin)


_REMEMBERED: Final = 16
