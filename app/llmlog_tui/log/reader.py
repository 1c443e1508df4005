"""Read the files of a log into a Store, once or continuously."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from llmlog_tui.log.compressed import SUFFIXES, CompressedFollower
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import Parsed, Strictness, parse
from llmlog_tui.log.prefix_digest import Known
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import STDIN, SourceError, Sources
from llmlog_tui.log.stdin import StdinFollower
from llmlog_tui.log.store import Snapshot, Store

_THREADS: Final = 2
_AHEAD: Final = 3
"""Maximum blocks in the parser threads at once."""

SCAN_S: Final = 1.0
"""Seconds between scans of a glob or folder for new files."""


class _Source(Protocol):
    path: Path
    is_waiting: bool
    is_gone: bool

    def read(self) -> Block | None: ...
    def read_older(self) -> Block | None: ...
    def finish(self) -> Block | None: ...
    def close(self) -> None: ...
    def position(self) -> tuple[int, int]: ...
    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...
    def has_open(self, file: os.stat_result) -> bool: ...
    def known(self, head: bytes) -> list[Known]: ...


class Reader:
    """Reads several files; owned by the thread that calls step(), except for raw_line().

    With `newest_first` the end of each big file is read before the rest of it. Files of a glob or
    folder are one log: data read under one name is not read again under another, and new files are
    found while reading. `window` selects the records to keep, `columns` the fields: others, except
    event and status, are null, but still checked for values of a wrong type. `stdin` is the
    descriptor of `-`, if standard input was moved (see detach_stdin).
    """

    def __init__(
        self,
        files: Sequence[Path] | Sources,
        *,
        newest_first: bool = False,
        window: Retention = EVERYTHING,
        columns: Collection[str] = COLUMNS,
        stdin: int | None = None,
    ) -> None:
        self.problems: dict[Path, str] = {}
        """Files and folders that cannot be read at present, and the reason."""
        self.last_block: tuple[Path, Block, Parsed] | None = None
        """Result of the last step(): the file, its lines, and their records."""
        self.records = 0
        """Number of records read so far."""
        self._sources: list[_Source] = []
        self._last_found = {
            False: 0,
            True: 0,
        }  # index of the file of the last block, and of the last older one
        self._strictness: list[Strictness] = []  # of the last block, by file
        self._names = files if isinstance(files, Sources) and files.may_grow else None
        self._newest_first = newest_first
        self._store = Store([], window)
        self._columns = columns
        self._stdin = stdin
        # Parsing releases the GIL, so that reading and parsing overlap.
        self._pool = ThreadPoolExecutor(_THREADS, "llmlog-parse")
        self._ahead = 1  # the first block, with the newest records, gets the processor to itself
        self._parsing: deque[tuple[int, Block, Future[Parsed]]] = deque()
        self._is_ending = False
        self._scanned = time.monotonic()
        for file in files.files() if isinstance(files, Sources) else files:
            self._add_file(file)

    @property
    def files(self) -> tuple[Path, ...]:
        """The current files; a glob may match more later."""
        return tuple(source.path for source in self._sources)

    def step(self) -> bool:
        """Read one block, and parse the next ones meanwhile; False if nothing is new."""
        while len(self._parsing) < self._ahead and (found := self._next_block()):
            index, block = found
            self._parse(index, block)
        if self._parsing:
            self._collect()
            self._ahead = _AHEAD
            return True
        return self._has_new_files() and self.step()

    def read_to_end(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Read up to the current ends of all files; call `on_step` after each step."""
        unread = deque((source, _size(source.path)) for source in self._sources)
        while unread:
            source, size = unread[0]
            if size is None or (not source.is_waiting and source.position()[0] >= size):
                unread.popleft()
            elif self.step():
                on_step()
            else:
                break
        while self._parsing:
            self._collect()

    def loaded(self) -> None:
        """Mark the initial load as complete: later records are live."""
        self._store.loaded()

    def finish(self) -> None:
        """Read the data after the last newlines too, and stop following."""
        self._is_ending = True
        self.read_to_end()
        for index, source in enumerate(self._sources):
            while block := source.finish():
                self._parse(index, block)
        while self._parsing:
            self._collect()

    def close(self) -> None:
        self._parsing.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for source in self._sources:
            source.close()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for data on standard input; False at its end or the timeout."""
        return any(
            source.wait(timeout_s) for source in self._sources if isinstance(source, StdinFollower)
        )

    @property
    def has_ended(self) -> bool:
        """Whether only standard input is read, and it was closed."""
        pipes = [isinstance(source, StdinFollower) and source.has_ended for source in self._sources]
        return bool(pipes) and all(pipes)

    def snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def progress(self) -> tuple[int, int]:
        positions = [source.position() for source in self._sources]
        return sum(read for read, _ in positions), sum(there for _, there in positions)

    def waiting_for(self) -> list[Path]:
        return [source.path for source in self._sources if source.is_waiting]

    def gone(self) -> list[Path]:
        """Return the files that were deleted; of a glob or folder, only if all were."""
        gone = [source.path for source in self._sources if source.is_gone]
        return gone if not self._names or len(gone) == len(self._sources) else []

    def raw_line(self, block: int, line: int) -> bytes | None:
        lines = self.raw_lines(block)
        return None if lines is None else lines[line]

    def raw_lines(self, block: int) -> list[bytes] | None:
        """Return all lines of a block as written; None if their file was replaced since."""
        byte_range = self._store.byte_range(block)
        source = self._sources[byte_range.file]
        data = source.reread(byte_range.generation, byte_range.offset, byte_range.length)
        return None if data is None else data.split(b"\n")

    def first_lines(self) -> list[int]:
        return self._store.first_lines()

    def _next_block(self) -> tuple[int, Block] | None:
        for index, source, is_older in self._poll_order():
            try:
                block = source.read_older() if is_older else source.read()
            except OSError as error:
                self.problems[source.path] = error.strerror or str(error)
                continue
            if not is_older:
                self.problems.pop(source.path, None)  # readable again
            if block is not None:
                self._last_found[is_older] = index
                return index, block
        return None

    def _poll_order(self) -> Iterator[tuple[int, _Source, bool]]:
        for is_older in (False, True):
            first = self._last_found[is_older]  # continue there, then poll the others
            for index in (*range(first, len(self._sources)), *range(first)):
                yield index, self._sources[index], is_older

    def _parse(self, index: int, block: Block) -> None:
        parsed = self._pool.submit(
            parse,
            block.data,
            at_start=block.offset == 0,
            strictness=self._strictness[index],
            columns=self._columns,
        )
        self._parsing.append((index, block, parsed))

    def _collect(self) -> None:
        index, block, parsing = self._parsing.popleft()
        parsed = parsing.result()
        self._strictness[index] = parsed.strictness
        self.records += parsed.frame.height
        self._store.add(index, block, parsed)
        self.last_block = (self._sources[index].path, block, parsed)

    def _add_file(self, file: Path) -> None:
        self._store.add_file(file)
        self._sources.append(self._source(file))
        self._strictness.append(Strictness.WHOLE_BLOCK)

    def _source(self, file: Path) -> _Source:
        siblings = _Siblings(self._sources) if self._names else None
        if file == STDIN:
            return StdinFollower(self._stdin)
        if file.suffix in SUFFIXES:
            return CompressedFollower(file, siblings=siblings)
        return Follower(file, newest_first=self._newest_first, siblings=siblings)

    def _has_new_files(self) -> bool:
        """Scan a glob or folder for new files, every SCAN_S seconds."""
        if not self._names or self._is_ending or time.monotonic() - self._scanned < SCAN_S:
            return False
        self._scanned = time.monotonic()
        before = set(self.files)
        self.problems = {file: why for file, why in self.problems.items() if file in before}
        try:
            new = [file for file in self._names.files() if file not in before]
        except OSError as error:
            self.problems[Path(error.filename)] = error.strerror or str(error)
            return False
        for file in new:
            self._add_file(file)
        return bool(new)


@dataclass(frozen=True)
class _Siblings:
    """The files of a glob or folder: what was read under one name is known under each."""

    sources: list[_Source]

    def has_open(self, file: os.stat_result) -> bool:
        return any(source.has_open(file) for source in self.sources)

    def known(self, path: Path, head: bytes) -> Iterator[Known]:
        for source in self.sources:
            if source.path != path:
                yield from source.known(head)


def _size(file: Path) -> float | None:
    with suppress(OSError):
        return math.inf if file == STDIN else file.stat().st_size
    return None


def load(
    files: Sequence[Path] | Sources,
    *,
    window: Retention = EVERYTHING,
    columns: Collection[str] = COLUMNS,
) -> Snapshot:
    """Read `files` to their current ends; options as for Reader, errors as for read_all()."""
    with closing(Reader(files, window=window, columns=columns)) as reader:
        return read_all(reader)


def read_all(reader: Reader, on_step: Callable[[], object] = lambda: None) -> Snapshot:
    """Read all files to their current ends, standard input to its end; return the records.

    `on_step` is called after each step. Raises SourceError for a file that cannot be read.
    """
    reader.read_to_end(on_step)
    while reader.wait():
        reader.read_to_end(on_step)
    for file, why in reader.problems.items():
        raise SourceError(f"{file}: {why}")
    for file in reader.waiting_for():
        raise SourceError(f"{file}: {os.strerror(2)}")
    reader.finish()
    reader.loaded()
    return reader.snapshot()
