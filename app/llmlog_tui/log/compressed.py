"""Whole lines out of a .gz or .zst file."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from pathlib import Path
from typing import Final, Self

import zstandard

from llmlog_tui.log import follow
from llmlog_tui.log.follow import StartOffset, all_new
from llmlog_tui.log.line_splitter import Block, LineSplitter
from llmlog_tui.log.rotation import HEAD_BYTES
from llmlog_tui.log.zstd import ZstdReader

SUFFIXES: Final = (".gz", ".zst")

_DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


class CompressedFollower:
    """Reads one compressed path, and again when another file is put there.

    Used as a Follower is, but all its lines are older ones: what is compressed was rotated away. A
    file that ends early is a problem, and read on when it has grown.
    """

    def __init__(self, path: Path, *, claim: StartOffset = all_new) -> None:
        self.path = path
        self.is_waiting = True
        self.is_gone = False  # what was rotated away may go
        self._claim = claim
        self._stream: _Stream | None = None
        self._at: _Identity = (0, 0, 0, 0)  # the file that is, or was last, read
        self._problem = ""
        self._generation = -1
        self._head = b""
        self._lines = LineSplitter(0, older=True)
        self._past: list[tuple[bytes, int]] = []

    def read(self) -> Block | None:
        """Nothing, but the OSError that read_older() ended with, until it has more."""
        if self._problem:
            raise OSError(self._problem)
        return None

    def read_older(self) -> Block | None:
        """The next whole lines. Raises OSError if there are none because the file is damaged."""
        try:
            if not self._stream and not self._open():
                return self.read()
            while self._stream and (data := self._stream.read(follow.BLOCK_BYTES)):
                if block := self._lines.feed(data):
                    return block
        except OSError as error:
            self._problem = str(error)
            self.close()
            raise
        self.close()
        return self._lines.rest()

    def finish(self) -> Block | None:
        """What stands after the last newline of a file that ends early."""
        return self._lines.rest()

    def close(self) -> None:
        """Give the descriptor back."""
        if self._stream:
            self._stream.close()
            self._stream = None

    def position(self) -> tuple[int, int]:
        """(compressed bytes read, bytes there); not all of them while there may be more lines."""
        there = self._at[2]
        return (min(self._stream.tell(), there - 1) if self._stream else there), there

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        """Bytes that were read before, decompressed again; None if their file is there no more."""
        if generation != self._generation:
            return None
        with contextlib.suppress(OSError), _Stream(self.path) as stream:
            if self.holds(stream.stat):
                stream.skip(offset)
                return stream.read(length)
        return None

    def holds(self, file: os.stat_result) -> bool:
        """Whether this very file is, or was last, read here."""
        return self._at == _identity(file)

    def known(self, head: bytes) -> int | None:
        """How much was read here of a file that began with `head`; None if there was none."""
        for begin, end in [(self._head, self._lines.lines_end), *self._past]:
            if begin and head.startswith(begin):
                return end
        return None

    def _open(self) -> bool:
        """Begin, or go on, with the file at the path; False if there is nothing new in it."""
        try:
            now = _identity(self.path.stat())
        except FileNotFoundError:
            return False
        self.is_waiting = False
        if now == self._at:
            return False
        self._problem = ""
        self._stream = _Stream(self.path)
        try:
            if not self._is_new(self._stream, now):
                self.close()
                return False
        finally:
            self._at = now
        self._stream.rewind()
        self._stream.skip(self._lines.offset)
        return True

    def _is_new(self, stream: _Stream, now: _Identity) -> bool:
        """Whether there may be more in the file than was read; if it is another, begin anew."""
        head = stream.read(HEAD_BYTES)
        is_same = self._head != b"" and head.startswith(self._head)
        return (self._at[:2] == now[:2] and is_same) or self._begin(stream, head)

    def _begin(self, stream: _Stream, head: bytes) -> bool:
        """A new generation; False if it is read under another name."""
        is_all = len(head) < HEAD_BYTES and not stream.damage
        start = self._claim(stream.stat, head + b"\n" if is_all else head)
        if start is None:
            return False
        if stream.damage and start > len(head):  # too little to tell: it is still being made
            raise OSError(stream.damage)
        self._past = [(self._head, self._lines.lines_end), *self._past][:16]
        self._generation += 1
        self._head = head
        self._lines = LineSplitter(self._generation, start, older=True)
        return True


def beginning_of(path: Path, size: int) -> bytes:
    """The first bytes that a compressed file holds. Raises OSError."""
    with _Stream(path) as stream:
        return stream.read(size)


_Identity = tuple[int, int, int, int]


def _identity(file: os.stat_result) -> _Identity:
    """Device, inode, size and mtime: an inode alone comes back for another file."""
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


class _Stream:
    """What a compressed file holds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.stat = os.fstat(self._file.fileno())
        self._is_gzip = path.suffix == ".gz"
        self.rewind()

    def rewind(self) -> None:
        """Go back to the beginning."""
        self._file.seek(0)
        self.damage = ""
        """What is wrong with the file behind what was read of it."""
        self._unpacked = (
            gzip.GzipFile(fileobj=self._file) if self._is_gzip else ZstdReader(self._file)
        )

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end. Raises OSError where it is damaged."""
        parts: list[bytes] = []
        while size and not self.damage:
            try:
                part = self._unpacked.read1(size)
            except _DAMAGED as error:
                self.damage = f"is damaged or ends early: {error}"
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        if self.damage and not parts:
            raise OSError(self.damage)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        while size and (passed := self.read(min(size, follow.BLOCK_BYTES))):
            size -= len(passed)

    def tell(self) -> int:
        """How many compressed bytes were read."""
        return self._file.tell()

    def close(self) -> None:
        self._unpacked.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
