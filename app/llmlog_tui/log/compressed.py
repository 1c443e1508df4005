"""Follow a .gz, .zst or .parquet file, line by line."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import zstandard

from llmlog_tui.log import follow
from llmlog_tui.log.file_identity import file_identity
from llmlog_tui.log.follow import Siblings
from llmlog_tui.log.line_splitter import Block, LineSplitter
from llmlog_tui.log.parquet import ParquetError, ParquetReader
from llmlog_tui.log.prefix_digest import Known, KnownPrefix, PrefixDigest
from llmlog_tui.log.rotation import HEAD_BYTES
from llmlog_tui.log.zstd import ZstdReader

SUFFIXES: Final = (".gz", ".zst", ".parquet")

_DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError, ParquetError)


class CompressedFollower:
    """Reads one compressed path, and again when the file is replaced.

    Same interface as Follower, but all its lines are older ones: compressed files were rotated
    away. A file that ends early is reported as a problem, and continued when it has grown.
    """

    def __init__(self, path: Path, *, siblings: Siblings | None = None) -> None:
        self.path = path
        self.is_waiting = True
        self.is_gone = False  # a rotated file may be deleted
        self._siblings = siblings
        self._stream: _Stream | None = None
        self._at: _Identity = (0, 0, 0, 0)  # of the current or last file
        self._problem = ""
        self._generation = -1
        self._digest = PrefixDigest()
        self._lines = LineSplitter(0, older=True)
        self._past: list[Known] = []

    def read(self) -> Block | None:
        """Return None; raise the OSError of read_older() until it has more."""
        if self._problem:
            raise OSError(self._problem)
        return None

    def read_older(self) -> Block | None:
        try:
            if not self._stream and not self._open():
                return self.read()
            while self._stream and (data := self._stream.read(follow.BLOCK_BYTES)):
                self._digest.feed(data)
                if block := self._lines.feed(data):
                    return block
        except OSError as error:
            self._problem = str(error)
            self.close()
            raise
        self.close()
        return self._lines.flush()

    def finish(self) -> Block | None:
        return self._lines.flush()

    def close(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    def position(self) -> tuple[int, int]:
        """Return (compressed bytes read, file size); less than all while lines may follow."""
        there = self._at[2]
        return (min(self._stream.tell(), there - 1) if self._stream else there), there

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        if generation != self._generation:
            return None
        with contextlib.suppress(OSError), _Stream(self.path) as stream:
            if self.has_open(stream.stat):
                stream.skip(offset)
                return stream.read(length)
        return None

    def reread_all(self, spans: Sequence[tuple[int, int, int]]) -> Iterator[bytes | None]:
        """Yield reread() of many (generation, offset, length), by offset; unpack the file once."""
        with contextlib.ExitStack() as stack:
            stream: _Stream | None = None
            with contextlib.suppress(OSError):
                stream = stack.enter_context(_Stream(self.path))
            if stream is not None and not self.has_open(stream.stat):
                stream = None
            for generation, offset, length in spans:
                data = None
                if stream is not None and generation == self._generation:
                    data = stream.read_at(length, offset)
                yield data or None

    def has_open(self, file: os.stat_result) -> bool:
        return self._at == file_identity(file)

    def known(self, head: bytes) -> list[Known]:
        """Return the candidate originals of a file that begins with `head`, unpacked."""
        return [each for each in (Known(self._digest), *self._past) if each.may_begin(head)]

    def _open(self) -> bool:
        """Start or continue the file at the path; False if nothing is new."""
        try:
            now = file_identity(self.path.stat())
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
        """Return whether the file may have unread data; start over if it is another file."""
        head = stream.read(HEAD_BYTES)
        is_same = self._digest.head != b"" and head.startswith(self._digest.head)
        return (self._at[:2] == now[:2] and is_same) or self._begin(stream, head)

    def _begin(self, stream: _Stream, head: bytes) -> bool:
        """Start a new generation; False if it is read under another name."""
        if self._siblings and self._siblings.has_open(stream.stat):
            return False
        found = self._known_part(stream, head)
        self._past = [Known(self._digest), *self._past][:16]
        self._generation += 1
        self._digest = found
        self._lines = LineSplitter(self._generation, found.end, older=True)
        return True

    def _known_part(self, stream: _Stream, head: bytes) -> PrefixDigest:
        """Return the digest of the longest part that was read from another file.

        Raises OSError if the file is still being written, and may be a copy.
        """
        others = self._siblings.known(self.path, head) if self._siblings else ()
        best = PrefixDigest()
        for known in (*self.known(head), *others):
            if not known.may_begin(head):
                continue
            prefix = KnownPrefix(known, in_samples=False)
            stream.rewind()
            prefix.advance(stream.read_at)
            if prefix.is_open and stream.damage:
                raise OSError(stream.damage)
            best = max(best, prefix.found(), key=lambda each: each.end)
        return best


def beginning_of(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, unpacked if it is compressed. Raises OSError."""
    if path.suffix not in SUFFIXES:
        with path.open("rb", buffering=0) as file:
            return file.read(size)
    with _Stream(path) as stream:
        return stream.read(size)


def lines_of(path: Path) -> Iterator[Block]:
    """Yield all whole lines of a compressed file. Raises OSError."""
    lines = LineSplitter(0, older=True)
    with _Stream(path) as stream:
        while data := stream.read(follow.BLOCK_BYTES):
            if block := lines.feed(data):
                yield block
    if block := lines.flush():
        yield block


_Identity = tuple[int, int, int, int]


class _Stream:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.stat = os.fstat(self._file.fileno())
        self._suffix = path.suffix
        self.rewind()

    def rewind(self) -> None:
        self._file.seek(0)
        self._offset = 0
        self.damage = ""
        """The error at which reading stopped; empty if there was none."""
        self._unpacked = self._unpacker()

    def _unpacker(self) -> gzip.GzipFile | ZstdReader | ParquetReader:
        if self._suffix == ".gz":
            return gzip.GzipFile(fileobj=self._file)
        return ParquetReader(self._file) if self._suffix == ".parquet" else ZstdReader(self._file)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises OSError at damage."""
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
        data = b"".join(parts)
        self._offset += len(data)
        return data

    def read_at(self, size: int, offset: int) -> bytes:
        """Return `size` bytes at `offset`; fewer at the end.

        The offset is never before the last bytes read.
        """
        with contextlib.suppress(OSError):
            if offset > self._offset:
                self.skip(offset - self._offset)
            return self.read(size)
        return b""

    def skip(self, size: int) -> None:
        while size and (passed := self.read(min(size, follow.BLOCK_BYTES))):
            size -= len(passed)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._unpacked.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RewindableStream(_Stream):
    """The bytes of a compressed file, unpacked; reading backwards costs unpacking again."""

    def read_anywhere(self, size: int, offset: int) -> bytes:
        """Return `size` bytes at `offset`; fewer at the end, and at damage."""
        if offset < self._offset:
            self.rewind()
        return self.read_at(size, offset)
