"""Objects printed over many lines, with or without a prefix repeated on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from llmlog_tui.formats.json_text import NOTHING, load

MAX_BYTES: Final = 64 * 2**20
"""Maximum size of one object; a longer one is given up."""

MAX_OPEN: Final = 8
"""Maximum number of objects that are printed at once, by containers whose lines interleave."""

_DIGIT: Final = re.compile(rb"\d")
_OPENING: Final = (b"{", b"[", b",", b":")
_CLOSING: Final = (b"}", b"]")


class Ended(NamedTuple):
    """An object's lines and its value: NOTHING if they were no JSON after all."""

    lines: list[int]
    value: object


@dataclass
class _Open:
    """An object whose closing line is still to come.

    `prefix` is the text in front of the first line's bracket, digits as 0, since times differ.
    """

    lane: str
    prefix: bytes
    indent: int
    lines: list[int] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def body(self, lane: str, text: bytes) -> bytes | None:
        """Return a line without the prefix, None if it is of another lane or prefix."""
        length = len(self.prefix)
        if lane != self.lane or (length and _DIGIT.sub(b"0", text[:length]) != self.prefix):
            return None
        return text[length:]

    def add(self, lines: Sequence[int], body: bytes) -> None:
        self.lines += lines
        self.parts.append(body)
        self.size += len(body)

    def value(self) -> object:
        # Empty, it was not printed so: that is {} in one line. Other text has such brackets, too.
        return load(b"\n".join(self.parts).rstrip().removesuffix(b",")) or NOTHING


class PrettyPrinted:
    """Puts the lines of printed objects together; `lane` tells streams apart.

    A printer indents the lines between an object's first and last one further than these two: a
    line that is not ends a broken object, which costs its own lines only.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def __bool__(self) -> bool:
        """Whether an object has begun whose end is still to come."""
        return bool(self._open)

    def feed(self, lane: str, lines: Sequence[int], text: bytes) -> tuple[list[Ended], bool]:
        """Return the objects ended by this line, and whether it belongs to one.

        Objects end complete or broken. A line that is part of none may begin one: see begin().
        """
        ended = []
        for printed in list(self._open):
            body = printed.body(lane, text)
            if body is None:
                continue
            indent = _indent(body)
            is_last = indent == printed.indent and body[indent : indent + 1] in _CLOSING
            if is_last or (indent > printed.indent and printed.size < MAX_BYTES):
                printed.add(lines, body)
                if is_last:
                    self._open.remove(printed)
                    ended.append(Ended(printed.lines, printed.value()))
                return ended, True
            self._open.remove(printed)
            ended.append(Ended(printed.lines, NOTHING))
        return ended, False

    def begin(self, lane: str, lines: Sequence[int], text: bytes) -> tuple[list[Ended], bool]:
        """Return objects given up for a new one, and whether one begins.

        The line is no JSON by itself.
        """
        start = text.find(b"{")
        if start < 0 or text.rstrip()[-1:] not in _OPENING:
            return [], False
        is_indented = not text[:start].strip()
        prefix = b"" if is_indented else text[:start]
        printed = _Open(lane, _DIGIT.sub(b"0", prefix), start if is_indented else 0)
        printed.add(lines, text[len(prefix) :])
        self._open.append(printed)
        given_up = self._open[:-MAX_OPEN]
        del self._open[:-MAX_OPEN]
        return [Ended(each.lines, NOTHING) for each in given_up], True

    def flush(self) -> list[Ended]:
        """Give up the objects still open."""
        ended = [Ended(printed.lines, NOTHING) for printed in self._open]
        self._open.clear()
        return ended


def _indent(body: bytes) -> int:
    return len(body) - len(body.lstrip())
