"""Columns that SQL may name, and records in the types of SQL."""

from __future__ import annotations

from typing import Final, cast

import polars as pl

from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.numeric.count_sum import wide
from llmlog_tui.analysis.query.query_error import QueryError, no_column
from llmlog_tui.analysis.query.tag_names import tags_in
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import COLUMNS, decategorize, restore_integers
from llmlog_tui.log.store import FRAME_SCHEMA
from llmlog_tui.log.tags import tag_types

_MAX_INT64: Final = 2**63 - 1

_SAFE_FACTOR: Final = 1_000
"""Factor by which integers of a log can be multiplied without overflow."""

COSTS: Final = ("cost_usd", "saved_usd")
"""Columns of priced calls that a predicate may use beside COLUMNS; see cost.priced()."""

NO_RECORDS: Final = pl.DataFrame(schema={**FRAME_SCHEMA, **dict.fromkeys(COSTS, pl.Float64)})
"""An empty priced log."""


def column_named(frame: pl.DataFrame, name: str) -> str:
    """Return the column of a field or tag. Raises QueryError.

    `extra.NAME` may be a field NAME.
    """
    tags = tag_types(frame)
    column = next(iter(tags_in(name, tags)), name)
    if column not in tags and column not in COLUMNS:
        raise QueryError(no_column(name, [*tags, *COLUMNS]))
    return column


def with_costs(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return frame if COSTS[0] in frame.columns else priced(frame, rates(rules))


def in_sql(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame for SQL: no categoricals, times without a zone, summable integers.

    See narrow() for the result.
    """
    frame = restore_integers(decategorize(frame))
    if any(isinstance(dtype, pl.Datetime) for dtype in frame.dtypes):
        frame = frame.with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))
    return _with_room_for_sums(frame)


def _with_room_for_sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with Int128 for integers whose sum or multiple may not fit Int64."""
    limit = _MAX_INT64 // max(_SAFE_FACTOR, frame.height)  # polars would wrap around
    integers = (column for column in frame if column.dtype == pl.Int64)
    large = [column.name for column in integers if _max_magnitude(column) > limit]
    return frame.with_columns(wide(pl.col(large))) if large else frame


def _max_magnitude(integers: pl.Series) -> int:
    # Of the series, unlike of an expression: that wakes polars' threads.
    lowest, highest = integers.min(), integers.max()
    if not isinstance(lowest, int) or not isinstance(highest, int):
        return 0
    return max(highest, -lowest)


def narrow(result: pl.DataFrame) -> pl.DataFrame:
    """Return a query's result in types that every output has; in lists, too.

    Int128 is Int64, or floats beyond it, and bytes are text.
    """
    return result.with_columns(map(_narrowed, result))


def _narrowed(column: pl.Series) -> pl.Series:
    if (texts := _with(column.dtype, pl.Binary, pl.String())) != column.dtype:
        return pl.Series(column.name, list(map(_decoded, column.to_list())), texts)
    try:
        return column.cast(_with(column.dtype, pl.Int128, pl.Int64()))
    except pl.exceptions.InvalidOperationError:  # a value does not fit
        return column.cast(_with(column.dtype, pl.Int128, pl.Float64()))


def _with(dtype: pl.DataType, old: type[pl.DataType], new: pl.DataType) -> pl.DataType:
    """Return a type with `new` for `old`, also in lists."""
    if isinstance(dtype, pl.List):
        return pl.List(_with(cast("pl.DataType", dtype.inner), old, new))
    return new if dtype == old else dtype


def _decoded(value: object) -> object:
    if isinstance(value, list):
        return list(map(_decoded, value))
    return value.decode(errors="replace") if isinstance(value, bytes) else value
