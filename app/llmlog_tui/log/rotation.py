"""Recognise a file with its beginning cut off, to continue after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Final

HEAD_BYTES: Final = 256
"""Bytes at the start of a file that identify a generation."""

_LOOK_ALIKES: Final = 1_000
"""Maximum lines tried that begin like the new file."""

_COMPARED_BYTES: Final = 8 * 2**20
"""Bytes per comparison."""


def already_read_prefix(old: int, end: int, fd: int) -> int:
    """Return the length of the prefix of `fd` already read from `old`.

    Both are descriptors. The new file begins with a part of the old one, from the start of some
    line to `end`, the end of its last line, of at least HEAD_BYTES.
    """
    new_size = os.fstat(fd).st_size
    head = os.pread(fd, HEAD_BYTES, 0)
    if len(head) < HEAD_BYTES:
        return 0
    starts = _line_starts(old, head, max(1, end - new_size), end)
    for begin in islice(starts, _LOOK_ALIKES):
        if _is_same(old, begin, fd, end - begin):
            return end - begin
    return 0


def _line_starts(fd: int, head: bytes, first: int, end: int) -> Iterator[int]:
    """Yield the offsets, from `first` on, of lines that begin with `head`."""
    pattern, at = b"\n" + head, first - 1
    while at + len(pattern) <= end:
        data = os.pread(fd, min(_COMPARED_BYTES, end - at), at)
        found = data.find(pattern)
        while found >= 0:
            yield at + found + 1
            found = data.find(pattern, found + 1)
        if len(data) < len(pattern):
            return
        at += len(data) - len(pattern) + 1


def _is_same(fd: int, begin: int, other: int, length: int) -> bool:
    at = 0
    while at < length:
        data = os.pread(fd, min(_COMPARED_BYTES, length - at), begin + at)
        if not data or data != os.pread(other, len(data), at):
            return False
        at += len(data)
    return True
