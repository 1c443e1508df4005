"""Scan the lines of a reader for a pattern, then its later lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from llmlog_tui.formats.json_text import without_bom
from llmlog_tui.log.compressed import CompressedFollower
from llmlog_tui.log.line_search import matching_lines
from llmlog_tui.log.parse import parse
from llmlog_tui.log.record_lines import RecordLines
from llmlog_tui.log.store import ByteRange, Store


class _Source(Protocol):
    path: Path

    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...


class Candidate(NamedTuple):
    """A line as llmlog writes it, which may hold a record with the pattern.

    `row` is the record's key where it is known: of other formats. There it `is_evicted` if it was
    decoded again.
    """

    block: int
    line: int
    data: bytes
    row: int | None
    is_evicted: bool = False


class ScanStep(NamedTuple):
    """The candidates of one block, the last first; `read` of `total` bytes were scanned."""

    candidates: Sequence[Candidate]
    read: int
    total: int


class Noted(NamedTuple):
    """Lines to look for meanwhile: they match `pattern`, and `confirm` accepts them."""

    pattern: str
    confirm: Callable[[bytes], bool]


_MAX_CONFIRMED = 8
"""Maximum lines of a block that are confirmed."""

_Block = tuple[int, ByteRange]
"""Index of a block, and its bytes as they were when they were listed."""


class LogScan:
    """Scans the blocks of a reader again, the newest first; one thread runs it.

    Of plain records only lines that match are candidates; of other formats, whose content may be
    spread over several lines, all records of `frame()` are.
    """

    def __init__(
        self,
        store: Store,
        sources: Sequence[_Source],
        lines: RecordLines,
        pattern: str,
        frame: Callable[[], pl.DataFrame],
    ) -> None:
        self._store = store
        self._sources = sources
        self._lines = lines
        self._pattern = pattern
        self._frame = frame
        self._noted: Noted | None = None
        self.has_noted = False
        """Whether noted lines were found."""
        self._scanned: dict[int, ByteRange] = {}
        self._newest: dict[int, int] = {}  # key of the newest record of a converted block
        self._compared: pl.DataFrame | None = None  # the last frame that was looked through
        self._firsts: tuple[pl.DataFrame, dict[int, tuple[int, int]]] | None = None
        self._matches: dict[int, bool] = {}  # by file: whether the last block has the pattern

    def steps(self, noted: Noted | None = None) -> Iterator[ScanStep]:
        """Yield the blocks that were not scanned yet, one a step; look for `noted` meanwhile."""
        self._noted = noted
        pending = self._pending()
        total, read = sum(each.length for _, each in pending), 0
        for file, blocks in self._by_file(pending):
            held: list[list[Candidate]] = []
            for block, each, data in self._read(file, blocks):
                found = self._candidates(block, each, data)
                read += each.length
                if isinstance(self._sources[file], CompressedFollower):
                    held.append(found)
                    found = []
                yield ScanStep(found, read, total)
            for found in reversed(held):  # it can only be read from its start
                yield ScanStep(found, read, total)

    def place(self, block: int) -> ByteRange:
        """Return where a block is."""
        return self._store.byte_range(block)

    def _pending(self) -> list[_Block]:
        blocks = list(enumerate(self._store.ranges()))
        late = self._blocks_with_late_records()
        return [each for each in blocks if self._scanned.get(each[0]) != each[1] or each[0] in late]

    def _blocks_with_late_records(self) -> set[int]:
        """Return converted blocks with new records: they may come later than their lines."""
        frame, converted = self._frame(), self._store.converted
        if not converted or frame is self._compared:
            return set()
        self._compared = frame
        records = frame.filter(pl.col("block").is_in(converted))
        newest = records.group_by("block").agg(pl.col("row").max()).iter_rows()
        return {block for block, row in newest if row > self._newest.get(block, -1)}

    def _by_file(self, blocks: Sequence[_Block]) -> Iterator[tuple[int, list[_Block]]]:
        """Yield the blocks of each file, of the file that was written last first."""
        by_file: dict[int, list[_Block]] = {}
        for block in blocks:
            by_file.setdefault(block[1].file, []).append(block)
        for file in sorted(by_file, key=self._written_at, reverse=True):
            yield file, by_file[file]

    def _written_at(self, file: int) -> int:
        try:
            return self._sources[file].path.stat().st_mtime_ns
        except OSError:  # deleted, or standard input
            return 0

    def _read(
        self, file: int, blocks: Sequence[_Block]
    ) -> Iterator[tuple[int, ByteRange, bytes | None]]:
        """Yield the bytes of a file's blocks, the last first; a compressed file's in order."""
        source = self._sources[file]
        is_compressed = isinstance(source, CompressedFollower)
        place = attrgetter("generation", "offset")
        in_order = sorted(blocks, key=lambda each: place(each[1]), reverse=not is_compressed)
        if isinstance(source, CompressedFollower):
            spans = [(each.generation, each.offset, each.length) for _, each in in_order]
            read: Iterator[bytes | None] = source.reread_all(spans)
        else:
            read = (source.reread(each.generation, each.offset, each.length)
                    for _, each in in_order)  # fmt: skip
        for (block, each), data in zip(in_order, read, strict=True):
            yield block, each, data

    def _candidates(self, block: int, here: ByteRange, data: bytes | None) -> list[Candidate]:
        before = self._scanned.get(block)
        self._scanned[block] = here
        if data is None:  # its file was replaced
            return []
        start, lines = (0, 0) if before is None else (before.length, before.lines)
        new = data[start:] if start else data
        if self._noted is not None and not self.has_noted:
            likely = matching_lines(new, self._noted.pattern)[:_MAX_CONFIRMED]
            self.has_noted = any(self._noted.confirm(line) for _, line in likely)
        if block in self._store.converted:
            return self._converted(block, here, data, is_new=before is None)
        found = matching_lines(new, self._pattern)
        return [Candidate(block, lines + n, without_bom(line), None) for n, line in found]

    def _converted(
        self, block: int, here: ByteRange, data: bytes, *, is_new: bool
    ) -> list[Candidate]:
        is_later = pl.col("row").cast(pl.Int64) > self._newest.get(block, -1)
        new = self._frame().filter(pl.col("block") == block, is_later).reverse()
        if new.height:
            self._newest[block] = new.select(pl.col("row").max()).item()
        lines = data.split(b"\n")
        known = [
            Candidate(block, record["line"], self._lines.of_lines(record, lines), record["row"])
            for record in new.iter_rows(named=True)
        ]
        return known + self._evicted(block, here, data, new) if is_new else known

    def _evicted(
        self, block: int, here: ByteRange, data: bytes, kept: pl.DataFrame
    ) -> list[Candidate]:
        """Return the records of a converted block that are not `kept`, the last first."""
        is_first = isinstance(self._sources[here.file], CompressedFollower)
        follows = is_first or self._matches.get(here.file, False)
        self._matches[here.file] = bool(matching_lines(data, self._pattern))
        # The rest of a record's content may be in the block after its own.
        if self._is_after_first(here) or not (follows or self._matches[here.file]):
            return []
        decoded = self._lines.decoded_again(block, data.split(b"\n"))
        records = parse(b"\n".join(text for _, text in decoded)).frame.select("line", "ts")
        remaining = Counter(kept.select("line", "ts").iter_rows())
        evicted: list[Candidate] = []
        for index, ts in records.reverse().iter_rows():
            line, text = decoded[index]
            if remaining[line, ts]:  # its ids may be others without the lines before the block
                remaining[line, ts] -= 1
            else:
                evicted.append(Candidate(block, line, text, None, is_evicted=True))
        return evicted

    def _is_after_first(self, here: ByteRange) -> bool:
        """Return whether an earlier block of the file has the first record in the frame."""
        frame, place = self._frame(), attrgetter("generation", "offset")
        if self._firsts is None or self._firsts[0] is not frame:
            blocks = frame.group_by("file").agg(pl.col("block").first()).iter_rows()
            self._firsts = (
                frame,
                {file: place(self._store.byte_range(block)) for file, block in blocks},
            )
        first = self._firsts[1].get(here.file)
        return first is not None and first < place(here)
