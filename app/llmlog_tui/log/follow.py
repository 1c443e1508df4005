"""Whole lines out of one file that grows, is renamed, truncated, deleted or replaced.

Knows nothing of what a line means, and nothing of threads: somebody calls read() again and again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 4 * 2**20
"""How much is read at once."""

_HEAD_BYTES: Final = 256
"""How much of a file's beginning tells one generation of a log from the next."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: `data` stands at byte `offset` of its generation `generation`.

    Only the last block of a generation may lack the newline at its end: its writer died, or the
    file is read once and not followed.
    """

    data: bytes
    offset: int
    generation: int


class Follower:
    """Reads one path from its beginning, and on through rotation: every whole line exactly once.

    The descriptor is held, so what is written to a file after it was renamed or deleted is still
    read before its successor is opened. A file that got shorter, or whose first 256 bytes are other
    ones, is a new generation, read from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = -1
        self._fd = -1
        self._offset = 0  # of the next byte to read
        self._tail = b""  # read, but not yet a whole line
        self._head = b""

    def read(self) -> Block | None:
        """The next whole lines, at most about BLOCK_BYTES of them; None if there are none now.

        Raises OSError if the path is there and cannot be opened or read (a folder, no permission).
        """
        if self._fd < 0 and not self._open():
            return None
        if self._is_rewritten():
            return self._end_generation() or self.read()
        replaced = self._is_replaced()  # asked first: what was written until then is read below
        while data := os.pread(self._fd, BLOCK_BYTES, self._offset):
            if block := self._take(data):
                return block
        if replaced:
            return self._end_generation() or self.read()
        return None

    def finish(self) -> Block | None:
        """What stands after the last newline, for a reader that will not come back."""
        return self._end_generation() if self._fd >= 0 else None

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def position(self) -> tuple[int, int]:
        """(bytes read, bytes there) of the current generation, for a progress bar."""
        size = os.fstat(self._fd).st_size if self._fd >= 0 else 0
        return self._offset, size

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Bytes that were read before, or None if the generation they are of is no more."""
        if generation != self.generation or self._fd < 0:
            return None
        try:
            data = os.pread(self._fd, length, offset)
            return None if self._is_rewritten() else data
        except OSError:  # another thread closed the descriptor in between
            return None

    def _open(self) -> bool:
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self.close()
            raise OSError(errno.EINVAL, "is not a regular file")
        self._begin_generation()
        return True

    def _begin_generation(self) -> None:
        self.generation += 1
        self._offset, self._tail, self._head = 0, b"", b""

    def _end_generation(self) -> Block | None:
        """Close this generation; what is left of it, a line without an end, is its last block."""
        left = Block(self._tail, self._offset - len(self._tail), self.generation)
        if self._is_replaced():
            self.close()
        else:
            self._begin_generation()
        return left if left.data else None

    def _take(self, data: bytes) -> Block | None:
        start = self._offset - len(self._tail)
        self._offset += len(data)
        self._head += data[: _HEAD_BYTES - len(self._head)]
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._tail += data
            return None
        lines = self._tail + data[:cut]
        self._tail = data[cut:]
        return Block(lines, start, self.generation)

    def _is_rewritten(self) -> bool:
        """Whether the held file was truncated, or truncated and written again (copytruncate)."""
        if os.fstat(self._fd).st_size < self._offset:
            return True
        return os.pread(self._fd, len(self._head), 0) != self._head

    def _is_replaced(self) -> bool:
        """Whether the path now leads to another file."""
        held = os.fstat(self._fd)
        with contextlib.suppress(OSError):  # gone, or not to be seen: the held one is read on
            now = self.path.stat()
            same = (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)
            return not same or held.st_nlink == 0
        return False
