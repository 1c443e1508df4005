"""Parts of an archive while it is read, of later manifests too."""

from __future__ import annotations

import errno
import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Final

from llmlog_tui.log.archive_manifest import Manifest, Part, Source, stamp_of
from llmlog_tui.log.retention import Retention

Ranges = dict[int, list[tuple[int, int]]]
"""Source -> ranges of offsets whose records are read from other files."""

_LONG_AGO: Final = -(2**63)
"""Time of records without one, in µs: before all others."""

_CLOCK_SKEW_S: Final = 86_400.0
"""Seconds by which clocks may differ."""


class OpenArchive:
    """The parts of a folder's archive by name; `elsewhere` are records of its other files.

    The writer adds parts, and replaces a small one by a larger one that begins with its rows. Of a
    part that was added since, the records that earlier parts had are left out.
    """

    def __init__(self, folder: Path, window: Retention) -> None:
        """Read the manifest. Raises OSError."""
        self._folder = folder
        self._lock = Lock()  # lines are read again by other threads
        self._stamp = stamp_of(folder)
        self._manifest = Manifest.read(folder)
        self._parts = {part.file: part for part in self._manifest.parts}
        self._known: dict[str, Ranges] = {}  # by later part: what earlier ones have
        self._is_same = True  # not deleted and made again
        self.elsewhere: Ranges = {}
        self.records = self._manifest.records
        """Number of records at first."""
        parts = self._manifest.parts
        self.newest = max(parts, key=lambda part: (part.last or 0, part.file), default=None)
        self.outside = _outside(parts, window)
        """Names of the parts whose records are all older than the window."""

    @property
    def sources(self) -> Sequence[Source]:
        return self._manifest.sources

    def part(self, name: str) -> Part | None:
        """Return a part by its name; None if it was replaced unseen. Raises OSError."""
        with self._lock:
            if name not in self._parts:
                self._update()
            return self._parts.get(name)

    def named(self, name: str) -> Part:
        """Return a part by its name. Raises OSError, also if there is none."""
        part = self.part(name)
        if part is None:
            raise OSError(errno.ENOENT, "is no longer part of the archive")
        return part

    def known(self, name: str) -> Ranges:
        """Return the records of a part that are read from other files or earlier parts."""
        return self._known.get(name, self.elsewhere)

    def successor(self, part: Part) -> Part | None:
        """Return the part that begins with the rows of a replaced one. Raises OSError."""
        with self._lock:
            self._update()
            parts, is_same = self._manifest.parts, self._is_same
        if part in parts or not is_same:
            return None
        later = [each for each in parts if each.day == part.day and each.number > part.number]
        found = min(later, key=lambda each: each.number, default=None)
        return found if found is not None and found.records >= part.records else None

    def _update(self) -> None:
        stamp = stamp_of(self._folder)
        if stamp == self._stamp:
            return
        manifest = Manifest.read(self._folder)
        archived: Ranges = {}
        if _extends(manifest, self._manifest):
            before = enumerate(self._manifest.sources)
            archived = {at: [(0, source.prefix.end)] for at, source in before}
        else:  # deleted, and made again
            self._is_same = False
        for part in manifest.parts:
            if part.file not in self._parts:
                self._parts[part.file] = part
                self._known[part.file] = archived
        self._manifest, self._stamp = manifest, stamp


def _extends(manifest: Manifest, before: Manifest) -> bool:
    """Return whether a manifest continues another, of the same archive."""
    return len(manifest.sources) >= len(before.sources) and all(
        new.prefix.ends[:1] == old.prefix.ends[:1]
        and new.prefix.sums[:1] == old.prefix.sums[:1]
        and new.prefix.end >= old.prefix.end
        for new, old in zip(manifest.sources, before.sources, strict=False)
    )


def _outside(parts: Sequence[Part], window: Retention) -> frozenset[str]:
    """Return the names of the parts whose records are all older than the window."""
    last = {part.file: part.last if part.last is not None else _LONG_AGO for part in parts}
    if window.records is not None:
        by_first = sorted((part.first, part.records) for part in parts if part.first is not None)
        firsts = [first for first, _ in by_first]
        # At index n: the records of all parts but the n that begin first.
        newer = [*accumulate((records for _, records in reversed(by_first)), initial=0)][::-1]
        return frozenset(
            name for name, at in last.items() if newer[bisect_right(firsts, at)] >= window.records
        )
    if window.span is not None:
        soon = (time.time() + _CLOCK_SKEW_S) * 1e6  # later times are from a wrong clock
        times = [part.last for part in parts if part.last is not None and part.last <= soon]
        if times:
            first = max(times) - window.span / timedelta(microseconds=1)
            return frozenset(name for name, at in last.items() if at < first)
    return frozenset()
