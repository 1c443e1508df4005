"""Follow one file through growth, renames, truncation, deletion and replacement, line by line.

The content of lines and threads are the caller's concern: it polls read().
"""

from __future__ import annotations

import errno
import math
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from llmlog_tui.log.file_identity import file_identity
from llmlog_tui.log.generation import Generation
from llmlog_tui.log.line_splitter import Block, Recall
from llmlog_tui.log.prefix_digest import Known, KnownPrefix
from llmlog_tui.log.rotation import already_read_prefix

# Of blocks of 8 MiB, the calls per block are a tenth of the work.
BLOCK_BYTES: Final = 16 * 2**20
"""Maximum bytes per read."""

NEWEST_BYTES: Final = 2**20
"""Bytes at the end of a big file that are read first."""

BEGINNING_BYTES: Final = 64 * 2**10
"""Bytes of a big file's beginning that decide whether its end may be read first."""

REST_POLL_S: Final = 1.0
"""Seconds between looks at a resting file."""

_OLD_S: Final = 3_600.0
"""Seconds without a write after which a resting file is polled less often."""

_OLD_FACTOR: Final = 5
"""Seconds between two polls of such a file, as a multiple of REST_POLL_S."""

_MAX_OPEN: Final = 5
"""Maximum generations kept open: the current one, and the last ones renamed or deleted."""

_REMEMBERED: Final = 16
"""Maximum closed generations whose copies are recognised."""


class Siblings(Protocol):
    """The other files of a glob or folder: one log with the followed one."""

    def has_open(self, file: os.stat_result) -> bool:
        """Return whether another follower reads this very file."""
        ...

    def known(self, path: Path, head: bytes) -> Iterable[Known]:
        """Return the files that were read under other names than `path`, and begin with `head`."""
        ...


class Follower:
    """Reads one path from its beginning, and on through rotation: every whole line exactly once.

    Descriptors stay open, so lines written to a renamed or deleted file are still read. A file that
    got shorter, or whose first or last bytes changed, is a new generation. If it begins like a file
    that was read before (a copy, a longer one, the same one written again), it is read after the
    part they share; if it begins with the end of the file before (a prefix was cut off, see
    llmlog.prune), after that part; else from its beginning. A partial line at the end of a replaced
    file is flushed after `linger_s` seconds without new data, a complete record without its newline
    after `settle_s` seconds. `may_skip` is asked with the beginning of a big file before its end is
    read first.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        path: Path,
        *,
        newest_first: bool = False,
        may_skip: Callable[[bytes], bool] = lambda _: True,
        linger_s: float = 5.0,
        settle_s: float = 1.0,
        siblings: Siblings | None = None,
    ) -> None:
        self.path = path
        self.is_waiting = True
        """Whether the file has never existed yet."""
        self.is_gone = False
        """Whether the file existed, and was not replaced."""
        self.recall: Recall | None = None
        """Where blocks may come from instead of the file."""
        self._newest_first = newest_first
        self._may_skip = may_skip
        self._linger_s = linger_s
        self._settle_s = settle_s
        self._siblings = siblings
        self._generations: list[Generation] = []
        self._count = 0
        self._past: list[Known] = []
        self._lock = threading.Lock()  # reread() and close() may run in different threads
        self._resting: os.stat_result | None = None  # the file, while its descriptor is closed
        self._rested = 0.0  # when the resting file was looked at
        self._rest_poll_s = REST_POLL_S

    def read(self) -> Block | None:
        """Return the next whole lines, about BLOCK_BYTES at most; None if there are none now.

        Raises OSError if the path exists and cannot be opened or read (a folder, no permission).
        """
        if block := self._read_lingering():
            return block
        if self._is_unchanged() or (not self._generations and not self._open()):
            return None
        current = self._generations[-1]
        if current.is_rewritten():
            self._remember(current)
            self._generations[-1] = Generation(
                current.fd, self._next_number(), self._identify, current.live, in_place=True
            )
            return self.read()
        # Checked first: data written before the replacement is read below.
        is_replaced = self._is_replaced(current)
        if block := current.read(BLOCK_BYTES, self.recall):
            return block
        if is_replaced and self._open():
            return self.read()
        return current.flush_idle(self._settle_s, self._linger_s)

    def read_older(self) -> Block | None:
        """Return the next lines before the newest ones, in file order, with `newest_first`."""
        blocks = (generation.read_older(BLOCK_BYTES) for generation in self._generations)
        return next((block for block in blocks if block), None)

    def finish(self) -> Block | None:
        """Return the rest of a file after its last newline; call until it returns None."""
        blocks = (generation.finish(BLOCK_BYTES) for generation in self._generations)
        return next((block for block in blocks if block), None)

    def rest(self) -> bool:
        """Close the file until it changes; False if it is not read to its end.

        Lines written to a file that is moved away before the next look at it are not read: that
        is within REST_POLL_S, of a file that was not written to for _OLD_S _OLD_FACTOR times that.
        """
        if len(self._generations) != 1:
            return not self._generations
        file = self._generations[0]
        if file.is_unresolved or file.older or file.bytes_left() or file.live.is_inside_line:
            return False
        with self._lock:
            self._remember(file)
            self._resting, self._rested = os.fstat(file.fd), time.monotonic()
            age_s = time.time() - self._resting.st_mtime
            self._rest_poll_s = REST_POLL_S * (_OLD_FACTOR if age_s > _OLD_S else 1)
            os.close(file.fd)
            self._generations.clear()
        return True

    def is_at_rest(self) -> bool:
        """Return whether the file is closed and did not change: read() would return None."""
        if self._resting is None:
            return False
        try:
            return self._is_unchanged()
        except OSError:
            self._rested = -math.inf  # read() looks again, and raises it
            return False

    @property
    def rests_until(self) -> float:
        """When a resting file is looked at again, as time.monotonic()."""
        return self._rested + self._rest_poll_s

    @property
    def resting(self) -> os.stat_result | None:
        """The file, as long as it is closed until it changes."""
        return self._resting

    def written_at(self) -> float:
        """Return the open file's modification time (Unix seconds); 0 if none is open."""
        return os.fstat(self._generations[-1].fd).st_mtime if self._generations else 0.0

    def close(self) -> None:
        with self._lock:
            for generation in self._generations:
                os.close(generation.fd)
            self._generations.clear()
            self._resting = None

    def position(self) -> tuple[int, int]:
        """Return (bytes read, bytes in the file), for a progress bar."""
        if self._resting:
            return self._resting.st_size, self._resting.st_size
        if not self._generations:
            return 0, 0
        size = os.fstat(self._generations[-1].fd).st_size
        left = sum(generation.bytes_left() for generation in self._generations)
        return max(0, size - left), size

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Return bytes that were read before; None if their generation is closed or rewritten."""
        with self._lock:
            for file in self._generations:
                known = file.same_as.get(generation, 0)
                is_there = file.number == generation or offset + length <= known
                if is_there and not file.is_unresolved and not file.is_rewritten():
                    return os.pread(file.fd, length, offset)
            return self._reread_resting(generation, offset, length)

    def stat_of(self, generation: int) -> os.stat_result | None:
        """Return the present state of an open generation's file."""
        files = (os.fstat(each.fd) for each in self._generations if each.number == generation)
        return next(files, None)

    def has_open(self, file: os.stat_result) -> bool:
        if self._resting and os.path.samestat(self._resting, file):
            return True
        return any(os.path.samestat(generation.opened, file) for generation in self._generations)

    def known(self, head: bytes) -> list[Known]:
        """Return the files by which one that begins with `head` is recognised as a copy."""
        open_now = [known for each in reversed(self._generations) for known in each.known(head)]
        return _without_superseded([*open_now, *reversed(self._past)])

    def _is_unchanged(self) -> bool:
        """Return whether a resting file may keep resting; checked every `_rest_poll_s`."""
        now, resting = time.monotonic(), self._resting
        if resting is None or now - self._rested < self._rest_poll_s:
            return resting is not None
        self._rested = now
        self.is_gone = False
        try:
            found = os.stat(self.path)  # noqa: PTH116 - there may be thousands, every second
            if _identity(found) == _identity(resting):
                return True
        except FileNotFoundError:
            self.is_gone = True
            return True
        with self._lock:
            self._resting = None
        return False

    def _reread_resting(self, generation: int, offset: int, length: int) -> bytes | None:
        last = self._past[-1] if self._resting and self._past else None
        if last is None or (last.number != generation and generation not in last.same_as):
            return None
        try:
            with self.path.open("rb") as file:
                is_same = _identity(os.fstat(file.fileno())) == _identity(self._resting)
                return os.pread(file.fileno(), length, offset) if is_same else None
        except OSError:
            return None

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
        self.is_waiting = False
        if self._siblings and self._siblings.has_open(file):
            os.close(fd)
            return False
        before = self._generations[-1].live if self._generations else None
        self._generations.append(Generation(fd, self._next_number(), self._identify, before))
        return True

    def _identify(self, file: Generation, head: bytes) -> list[KnownPrefix] | None:
        """Find the possible originals of `file`; None if it is too early to know."""
        loading = (each for each in self._generations if each.older)
        if not head or any(each.begins_like(head) for each in loading):
            return None
        others = self._siblings.known(self.path, head) if self._siblings else ()
        found = [KnownPrefix(each) for each in (*self.known(head), *others) if each.may_begin(head)]
        if not found:
            self._begin(file)
        return found

    def _begin(self, file: Generation) -> None:
        """Begin a file that is no copy, after the part that ended the file before."""
        size = os.fstat(file.fd).st_size
        last = next((each for each in reversed(self._generations) if each is not file), None)
        if last is not None and not last.is_unresolved:
            file.skip_known(already_read_prefix(last.fd, last.live.lines_end, file.fd))
            return
        is_big = self._newest_first and file.number == 0 and size > 4 * NEWEST_BYTES
        if is_big and self._may_skip(os.pread(file.fd, BEGINNING_BYTES, 0)):
            file.skip_to_end(size, NEWEST_BYTES)

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

    def _next_number(self) -> int:
        self._count += 1
        return self._count - 1

    def _read_lingering(self) -> Block | None:
        """Read files that were renamed or deleted: their writers may still have them open."""
        for generation in self._generations[:-1]:
            if block := generation.read(BLOCK_BYTES):
                return block
            is_idle = generation.idle_s() >= self._linger_s
            if is_idle and generation.is_unresolved:
                return generation.flush_idle(self._settle_s, self._linger_s)
            # The file in its place may be a copy that has the whole line.
            is_torn = is_idle and generation.live.is_inside_line
            if is_torn and self._generations[-1].resolve():
                return generation.live.flush()
        if len(self._generations) > _MAX_OPEN and not self._generations[0].older:  # fully read
            with self._lock:
                oldest = self._generations.pop(0)
                self._remember(oldest)
                os.close(oldest.fd)
            return oldest.live.flush()
        return None

    def _remember(self, ended: Generation) -> None:
        self._past = _without_superseded([*self._past, *ended.known()])[-_REMEMBERED:]
        ended.is_lost = True


def _identity(file: os.stat_result | None) -> tuple[int, int, int, int] | None:
    return file and file_identity(file)


def _without_superseded(known: list[Known]) -> list[Known]:
    """Drop files whose bytes all begin a later one."""
    return [
        each
        for each in known
        if not any(other.same_as.get(each.number, -1) >= each.digest.end for other in known)
    ]
