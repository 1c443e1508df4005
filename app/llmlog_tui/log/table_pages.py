"""Read the window of a ClickHouse table by time, page after page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import polars as pl

from llmlog_tui.clickhouse.errors import ClickHouseError
from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.schema import ALWAYS, COLUMNS, nulls
from llmlog_tui.log.table_queries import HOUR, MANY, NO_STARTS, Condition, Place, TableQueries

_PAGE_ROWS: Final = 100_000
"""Rows per page of columns."""

_FIRST_LINES: Final = 2_000
"""Lines of the first page; their mean size determines the lines of the next."""

_MAX_LINES: Final = 50_000
_PAGE_BYTES: Final = 8 * 2**20
"""Bytes per page of lines, the size of a read of a file."""

_UNUSABLE: Final = frozenset({43, 47, 53, 70})
"""Codes of queries for a column that is missing, or of another type."""

_EPOCH: Final = 0
"""Time of a record without one, in µs."""


class TablePages:
    """The rows of a table's window by ts, then step, without copies.

    A page is read between two places and within some hours, so that the server sorts few rows.
    Raises ClickHouseError; only cancel() is for other threads.
    """

    def __init__(self, url: TableUrl, window: Retention) -> None:
        self.rows = 0
        """Number of rows in the window."""
        self._queries = TableQueries(url)
        self._window = window

    def cancel(self) -> None:
        """End the running query."""
        self._queries.cancel()

    def close(self) -> None:
        self._queries.close()

    def total(self) -> int:
        """Return the number of rows in the table."""
        return self._queries.count()

    def has(self, columns: Collection[str]) -> bool:
        """Return whether the table has these columns, with values that fit."""
        try:
            page = self._queries.after(Place(0, 0, 0), -1, 0, _names(columns))
        except ClickHouseError as error:
            if error.code in _UNUSABLE:
                return False
            raise
        types = page.schema.items()
        return all(_fits(dtype, COLUMNS[name]) for name, dtype in types if name in COLUMNS)

    def frames(self, columns: Collection[str], condition: Condition) -> Iterator[pl.DataFrame]:
        """Yield records that fulfil a condition, with schema.COLUMNS; only some have values."""
        names = _names(columns)
        condition = condition.but(NO_STARTS)
        place = self._begin()
        for end in self._ends(place.at):
            rows = _PAGE_ROWS
            while rows == _PAGE_ROWS:
                page = self._queries.after(place, end, _PAGE_ROWS, names, condition)
                place, rows = _last(page) or place, page.height
                if rows:
                    yield _typed(_distinct(page))

    def lines(self) -> Iterator[Sequence[bytes]]:
        """Yield the lines of the window."""
        place, wanted = self._begin(), _FIRST_LINES
        for end in self._ends(place.at):
            rows = limit = wanted
            while rows == limit:
                limit = wanted
                page = self._queries.after(place, end, limit, ("line",))
                place, rows = _last(page) or place, page.height
                if rows:
                    # A user whose profile is read-only cannot ask for bytes.
                    lines = _distinct(page)["line"].cast(pl.Binary)
                    size = max(1, int(lines.bin.size().sum()))
                    wanted = max(1, min(_MAX_LINES, _PAGE_BYTES * lines.len() // size))
                    yield lines.to_list()

    def _begin(self) -> Place:
        """Return the place that is before the window."""
        oldest, most = self._queries.oldest(self._window), self._window.records
        rows = self._queries.count(oldest)
        self.rows = rows if most is None else min(rows, most)
        before = None
        if most is not None and rows > most:  # several have the time of the oldest
            extra = self._queries.count_distinct(oldest) - most
            before = self._queries.place(oldest, extra - 1) if extra > 0 else None
        return before or Place(oldest, -MANY, 0)

    def _ends(self, oldest: int) -> Iterator[int]:
        """Yield the ends, in µs, of hours that together have about a page of rows."""
        rows = end = 0
        for hour, count in self._queries.hours(oldest):
            if rows and rows + count > _PAGE_ROWS:
                yield end
                rows = 0
            rows += count
            end = (hour + 1) * HOUR - 1
        if rows:
            yield end


def _names(columns: Collection[str]) -> list[str]:
    return [name for name in COLUMNS if name in ALWAYS.union(columns) and name != "ts"]


def _last(page: pl.DataFrame) -> Place | None:
    """Return the place of a page's last row; None without rows."""
    return Place(*page.select("at", "step_", "key").row(-1)) if page.height else None


def _distinct(page: pl.DataFrame) -> pl.DataFrame:
    # Copies have the same place, so they are on one page.
    return page.unique("key", keep="first", maintain_order=True)


def _fits(dtype: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether any value of a table's column can be cast."""
    if wanted.is_numeric():
        return dtype.is_numeric()
    if wanted in (pl.Categorical(), pl.String()):
        return dtype in (pl.String(), pl.Binary())
    return dtype == wanted


def _typed(page: pl.DataFrame) -> pl.DataFrame:
    """Return a page with the columns of a log, in their types."""
    at = pl.col("at")
    names = [name for name in page.columns if name in COLUMNS]
    texts = page.with_columns(pl.col(pl.Binary).cast(pl.String, strict=False))
    known = texts.select(
        pl.when(at != _EPOCH).then(at).cast(COLUMNS["ts"]).alias("ts"),
        *(pl.col(name).cast(COLUMNS[name], strict=False) for name in names),
    )
    return pl.DataFrame(
        [known[name] if name in known.columns else nulls(name, page.height) for name in COLUMNS]
    )
