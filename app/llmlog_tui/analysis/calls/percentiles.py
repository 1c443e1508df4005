"""Percentiles of latency and throughput over model calls, in total and by group."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls.call_model import MODEL, MODEL_COLUMNS
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.log.schema import IS_CALL

By = Literal["model", "session", "trace", "provider", "hour", "tool", "error"]
"""Groupings with a name of their own; any field or tag is one, too."""

IS_TOOL: Final = pl.col("event") == "tool_call"
"""Predicate: the record is a tool execution."""


class Grouping(NamedTuple):
    """Groups of records: their key, the columns it reads, and which records are grouped."""

    key: pl.Expr
    columns: tuple[str, ...]
    records: pl.Expr = IS_CALL


def _by_column(name: str) -> Grouping:
    return Grouping(pl.col(name), (name,))


GROUPINGS: Final[dict[By, Grouping]] = {
    "model": Grouping(MODEL, MODEL_COLUMNS),
    "session": _by_column("session_id"),
    "trace": _by_column("trace_id"),
    "provider": _by_column("provider"),
    "hour": Grouping(pl.col("ts").dt.strftime("%Y-%m-%dT%H:00:00Z"), ("ts",)),
    "tool": Grouping(pl.col("tool_name"), ("tool_name",), IS_TOOL),
    "error": Grouping(
        pl.coalesce(pl.col("error_type").cast(pl.String), pl.col("error_status").cast(pl.String)),
        ("error_type", "error_status"),
        (IS_CALL | IS_TOOL) & FAILED,
    ),
}
"""Groupings of `stats --by`; an hour is UTC, named by its start."""


def grouping(by: str) -> Grouping:
    """Return a grouping by its name in GROUPINGS, else by the column of that name."""
    return GROUPINGS[by] if by in GROUPINGS else _by_column(by)


def percentile(name: str, percent: float) -> pl.Expr:
    """Return the percentile of known values, interpolated linearly; null without any.

    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 7.
    """
    return pl.col(name).quantile(percent / 100, interpolation="linear")


FIGURES: Final[dict[str, pl.Expr]] = {
    **{f"p{percent}_ms": percentile("latency_ms", percent) for percent in (50, 90, 95, 99)},
    "tokens_per_sec_p50": percentile("tokens_per_sec", 50),
    **{f"ttft_p{percent}_ms": percentile("ttft_ms", percent) for percent in (50, 95)},
}
"""Metrics of a group of calls.model_calls(), null where no call has the field.

Latency and time to first token in ms, tokens per second.
"""
