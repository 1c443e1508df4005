"""Checksums of the bytes read from a file, to recognise its copies."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from llmlog_tui.log.rotation import HEAD_BYTES

ReadAt = Callable[[int, int], bytes | None]
"""(length, offset) -> bytes of a file; None if they are gone.

Fewer only at the end of the file.
"""

_FINE_BYTES: Final = 2**20
"""Maximum bytes of a read with a checksum per line."""

_FINE_START: Final = 2**16
"""Bytes at a file's start with a checksum per line, whatever the read's size."""

_COARSE_BYTES: Final = 2**16
"""Bytes per checksum elsewhere: a checksum per line would slow down loading."""

_MAX_SUMS: Final = 2**15
"""Maximum checksums per file (12 bytes each); beyond it older ones are thinned out."""

_RECENT_SUMS: Final = 2**13
"""The newest checksums, which are never thinned out."""

_CHECKED_BYTES: Final = 2**25
"""Bytes compared in full at each end of a file, and in samples between them."""


class PrefixDigest:
    """Running checksums at line ends of a file that is being read.

    Each covers all bytes up to its line end and continues the previous one (CRC-32), so that any
    of them may be left out. The cost is bounded: a few hundred kilobytes per file, and one pass
    over its bytes.
    """

    def __init__(self, start: int = 0) -> None:
        self.head = b""
        """The first HEAD_BYTES of the file, or less if less was read."""
        self.ends = array("q", [start])
        self.sums = array("I", [0])
        self.offset = start
        """End of the data that was fed."""
        self._sum = 0

    @property
    def end(self) -> int:
        """End of the bytes that are known."""
        return self.ends[-1]

    def feed(self, data: bytes) -> None:
        """Add the next bytes of the file."""
        if self.offset < HEAD_BYTES and self.ends[0] == 0:
            self.head += data[: HEAD_BYTES - len(self.head)]
        view, at, base = memoryview(data), 0, self.offset
        fine_until = len(data) if len(data) <= _FINE_BYTES else _FINE_START - base
        while cut := self._cut(data, at, is_fine=at < fine_until):
            self._sum = zlib.crc32(view[at:cut], self._sum)
            self._add(base + cut)
            at = cut
        self._sum = zlib.crc32(view[at:], self._sum)
        self.offset = base + len(data)
        if len(self.ends) > _MAX_SUMS:
            self._thin_out()

    def mark(self) -> None:
        """Count the data's last line as read, although it has no newline."""
        if self.offset > self.end:
            self._add(self.offset)

    def joined(self, following: PrefixDigest) -> PrefixDigest:
        """Return this digest continued by one that starts at or after its end."""
        joined = self.upto(len(self.ends) - 1)
        if joined.end == following.ends[0]:
            joined.ends.extend(following.ends)
            joined.sums.extend(following.sums)
            joined.offset, joined._sum = following.offset, following._sum  # noqa: SLF001 - its own class
        return joined

    def upto(self, index: int) -> PrefixDigest:
        """Return a digest of its own, of the bytes up to `ends[index]`."""
        digest = PrefixDigest()
        digest.head = self.head[: self.ends[index]]
        digest.ends, digest.sums = self.ends[: index + 1], self.sums[: index + 1]
        digest.offset, digest._sum = digest.ends[-1], digest.sums[-1]
        return digest

    def _cut(self, data: bytes, at: int, *, is_fine: bool) -> int:
        if is_fine:
            return data.find(b"\n", at) + 1
        limit = at + _COARSE_BYTES
        return data.rfind(b"\n", at, limit) + 1 or data.find(b"\n", limit) + 1

    def _add(self, end: int) -> None:
        self.ends.append(end)
        self.sums.append(self._sum)

    def _thin_out(self) -> None:
        recent = len(self.ends) - _RECENT_SUMS
        apart = self.ends[recent] // (_MAX_SUMS // 4)
        kept = [0]
        for n in range(1, len(self.ends)):
            # Where two digests were joined, an end occurs twice: both are needed.
            is_joint = self.ends[n] in (self.ends[n - 1], self.ends[min(n + 1, recent)])
            if n >= recent or is_joint or self.ends[n] - self.ends[kept[-1]] >= apart:
                kept.append(n)
        self.ends = array("q", (self.ends[n] for n in kept))
        self.sums = array("I", (self.sums[n] for n in kept))


@dataclass(frozen=True)
class Known:
    """A file that was read: its digest, and what reads its bytes again.

    `number` is its generation, if the same follower read it, and `same_as` the earlier generations
    that begin with the same bytes.
    """

    digest: PrefixDigest
    original: ReadAt = lambda _, __: None
    number: int = -1
    same_as: Mapping[int, int] = field(default_factory=dict)

    def may_begin(self, head: bytes) -> bool:
        """Return whether a file with this head may be a copy."""
        length = min(len(head), len(self.digest.head))
        return head[:length] == self.digest.head[:length] and len(self.digest.ends) > 1


class KnownPrefix:
    """Length of a file's prefix that equals a digest; advances as it grows.

    Of a large file the first and last 32 MiB are compared, and samples of 32 MiB between them;
    all of it once a sample differs.
    """

    def __init__(self, known: Known, *, in_samples: bool = True) -> None:
        """Without `in_samples` all is compared, front to back."""
        self.known = known
        self._ends, self._sums = known.digest.ends[:], known.digest.sums[:]  # it may grow
        self._index = 0
        self._beyond = b""  # known bytes after the last checksum that was found
        self._in_full_until = 0 if in_samples else sys.maxsize
        self.is_open = len(self._ends) > 1
        """Whether more bytes may turn out to be known."""

    @property
    def end(self) -> int:
        """End of the lines that are known."""
        return self._ends[self._index] + len(self._beyond)

    def found(self) -> PrefixDigest:
        """Return the digest of the lines that are known."""
        found = PrefixDigest()
        found.head, found.ends, found.sums = self.known.digest.head, self._ends, self._sums
        found = found.upto(self._index)
        found.feed(self._beyond)
        return found

    def advance(self, read: ReadAt) -> None:
        """Compare the bytes of a file up to its current end."""
        while self.is_open:
            step = self._step()
            index = self._index + step
            begin, end = self._ends[index - 1], self._ends[index]
            data = read(end - begin, begin) or b""
            if self._is_known(index, data):
                self._index, self._beyond = index, b""
                self.is_open = index < len(self._ends) - 1
            elif step > 1:
                self._in_full_until = index
            else:
                self._beyond = self._known_lines(data, begin)
                self.is_open = len(data) < end - begin
                return

    def _step(self) -> int:
        """Return the distance to the next checksum: above 1 inside a large file."""
        at, end = self._ends[self._index], self._ends[-1]
        if self._index < self._in_full_until or not _CHECKED_BYTES <= at < end - _CHECKED_BYTES:
            return 1
        wanted = max(1, (end - 2 * _CHECKED_BYTES) // _CHECKED_BYTES)
        return min(wanted, len(self._ends) - 1 - self._index)

    def _is_known(self, index: int, data: bytes) -> bool:
        begin, end = self._ends[index - 1], self._ends[index]
        if begin == end:  # two digests were joined here
            return True
        is_whole = len(data) == end - begin
        return is_whole and zlib.crc32(data, self._sums[index - 1]) == self._sums[index]

    def _known_lines(self, data: bytes, begin: int) -> bytes:
        """Return the known lines between two checksums, if the original is still there."""
        original = self.known.original(len(data), begin) if data else b""
        same = _common_length(data, original or b"")
        return data[: data.rfind(b"\n", 0, same) + 1]


def _common_length(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
