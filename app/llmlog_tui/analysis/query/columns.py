"""Columns that SQL may name, and records in the types of SQL."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.query.query_error import QueryError, no_column
from llmlog_tui.analysis.query.tag_names import tags_in
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import COLUMNS, decategorize, restore_integers
from llmlog_tui.log.store import FRAME_SCHEMA
from llmlog_tui.log.tags import tag_types

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
    """Return the frame for SQL: integers, no categoricals, times without a zone."""
    times = pl.col(pl.Datetime).dt.replace_time_zone(None)
    return restore_integers(decategorize(frame)).with_columns(times)
