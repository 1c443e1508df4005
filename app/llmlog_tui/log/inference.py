"""Infer a record's event, status and time where they are missing or foreign."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from llmlog.record import EVENTS
from llmlog_tui.formats.llmlog import CALL_KEYS
from llmlog_tui.log.schema import ALWAYS, COLUMNS, Columns, completed, nulls

_OURS: Final = frozenset(EVENTS)


def has_foreign_events(read: pl.DataFrame) -> bool:
    """Return whether a row of a read frame has no event of llmlog's."""
    return not _OURS.issuperset(distinct(read["event"]))


def distinct(column: pl.Series) -> pl.Series:
    """Return the values of a categorical column, without repetitions, in no order."""
    # Eager, unlike unique(): forty times faster for the few lines of a live log.
    return column.value_counts().to_series()


def events(read: pl.DataFrame) -> pl.Series:
    """Return the event of each row of a frame that was read with schema.TELLING_KEYS.

    Null is an object that is no record: foreign. Without an event a tool_name makes a tool_call;
    a model, tokens or a finish_reason, or a latency in a trace, make a chat_completion. An event
    that is none of llmlog's is a logger's message where there is a model or tokens; else it is a
    record of its own if it is in a trace.
    """
    event, keys = pl.col("event").cast(pl.String), set(read.columns)
    is_call = pl.any_horizontal(pl.col(name).is_not_null() for name in CALL_KEYS if name in keys)
    is_traced = pl.col("trace_id").is_not_null()
    has_tool = pl.col("tool_name").is_not_null()
    found = (
        pl.when(event.is_in(list(EVENTS)))
        .then(event)
        .when(event.is_null() & has_tool)
        .then(pl.lit("tool_call"))
        .when(is_call)
        .then(pl.lit("chat_completion"))
        .when(event.is_not_null() & is_traced)
        .then(event)
        .when(has_tool)
        .then(pl.lit("tool_call"))
        .when(is_traced & pl.col("latency_ms").is_not_null())
        .then(pl.lit("chat_completion"))
    )
    return read.select(event=found.cast(pl.Categorical)).to_series()


def lacks_times(read: pl.DataFrame) -> bool:
    """Return whether a row of a frame that was read has no ts."""
    return bool(read["ts"].null_count())


def fill_defaults(fit: Columns, height: int, columns: Collection[str] = COLUMNS) -> list[pl.Series]:
    """Return COLUMNS of columns from coerce(), absent values inferred from others.

    Only `columns`, event and status have values. A status is read by its meaning: ok, success or
    200, failed, ERROR or 503. Where it has none, the status is error if `error`, error_type or
    an HTTP status of 400 and more is there, else ok.
    """
    fit = {**fit, **_aliased(fit, height)}
    fit = {**fit, **_statuses(fit, height)}
    known = ALWAYS.union(columns).intersection(fit)
    return [fit[name] if name in known else nulls(name, height) for name in COLUMNS]


FAILED_STATUS: Final = 400
LAST_STATUS: Final = 599
NO_ERROR: Final = ("", "0", "[]", "false", "{}")
"""Values of `error` in other logs where there was none."""
_FAILED: Final = (
    pl.col("error").is_in(NO_ERROR).not_().fill_null(value=False)
    | pl.col("error_type").is_not_null()
    | (pl.col("error_status") >= FAILED_STATUS).fill_null(value=False)
)

_FAILURE_FIELDS: Final = ("status", "error", "error_type", "error_status")
"""Fields without any value if no record failed."""

STATUS_WORDS: Final = {
    **dict.fromkeys(
        ("ok", "success", "succeeded", "successful", "completed", "complete", "done", "true"), "ok"
    ),
    **dict.fromkeys(
        ("error", "failed", "failure", "fail", "exception", "timeout", "fatal", "false"), "error"
    ),
    **dict.fromkeys(("errored", "timed_out", "aborted", "rejected", "cancelled"), "error"),
}
"""Statuses of other logs, in lower case."""


def _statuses(fit: Columns, height: int) -> Columns:
    """Return the statuses, and error_status of numeric ones."""
    if "status" in fit and {"ok", "error"}.issuperset(distinct(fit["status"])):
        return {}
    if all(fit[name].null_count() == height for name in _FAILURE_FIELDS if name in fit):
        return {"status": pl.Series("status", ["ok"], pl.Categorical).new_from_index(0, height)}
    text = pl.col("status").cast(pl.String).str.to_lowercase()
    code = text.cast(pl.Float64, strict=False)
    said = (
        pl.when(code >= FAILED_STATUS)
        .then(pl.lit("error"))
        .when(code.is_not_null() & code.is_not_nan())
        .then(pl.lit("ok"))
        .otherwise(text.replace_strict(STATUS_WORDS, default=None, return_dtype=pl.String))
    )
    inferred = pl.when(_FAILED).then(pl.lit("error")).otherwise(pl.lit("ok"))
    is_http = code.is_between(FAILED_STATUS, LAST_STATUS)
    found = completed(fit, height).select(
        pl.coalesce(said, inferred).cast(pl.Categorical).alias("status"),
        pl.coalesce("error_status", pl.when(is_http).then(code).cast(pl.Int64, strict=False)),
    )
    return found.to_dict()


_ALIASES: Final = {
    "request_model": pl.coalesce("requested_model", "request_model"),
    "http_status": pl.coalesce(
        "error_status", pl.when(pl.col("http_status") >= FAILED_STATUS).then("http_status")
    ),
}
"""Other logs' names for our fields -> our field, with theirs in place of nulls."""


def _aliased(fit: Columns, height: int) -> Columns:
    """Return our columns filled from other logs' names for them, where those hold anything."""
    given = [value for name, value in _ALIASES.items() if name in fit]
    return completed(fit, height).select(given).to_dict() if given else {}
