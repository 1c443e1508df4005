"""Recognise the beginning of a log that was archived: grown, renamed, compressed or pruned since.

A manifest has checksums of a log, not its bytes: an archive without raw lines holds no content.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from llmlog_tui.log.archive_manifest import Cut, Prefix, Source

ReadAt = Callable[[int, int], bytes]
"""(length, offset) -> bytes of a log, fewer only at its end; offsets mostly rise."""

_GROWTH: Final = 1.1
"""Minimum ratio of two checkpoints: 1 GB has about 160."""

_MAX_COPY: Final = 1.15
"""Maximum ratio of a shorter copy's bytes to the ones that were compared."""

_TAIL_LINES: Final = 8
"""Last lines by which a pruned log is recognised."""

_CHUNK: Final = 8 * 2**20
"""Bytes per read."""

_CHECKED: Final = 2**22
"""Bytes at a log's beginning that are compared before its last lines are."""

_TAIL_BYTES: Final = 2**20
"""Bytes of a block in which the last lines are looked for."""

_MAX_TAIL: Final = 2**26
"""Maximum bytes of the last lines."""


NOTHING: Final = Prefix()


class PrefixRecorder:
    """Checksums of a log, from its beginning or from where a known prefix ends."""

    def __init__(self, known: Prefix = NOTHING) -> None:
        self._ends, self._sums = list(known.ends), list(known.sums)
        self._tail = list(known.tail)
        self._read = self._noted = known.end
        self._sum = known.sums[-1] if known.sums else 0

    def feed(self, data: bytes) -> None:
        """Add the next bytes."""
        view, at = memoryview(data), 0
        while cut := self._cut(data, at):
            self._sum = zlib.crc32(view[at:cut], self._sum)
            self._ends.append(self._read + cut)
            self._sums.append(self._sum)
            at = cut
        self._sum = zlib.crc32(view[at:], self._sum)
        self._read += len(data)

    def note_lines(self, data: bytes, offset: int, *, is_cut: bool = False) -> None:
        """Note the last lines of data at an offset, whose first may be cut."""
        start = max(0, len(data) - _TAIL_BYTES)
        lines = data[start:].removesuffix(b"\n").split(b"\n") if data else []
        if start or is_cut:
            del lines[0]
        follows = not start and not is_cut and offset == self._noted
        self._noted = offset + len(data)
        before = self._tail if follows else []
        self._tail = [*before, *map(_digest, lines[-_TAIL_LINES:])][-_TAIL_LINES:]

    def prefix(self) -> Prefix:
        """Return the prefix of everything that was fed."""
        ends, sums = [*self._ends, self._read], [*self._sums, self._sum]
        kept = [at for at in range(len(ends)) if self._is_kept(ends, at)]
        thinned: list[int] = []
        for at in kept:
            is_last = at == len(ends) - 1
            if is_last or not thinned or ends[at] >= ends[thinned[-1]] * _GROWTH:
                thinned.append(at)
        return Prefix(
            tuple(ends[at] for at in thinned), tuple(sums[at] for at in thinned), tuple(self._tail)
        )

    @staticmethod
    def _is_kept(ends: Sequence[int], at: int) -> bool:
        return ends[at] > 0 and (at + 1 == len(ends) or ends[at] < ends[-1])

    def _cut(self, data: bytes, at: int) -> int:
        """Return the end of the line at the next checkpoint, 0 if there is none."""
        last = self._ends[-1] if self._ends else 0
        wanted = int(last * _GROWTH) - self._read - 1
        return data.find(b"\n", max(at, wanted)) + 1


def _digest(line: bytes) -> tuple[int, str]:
    return len(line), hashlib.sha256(line).hexdigest()


@dataclass(frozen=True)
class Known:
    """The first `end` bytes of a log, which were archived as a part of `source`.

    They begin it, or are at `cut`: the log was pruned, or continues in another way.
    `is_whole` if nothing follows them: a shorter copy, or a file that has not changed.
    """

    source: int
    end: int
    cut: Cut | None = None
    is_whole: bool = False


class KnownLogs:
    """The logs of a manifest, to look up files in."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources: list[Source] = []
        self._by_file: dict[tuple[int, ...], int] = {}
        self._by_start: dict[tuple[int, int], list[int]] = {}
        self._by_tail: dict[tuple[int, str], list[int]] = {}
        for at, each in enumerate(sources):
            self.update(at, each)

    def update(self, at: int, source: Source) -> None:
        """Note a new or grown source."""
        prefix, start = source.prefix, (0, 0)
        if at == len(self._sources):
            self._sources.append(source)
            start = (prefix.ends[0], prefix.sums[0]) if prefix.ends else start
            self._by_start.setdefault(start, []).append(at)
        self._sources[at] = source
        if source.file:
            self._by_file[source.file] = at
        if prefix.tail:
            # Under its earlier tails, too: they are compared with the current one.
            self._by_tail.setdefault(prefix.tail[-1], []).append(at)

    def unchanged(self, file: tuple[int, ...]) -> Known | None:
        """Return the log that was in a file, if it has not changed since."""
        source = self._by_file.get(file)
        if source is None:
            return None
        return Known(source, self._sources[source].prefix.end, is_whole=True)

    def find(self, read: ReadAt, size: int | None) -> Known | None:
        """Return the archived part of a log; None if nothing of it is.

        `size` is the number of its bytes, unknown (None) where it is compressed.
        """
        found = [
            known for at in self._starting_like(read) if (known := self._grown(at, read, size))
        ]
        return max(found, key=lambda each: each.end, default=None) or self._pruned(read)

    def _starting_like(self, read: ReadAt) -> list[int]:
        """Return the sources whose first line the log has."""
        lengths = sorted({end for end, _ in self._by_start})
        start = _read_fully(read, 0, max(lengths, default=0))
        found: list[int] = []
        total = at = 0
        for end in lengths:
            if end > len(start):
                break
            total, at = zlib.crc32(start[at:end], total), end
            found += self._by_start.get((end, total), ())
        return found

    def _grown(self, at: int, read: ReadAt, size: int | None) -> Known | None:
        """Return how much of the log begins a source."""
        prefix = self._sources[at].prefix
        if size is not None and size >= prefix.end > _CHECKED and prefix.tail:
            start = _common(prefix, read, _CHECKED)
            if not start.differs and _has_tail(prefix, read):
                return Known(at, prefix.end)
        common = _common(prefix, read, prefix.end)
        if common.same == prefix.end:
            return Known(at, prefix.end)
        # The end of a shorter copy, after its last checkpoint, cannot be compared.
        if not common.differs and common.read <= common.same * _MAX_COPY:
            return Known(at, common.read, is_whole=True)
        return Known(at, common.same, Cut(at, 0, common.same)) if common.same else None

    def _pruned(self, read: ReadAt) -> Known | None:
        """Return the source of which only the last lines are left, at the log's beginning."""
        lengths = {length for length, _ in self._by_tail}
        best: Known | None = None
        for end, lines, index in _lines(read) if lengths else ():
            if len(lines[index]) not in lengths:
                continue
            for at in self._by_tail.get(_digest(lines[index]), ()):
                prefix = self._sources[at].prefix
                before = lines[max(0, index + 1 - len(prefix.tail)) : index + 1]
                offset = prefix.end - end
                if offset > 0 and list(map(_digest, before)) == list(prefix.tail[-len(before) :]):
                    best = Known(at, end, Cut(at, offset, end))
        return best

    def archived(self, known: Known) -> Iterator[tuple[int, int, int]]:
        """Yield (source, first offset, end) of all records of a log that are archived."""
        source: int | None = known.source
        start, end = 0, known.end
        if known.cut is not None:
            start, end = known.cut.offset, known.cut.offset + known.cut.length
        while source is not None:
            yield source, start, end
            cut = self._sources[source].cut
            if cut is None or start >= cut.length:
                return
            source, start, end = cut.source, cut.offset + start, cut.offset + min(cut.length, end)


class _Common(NamedTuple):
    """Bytes up to the last checkpoint in a log, and all bytes read.

    `differs` is whether a checkpoint does.
    """

    same: int
    read: int
    differs: bool = False


def _common(prefix: Prefix, read: ReadAt, limit: int) -> _Common:
    """Compare a log with a prefix, up to the last checkpoint before `limit`."""
    at = total = same = 0
    for end, wanted in zip(prefix.ends, prefix.sums, strict=True):
        if end > limit:
            break
        while at < end:
            data = read(min(_CHUNK, end - at), at)
            if not data:
                return _Common(same, at)
            total = zlib.crc32(data, total)
            at += len(data)
        if total != wanted:
            return _Common(same, at, differs=True)
        same = end
    return _Common(same, at)


def _has_tail(prefix: Prefix, read: ReadAt) -> bool:
    """Return whether a log has the last lines where the prefix ends."""
    size = sum(length + 1 for length, _ in prefix.tail)
    start = prefix.end - size
    if size > _MAX_TAIL or start < 0:
        return False
    data = _read_fully(read, start, size)
    if not data.endswith(b"\n"):  # the last line had no newline when it was archived
        data = _read_fully(read, start + 1, size - 1)
    return list(map(_digest, data.removesuffix(b"\n").split(b"\n"))) == list(prefix.tail)


def _read_fully(read: ReadAt, offset: int, size: int) -> bytes:
    parts = []
    while size and (data := read(min(size, _CHUNK), offset)):
        parts.append(data)
        size -= len(data)
        offset += len(data)
    return b"".join(parts)


def _lines(read: ReadAt) -> Iterator[tuple[int, list[bytes], int]]:
    """Yield the end of each line, lines around it, and its index there."""
    before: list[bytes] = []
    at, rest = 0, b""
    while data := read(_CHUNK, at):
        at += len(data)
        *lines, rest = (rest + data).split(b"\n")
        end = at - len(rest) - sum(len(line) + 1 for line in lines)
        first = len(before)
        lines = before + lines
        for index in range(first, len(lines)):
            end += len(lines[index]) + 1
            yield end, lines, index
        before = lines[-_TAIL_LINES:]
