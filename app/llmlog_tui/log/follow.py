"""Whole lines out of one file that grows, is renamed, truncated, deleted or replaced.

Knows nothing of what a line means, and nothing of threads: somebody calls read() again and again.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from llmlog_tui.log.line_splitter import Block, LineSplitter
from llmlog_tui.log.rotation import HEAD_BYTES, already_read_prefix

BLOCK_BYTES: Final = 8 * 2**20
"""How much is read at once."""

NEWEST_BYTES: Final = 2**20
"""How much of a big file's end is read first."""

BEGINNING_BYTES: Final = 64 * 2**10
"""How much of a big file's beginning tells whether its end can be read first."""

_HELD: Final = 5
"""So many generations are held open: the current one, and those renamed or deleted last."""

REST_LOOK_S: Final = 1.0
"""Seconds between looks at a resting file."""

StartOffset = Callable[[os.stat_result, bytes], int | None]
"""Asked with a file's stat and head: from which byte on is it new? None: it is another's."""


class Generation:
    """One open file, as long as its path leads to it and some time after."""

    def __init__(self, fd: int, number: int, start: int = 0) -> None:
        self.fd = fd
        self.number = number
        self.opened = os.fstat(fd)
        self.head = os.pread(fd, HEAD_BYTES, 0)[:start]
        """What was read of the first 256 bytes."""
        self.live = LineSplitter(number, start)
        self.older: LineSplitter | None = None
        self._older_end = 0
        self._grew = time.monotonic()

    def begin_at_the_end(self, size: int) -> None:
        """Leave all but the last NEWEST_BYTES for read_older()."""
        start = size - NEWEST_BYTES
        cut = os.pread(self.fd, NEWEST_BYTES, start).find(b"\n") + 1
        if cut:
            self.older = LineSplitter(self.number, older=True)
            self._older_end = start + cut
            self.head = os.pread(self.fd, HEAD_BYTES, 0)
            self.live = LineSplitter(self.number, self._older_end)

    def read(self) -> Block | None:
        """The next whole lines at the end."""
        while data := os.pread(self.fd, BLOCK_BYTES, self.live.offset):
            self._grew = time.monotonic()
            self.head += data[: HEAD_BYTES - len(self.head)]
            if block := self.live.feed(data):
                return block
        return None

    def read_older(self) -> Block | None:
        """The next whole lines of those left out by begin_at_the_end()."""
        while self.older:
            room = min(BLOCK_BYTES, self._older_end - self.older.offset)
            data = os.pread(self.fd, room, self.older.offset)
            if not data:
                self.older = None
            elif block := self.older.feed(data):
                return block
        return None

    def settled(self, quiet_s: float) -> Block | None:
        """A record at the end that only lacks its newline, if nothing was added for `quiet_s`."""
        return self.live.record_at_end() if self.quiet_s() >= quiet_s else None

    def left(self) -> int:
        """How many bytes are still to be read."""
        size = os.fstat(self.fd).st_size
        older = self._older_end - self.older.offset if self.older else 0
        return max(0, size - self.live.offset) + older

    def quiet_s(self) -> float:
        """For how many seconds nothing was added."""
        return time.monotonic() - self._grew

    def is_rewritten(self) -> bool:
        """Whether the file was truncated, or truncated and written again (copytruncate)."""
        if os.fstat(self.fd).st_size < self.live.offset:
            return True
        return os.pread(self.fd, len(self.head), 0) != self.head


def all_new(_: os.stat_result, __: bytes) -> int:
    """The Claim of a file that stands for itself: all of it is new."""
    return 0


class Follower:
    """Reads one path from its beginning, and on through rotation: every whole line exactly once.

    Descriptors are held, so what is written to a file after it was renamed or deleted is still
    read. A file that got shorter, or whose first 256 bytes are other ones, is a new generation,
    read from its beginning; one that begins with the end of the file before (a prefix was cut off,
    see llmlog.prune) is read from behind that. Half a line at the end of a file that was replaced
    is given up when nothing was added to it for `linger_s` seconds. A whole record at the end of a
    file counts as a line without its newline when nothing was added for `settle_s` seconds.
    `may_begin_at_end` is asked with the beginning of a big file before its end is read first.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        path: Path,
        *,
        newest_first: bool = False,
        may_begin_at_end: Callable[[bytes], bool] = lambda _: True,
        linger_s: float = 5.0,
        settle_s: float = 1.0,
        claim: StartOffset = all_new,
    ) -> None:
        self.path = path
        self.is_waiting = True
        """Whether the file was never there yet."""
        self.is_gone = False
        """Whether the file was there, and no other has come in its place."""
        self._newest_first = newest_first
        self._may_begin_at_end = may_begin_at_end
        self._linger_s = linger_s
        self._settle_s = settle_s
        self._claim = claim
        self._held: list[Generation] = []
        self._count = 0
        self._past: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()  # reread() may come from another thread than close()
        self._resting: os.stat_result | None = None  # the file, while its descriptor is closed
        self._looked = 0.0

    def read(self) -> Block | None:
        """The next whole lines, at most about BLOCK_BYTES of them; None if there are none now.

        Raises OSError if the path is there and cannot be opened or read (a folder, no permission).
        """
        if block := self._read_lingering():
            return block
        if self._sleeps() or (not self._held and not self._open()):
            return None
        current = self._held[-1]
        if current.is_rewritten():
            self._held[-1] = self._generation(current.fd)
            self._remember(current)
            return current.live.rest() or self.read()
        is_replaced = self._is_replaced(current)  # what was written until then is read below
        if block := current.read():
            return block
        if is_replaced and self._open():
            return self.read()
        return current.settled(self._settle_s)

    def read_older(self) -> Block | None:
        """With `newest_first`: the next lines of those before the newest, from the first on."""
        blocks = (held.read_older() for held in self._held)
        return next((block for block in blocks if block), None)

    def finish(self) -> Block | None:
        """What stands after a last newline, for a reader that will not come back; again and again.

        None when there is no more.
        """
        blocks = (held.live.rest() for held in self._held)
        return next((block for block in blocks if block), None)

    def rest(self) -> bool:
        """Give the descriptor back until the file changes; False if it is not read to its end.

        What is written to a file that is moved away within REST_LOOK_S is not seen.
        """
        if self._resting or len(self._held) != 1:
            return not self._held or self._resting is not None
        held = self._held[0]
        if held.left() or held.live.is_inside_line:
            return False
        with self._lock:
            self._resting, self._looked = os.fstat(held.fd), time.monotonic()
            os.close(held.fd)
        return True

    @property
    def opened(self) -> os.stat_result | None:
        """The file as it was opened; None if it is not open."""
        return self._held[-1].opened if self._held else None

    def beginnings(self) -> Iterator[bytes]:
        """How this file, and those before it at its path, begin."""
        yield from (held.head for held in self._held)
        yield from (begin for begin, _ in self._past)

    def grew_at(self) -> float:
        """When the file was last written to, in seconds since 1970; 0 if it is not open."""
        return os.fstat(self._held[-1].fd).st_mtime if self._held and not self._resting else 0.0

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            for held in self._held:
                self._remember(held)
                if not self._resting:
                    os.close(held.fd)
            self._held.clear()
            self._resting = None

    def position(self) -> tuple[int, int]:
        """(bytes read, bytes there), for a progress bar."""
        if self._resting:
            return self._resting.st_size, self._resting.st_size
        if not self._held:
            return 0, 0
        there = os.fstat(self._held[-1].fd).st_size
        return max(0, there - sum(held.left() for held in self._held)), there

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Bytes that were read before, or None if the generation they are of is no more."""
        with self._lock:
            if self._resting:
                is_here = self._held[0].number == generation and self._reopen()
                if not is_here:
                    return None
            try:
                for held in self._held:
                    if held.number == generation and not held.is_rewritten():
                        return os.pread(held.fd, length, offset)
            finally:
                if self._resting:
                    os.close(self._held[0].fd)
        return None

    def holds(self, file: os.stat_result) -> bool:
        """Whether this very file is open here."""
        return any(os.path.samestat(held.opened, file) for held in self._held)

    def known(self, head: bytes) -> int | None:
        """How much was read here of a file that began with `head`; None if there was none."""
        for held in reversed(self._held):
            if _is_of(head, held.head):
                return held.live.lines_end
        return next((end for begin, end in reversed(self._past) if _is_of(head, begin)), None)

    def _sleeps(self) -> bool:
        """Whether a resting file has not changed; looked at now and then, for there may be many."""
        now, resting = time.monotonic(), self._resting
        if resting is None or now - self._looked < REST_LOOK_S:
            return resting is not None
        self._looked = now
        self.is_gone = False
        try:
            file = self.path.stat()
        except FileNotFoundError:
            self.is_gone = True
            return True
        if _identity(file) == _identity(resting):
            return True
        with self._lock:
            if not self._reopen():
                self._remember(self._held.pop())
            self._resting = None
        return False

    def _reopen(self) -> bool:
        """Open the resting file again; False if another one took its place."""
        held = self._held[0]
        try:
            held.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        if os.path.samestat(os.fstat(held.fd), held.opened) and not held.is_rewritten():
            return True
        os.close(held.fd)
        return False

    def _open(self) -> bool:
        """Begin with the file the path leads to; False if there is none, or nothing new in it."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        file = os.fstat(fd)
        if not stat.S_ISREG(file.st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "is not a regular file")
        start = self._claim(file, os.pread(fd, HEAD_BYTES, 0))
        self.is_waiting = False
        if start == 0 and self._held:
            start = already_read_prefix(self._held[-1].fd, self._held[-1].live.lines_end, fd)
        if start is None or start > file.st_size:  # another's, or a copy that is still being made
            os.close(fd)
            return False
        generation = self._generation(fd, start)
        is_first = generation.number == 0 and start == 0
        is_big = self._newest_first and is_first and file.st_size > 4 * NEWEST_BYTES
        if is_big and self._may_begin_at_end(os.pread(fd, BEGINNING_BYTES, 0)):
            generation.begin_at_the_end(file.st_size)
        self._held.append(generation)
        return True

    def _is_replaced(self, current: Generation) -> bool:
        """Whether the path leads to another file; if it cannot be looked at, the held one stays."""
        held = os.fstat(current.fd)
        self.is_gone = False
        try:
            return not os.path.samestat(self.path.stat(), held) or held.st_nlink == 0
        except FileNotFoundError:
            self.is_gone = True
        except OSError:
            pass
        return False

    def _generation(self, fd: int, start: int = 0) -> Generation:
        self._count += 1
        return Generation(fd, self._count - 1, start)

    def _read_lingering(self) -> Block | None:
        """From files that were renamed or deleted: their writers may not know of it yet."""
        for held in self._held[:-1]:
            if block := held.read():
                return block
            if held.live.is_inside_line and held.quiet_s() >= self._linger_s:
                return held.live.rest()
        if len(self._held) > _HELD and not self._held[0].older:
            with self._lock:
                oldest = self._held.pop(0)
                self._remember(oldest)
                os.close(oldest.fd)
            return oldest.live.rest()
        return None

    def _remember(self, ended: Generation) -> None:
        self._past = [*self._past[1 - _REMEMBERED :], (ended.head, ended.live.lines_end)]


def _identity(file: os.stat_result) -> tuple[int, int, int, int]:
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


def _is_of(head: bytes, begin: bytes) -> bool:
    """Whether a file with this head goes on with what was read as `begin`, if that tells."""
    return head.startswith(begin) and (len(begin) == HEAD_BYTES or b"\n" in begin)


_REMEMBERED: Final = 16
