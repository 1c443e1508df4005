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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import polars as pl

from llmlog_tui.formats import LIVE, LOADING, LogState
from llmlog_tui.formats.detect import head_of
from llmlog_tui.formats.registry import FORMATS
from llmlog_tui.log.compressed import SUFFIXES, CompressedFollower
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.follow import Follower, StartOffset, all_new
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.open_files import OpenFiles
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.peek import peek
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

SETTLED_S: Final = 60.0
"""Seconds without new lines after which the last of them is, too: its program has ended."""


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
        self.on_records: Callable[[pl.DataFrame], object] = lambda _: None
        """Called with records as they are read: rows of store.FRAME_SCHEMA."""
        self.records = 0
        """How many records were read so far."""
        self._sources: list[_Source] = []
        self._last_found = {False: 0, True: 0}  # the file of the last block, and of the last older
        self._parsers: list[FileParser] = []
        self._states: dict[str, LogState] = {}  # by format
        self._unflushed: dict[int, _Quiet] = {}  # files with records that are not complete
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
        self._is_loading = True
        self._looked = time.monotonic()
        self._open_files = OpenFiles()
        self._order: list[int] = []  # in which files are read
        self._add_files(files.files() if isinstance(files, Sources) else files)

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
        self._is_loading = False
        for state in self._states.values():
            state.pop(LOADING, None)
        for index, parser in enumerate(self._parsers):
            if parser.has_state:
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

    def raw_lines(self, block: int) -> list[bytes] | None:
        """All lines of a block as they stand in their file, or None as raw_line()."""
        return self._lines.block(block)

    def format_of(self, file: int) -> str:
        """The name of the format that the file with this index has, or has for the most part."""
        return self._parsers[file].format

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
        for turn, index, source, is_older in self._turns():
            try:
                block = source.read_older() if is_older else source.read()
            except OSError as error:
                self.problems[source.path] = error.strerror or str(error)
                continue
            if not is_older:
                self.problems.pop(source.path, None)
            self._open_files.read(source, has_more=block is not None)
            if block is not None:
                self._last_found[is_older] = turn
                return index, self._in_place(index, block)
        return None

    def _turns(self) -> Iterator[tuple[int, int, _Source, bool]]:
        for is_older in (False, True):
            first = self._last_found[is_older]  # read on there, then look at the others
            for turn in (*range(first, len(self._sources)), *range(first)):
                index = self._order[turn]
                yield turn, index, self._sources[index], is_older

    def _in_place(self, index: int, block: Block) -> Block:
        """A block of an older file than the one that is read first stands in front of it."""
        is_older = self._newest_first and self._is_loading and index != self._order[0]
        return replace(block, older=True) if is_older else block

    def _parse(self, index: int, block: Block) -> None:
        work = self._parsers[index].prepare(block)
        parsing = None if work is None else self._pool.submit(work)
        self._parsing.append((index, block, parsing))

    def _take(self) -> None:
        index, block, parsing = self._parsing.popleft()
        parser = self._parsers[index]
        parsed = parser.collect(block, None if parsing is None else parsing.result())
        self.records += parsed.frame.height
        self.on_records(self._store.add(index, block, parsed))
        if parser.has_state:
            self._unflushed[index] = _Quiet(time.monotonic(), QUIET_S)

    def _flush_quiet(self) -> bool:
        """Take unfinished records of a file that is quiet; False if there are none."""
        if self._is_loading:
            return False
        now = time.monotonic()
        due = [index for index, quiet in self._unflushed.items() if now - quiet.since >= quiet.due]
        return any(self._flush(index) for index in due)

    def _flush(self, index: int) -> bool:
        """Take the unfinished records of a file: all but the last of one that is still in use."""
        quiet = self._unflushed.pop(index, None)
        is_live = not self._is_ending and quiet is not None and quiet.due < SETTLED_S
        for state in self._states.values():
            state[LIVE] = is_live
        if is_live and quiet is not None:
            self._unflushed[index] = _Quiet(quiet.since, SETTLED_S)
        return self._add_late(index, self._parsers[index].flush())

    def _add_late(self, index: int, parsed: Parsed | None) -> bool:
        """Add records of lines that were taken before; False if there are none."""
        if parsed is None:
            return False
        self.records += parsed.frame.height
        self.on_records(self._store.add_late(index, parsed))
        return True

    def _add_files(self, files: Sequence[Path]) -> None:
        """Begin to read these files too, in their order or the newest of them first."""
        if self._names or len(files) > 1:
            peek(files, self._states)
        first = len(self._sources)
        for file in files:
            self._store.add_file(file)
            self._sources.append(self._source(file))
            self._parsers.append(FileParser(self._states, self._columns))
        new = list(range(first, len(self._sources)))
        if self._newest_first and self._is_loading:
            new.sort(key=lambda index: -_changed(self._sources[index].path))
        self._order += new

    def _source(self, file: Path) -> _Source:
        claim: StartOffset = partial(self._claim, len(self._sources)) if self._names else all_new
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

    def _claim(self, index: int, file: os.stat_result, head: bytes) -> int | None:
        """From where on a file is new: what was read of it under another name is not."""
        others = list(self._open_files.like(file, head))
        if any(source.holds(file) for source in others):
            return None
        if len(head) < HEAD_BYTES and b"\n" not in head and not self._is_ending:
            return sys.maxsize  # too little to tell: a copy that is still being made?
        known = (source.known(head) for source in others)
        self._open_files.opened(self._sources[index])
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
        self._add_files(new)
        return bool(new)


class _Quiet(NamedTuple):
    """Since when a file is quiet, and after how many seconds its records are taken."""

    since: float
    due: float


def _changed(file: Path) -> float:
    """When a file was written to, in seconds since 1970; the first of all if it is not there."""
    with suppress(OSError):
        return file.stat().st_mtime
    return math.inf


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
