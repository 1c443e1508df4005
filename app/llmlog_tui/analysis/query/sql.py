"""SQL queries over the tables of a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.call_rows import SPEED
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.query import statement
from llmlog_tui.analysis.query.aliases import with_aliases
from llmlog_tui.analysis.query.columns import COSTS, NO_RECORDS, in_sql, narrow, with_costs
from llmlog_tui.analysis.query.polars_sql import polars_sql
from llmlog_tui.analysis.query.query_error import QueryError, explained
from llmlog_tui.analysis.query.tag_names import names_extra, quote_tags, with_extra
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import IS_CALL, decategorize
from llmlog_tui.log.tags import Types, conform, tag_types

_INTERNAL: Final = ("line", "block", "file", "row", "changed")
"""Columns of the frame that are not fields of the record."""

_SMALL_COLUMN: Final = "step"
"""Column of a table whose rows are only counted."""


def _calls(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return _public(model_calls(with_costs(frame, rules)))


def _traces(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return traces(with_costs(with_changed(frame), rules)).drop("row", "at")


def _records(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return _public(with_costs(frame, rules))


def _public(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(_INTERNAL, strict=False)


TABLES: Final[dict[str, Callable[[pl.DataFrame, Rules], pl.DataFrame]]] = {
    "calls": _calls,
    "traces": _traces,
    "records": _records,
}
"""Tables of a query.

calls: model calls, with the record's fields and COSTS; traces: one row per run, see
traces.traces(); records: all, with tool executions, spans and foreign events.
"""


def query(frame: pl.DataFrame, sql: str, rules: Rules = DEFAULT) -> pl.DataFrame:
    """Evaluate one SQL statement over TABLES, whose timestamps are UTC without a zone.

    A column without an alias is named as the query has it. `describe TABLE` lists the columns of
    one. Prices of `rules` take precedence over listed ones. Raises QueryError.
    """
    check(sql)
    words = sql.lower().replace(";", " ").split()
    if words[:1] in (["describe"], ["desc"]):
        return describe(words[1:], tag_types(frame))
    columns = chain.from_iterable(columns_of(frame, sql, rules).values())
    return evaluate(tables_of(frame, sql, rules), sql, [*columns])


def check(sql: str) -> None:
    """Raise QueryError unless `sql` is a query of TABLES alone."""
    with explained("the query"):
        statement.check_query(sql)


def columns_of(frame: pl.DataFrame, sql: str, rules: Rules) -> dict[str, list[str]]:
    """Return the columns of the TABLES that a query may name."""
    named, empty = sql.lower(), frame.clear()
    empty = with_extra(empty) if names_extra(sql) else empty
    is_listing = named.replace(";", " ").split()[:2] == ["show", "tables"]
    return {
        name: table(empty, rules).columns
        for name, table in TABLES.items()
        if name in named or is_listing
    }


def tables_of(frame: pl.DataFrame, sql: str, rules: Rules) -> dict[str, pl.DataFrame]:
    """Return the TABLES that a query may name, with the columns that it may use."""
    frame = with_extra(frame) if names_extra(sql) else frame
    return {
        name: in_sql(_table(frame, name, _used_columns(columns, sql), rules))
        for name, columns in columns_of(frame, sql, rules).items()
    }


def _used_columns(columns: Sequence[str], sql: str) -> Sequence[str]:
    """Return the columns of a table that a query may use; at least one."""
    names = statement.names_in(quote_tags(sql, columns))
    if names is None:
        return columns
    kept = [each for each in columns if names & {each.lower(), each.lower().split(".")[0]}]
    return kept or [_SMALL_COLUMN if _SMALL_COLUMN in columns else columns[0]]


def _table(frame: pl.DataFrame, name: str, columns: Sequence[str], rules: Rules) -> pl.DataFrame:
    """Return one of the TABLES with these columns."""
    if name not in ("calls", "records"):
        return TABLES[name](frame, rules).select(columns)
    # To copy and cast all columns would take a hundred times longer than most queries.
    known = with_costs(frame, rules) if set(COSTS).intersection(columns) else frame
    rows = known.lazy()
    if name == "calls":
        rows = rows.filter(IS_CALL).with_columns(tokens_per_sec=SPEED)
    return rows.select(columns).collect()


def evaluate(
    tables: Mapping[str, pl.DataFrame], sql: str, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Evaluate a checked query over its tables; an error may suggest one of `columns`."""
    context = pl.SQLContext(dict(tables), eager=True)
    types: dict[str, pl.DataType] = dict.fromkeys(columns, pl.Unknown())
    for table in tables.values():
        types |= table.schema
    with explained("the query", columns, TABLES):
        if (aliased := with_aliases(sql)) != sql:
            with suppress(pl.exceptions.PolarsError, pl.exceptions.PanicException):
                return narrow(decategorize(context.execute(polars_sql(aliased, types))))
        # As written: its error, and its names, are the user's.
        return narrow(decategorize(context.execute(polars_sql(sql, types))))


def describe(names: Sequence[str] = tuple(TABLES), tags: Types | None = None) -> pl.DataFrame:
    """Return the columns of tables: table, column, type. Raises QueryError for an unknown one.

    `tags` are those of the log.
    """
    if not names or not TABLES.keys() >= set(names):
        raise QueryError(f"describe takes a table: {', '.join(TABLES)}")
    records = conform(NO_RECORDS, tags or {})
    rows = [
        (name, column, _type_name(dtype))
        for name in names
        for column, dtype in in_sql(TABLES[name](records, DEFAULT)).schema.items()
    ]
    return pl.DataFrame(rows, schema=["table", "column", "type"], orient="row")


def _type_name(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return "list of text"
    if isinstance(dtype, pl.Datetime):
        return "timestamp"
    return {pl.String: "text", pl.Boolean: "boolean"}.get(
        type(dtype), "integer" if dtype.is_integer() else "number"
    )
