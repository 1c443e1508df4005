"""Keep few of a folder's many files open: the most recently written."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from llmlog_tui.log.archive_part import ArchivePart
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.prefix_digest import Known
from llmlog_tui.log.rotation import HEAD_BYTES

MAX_OPEN: Final = 32
"""Maximum files that stay open, and are polled as often as a single one."""


class Source(Protocol):
    """A file that is read: a Follower, or a class with its interface."""

    path: Path

    def has_open(self, file: os.stat_result) -> bool: ...
    def known(self, head: bytes) -> list[Known]: ...


class OpenFiles:
    """Files of a glob or folder; content read under one name is known under all.

    Resting files are found by inode and by how they begin, so that a new file of a big folder is
    not compared with each of them.
    """

    def __init__(self) -> None:
        self._open: dict[Source, float] = {}  # and when they were written to
        self._by_inode: dict[tuple[int, int], Follower] = {}
        self._by_head: defaultdict[bytes, set[Follower]] = defaultdict(set)
        self._resting: set[Follower] = set()

    def polled(self, source: Source, *, has_more: bool) -> None:
        """Note that a file was read; close others if too many are open."""
        if isinstance(source, ArchivePart):
            return  # it keeps no file open, and no other log begins like it
        if not isinstance(source, Follower):
            self._open[source] = float("inf")
        elif source.resting is None and (has_more or source not in self._open):
            self._resting.discard(source)
            self._open[source] = source.written_at()
        while len(self._open) > MAX_OPEN:
            oldest = min(self._open, key=self._open.__getitem__)
            if not isinstance(oldest, Follower) or not self._rest(oldest):
                break

    def has_open(self, file: os.stat_result) -> bool:
        """Return whether one of the files is this very file."""
        resting = self._by_inode.get((file.st_dev, file.st_ino))
        if resting is not None and resting.has_open(file):
            return True
        return any(source.has_open(file) for source in self._open)

    def known(self, path: Path, head: bytes) -> Iterator[Known]:
        """Yield the files that were read under other names than `path`, and begin with `head`."""
        # A file shorter than HEAD_BYTES may be the beginning of any that rests.
        resting = self._by_head[head] if len(head) == HEAD_BYTES else self._resting
        for source in (*self._open, *resting):
            if source.path != path:
                yield from source.known(head)

    def _rest(self, source: Follower) -> bool:
        if not source.rest():
            return False
        del self._open[source]
        if (file := source.resting) is not None:
            self._resting.add(source)
            self._by_inode[file.st_dev, file.st_ino] = source
            for known in source.known(b""):
                self._by_head[known.digest.head].add(source)
        return True
