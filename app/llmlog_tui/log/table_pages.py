"""Read the window of a ClickHouse table by time, page after page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.errors import ClickHouseError
from llmlog_tui.clickhouse.url import Login, TableUrl, quoted
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.schema import ALWAYS, COLUMNS, nulls
from llmlog_tui.log.table_queries import HOUR, MANY, Place, TableQueries, ordered_rows

_PAGE_ROWS: Final = 100_000
"""Rows per page."""

_UNUSABLE: Final = frozenset({43, 47, 53, 70})
"""Codes of queries for a column that is missing, or of another type."""

_EPOCH: Final = 0
"""Time of a record without one, in µs."""


@dataclass(frozen=True)
class Condition:
    """A predicate of rows in ClickHouse's SQL; its values are parameters."""

    sql: str = "1"
    values: Mapping[str, object] = field(default_factory=dict)


class TablePages:
    """The records of a table's window by ts, then step, as columns, without copies.

    A page is read between two places and within some hours, so that the server sorts few rows.
    Raises ClickHouseError.
    """

    def __init__(self, url: TableUrl, window: Retention) -> None:
        self.rows = 0
        """Number of rows in the window."""
        self._queries = TableQueries(url)
        self._window = window
        self._client = Client(url, Login.to(url))
        self._table = url.quoted

    def close(self) -> None:
        self._queries.close()
        self._client.close()

    def total(self) -> int:
        """Return the number of rows in the table."""
        return self._queries.count()

    def has(self, columns: Collection[str]) -> bool:
        """Return whether the table has these columns, with values that fit."""
        try:
            page = self._page(columns, Condition(), Place(0, 0, 0), -1, 0)
        except ClickHouseError as error:
            if error.code in _UNUSABLE:
                return False
            raise
        types = page.schema.items()
        return all(_fits(dtype, COLUMNS[name]) for name, dtype in types if name in COLUMNS)

    def frames(self, columns: Collection[str], condition: Condition) -> Iterator[pl.DataFrame]:
        """Yield the records that fulfil a condition, with store.COLUMNS: only these have values."""
        after = self._begin()
        for end in self._ends(after.at):
            while True:
                page = self._page(columns, condition, after, end, _PAGE_ROWS)
                if page.height:
                    after = Place(*page.select("at", "step_", "key").row(-1))
                    # Copies have the same place, so they are on one page.
                    yield _typed(page.unique("key", keep="first", maintain_order=True))
                if page.height < _PAGE_ROWS:
                    break

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

    def _page(
        self, columns: Collection[str], condition: Condition, after: Place, end: int, rows: int
    ) -> pl.DataFrame:
        """Return the first rows after a place, up to the time `end`."""
        names = [quoted(name) for name in COLUMNS if name in ALWAYS.union(columns) and name != "ts"]
        sql = ordered_rows(self._table, names, condition.sql)
        place = {f"after_{name}": value for name, value in after._asdict().items()}
        return self._client.frame(sql, {**condition.values, **place, "end": end, "rows": rows})


def _fits(dtype: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether any value of a table's column can be cast."""
    if wanted.is_numeric():
        return dtype.is_numeric()
    return dtype == (pl.String() if wanted == pl.Categorical() else wanted)


def _typed(page: pl.DataFrame) -> pl.DataFrame:
    """Return a page with the columns of a log, in their types."""
    at = pl.col("at")
    names = [name for name in page.columns if name in COLUMNS]
    known = page.select(
        pl.when(at != _EPOCH).then(at).cast(COLUMNS["ts"]).alias("ts"),
        *(pl.col(name).cast(COLUMNS[name], strict=False) for name in names),
    )
    return pl.DataFrame(
        [known[name] if name in known.columns else nulls(name, page.height) for name in COLUMNS]
    )
