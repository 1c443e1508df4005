"""Queries for the lines of a ClickHouse table, by time or by insertion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.clickhouse.client import READ_ONLY, Client
from llmlog_tui.clickhouse.url import Login, TableUrl, quoted
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.schema import ALL_IDS, MIN_ID_PREFIX

MANY: Final = 2**62
"""More than any step."""

HOUR: Final = 3_600_000_000
"""Microseconds of an hour."""

EARLIEST: Final = -2_208_988_800_000_000
"""Microseconds of the earliest time a table can hold."""


class Place(NamedTuple):
    """Place of a row in the order of time; copies have the same `key`."""

    at: int
    """Microseconds since 1970, 0 for a record without a time."""
    step: int
    key: int


@dataclass(frozen=True)
class Condition:
    """A predicate of rows in ClickHouse's SQL; its values are parameters."""

    sql: str = "1"
    values: Mapping[str, object] = field(default_factory=dict)

    def but(self, sql: str) -> Condition:
        """Return the conjunction with a further predicate."""
        return Condition(f"({self.sql}) AND {sql}", self.values)


ANY: Final = Condition()
NO_STARTS: Final = "event != 'start'"
"""Predicate of records, which the beginning of a step is not."""


class Insertion(NamedTuple):
    """Place of a row in the order of insertion."""

    at: int
    key: int


_TABLE: Final = "{table}"
"""Stands for the table, whose name was checked; all values are parameters."""
_FROM: Final = f" FROM {_TABLE} "
_CONDITION: Final = "{condition}"
_KEY: Final = "cityHash64(line) AS key"
_PLACE: Final = f"toUnixTimestamp64Micro(ts) AS at, ifNull(step, -1) AS step_, {_KEY}"
_INSERTION: Final = f"toUnixTimestamp64Micro(ingested) AS at, {_KEY}"

_COUNT: Final = "SELECT count()" + _FROM + "WHERE ts >= fromUnixTimestamp64Micro({oldest:Int64})"
_COUNT_DISTINCT: Final = _COUNT.replace("count()", "uniqExact(cityHash64(line))")
_COUNT_ALL: Final = "SELECT count()" + _FROM
_EXTENT: Final = "SELECT count(), toUnixTimestamp64Micro(max(ingested))" + _FROM
_NEWEST: Final = (
    "SELECT toUnixTimestamp64Micro(ts) AS at"
    + _FROM
    + "WHERE {any:UInt8} OR ts < now64(6) + INTERVAL 1 DAY ORDER BY ts DESC LIMIT 1"
)
_LAST: Final = (
    "SELECT toUnixTimestamp64Micro(ts) AS at"
    + _FROM
    + "ORDER BY ts DESC LIMIT 1 OFFSET {before:UInt64}"
)
_NEWEST_ROWS: Final = (
    f"SELECT {_PLACE}, line" + _FROM + "WHERE ts >= fromUnixTimestamp64Micro({oldest:Int64})"
    " ORDER BY ts DESC, step_ DESC, key DESC LIMIT {rows:UInt64}"
)
_BETWEEN: Final = (
    f"SELECT {_PLACE}, line"
    + _FROM
    # For the index, which knows nothing of the order of tuples.
    + "WHERE ts >= fromUnixTimestamp64Micro({after_at:Int64})"
    " AND ts <= fromUnixTimestamp64Micro({at:Int64})"
    " AND (at, step_, key) > ({after_at:Int64}, {after_step:Int64}, {after_key:UInt64})"
    " AND (at, step_, key) < ({at:Int64}, {step:Int64}, {key:UInt64})"
    " ORDER BY ts, step_, key LIMIT {rows:UInt64}"
)
_ORDERED: Final = (
    f"SELECT {_PLACE}, {{columns}}"
    + _FROM
    + "WHERE ts >= fromUnixTimestamp64Micro({after_at:Int64})"
    " AND ts <= fromUnixTimestamp64Micro({end:Int64})"
    " AND (at, step_, key) > ({after_at:Int64}, {after_step:Int64}, {after_key:UInt64})"
    f" AND ({_CONDITION})"
    " ORDER BY ts, step_, key LIMIT {rows:UInt64}"
)
_PLACE_OF: Final = (
    f"SELECT DISTINCT {_PLACE}" + _FROM + "WHERE ts = fromUnixTimestamp64Micro({at:Int64})"
    " ORDER BY step_, key LIMIT 1 OFFSET {before:UInt64}"
)
_HOURS: Final = (
    # Not by toStartOfHour(), whose answer ends in 2106.
    f"SELECT toInt64(floor(toUnixTimestamp64Micro(ts) / {HOUR})) AS hour, count() AS rows"
    + _FROM
    + "WHERE ts >= fromUnixTimestamp64Micro({oldest:Int64}) GROUP BY hour ORDER BY hour"
)
_COLUMNS: Final = "SELECT *" + _FROM + "LIMIT 0"
_IS_ID: Final = "{name} IN ({{ids:Array(String)}})"
_IS_PREFIX: Final = (
    "arrayExists(each -> startsWith(ifNull({name}, ''), each), {{ids:Array(String)}})"
)
_ANY_WITH: Final = "SELECT 1" + _FROM + f"WHERE {_CONDITION} LIMIT 1"
_WITH: Final = (
    f"SELECT {_PLACE}, line"
    + _FROM
    + f"WHERE ts < fromUnixTimestamp64Micro({{before:Int64}}) AND ({_CONDITION})"
    " ORDER BY ts, step_, key LIMIT {rows:UInt64}"
)
_INSERTED: Final = (
    f"SELECT {_INSERTION}"
    + _FROM
    # By the server's clock alone: ours may differ.
    + "WHERE ingested > now64(6) - toIntervalMillisecond({back:UInt64})"
    " AND (at, key) > ({at:Int64}, {key:UInt64})"
    " ORDER BY at, key LIMIT {rows:UInt64}"
)
_LINES: Final = (
    f"SELECT {_INSERTION}, line"
    + _FROM
    + "WHERE ingested >= fromUnixTimestamp64Micro({first:Int64})"
    " AND ingested <= fromUnixTimestamp64Micro({last:Int64})"
    " AND (at, key) >= ({first:Int64}, {first_key:UInt64})"
    " AND (at, key) <= ({last:Int64}, {last_key:UInt64})"
    " ORDER BY ts, ifNull(step, -1), key"
)


class TableQueries:
    """Queries about one table. Raises ClickHouseError; only cancel() is for other threads."""

    def __init__(self, url: TableUrl) -> None:
        # Lines as bytes: they may be other than UTF-8 until they are parsed.
        settings = {**READ_ONLY, "output_format_arrow_string_as_string": "0"}
        self._client = Client(url, Login.to(url), settings=settings)
        self._table = url.quoted

    def count(self, oldest: int | None = None) -> int:
        """Return the number of rows, with `oldest` of those from that time on."""
        if oldest is None:
            return int(self._frame(_COUNT_ALL, {}).item())
        return int(self._frame(_COUNT, {"oldest": oldest}).item())

    def count_distinct(self, oldest: int) -> int:
        """Return the number of rows from a time on, without copies."""
        return int(self._frame(_COUNT_DISTINCT, {"oldest": oldest}).item())

    def extent(self) -> tuple[int, int]:
        """Return the number of rows, and the time of the last insert."""
        rows, last = self._frame(_EXTENT, {}).row(0)
        return int(rows), int(last)

    def newest(self) -> int | None:
        """Return the time of the latest record, preferably not in the future."""
        for is_any in (0, 1):
            found = self._frame(_NEWEST, {"any": is_any})
            if found.height:
                return int(found.item())
        return None

    def time_of(self, number: int) -> int | None:
        """Return the time of the record with this number, counted from the latest, from 1."""
        found = self._frame(_LAST, {"before": number - 1})
        return int(found.item()) if found.height else None

    def oldest(self, window: Retention) -> int:
        """Return the time of the earliest record in a window."""
        if window.span is not None:
            span = round(window.span.total_seconds() * 1e6)
            return max(EARLIEST, (self.newest() or 0) - span)
        found = self.time_of(window.records or 1)
        return EARLIEST if found is None else found

    def place(self, at: int, number: int) -> Place | None:
        """Return the place of the n-th row of a time, from 0; copies count once."""
        found = self._frame(_PLACE_OF, {"at": at, "before": number})
        return Place(*found.row(0)) if found.height else None

    def hours(self, oldest: int) -> list[tuple[int, int]]:
        """Return the hours since 1970 with records from a time on, and their rows."""
        return list(self._frame(_HOURS, {"oldest": oldest}).iter_rows())

    def after(
        self,
        place: Place,
        end: int,
        rows: int,
        columns: Sequence[str],
        condition: Condition = ANY,
    ) -> pl.DataFrame:
        """Return rows after a place, up to a time: the columns of Place, then `columns`."""
        names = ", ".join(map(quoted, columns))
        sql = _ORDERED.replace("{columns}", names).replace(_CONDITION, condition.sql)
        values = {f"after_{name}": value for name, value in place._asdict().items()}
        return self._frame(sql, {**condition.values, **values, "end": end, "rows": rows})

    def newest_rows(self, oldest: int, rows: int) -> pl.DataFrame:
        """Return the last rows, from a time on: `at`, `step_`, `key` and `line`, by time."""
        return self._frame(_NEWEST_ROWS, {"oldest": oldest, "rows": rows}).reverse()

    def between(self, after: Place, before: Place, rows: int) -> pl.DataFrame:
        """Return the first rows between two places, as newest_rows()."""
        values = {f"after_{name}": value for name, value in after._asdict().items()}
        return self._frame(_BETWEEN, {**values, **before._asdict(), "rows": rows})

    def with_ids(self, ids: Sequence[str], before: int, rows: int) -> pl.DataFrame:
        """Return the rows before a time with one of these ids, as newest_rows().

        Where no row has one, the rows with an id that begins with one.
        """
        # Only valid UTF-8 can be sent, and only that is in a table.
        values = {"ids": [each.encode(errors="replace").decode() for each in ids]}
        condition = self._of_any_id(_IS_ID)
        if not self._frame(_ANY_WITH.replace(_CONDITION, condition), values).height:
            values = {"ids": [each for each in values["ids"] if len(each) >= MIN_ID_PREFIX]}
            condition = self._of_any_id(_IS_PREFIX)
        sql = _WITH.replace(_CONDITION, condition)
        return self._frame(sql, {**values, "before": before, "rows": rows})

    def _of_any_id(self, predicate: str) -> str:
        """Return a predicate of any of the ids that the table has."""
        there = self._frame(_COLUMNS, {}).columns
        return " OR ".join(predicate.format(name=name) for name in ALL_IDS if name in there) or "0"

    def inserted(self, back_ms: int, after: Insertion, rows: int) -> list[Insertion]:
        """Return the next rows after a place, of those inserted in the last milliseconds."""
        found = self._frame(_INSERTED, {**after._asdict(), "back": back_ms, "rows": rows})
        return [Insertion(*row) for row in found.iter_rows()]

    def lines(self, first: Insertion, last: Insertion) -> pl.DataFrame:
        """Return rows by insertion, both ends included: `key` and `line`, by time."""
        bounds = {"first": first.at, "first_key": first.key, "last": last.at, "last_key": last.key}
        return self._frame(_LINES, bounds)

    def cancel(self) -> None:
        self._client.cancel()

    def close(self) -> None:
        self._client.close()

    def _frame(self, sql: str, values: Mapping[str, object]) -> pl.DataFrame:
        return self._client.frame(sql.replace(_TABLE, self._table), values)
