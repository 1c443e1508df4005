"""The sources of a log, polled in turn for their next blocks."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from llmlog_tui.errors import reason
from llmlog_tui.formats.all_formats import ALL_FORMATS
from llmlog_tui.formats.detect import head_of
from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.archive_part import ArchivePart, ArchiveParts
from llmlog_tui.log.block_digests import StatOf
from llmlog_tui.log.compressed import SUFFIXES, CompressedFollower
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.line_source import LineSource
from llmlog_tui.log.line_splitter import Block, Recall
from llmlog_tui.log.open_files import OpenFiles
from llmlog_tui.log.reading_order import Turn, newest_first, size_and_time
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import STDIN, url_of
from llmlog_tui.log.stdin import StdinFollower
from llmlog_tui.log.table_lines import TableLines
from llmlog_tui.log.table_source import TableSource


@dataclass(frozen=True)
class SourceOptions:
    """How sources are opened; see Reader. `are_siblings`: of a glob or folder."""

    newest_first: bool
    window: Retention
    columns: Collection[str]
    stdin: int | None
    ids: Sequence[str]
    are_siblings: bool
    is_stream: bool = False


class OpenSources:
    """Sources of one log; `problems` gets the reasons why some cannot be read."""

    def __init__(self, options: SourceOptions, problems: dict[Path, str]) -> None:
        self.opened: list[LineSource] = []
        """Sources by the index of their file."""
        self.order: list[int] = []
        """Indexes, in the order in which sources are polled."""
        self._options = options
        self._problems = problems
        self._unread: dict[int, int] = {}  # sizes of files that are there and were not polled yet
        self._last_turn = {False: 0, True: 0}  # of the last block, and of the last older one
        self._rest_until: list[float] = []  # by index: is_at_rest() is not called before
        # Kept apart: every poll needs them, and there may be thousands of files.
        self._pipes: list[StdinFollower] = []
        self._tables: list[TableSource | TableLines] = []
        self._parts: list[ArchivePart] = []
        self._open_files = OpenFiles()
        self._archives = ArchiveParts(options.window, options.ids)

    def add(self, files: Sequence[Path], *, by_age: bool) -> list[int]:
        """Open files, to be polled after the others, with `by_age` newest first; return sizes."""
        self._archives.add(files)
        first = len(self.opened)
        there = [size_and_time(file) for file in files]
        for file, (size, _) in zip(files, there, strict=True):
            if size:
                self._unread[len(self.opened)] = size
            self.opened.append(self._open(file))
            self._rest_until.append(0.0)
        new = self.opened[first:]
        self._pipes += (each for each in new if isinstance(each, StdinFollower))
        self._tables += (each for each in new if isinstance(each, TableSource | TableLines))
        self._parts += (each for each in new if isinstance(each, ArchivePart))
        order: Sequence[int] = range(len(files))
        if by_age:
            order = newest_first([str(file) for file in files], [time for _, time in there])
        self.order += [first + index for index in order]
        return [size for size, _ in there]

    def close(self) -> None:
        for source in self.opened:
            source.close()

    def first_turn(self) -> Turn:
        """Return the turn of the source that is polled first."""
        return Turn(0, self.order[0], is_older=False)

    def turns(self) -> Iterator[Turn]:
        """Yield the turns of the sources that may have lines."""
        # Of thousands of files, most are at rest.
        now, rest_until = time.monotonic(), self._rest_until
        turns = range(len(self.order))
        awake = []
        for turn in _from(self._last_turn[False], turns):
            index = self.order[turn]
            if rest_until[index] > now:
                continue
            source = self.opened[index]
            if not (isinstance(source, Follower | ArchivePart) and source.is_at_rest()):
                awake.append(turn)
                yield Turn(turn, index, is_older=False)
            elif isinstance(source, Follower):
                rest_until[index] = source.rests_until
        awake.sort()
        for turn in _from(self._last_turn[True], awake):
            yield Turn(turn, self.order[turn], is_older=True)

    def poll(self, turns: Iterable[Turn]) -> tuple[int, Block] | None:
        """Return the next block of the first source that has one, and its index."""
        for turn, index, is_older in turns:
            source = self.opened[index]
            self._unread.pop(index, None)
            try:
                block = source.read_older() if is_older else source.read()
            except OSError as error:
                self._problems[source.path] = reason(error)
                continue
            if not is_older:
                self._problems.pop(source.path, None)  # readable again
            self._open_files.polled(source, has_more=block is not None)
            if block is not None:
                self._last_turn[is_older] = turn
                return index, block
        return None

    @property
    def has_unread(self) -> bool:
        """Whether the file that gave the last newest block has grown since."""
        source = self.opened[self.order[self._last_turn[False]]] if self.opened else None
        read, there = source.position() if isinstance(source, Follower) else (0, 0)
        return read < there

    def read_first(self, indexes: Sequence[int]) -> None:
        """Poll these sources before the others."""
        self.order = [*indexes, *(index for index in self.order if index not in indexes)]

    def stat_of(self, index: int) -> StatOf:
        """Return what tells the state of the open file of a source with this index."""
        source = self.opened[index]
        return source.stat_of if isinstance(source, Follower) else lambda _: None

    def recall_from(self, index: int, recall: Recall) -> None:
        """Let blocks of a plain file come from elsewhere."""
        source = self.opened[index]
        if isinstance(source, Follower):
            source.recall = recall

    def in_order(self) -> list[Path]:
        """Return the files in the order in which they are polled."""
        return [self.opened[index].path for index in self.order]

    def were_read(self, indexes: Collection[int]) -> bool:
        """Return whether sources were read to their ends."""
        positions = (self.opened[index].position() for index in indexes)
        return self._unread.keys().isdisjoint(indexes) and all(
            read >= there for read, there in positions
        )

    def progress(self) -> tuple[int, int]:
        """Return the bytes read and the bytes there are."""
        positions = [source.position() for source in self.opened]
        there = sum(there for _, there in positions) + sum(self._unread.values())
        return sum(read for read, _ in positions), there

    def waiting_for(self) -> list[Path]:
        """Return the files that do not exist yet."""
        waiting = (index for index, source in enumerate(self.opened) if source.is_waiting)
        return [self.opened[index].path for index in waiting if index not in self._unread]

    def pipes(self) -> list[StdinFollower]:
        """Return the sources that are standard input."""
        return self._pipes

    def tables(self) -> list[TableSource | TableLines]:
        """Return the sources that are tables."""
        return self._tables

    def lazy(self) -> list[TableSource | TableLines | ArchivePart]:
        """Return the tables and the parts of archives."""
        return [*self._tables, *self._parts]

    @property
    def rows_outside(self) -> int:
        """Number of rows in tables and archives that were not read."""
        return sum(source.rows_outside for source in self.lazy())

    @property
    def records_passed_over(self) -> int:
        """Number of records in archives that were not read: these are outside the window."""
        return sum(part.rows_outside for part in self._parts)

    @property
    def are_lazy(self) -> bool:
        """Whether there are tables or archives."""
        return bool(self._tables or self._parts)

    def fetch(
        self, wanted: Sequence[str], kept: Callable[[int], pl.Series]
    ) -> Iterator[Iterator[tuple[int, Block]]]:
        """Look up ids outside the windows; yield the blocks of each source.

        The newest tables and parts of archives come first. `kept` returns the rows of a source, an
        archive's part, that are in the window. Raises OSError.
        """
        for index in self.order:
            source = self.opened[index]
            if isinstance(source, ArchivePart):
                yield ((index, block) for block in source.fetch(wanted, partial(kept, index)))
            elif isinstance(source, TableSource):
                block = source.fetch(wanted)
                yield iter(() if block is None else [(index, block)])

    def _open(self, file: Path) -> LineSource:
        options = self._options
        siblings = self._open_files if options.are_siblings else None
        if file == STDIN:
            return StdinFollower(options.stdin)
        if url_of(file):
            if options.is_stream:
                return TableLines(file, options.window)
            return TableSource(file, options.window, options.ids)
        if is_part(file):
            return ArchivePart(
                file, self._archives, options.columns, newest_first=options.newest_first
            )
        if file.suffix in SUFFIXES:
            return CompressedFollower(file, siblings=siblings)
        return Follower(
            file,
            newest_first=options.newest_first,
            may_skip=lambda head: head_of(head, ALL_FORMATS).is_plain,
            siblings=siblings,
        )


def _from(first: int, turns: Sequence[int]) -> Iterator[int]:
    """Yield the turns from `first` on, then the others."""
    at = bisect_left(turns, first)
    yield from turns[at:]
    yield from turns[:at]
