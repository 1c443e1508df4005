"""Read the files of a log into a Store, once or continuously."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from llmlog_tui.formats import LogState
from llmlog_tui.formats.shared_state import LIVE, LOADING
from llmlog_tui.log import parse_cache
from llmlog_tui.log.archive_part import is_big
from llmlog_tui.log.fetching import Fetched, fetch
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.follow import BLOCK_BYTES
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.log_scan import LogScan
from llmlog_tui.log.new_files import NewFiles
from llmlog_tui.log.open_sources import OpenSources, SourceOptions
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.parse_cache import ParseCache
from llmlog_tui.log.peek import peek
from llmlog_tui.log.process_memory import keep_freed_memory, return_memory
from llmlog_tui.log.reading_order import Turn, forks_of_newest, size_of
from llmlog_tui.log.record_lines import LineForm, RecordLines
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import STDIN, Sources, url_of
from llmlog_tui.log.store import Snapshot, Store
from llmlog_tui.log.table_source import DEFAULT_WINDOW

_LAST_RECORD: Final = Retention(records=1)
_THREADS: Final = 2
_AHEAD: Final = 3
"""Maximum blocks in the parser threads at once."""

MANY_FILES: Final = 64
"""Files of which all beginnings are looked at only after the newest file was read."""

QUIET_S: Final = 1.0
"""Seconds without new lines after which a file's incomplete records are taken."""

SETTLED_S: Final = 60.0
"""Seconds without new lines after which even its last record is: its program has ended."""


class Reader:
    """Reads several files; owned by the thread that calls step(), except for lines().

    With `newest_first` the end of each big file is read before the rest of it. Files of a glob or
    folder are one log: data read under one name is not read again under another, and new files are
    found while reading. `window` selects the records to keep, `columns` the fields: others, except
    event and status, are null, and values of a wrong type are not counted in them. `stdin` is the
    descriptor of `-`, if standard input was moved (see detach_stdin). Big files are parsed
    by `cache`. With `is_stream` records are for on_records only, in order, and only the last one is
    kept. Of a table, DEFAULT_WINDOW is kept where no window is given, and with
    `ids` the records before it that have one of these (see TableSource and ArchiveParts).
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        files: Sequence[Path] | Sources,
        *,
        newest_first: bool = False,
        window: Retention = EVERYTHING,
        columns: Collection[str] = COLUMNS,
        stdin: int | None = None,
        cache: ParseCache | None = None,
        ids: Sequence[str] = (),
        is_stream: bool = False,
    ) -> None:
        self.problems: dict[Path, str] = {}
        """Files and folders that cannot be read at present, and the reason."""
        self.on_records: Callable[[pl.DataFrame], object] | None = None
        """Called with the records of each block as they are read (see store.FRAME_SCHEMA)."""
        self._new_files = None
        if isinstance(files, Sources) and files.may_grow:
            self._new_files = NewFiles(files, self.problems)
        self._newest_first = newest_first
        self._window = window
        self._columns = columns
        self._stdin = stdin
        self._cache = cache
        self.is_stream = is_stream
        # Parsing releases the GIL, so that reading and parsing overlap.
        self._pool = ThreadPoolExecutor(_THREADS, "llmlog-parse")
        self._ahead = 1  # the first block, with the newest records, gets the processor to itself
        self._parsing: deque[tuple[int, Block, Future[Parsed] | None]] = deque()
        self._is_ending = False
        self._is_loading = True
        self._has_peeked = not newest_first  # at the beginnings of all files
        found = files.files() if isinstance(files, Sources) else files
        has_tables = any(map(url_of, found))
        self._ids = ids if ids and (has_tables or is_big(found)) else ()
        if window == EVERYTHING and has_tables:
            self._window = DEFAULT_WINDOW
        self._begin(found)

    def _begin(self, files: Sequence[Path]) -> None:
        """Begin to read, or begin again, with nothing read so far."""
        self.records = 0
        """Number of records read so far."""
        self._sources = OpenSources(
            SourceOptions(
                self._newest_first,
                self._window,
                self._columns,
                self._stdin,
                self._ids,
                self._new_files is not None,
                self.is_stream,
            ),
            self.problems,
        )
        self._parsers: list[FileParser] = []
        self._states: dict[str, LogState] = {}  # by format
        self._incomplete: dict[int, _Quiet] = {}  # files with records that may be incomplete
        self._forks: list[int] = []  # of the newest file, and itself, until all were read
        self._newest_begins: Hashable | None = None
        # What comes from before the window is not to be dropped for being too old.
        window = EVERYTHING if self._ids else self._window
        self._store = Store([], _LAST_RECORD if self.is_stream else window)
        self._lines = RecordLines(self._store, self._sources.opened, self._parsers)
        self._add_files(files)

    @property
    def files(self) -> tuple[Path, ...]:
        """The current files; a glob may match more later."""
        return tuple(source.path for source in self._sources.opened)

    def step(self) -> bool:
        """Read one block, and parse the next ones meanwhile; False if nothing is new."""
        while len(self._parsing) < self._ahead and (found := self._next_block()):
            index, block = found
            self._parse(index, block)
        if self._parsing:
            self._collect()
            self._ahead = _AHEAD
            if self._forks:
                self._release_forks()
            return True
        return self.step() if self._has_new_files() else self._flush_quiet()

    def read_news(self) -> bool:
        """Read the new lines of each file, once; False if there are none.

        With step() after step(), lines that keep coming would be parsed one by one.
        """
        has_news = False
        for turn in list(self._sources.turns()):
            if (found := self._poll((turn,))) is not None:
                index, block = found
                self._add(index, block, self._parsed(index, block))
                has_news = True
        has_news |= self._has_new_files()
        return self._flush_quiet() or has_news

    def read_to_end(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Read up to the current ends of all files; call `on_step` after each step."""
        self._peek_at_others()
        unread = deque((source, size_of(source.path)) for source in self._sources.opened)
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
        self._peek_at_others()
        self._is_loading = False
        for state in self._states.values():
            state.pop(LOADING, None)
        for index, parser in enumerate(self._parsers):
            if parser.has_state:
                self._flush(index)
        self._store.loaded()
        return_memory()

    def finish(self) -> None:
        """Read the data after the last newlines too, and stop following."""
        self._is_ending = True
        self.read_to_end()
        for index, source in enumerate(self._sources.opened):
            while block := source.finish():
                self._parse(index, block)
        while self._parsing:
            self._collect()
        for index, parser in enumerate(self._parsers):
            self._add_late(index, parser.finish())

    def close(self) -> None:
        self._parsing.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._cache is not None:
            self._cache.close()
        self._sources.close()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for data on standard input; False at its end or the timeout."""
        return any(pipe.wait(timeout_s) for pipe in self._sources.pipes())

    @property
    def has_ended(self) -> bool:
        """Whether only standard input is read, and it was closed."""
        pipes = [pipe.has_ended for pipe in self._sources.pipes()]
        return 0 < len(pipes) == len(self._sources.opened) and all(pipes)

    @property
    def awaits_server(self) -> bool:
        """Whether the window of a table has not been read completely."""
        return any(not table.is_loaded for table in self._sources.tables())

    @property
    def has_unread(self) -> bool:
        """Whether the file that was read last has more lines."""
        return self._sources.has_unread

    @property
    def rows_outside(self) -> int:
        """Number of records outside the window, if tables or archives are read."""
        dropped = 0 if self.is_stream else self._store.dropped
        return self._sources.rows_outside + dropped if self._sources.are_lazy else 0

    @property
    def records_passed_over(self) -> int:
        """Number of records in archives that were not read: these are outside the window."""
        return self._sources.records_passed_over

    def cancel(self) -> None:
        """End queries of tables, from any thread; they are not read any more."""
        for table in self._sources.tables():
            table.cancel()

    def fetch(self, wanted: str, before: int | None = None) -> Iterator[Fetched]:
        """Look up an id outside the window, and put its records in front.

        With `before`, it is a trace whose steps before that one are counted. Yields progress, of
        which any thread may take the next if no other reads meanwhile. Raises SourceError.
        """
        return fetch(self._sources, wanted, self._add_fetched, self._store.rows_of, before)

    def cancel_fetch(self) -> None:
        """End the query of fetch(), from another thread."""
        for table in self._sources.tables():
            table.cancel_fetch()

    def _add_fetched(self, index: int, block: Block) -> pl.DataFrame:
        """Add records that are put in front of all others; return them."""
        parsed = self._parsers[index].collect(block, self._parsed(index, block))
        self.records += parsed.frame.height
        return self._store.add(index, block, parsed, is_fetched=True)

    def _parsed(self, index: int, block: Block) -> Parsed | None:
        work = self._parsers[index].prepare(block)
        return None if work is None else work()

    def snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def progress(self) -> tuple[int, int]:
        """Return the bytes read and the bytes there are."""
        return self._sources.progress()

    def waiting_for(self) -> list[Path]:
        """Return the files that do not exist yet."""
        return self._sources.waiting_for()

    def gone(self) -> list[Path]:
        """Return the files that were deleted; of a glob or folder, only if all were."""
        gone = [source.path for source in self._sources.opened if source.is_gone]
        return gone if self._new_files is None or len(gone) == len(self._sources.opened) else []

    def lines(
        self, records: pl.DataFrame, form: LineForm = LineForm.AS_WRITTEN
    ) -> Iterator[bytes | None]:
        """Yield the line of each record; None if its file was replaced since.

        Of the frame's columns AS_WRITTEN needs `block` and `line` only. Any thread may ask.
        """
        return self._lines.lines(records, form)

    def is_converted(self, block: int) -> bool:
        """Return whether records of a block differ from their lines."""
        return self._store.is_converted(block)

    def line_numbers(self, records: pl.DataFrame) -> pl.Series:
        """Return the number of each record's line in its file, from 1."""
        first = pl.Series(self._store.first_lines(), dtype=pl.Int64)
        return first.gather(records["block"]) + records["line"].cast(pl.Int64)

    def scan(self, pattern: str, frame: Callable[[], pl.DataFrame]) -> LogScan:
        """Return a scan of all lines that were read, to be run in another thread.

        `frame` returns the newest records that are on screen.
        """
        return LogScan(self._store, self._sources.opened, self._lines, pattern, frame)

    def evicted(self, block: int, line: int) -> list[bytes]:
        """Return the evicted records of a line, content included."""
        return self._lines.evicted(block, line)

    def known_fields(self, record: Mapping[str, Any]) -> bytes:
        """Return a line of the fields in a row, if its file was replaced."""
        return self._lines.known_fields(record)

    def format_of(self, file: int) -> str:
        """Return the name of the format that most of the file with this index has."""
        return self._parsers[file].format

    @property
    def refusal(self) -> str | None:
        """Format and alternative of a log without records, if other tools wrote it."""
        if self.records:
            return None
        for source, parser in zip(self._sources.opened, self._parsers, strict=True):
            if refusal := parser.refusal:
                return f"{source.path}: {refusal}"
        return None

    def _next_block(self) -> tuple[int, Block] | None:
        if not self._has_peeked:
            # The newest file is shown before the beginnings of thousands of others are read.
            if self._ahead == 1 and (found := self._poll((self._sources.first_turn(),))):
                return found
            self._peek_at_others()
        return self._poll(self._sources.turns())

    def _poll(self, turns: Iterable[Turn]) -> tuple[int, Block] | None:
        """Return the next block of the first file that has one, and the file's index."""
        found = self._sources.poll(turns)
        return found and (found[0], self._placed(*found))

    def _peek_at_others(self) -> None:
        """Look at how all files begin; begin again if the newest has lines of another."""
        if self._has_peeked:
            return
        self._has_peeked = True
        others = peek(self._sources.in_order()[1:], self._states)
        if self._ahead > 1 and self._newest_begins is not None and self._newest_begins in others:
            self._sources.close()
            self._begin(self.files)

    def _placed(self, index: int, block: Block) -> Block:
        """Return a block, marked older unless it belongs to the newest file.

        The newest file is read first.
        """
        is_older = self._newest_first and self._is_loading and index != self._sources.order[0]
        return replace(block, older=True) if is_older else block

    def _parse(self, index: int, block: Block) -> None:
        work = self._parsers[index].prepare(block)
        parsing = None if work is None else self._pool.submit(work)
        self._parsing.append((index, block, parsing))

    def _collect(self) -> None:
        index, block, parsing = self._parsing.popleft()
        self._add(index, block, None if parsing is None else parsing.result())

    def _add(self, index: int, block: Block, result: Parsed | None) -> None:
        """Add the records of a file's next block; `result` is that of its parser's work."""
        parser = self._parsers[index]
        parsed = parser.collect(block, result)
        self.records += parsed.frame.height
        frame = self._store.add(index, block, parsed)
        if self.on_records is not None:
            with self._lines.at_hand(index, block, parsed.lines):
                self.on_records(frame)
        if parser.has_state:
            self._incomplete[index] = _Quiet(time.monotonic(), QUIET_S)

    def _release_forks(self) -> None:
        """Take the records of the newest file's forks once all were read."""
        parsing = {index for index, _, _ in self._parsing}
        if parsing.intersection(self._forks) or not self._sources.were_read(self._forks):
            return
        forks, self._forks = self._forks, []
        for state in self._states.values():
            state.pop(LOADING, None)
        for index in forks:
            quiet = self._incomplete.get(index)
            self._flush(index)
            if quiet is not None:
                self._incomplete[index] = quiet
        for state in self._states.values():
            state[LOADING] = True

    def _flush_quiet(self) -> bool:
        """Take the incomplete records of a quiet file; False if there are none."""
        if self._is_loading:
            return False
        now = time.monotonic()
        due = [each for each, quiet in self._incomplete.items() if now - quiet.since >= quiet.due_s]
        return any(self._flush(index) for index in due)

    def _flush(self, index: int) -> bool:
        """Take a file's incomplete records, except the last one of a running program."""
        quiet = self._incomplete.pop(index, None)
        is_live = not self._is_ending and quiet is not None and quiet.due_s < SETTLED_S
        for state in self._states.values():
            state[LIVE] = is_live
        if is_live and quiet is not None:
            self._incomplete[index] = _Quiet(quiet.since, SETTLED_S)
        return self._add_late(index, self._parsers[index].flush())

    def _add_late(self, index: int, parsed: Parsed | None) -> bool:
        """Add records of lines that were collected before; False if there are none."""
        if parsed is None:
            return False
        self.records += parsed.frame.height
        frame = self._store.add_late(index, parsed)
        if self.on_records is not None:
            self.on_records(frame)
        return True

    def _add_files(self, files: Sequence[Path]) -> None:
        """Start to read files, with newest_first the newest of them first."""
        is_first = not self._sources.opened
        sizes = self._sources.add(files, by_age=self._newest_first and self._is_loading)
        if max(sizes, default=0) > BLOCK_BYTES:
            keep_freed_memory()
        for file, size in zip(files, sizes, strict=True):
            self._store.add_file(file)
            stat_of = self._sources.stat_of(len(self._parsers))
            cache = self._cache if size >= parse_cache.MIN_FILE_BYTES else None
            of_file = None if cache is None else cache.of_file(stat_of)
            parser = FileParser(self._states, self._columns, cache=of_file)
            if of_file is not None:
                self._sources.recall_from(len(self._parsers), parser.recall)
            self._parsers.append(parser)
        if self._new_files or len(files) > 1:
            self._has_peeked |= len(files) < MANY_FILES or STDIN in files
            begins = peek(files if self._has_peeked else self._sources.in_order()[:1], self._states)
            if self._newest_first and is_first and files:
                self._note_forks(begins)
        else:
            self._has_peeked = True

    def _note_forks(self, begins: list[Hashable | None]) -> None:
        """Read the newest file's forks after it; their records come once all are read."""
        order = self._sources.order
        self._newest_begins = begins[order[0] if self._has_peeked else 0]
        if self._has_peeked:
            self._forks = forks_of_newest(order, begins)
            self._sources.read_first(self._forks)

    def _has_new_files(self) -> bool:
        """Add the new files of a glob or folder; False if there are none."""
        if self._new_files is None or self._is_ending:
            return False
        new = self._new_files.scan(lambda: self.files)
        if new:
            self._add_files(new)
        return bool(new)


class _Quiet(NamedTuple):
    """Start of a file's silence, and seconds until its records are taken."""

    since: float
    due_s: float
