"""Read a window of a ClickHouse table as lines, and follow its inserts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.clickhouse.errors import ClickHouseError, ServerGoneError
from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.log.line_source import LineSource
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.page_spool import PageSpool
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import url_of
from llmlog_tui.log.table_queries import EARLIEST, MANY, Insertion, Place, TableQueries

DEFAULT_WINDOW: Final = Retention(records=100_000)
"""The window of a table where none is given."""

POLL_S: Final = 0.5
"""Seconds between two queries for new rows."""

OVERLAP_S: Final = 10.0
"""Seconds in which inserts may become visible out of order."""

COUNT_S: Final = 60.0
"""Seconds between two counts of the table's rows."""

_BACKOFF_S: Final = (0.5, 15.0)
"""Seconds until a failed query is repeated: at first, and at most."""

_FIRST_ROWS: Final = 2_000
"""Rows of the first page: they are on screen before the others are read."""

_MAX_ROWS: Final = 50_000
_PAGE_BYTES: Final = 8 * 2**20
"""Bytes of lines per page, the size of a read of a file."""

_KEY_ROWS: Final = 100_000
"""Rows per query for the keys of new rows alone."""

_MAX_KEYS: Final = 2**17
"""Maximum keys that are kept, to drop copies that a shipper sent twice."""

_MAX_WITH_ID: Final = 200_000
"""Maximum rows before the window with an id that is looked up."""

_START: Final = Insertion(0, 0)


class Clock(NamedTuple):
    """A moment, by two clocks: one stops while a machine sleeps, one may be set."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Clock:
        return cls(time.monotonic(), time.time())

    def elapsed_s(self) -> float:
        now = Clock.now()
        return max(now.monotonic - self.monotonic, now.wall - self.wall)


@dataclass
class _Scan:
    """A scan for new rows, which may take several polls."""

    began: Clock
    after: Insertion = _START
    keys: set[int] = field(default_factory=set)
    new: list[Insertion] = field(default_factory=list)
    """Rows whose lines are still to be read."""
    has_all: bool = False


class TableSource(LineSource):
    """Reads one table; same interface as Follower, but its newest lines come first.

    The order is that of `ts`, then `step`. Rows inserted later come as they arrive, found by their
    time of insertion, so that none is missed for being late. Records with one of `ids`, or else
    with an id that begins with one, are read from before the window, too. Lines are
    spooled, to be read again. A query that fails is repeated after a pause; until it succeeds its
    OSError is raised.
    """

    def __init__(self, path: Path, window: Retention = EVERYTHING, ids: Sequence[str] = ()) -> None:
        self.path = path
        self.is_waiting = True
        self.is_gone = False
        self.is_loaded = False
        """Whether the whole window was read."""
        self._queries = TableQueries(TableUrl.of(url_of(path) or ""))
        self._window = DEFAULT_WINDOW if window == EVERYTHING else window
        self._ids = ids
        self._first = EARLIEST  # time of the first record in the window
        self._with_keys: set[int] = set()  # rows before the window that were read
        self._with_ids = pl.DataFrame()  # rows before the window that are still to be read
        self._spool = PageSpool()
        self._rows = 0  # in the spool
        self._is_cancelled = self._is_fetching = False
        self._problem = ""
        self._retry_s, self._due = 0.0, 0.0
        self._counted = -COUNT_S
        self._there = 0  # rows of the whole table
        self._fetched = 0  # rows of it
        # Of the window
        self._left = 0  # rows to read
        self._before: Place | None = None  # place of the first row of the newest page
        self._after = Place(EARLIEST, 0, 0)  # place of the last row before it so far
        # Of new rows
        self._since = Clock.now()  # start of the last scan that was completed
        self._scan: _Scan | None = None
        self._seen: set[int] = set()  # keys of that scan
        self._recent: dict[int, None] = {}

    @property
    def rows_outside(self) -> int:
        """Number of rows in the table that are not in the window."""
        return max(0, self._there - self._fetched)

    # -- lines

    def read(self) -> Block | None:
        """Return the newest page, then lines that were inserted since.

        None while the rest of the window is being read.
        """
        has_begun = self._before is not None or self.is_loaded
        if (has_begun and not self.is_loaded) or not self._is_due():
            return None
        with self._attempt():
            self._count()
            lines = self._inserted() if has_begun else self._begin()
        if has_begun and self._scan is None:
            self._due = time.monotonic() + POLL_S
        return self._block(lines, older=False)

    def read_older(self) -> Block | None:
        """Return the next page of the window, from its beginning up to the newest page."""
        while self._before is not None and not self.is_loaded and self._is_due():
            with self._attempt():
                lines = self._older(self._before)
            if lines:
                return self._block(lines, older=True)
        return None

    def finish(self) -> Block | None:
        return None

    def cancel(self) -> None:
        """End the running query, from any thread; nothing is read afterwards."""
        self._is_cancelled = True
        self._queries.cancel()

    def close(self) -> None:
        self._queries.close()
        self._spool.close()

    def position(self) -> tuple[int, int]:
        """Return bytes read, and bytes of the whole window as estimated from them."""
        read = self._spool.bytes
        return read, read + (self._left * read // self._rows if self._rows else self._left)

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        del generation  # there is one
        return self._spool.read(offset, length)

    # -- the window

    def _begin(self) -> list[bytes]:
        """Return the lines of the newest page, and note which rows there are."""
        self._count()
        self._since, self._seen = Clock.now(), set()
        after = _START
        while rows := self._queries.inserted(_milliseconds(OVERLAP_S), after, _KEY_ROWS):
            self._seen.update(row.key for row in rows)
            after = rows[-1]
        oldest = self._first = self._queries.oldest(self._window)
        if self._ids:
            self._with_ids = self._rows_with(self._ids)
        there = self._queries.count(oldest)
        page = self._queries.newest_rows(oldest, _FIRST_ROWS)
        self._left = there - page.height
        self._fetched += page.height
        self._after = Place(oldest, -MANY, 0)
        self._before = _place(page, 0)
        self.is_loaded = page.height < _FIRST_ROWS and not self._with_ids.height
        return self._new_lines(page)

    def fetch(self, wanted: Sequence[str]) -> Block | None:
        """Return the lines before the window with one of these ids.

        Without any, those with an id that begins with one. Raises OSError.
        """
        if self._is_cancelled or not self.is_loaded:
            return None
        self._is_fetching = True
        try:
            page = self._rows_with(wanted)
        except ClickHouseError as error:
            raise OSError(str(error)) from error
        finally:
            self._is_fetching = False
        self._fetched += page.height
        return self._block(self._new_lines(page), older=True)

    def cancel_fetch(self) -> None:
        """End the query of fetch(), from another thread."""
        if self._is_fetching:
            self._queries.cancel()

    def _rows_with(self, ids: Sequence[str]) -> pl.DataFrame:
        """Return the rows before the window with an id that were not read yet."""
        found = self._queries.with_ids(ids, self._first, _MAX_WITH_ID)
        if found.height >= _MAX_WITH_ID:
            raise ClickHouseError(f"{_MAX_WITH_ID:,} records or more have this id")
        new = found.filter(~pl.col("key").is_in(self._with_keys))
        self._with_keys.update(new["key"])
        return new

    def _older(self, before: Place) -> list[bytes]:
        """Return the lines of the first page that is still to be read, in order."""
        if self._with_ids.height:
            page, self._with_ids = self._with_ids, pl.DataFrame()
            self._fetched += page.height
            return self._new_lines(page)
        rows = self._page_rows()
        page = self._queries.between(self._after, before, rows)
        self._left = max(0, self._left - page.height)
        self._fetched += page.height
        if page.height < rows:
            self.is_loaded, self._left = True, 0
        self._after = _place(page, -1) or self._after
        return self._new_lines(page)

    def _count(self) -> None:
        if time.monotonic() - self._counted >= COUNT_S:
            self._there = self._queries.count()
            self._counted = time.monotonic()

    # -- new rows

    def _inserted(self) -> list[bytes]:
        """Return the next lines that the current scan finds, in order."""
        scan = self._scan = self._scan or _Scan(Clock.now())
        if not scan.new and not scan.has_all:
            self._find_keys(scan)
        rows = self._page_rows()
        chunk, scan.new = scan.new[:rows], scan.new[rows:]
        lines: list[bytes] = []
        if chunk:
            page = self._queries.lines(chunk[0], chunk[-1])
            self._there += len(chunk)
            self._fetched += len(chunk)
            wanted = {row.key for row in chunk}
            lines = self._new_lines(page.filter(pl.col("key").is_in(wanted)))
        if scan.has_all and not scan.new:
            self._since, self._seen, self._scan = scan.began, scan.keys, None
        return lines

    def _find_keys(self, scan: _Scan) -> None:
        back = _milliseconds(self._since.elapsed_s() + OVERLAP_S)
        rows = self._queries.inserted(back, scan.after, _KEY_ROWS)
        scan.keys.update(row.key for row in rows)
        known = (self._seen, self._recent)
        scan.new = [row for row in rows if not any(row.key in keys for keys in known)]
        scan.has_all = len(rows) < _KEY_ROWS
        scan.after = rows[-1] if rows else scan.after

    # -- pages

    def _page_rows(self) -> int:
        """Return how many rows make a page of the usual size."""
        if not self._rows:
            return _FIRST_ROWS
        return max(1, min(_MAX_ROWS, _PAGE_BYTES * self._rows // max(1, self._spool.bytes)))

    def _new_lines(self, page: pl.DataFrame) -> list[bytes]:
        """Return the lines of a page, without copies of those before."""
        lines = []
        # A user whose profile is read-only cannot ask for bytes.
        for key, line in page.select("key", pl.col("line").cast(pl.Binary)).iter_rows():
            if key not in self._recent:
                self._recent[key] = None
                # A line break between two members of JSON means nothing.
                lines.append(line.replace(b"\n", b" "))
        while len(self._recent) > _MAX_KEYS:
            del self._recent[next(iter(self._recent))]
        return lines

    def _block(self, lines: Sequence[bytes], *, older: bool) -> Block | None:
        if not lines:
            return None
        self._rows += len(lines)
        data = b"\n".join([*lines, b""])
        return Block(data, self._spool.add(data, older=older), 0, older=older)

    # -- failures

    def _is_due(self) -> bool:
        """Return whether a query may be sent; raise the last error until then."""
        if self._is_cancelled:
            return False
        if time.monotonic() >= self._due:
            return True
        if self._problem:
            raise OSError(self._problem)
        return False

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """Send queries; raises OSError, and plans the next attempt, if one fails."""
        try:
            yield
        except ClickHouseError as error:
            shortest, longest = _BACKOFF_S
            self._retry_s = min(longest, max(shortest, 2 * self._retry_s))
            self._due = time.monotonic() + self._retry_s
            self._problem, self._scan = str(error), None
            self.is_waiting = isinstance(error, ServerGoneError)
            raise OSError(self._problem) from error
        self._problem, self._retry_s, self.is_waiting = "", 0.0, False


def _place(page: pl.DataFrame, index: int) -> Place | None:
    """Return the place of a row of a page; None without rows."""
    return Place(*page.select("at", "step_", "key").row(index)) if page.height else None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)
