"""Split a stream of bytes into blocks of whole lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_LINE_BYTES: Final = 16 * 2**20
"""A line longer than this is passed over and counted, not generation in memory."""


_CACHED_BYTES: Final = 2**17
"""Bytes that the processor's cache holds."""


def count_newlines(data: bytes) -> int:
    """Return the number of newlines."""
    pieces = (data[at : at + _CACHED_BYTES] for at in range(0, len(data), _CACHED_BYTES))
    # Many times faster than count().
    return sum(len(piece) - len(piece.replace(b"\n", b"")) for piece in pieces)


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: `data` begins at byte `offset` of generation `generation`.

    The last newline may be missing: the writer died, the file is read once and not followed, or the
    newline comes later and belongs to no block. `too_long` lines before `data` were skipped.
    `older` blocks precede the part of the file that was read first.
    """

    data: bytes
    offset: int
    generation: int
    too_long: int = 0
    older: bool = False

    @property
    def length(self) -> int:
        """Number of bytes."""
        return len(self.data)

    @property
    def ends_line(self) -> bool:
        """Whether the last line has its newline."""
        return self.data.endswith(b"\n")


class UnreadLines(NamedTuple):
    """Whole lines of a file, of which only the `start` was read."""

    generation: int
    offset: int
    length: int
    start: bytes


Recall = Callable[[UnreadLines], Block | None]
"""Returns the block of lines that are known; None if they must be read."""


class LineSplitter:
    """Splits the bytes of one generation, from `start` on, into whole lines."""

    def __init__(
        self,
        generation: int,
        start: int = 0,
        *,
        older: bool = False,
        lacks_newline: bool = False,
    ) -> None:
        """With `lacks_newline` the line before `start` was returned without its newline."""
        self.offset = start
        """Offset of the next byte to feed."""
        self._generation = generation
        self._older = older
        self._tail = bytearray()  # fed, but not a whole line yet
        self._skipping = False  # inside a line that is too long
        self._lacks_newline = lacks_newline  # the last line was returned before its newline
        self._checked = start  # end of the data that record_at_end() has checked

    @property
    def lines_end(self) -> int:
        return self.offset - len(self._tail)

    @property
    def tail(self) -> bytes:
        """The data after the last newline."""
        return bytes(self._tail)

    @property
    def is_inside_line(self) -> bool:
        return self._skipping or bool(self._tail)

    @property
    def is_at_line(self) -> bool:
        """Whether the next byte begins a line."""
        return not (self.is_inside_line or self._lacks_newline)

    def pass_over(self, length: int) -> None:
        """Continue after whole lines that need not be split."""
        self.offset += length

    def feed(self, data: bytes) -> Block | None:
        """Add the next bytes; return the whole lines so far, if any."""
        begin = self.lines_end
        self.offset += len(data)
        passed, too_long = 0, self._skipping
        if self._lacks_newline:
            self._lacks_newline = False
            passed = len(data) - len(data.removeprefix(b"\r").removeprefix(b"\n"))
        elif too_long:
            passed = data.find(b"\n") + 1
            if not passed:
                return None
            self._skipping = False
        cut = data.rfind(b"\n") + 1
        is_whole = not self._tail and not passed and cut == len(data)
        lines = data if is_whole else b"".join((self._tail, memoryview(data)[passed:cut]))
        if cut:
            self._tail.clear()
        self._tail += memoryview(data)[cut:]
        if len(self._tail) > MAX_LINE_BYTES:
            self._tail = bytearray()
            self._skipping = True
        return self._block(lines, begin + passed, too_long=too_long) if cut else None

    def record_at_end(self) -> Block | None:
        """Return the data after the last newline if it is a record, or ends one.

        Of a record printed over many lines, the last one is a brace.
        """
        if self._checked == self.offset or self._skipping or not self._tail.endswith(b"}"):
            return None
        self._checked = self.offset
        with contextlib.suppress(ValueError, RecursionError):
            is_record = self._tail == b"}" or isinstance(json.loads(self._tail), dict)
            self._lacks_newline = is_record
        return self.flush() if self._lacks_newline else None

    def flush(self) -> Block | None:
        """Return the data after the last newline, as a line without one."""
        skipping, self._skipping = self._skipping, False
        data, self._tail = bytes(self._tail), bytearray()
        return self._block(data, self.offset - len(data), too_long=skipping)

    def _block(self, data: bytes, offset: int, *, too_long: bool) -> Block | None:
        if not data and not too_long:
            return None
        return Block(data, offset, self._generation, int(too_long), self._older)
