"""Keeps few of a folder's many files open: those that were written to last."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Protocol

from llmlog_tui.log.follow import Follower
from llmlog_tui.log.rotation import HEAD_BYTES

MAX_OPEN: Final = 128
"""Maximum number of files that stay open; a process may have 1,024 in all, often 256."""


class Readable(Protocol):
    """What a file is read by."""

    def holds(self, file: os.stat_result) -> bool: ...
    def known(self, head: bytes) -> int | None: ...


class OpenFiles:
    """Which files of a log are open, and which rest until they change.

    Resting files are found by their inode and by how they begin, so that a new file of a big folder
    is not compared with each of them.
    """

    def __init__(self) -> None:
        self._open: dict[Follower, float] = {}  # and when they were written to
        self._others: list[Readable] = []
        self._by_inode: dict[tuple[int, int], Follower] = {}
        self._by_beginning: defaultdict[bytes, set[Follower]] = defaultdict(set)
        self._short: set[Follower] = set()

    def opened(self, source: Readable) -> None:
        """Note that a file is being opened."""
        if isinstance(source, Follower):
            self._open[source] = 0.0
        elif source not in self._others:
            self._others.append(source)

    def read(self, source: Readable, *, has_more: bool) -> None:
        """Note that lines of a file were read, or that there are none; close others if need be."""
        if not isinstance(source, Follower):
            return
        if has_more:
            self._open[source] = source.grew_at()
        while len(self._open) > MAX_OPEN:
            oldest = min(self._open, key=self._open.__getitem__)
            if not self._rest(oldest):
                break

    def like(self, file: os.stat_result, head: bytes) -> Iterator[Readable]:
        """Yield the files that may have read this one, or one that begins like it."""
        yield from self._others
        yield from self._open
        if (same := self._by_inode.get((file.st_dev, file.st_ino))) is not None:
            yield same
        yield from self._by_beginning.get(head, ())
        yield from self._short

    def _rest(self, source: Follower) -> bool:
        """Close a file; False if it is not read to its end."""
        file = source.opened
        if not source.rest():
            return False
        del self._open[source]
        if file is not None:
            self._by_inode[file.st_dev, file.st_ino] = source
        for beginning in source.beginnings():
            is_whole = len(beginning) == HEAD_BYTES
            (self._by_beginning[beginning] if is_whole else self._short).add(source)
        return True
