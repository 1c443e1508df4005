"""What a file that took the place of another still has of it: a log may be cut at its beginning."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Final

HEAD_BYTES: Final = 256
"""How much of a file's beginning tells one generation of a log from the next."""

_LOOK_ALIKES: Final = 1_000
"""So many lines that begin as a new file does are tried; more are those of a log gone wrong."""

_COMPARED_BYTES: Final = 8 * 2**20
"""How much is compared at once."""


def already_read_prefix(old: int, end: int, fd: int) -> int:
    """How many bytes of the file that took the place of another were read in that one; 0 if none.

    `old` and `fd` are their descriptors. These are the bytes from the beginning of some line of the
    old one to the `end` of its last one, if the new file begins with them and they are as many as
    tell a file from another.
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
    """Where, from `first` on, the lines of a file begin that begin with `head`."""
    sought, at = b"\n" + head, first - 1
    while at + len(sought) <= end:
        data = os.pread(fd, min(_COMPARED_BYTES, end - at), at)
        found = data.find(sought)
        while found >= 0:
            yield at + found + 1
            found = data.find(sought, found + 1)
        if len(data) < len(sought):
            return
        at += len(data) - len(sought) + 1


def _is_same(fd: int, begin: int, other: int, length: int) -> bool:
    """Whether `length` bytes from `begin` on are those that the other file begins with."""
    at = 0
    while at < length:
        data = os.pread(fd, min(_COMPARED_BYTES, length - at), begin + at)
        if not data or data != os.pread(other, len(data), at):
            return False
        at += len(data)
    return True
