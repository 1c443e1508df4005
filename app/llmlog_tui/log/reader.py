"""Reads the files of a log into a Store: to their ends, or on and on as they grow."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Protocol

import polars as pl

from llmlog_tui.formats import LogState
from llmlog_tui.formats.detect import head_of
from llmlog_tui.formats.registry import FORMATS
from llmlog_tui.log.compressed import SUFFIXES, CompressedFollower
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.follow import Follower, StartOffset, all_new
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.record_lines import RecordLines
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.rotation import HEAD_BYTES
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import STDIN, SourceError, Sources
from llmlog_tui.log.stdin import StdinFollower
from llmlog_tui.log.store import Snapshot, Store

_THREADS: Final = 2
_AHEAD: Final = 3
"""So many blocks are read before the first of them is waited for."""

LOOK_S: Final = 1.0
"""How often a glob or folder is looked at for new files, in seconds."""

QUIET_S: Final = 1.0
"""Seconds without new lines after which a file's unfinished records are taken as they are."""


class _Source(Protocol):
    """What is read: a Follower, or something used as one."""

    path: Path
    is_waiting: bool
    is_gone: bool

    def read(self) -> Block | None: ...
    def read_older(self) -> Block | None: ...
    def finish(self) -> Block | None: ...
    def close(self) -> None: ...
    def position(self) -> tuple[int, int]: ...
    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...
    def holds(self, file: os.stat_result) -> bool: ...
    def known(self, head: bytes) -> int | None: ...


class Reader:
    """Reads several files; belongs to the thread that calls step(), except for raw_line().

    With `newest_first` the end of each big file comes before the rest of it. Files from a glob or
    folder are one log: what was read under one name is not read again under another, and new files
    are found while reading. `window` says which records are kept, `columns` which fields: the
    others, but event and status, are null, though looked at for values of a wrong type.
    `stdin` is the descriptor that `-` stands for, if standard input was moved (see take_stdin).
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
        """Files, or folders, that cannot be read at present, and why."""
        self.taken: tuple[Path, Block, Parsed] | None = None
        """What the last step() read: the file, its lines, and the records in them."""
        self.records = 0
        """How many records were read so far."""
        self._sources: list[_Source] = []
        self._last_found = {False: 0, True: 0}  # the file of the last block, and of the last older
        self._parsers: list[FileParser] = []
        self._states: dict[str, LogState] = {}  # by format
        self._unflushed: dict[int, float] = {}  # files of other formats, and when they grew last
        self._names = files if isinstance(files, Sources) and files.may_grow else None
        self._newest_first = newest_first
        self._store = Store([], window)
        self._lines = RecordLines(self._store, self._sources, self._parsers)
        self._columns = columns
        self._stdin = stdin
        self._pool = ThreadPoolExecutor(_THREADS, "llmlog-parse")
        self._ahead = 1  # the first block, with the newest records, is not to share the processor
        self._parsing: deque[tuple[int, Block, Future[Parsed] | None]] = deque()
        self._is_ending = False
        self._looked = time.monotonic()
        for file in files.files() if isinstance(files, Sources) else files:
            self._add_file(file)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files there are; those of a glob may become more."""
        return tuple(source.path for source in self._sources)

    def step(self) -> bool:
        """Read about one block, and parse the next ones meanwhile; False if nothing is new."""
        while len(self._parsing) < self._ahead and (found := self._next_block()):
            index, block = found
            self._parse(index, block)
        if self._parsing:
            self._take()
            self._ahead = _AHEAD
            return True
        if self._has_new_files():
            return self.step()
        return self._flush_quiet()

    def catch_up(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Read all that is there now, not what busy writers go on to add; `on_step` meanwhile."""
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
            self._take()

    def loaded(self) -> None:
        """Say that what was there at the start is read: from here on it is live."""
        for index in list(self._unflushed):
            self._flush(index)
        self._store.loaded()

    def finish(self) -> None:
        """Take what stands behind the last newline too: nobody waits for its end."""
        self._is_ending = True
        self.catch_up()
        for index, source in enumerate(self._sources):
            while block := source.finish():
                self._parse(index, block)
        while self._parsing:
            self._take()
        for index, parser in enumerate(self._parsers):
            self._add_late(index, parser.finish())

    def close(self) -> None:
        """Give all descriptors and threads back."""
        self._parsing.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for source in self._sources:
            source.close()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until standard input has more, if it is read; False at its end or in vain."""
        return any(
            source.wait(timeout_s) for source in self._sources if isinstance(source, StdinFollower)
        )

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can come: only standard input is read, and it was closed."""
        pipes = [isinstance(source, StdinFollower) and source.has_ended for source in self._sources]
        return bool(pipes) and all(pipes)

    def snapshot(self) -> Snapshot:
        """All records read so far."""
        return self._store.snapshot()

    def progress(self) -> tuple[int, int]:
        """(bytes read, bytes there) over all files."""
        positions = [source.position() for source in self._sources]
        return sum(read for read, _ in positions), sum(there for _, there in positions)

    def waiting_for(self) -> list[Path]:
        """The files that are not there yet."""
        return [source.path for source in self._sources if source.is_waiting]

    def gone(self) -> list[Path]:
        """The files that were read and are there no more; of a glob or folder some may go."""
        gone = [source.path for source in self._sources if source.is_gone]
        return gone if not self._names or len(gone) == len(self._sources) else []

    @property
    def refusal(self) -> str | None:
        """What the log is, and what to do instead, if it holds no calls; None for any other."""
        if self.records:
            return None
        for source, parser in zip(self._sources, self._parsers, strict=True):
            if (known := parser.no_calls) is not None:
                return f"{source.path}: {known.name}: {getattr(known, 'hint', 'holds no calls')}"
        return None

    def raw_line(self, block: int, line: int) -> bytes | None:
        """A record's line as it stands in its file, or None if that file was replaced since."""
        return self._lines.raw(block, line)

    def record_line(self, record: Mapping[str, Any]) -> bytes | None:
        """The line of a row of the frame, as llmlog writes it, with content; None as raw_line()."""
        return self._lines.record(record)

    def record_lines(self, frame: pl.DataFrame) -> Iterator[bytes | None]:
        """The lines of a frame's rows as record_line(), but of other formats without content."""
        return self._lines.records(frame)

    def first_lines(self) -> list[int]:
        """For each block, by its index, the number of its first line in its file, from 1."""
        return self._store.first_lines()

    def _next_block(self) -> tuple[int, Block] | None:
        """The next block, of the newest ones first."""
        for index, source, is_older in self._turns():
            try:
                block = source.read_older() if is_older else source.read()
            except OSError as error:
                self.problems[source.path] = error.strerror or str(error)
                continue
            if not is_older:
                self.problems.pop(source.path, None)
            if block is not None:
                self._last_found[is_older] = index
                return index, block
        return None

    def _turns(self) -> Iterator[tuple[int, _Source, bool]]:
        for is_older in (False, True):
            first = self._last_found[is_older]  # read on there, then look at the others
            for index in (*range(first, len(self._sources)), *range(first)):
                yield index, self._sources[index], is_older

    def _parse(self, index: int, block: Block) -> None:
        work = self._parsers[index].prepare(block)
        parsing = None if work is None else self._pool.submit(work)
        self._parsing.append((index, block, parsing))

    def _take(self) -> None:
        index, block, parsing = self._parsing.popleft()
        parser = self._parsers[index]
        parsed = parser.collect(block, None if parsing is None else parsing.result())
        self.records += parsed.frame.height
        self._store.add(index, block, parsed)
        self.taken = (self._sources[index].path, block, parsed)
        if parser.has_state:
            self._unflushed[index] = time.monotonic()

    def _flush_quiet(self) -> bool:
        """Take the unfinished records of one file that is quiet; False if there are none."""
        now = time.monotonic()
        for index, grew in self._unflushed.items():
            if now - grew >= QUIET_S:
                return self._flush(index) or self._flush_quiet()
        return False

    def _flush(self, index: int) -> bool:
        del self._unflushed[index]
        return self._add_late(index, self._parsers[index].flush())

    def _add_late(self, index: int, parsed: Parsed | None) -> bool:
        """Add records of lines that were taken before; False if there are none."""
        if parsed is None:
            return False
        self.records += parsed.frame.height
        self._store.add_late(index, parsed)
        self.taken = (self._sources[index].path, Block(b"", 0, 0), parsed)
        return True

    def _add_file(self, file: Path) -> None:
        self._store.add_file(file)
        self._sources.append(self._source(file))
        self._parsers.append(FileParser(self._states, self._columns))

    def _source(self, file: Path) -> _Source:
        claim: StartOffset = self._claim if self._names else all_new
        if file == STDIN:
            return StdinFollower(self._stdin)
        if file.suffix in SUFFIXES:
            return CompressedFollower(file, claim=claim)
        return Follower(
            file,
            newest_first=self._newest_first,
            may_begin_at_end=lambda head: head_of(head, FORMATS).is_plain,
            claim=claim,
        )

    def _claim(self, file: os.stat_result, head: bytes) -> int | None:
        """From where on a file is new: what was read of it under another name is not."""
        if any(source.holds(file) for source in self._sources):
            return None
        if len(head) < HEAD_BYTES and b"\n" not in head and not self._is_ending:
            return sys.maxsize  # too little to tell: a copy that is still being made?
        known = (source.known(head) for source in self._sources)
        return max((end for end in known if end is not None), default=0)

    def _has_new_files(self) -> bool:
        """Whether the glob or folder means more files than it did; looks now and then."""
        if not self._names or self._is_ending or time.monotonic() - self._looked < LOOK_S:
            return False
        self._looked = time.monotonic()
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


def _size(file: Path) -> float | None:
    """In bytes; infinite for standard input, None if there is no such file."""
    with suppress(OSError):
        return math.inf if file == STDIN else file.stat().st_size
    return None


def load(
    files: Sequence[Path] | Sources,
    *,
    window: Retention = EVERYTHING,
    columns: Collection[str] = COLUMNS,
) -> Snapshot:
    """Everything in `files` as it stands now; options as Reader's, errors as read_all()'s."""
    with closing(Reader(files, window=window, columns=columns)) as reader:
        return read_all(reader)


def read_all(reader: Reader, on_step: Callable[[], object] = lambda: None) -> Snapshot:
    """Everything there is to read as it stands now; standard input to its end.

    `on_step` is called again and again meanwhile. Raises SourceError for a file that cannot be
    read.
    """
    reader.catch_up(on_step)
    while reader.wait():
        reader.catch_up(on_step)
    for file, why in reader.problems.items():
        raise SourceError(f"{file}: {why}")
    for file in reader.waiting_for():
        raise SourceError(f"{file}: {os.strerror(2)}")
    reader.finish()
    reader.loaded()
    return reader.snapshot()
