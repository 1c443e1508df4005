"""One open file of a followed path: its unread and its known lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from llmlog_tui.log.line_splitter import Block, LineSplitter, Recall, UnreadLines
from llmlog_tui.log.prefix_digest import Known, KnownPrefix, PrefixDigest
from llmlog_tui.log.rotation import HEAD_BYTES

_COPY_BYTES: Final = 8 * 2**20
"""Bytes per read of known lines."""

_LIVE_BYTES: Final = 2**20
"""Maximum bytes of a read that go into the digest at once.

Larger reads are digested later, so as not to slow down loading.
"""

_MAX_COPIED: Final = 2**16
"""Bytes before the end of a read in which a line's end is looked for."""

_START_BYTES: Final = 2**17
"""Bytes at the start of lines that may be known: enough to tell their format."""

_CAUGHT_UP_BYTES: Final = 2**26
"""Maximum bytes that one poll adds to a digest."""

_QUIET_S: Final = 0.1
"""Seconds without new data after which a digest catches up."""

Identify = Callable[["Generation", bytes], Sequence[KnownPrefix] | None]
"""(file, head) -> its possible originals; None if it is too early to know."""


class Generation:
    """One open file: at the path, or renamed or deleted lately.

    As long as it may be a copy of a file that was read before, its lines are withheld; then those
    after the known ones are read. `before` splits the lines of the file whose place it took; it was
    the same file, written again, if `in_place`.
    """

    def __init__(
        self,
        fd: int,
        number: int,
        identify: Identify | None = None,
        before: LineSplitter | None = None,
        *,
        in_place: bool = False,
    ) -> None:
        self.fd = fd
        self.number = number
        self.opened = os.fstat(fd)
        self.live = LineSplitter(number)
        self.older: LineSplitter | None = None
        self.is_lost = False
        """Whether the bytes that were read cannot be read again: closed, or written over."""
        self.same_as: dict[int, int] = {}
        """Generations that begin with the same bytes, and how many."""
        self._identify = identify
        self._copied: Sequence[KnownPrefix] = ()
        self._before = before
        self._in_place = in_place
        self._torn: Block | None = None
        self._digest = PrefixDigest()
        self._older_digest: PrefixDigest | None = None
        self._older_end = 0
        self._seen = 0
        self._seen_head = b""  # of the data that may be a copy
        self._head = self._tail = b""  # of the data that was read
        self._grew = time.monotonic()

    @property
    def is_unresolved(self) -> bool:
        """Whether it is unknown yet which lines are new."""
        return self._identify is not None or bool(self._copied)

    def resolve(self) -> bool:
        """Return whether it is known by now which lines are new."""
        if not self.is_unresolved:
            return True
        if not self._find_copied():
            return False
        self._compare()
        if any(each.is_open for each in self._copied):
            return False
        self._settle()
        return True

    def skip_to_end(self, size: int, newest: int) -> None:
        """Read the last `newest` of its `size` bytes first."""
        start = size - newest
        cut = os.pread(self.fd, newest, start).find(b"\n") + 1
        if cut:
            self.older, self._older_digest = LineSplitter(self.number, older=True), PrefixDigest()
            self._older_end = start + cut
            self._start_at(self._older_end, PrefixDigest(self._older_end))

    def skip_known(self, start: int) -> None:
        """Skip the bytes before `start`: their lines were read from another file."""
        self._start_at(start, self._digest_up_to(start, PrefixDigest()))

    def read(self, size: int, recall: Recall | None = None) -> Block | None:
        """Return the next whole lines, `size` bytes at a time, or from `recall`."""
        if not self.resolve():
            return None
        if self._torn:
            torn, self._torn = self._torn, None
            return torn
        if recall is not None and (known := self._recalled(size, recall)):
            return known
        while data := self._read_lines(size, self.live):
            self._grew = time.monotonic()
            # Before the ends change: they tell whether the file was written over.
            if len(data) <= _LIVE_BYTES:
                self._catch_up(_CAUGHT_UP_BYTES)
                if self._digest.offset == self.live.offset:
                    self._digest.feed(data)
            self._head += data[: HEAD_BYTES - len(self._head)]
            self._tail = (self._tail + data[-HEAD_BYTES:])[-HEAD_BYTES:]
            if block := self.live.feed(data):
                return block
        if self.idle_s() >= _QUIET_S:
            self._catch_up(_CAUGHT_UP_BYTES)
        return None

    def read_older(self, size: int) -> Block | None:
        """Return the next whole lines that skip_to_end() skipped."""
        while self.older:
            room = min(size, self._older_end - self.older.offset)
            data = self._read_lines(room, self.older)
            if self._older_digest:
                self._older_digest.feed(data)
            if not data:
                self.older = None
            elif block := self.older.feed(data):
                return block
        return None

    def flush_idle(self, settle_s: float, linger_s: float) -> Block | None:
        """Return a last record that only lacks its newline, after `settle_s` seconds idle.

        A copy that stopped growing `linger_s` seconds ago: the lines that are not surely known.
        """
        if self.is_unresolved:
            return self._read_doubtful() if self.idle_s() >= linger_s else None
        block = self.live.record_at_end() if self.idle_s() >= settle_s else None
        if block and self._digest.offset == self.live.offset:
            self._digest.mark()
        return block

    def finish(self, size: int) -> Block | None:
        """Return the unread lines, and the data after the last newline as a line."""
        if self.is_unresolved:
            self._find_copied(final=True)
            self._compare()
            self._settle()
            if block := self.read(size):
                return block
        return self.live.flush()

    def bytes_left(self) -> int:
        size = os.fstat(self.fd).st_size
        older = self._older_end - self.older.offset if self.older else 0
        return max(0, size - max(self.live.offset, self._seen)) + older

    def idle_s(self) -> float:
        return time.monotonic() - self._grew

    def is_rewritten(self) -> bool:
        """Return whether the file was truncated, or truncated and written again (copytruncate)."""
        size = os.fstat(self.fd).st_size
        if self.is_unresolved:
            head = self._pread(len(self._seen_head), 0)
            return size < self._seen or head != self._seen_head
        if size < self.live.offset or self._pread(len(self._head), 0) != self._head:
            return True
        return self._pread(len(self._tail), self.live.offset - len(self._tail)) != self._tail

    def known(self, head: bytes | None = None) -> list[Known]:
        """Return the files by which a copy of this one is recognised.

        `head` is the start of the copy.
        """
        if self.is_unresolved:
            return [each.known for each in self._copied]
        if head is not None and not self.begins_like(head):
            return []
        self._catch_up(sys.maxsize)
        digest = self._digest
        if self._older_digest:
            digest = self._older_digest.joined(digest)
        return [Known(digest, self._reread, self.number, self.same_as)]

    def begins_like(self, head: bytes) -> bool:
        """Return whether the shorter of both heads is the beginning of the other."""
        known = min(len(self._head), len(head))
        if self._head[:known] != head[:known]:
            return False  # nor was anything else read from it
        own = self._pread(HEAD_BYTES, 0)
        length = min(len(own), len(head))
        return own[:length] == head[:length]

    def _reread(self, length: int, offset: int) -> bytes | None:
        if self.is_lost or self.is_rewritten():
            return None
        return self._pread(length, offset)

    def _read_lines(self, size: int, splitter: LineSplitter) -> bytes:
        """Return the next bytes: up to `size`, if possible only whole lines of them."""
        offset = splitter.offset
        # Otherwise the splitter would copy all lines, to join them with the rest of the one before.
        if not splitter.is_inside_line:
            size, _ = self._whole_lines(size, offset)
        return os.pread(self.fd, size, offset)

    def _whole_lines(self, size: int, offset: int) -> tuple[int, bytes]:
        """Return the length of the whole lines in the next `size` bytes, and their end.

        The length is `size`, and the end empty, if that would take more than a look at the end.
        """
        if size > _MAX_COPIED:
            end = self._pread(_MAX_COPIED, offset + size - _MAX_COPIED)
            cut = end.rfind(b"\n") + 1
            if cut and len(end) == _MAX_COPIED:
                return size + cut - _MAX_COPIED, end[:cut]
        return size, b""

    def _recalled(self, size: int, recall: Recall) -> Block | None:
        """Return the recalled next block; None if its lines must be read."""
        offset = self.live.offset
        length, end = self._whole_lines(size, offset)
        if not self.live.is_at_line or len(end) < HEAD_BYTES:
            return None
        start = self._pread(_START_BYTES, offset)
        block = recall(UnreadLines(self.number, offset, length, start))
        if block is not None:
            self._grew = time.monotonic()
            self._head += start[: HEAD_BYTES - len(self._head)]
            self._tail = end[-HEAD_BYTES:]
            self.live.pass_over(length)
        return block

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self.fd, length, offset)

    def _find_copied(self, *, final: bool = False) -> bool:
        """Find what this file may be a copy of; False if it is too early."""
        if self._identify is None:
            return True
        head = self._pread(HEAD_BYTES, 0)
        copied = self._identify(self, head)
        is_short = len(head) < HEAD_BYTES and b"\n" not in head
        if not final and (copied is None or (copied and is_short)):
            self._note_size(os.fstat(self.fd).st_size)
            return False
        self._identify, self._copied, self._seen = None, copied or (), 0
        return True

    def _note_size(self, size: int) -> None:
        if size != self._seen:
            self._seen, self._grew = size, time.monotonic()
            self._seen_head = self._pread(HEAD_BYTES, 0)

    def _compare(self) -> None:
        size = os.fstat(self.fd).st_size
        if size == self._seen or not self._copied:
            return
        for each in self._copied:
            each.advance(self._pread)
        self._note_size(size)

    def _settle(self) -> None:
        """Continue after the longest part that was read before."""
        best = max(self._copied, key=lambda each: each.end, default=None)
        self._copied, self._seen = (), 0
        if best is None:
            self._settle_torn(0)
            return
        if best.end >= self.live.offset:
            self._start_at(best.end, best.found())
        else:  # lines in doubt were returned, and turned out to be new
            self._digest = self._digest_up_to(self.live.offset, PrefixDigest())
            self._read_ends(self.live.offset)
        if best.known.number >= 0:
            ends = {**best.known.same_as, best.known.number: best.end}
            self.same_as = {number: min(end, best.end) for number, end in ends.items()}
        self._settle_torn(best.end)

    def _settle_torn(self, start: int) -> None:
        """Drop the previous file's torn line if this file has it in full.

        Otherwise the torn half is a line.
        """
        before, self._before = self._before, None
        if before is None or not before.is_inside_line:
            return
        half = before.tail
        if start and half and self._pread(len(half), start) == half:
            before.flush()
        elif self._in_place:
            self._torn = before.flush()

    def _read_doubtful(self) -> Block | None:
        """Return lines of a copy in progress that cannot be compared before it grows."""
        end = max((each.end for each in self._copied), default=0)
        if self.live.offset < end:
            self._start_at(end, PrefixDigest())
        data = self._pread(_COPY_BYTES, self.live.offset)
        return self.live.feed(data) if data else None

    def _start_at(self, start: int, digest: PrefixDigest) -> None:
        self._digest = digest
        self._read_ends(start)
        lacks_newline = start > 0 and not self._tail.endswith(b"\n")
        self.live = LineSplitter(self.number, start, lacks_newline=lacks_newline)

    def _read_ends(self, offset: int) -> None:
        """Keep the first and last bytes before `offset`, which tell whether they are rewritten."""
        length = min(HEAD_BYTES, offset)
        self._head, self._tail = self._pread(length, 0), self._pread(length, offset - length)

    def _catch_up(self, size: int) -> None:
        """Add up to `size` of the bytes that were read to the digest."""
        end = min(self.live.offset, self._digest.offset + size)
        while self._digest.offset < end and not self.is_lost:
            at = self._digest.offset
            data = self._pread(min(_COPY_BYTES, end - at), at)
            # Checked after reading: these are surely the bytes that were read before.
            if not data or self.is_rewritten():
                return
            self._digest.feed(data)

    def _digest_up_to(self, end: int, digest: PrefixDigest) -> PrefixDigest:
        """Continue `digest` by the bytes of this file before `end`."""
        while digest.offset < end:
            data = self._pread(min(_COPY_BYTES, end - digest.offset), digest.offset)
            if not data:
                break
            digest.feed(data)
        digest.mark()
        return digest
