"""Whole lines out of bytes that come in pieces."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Final

MAX_LINE_BYTES: Final = 16 * 2**20
"""A line longer than this is passed over and counted, not held in memory."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: `data` stands at byte `offset` of its generation `generation`.

    A block may lack the newline at its end: its writer died, the file is read once and not
    followed, or the newline comes later and belongs to no block. `too_long` lines before `data`
    were passed over. `older` blocks stand before what was read of the file first.
    """

    data: bytes
    offset: int
    generation: int
    too_long: int = 0
    older: bool = False


class LineSplitter:
    """Takes the bytes of one generation from `start` on, and gives whole lines."""

    def __init__(self, generation: int, start: int = 0, *, older: bool = False) -> None:
        self.offset = start
        """Of the next byte to be fed."""
        self._generation = generation
        self._older = older
        self._tail = bytearray()  # fed, but not yet a whole line
        self._passing = False  # in the middle of a line that is too long
        self._lacks_newline = False  # the last line was given before its end came
        self._looked = start  # up to where record_at_end() has looked

    @property
    def lines_end(self) -> int:
        """Where the last whole line ended."""
        return self.offset - len(self._tail)

    @property
    def is_inside_line(self) -> bool:
        """Whether something was fed after the last newline."""
        return self._passing or bool(self._tail)

    def feed(self, data: bytes) -> Block | None:
        """The next bytes; the whole lines there are now, if any."""
        begin = self.lines_end
        self.offset += len(data)
        passed, too_long = 0, self._passing
        if self._lacks_newline:
            self._lacks_newline = False
            passed = len(data) - len(data.removeprefix(b"\r").removeprefix(b"\n"))
        elif too_long:
            passed = data.find(b"\n") + 1
            if not passed:
                return None
            self._passing = False
        cut = data.rfind(b"\n") + 1
        whole = b"".join((self._tail, memoryview(data)[passed:cut]))
        if cut:
            self._tail.clear()
        self._tail += memoryview(data)[cut:]
        if len(self._tail) > MAX_LINE_BYTES:
            self._tail = bytearray()
            self._passing = True
        return self._block(whole, begin + passed, too_long=too_long) if cut else None

    def record_at_end(self) -> Block | None:
        """What was fed after the last newline if it is a whole record; its newline may follow."""
        if self._looked == self.offset or self._passing or not self._tail.endswith(b"}"):
            return None
        self._looked = self.offset
        with contextlib.suppress(ValueError, RecursionError):
            self._lacks_newline = isinstance(json.loads(self._tail), dict)
        return self.rest() if self._lacks_newline else None

    def rest(self) -> Block | None:
        """What was fed after the last newline, if nothing is to follow."""
        passing, self._passing = self._passing, False
        data, self._tail = bytes(self._tail), bytearray()
        return self._block(data, self.offset - len(data), too_long=passing)

    def _block(self, data: bytes, offset: int, *, too_long: bool) -> Block | None:
        if not data and not too_long:
            return None
        return Block(data, offset, self._generation, int(too_long), self._older)
