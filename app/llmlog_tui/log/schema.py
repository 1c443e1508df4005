"""Columns and dtypes of the frame, derived from llmlog.record."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog.record import CALL_EVENTS, EVENTS, FIELDS

# Numbers are read as floats and ts as text, because other people's logs write 1.0 for a count and
# seconds since 1970 for a time; typed() makes of them what COLUMNS says.
_READ_AS: Final[dict[str, pl.DataType]] = {
    "int": pl.Float64(),
    "float": pl.Float64(),
    "str": pl.String(),
    "bool": pl.Boolean(),
    "time": pl.String(),
    "strings": pl.List(pl.String()),
}
_KEPT_AS: Final[dict[str, pl.DataType]] = {
    **_READ_AS,
    "int": pl.Int64(),
    "time": pl.Datetime("us", "UTC"),
}

# Content and tags stay in the file: they are read back, line by line, when somebody asks.
_IN_FRAME: Final = tuple(field for field in FIELDS if field.section != "content")

_ALIASES: Final[dict[str, pl.DataType]] = {
    "request_model": pl.String(),
    "http_status": pl.Float64(),
    "error": pl.String(),
}
"""Names other logs use; `error` is only looked at to see whether the call failed."""

READ_SCHEMA: Final[dict[str, pl.DataType]] = {
    **{field.name: _READ_AS[field.type] for field in _IN_FRAME},
    **_ALIASES,
}
"""What pl.read_ndjson is told: every known key, each in its most generous dtype."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    field.name: _KEPT_AS[field.type] for field in _IN_FRAME if field.name != "v"
}
"""The frame's columns, one per field of the record: latency_ms Float64 ms, ts UTC µs."""
COLUMNS["latency_ms"] = pl.Float64()
COLUMNS["ttft_ms"] = pl.Float64()

IS_CALL: Final = pl.col("event").is_in(list(CALL_EVENTS))
"""Predicate: the record is a model call."""

IS_STEP: Final = pl.col("event").is_in(list(EVENTS))
"""Predicate: the record is ours, a call, a tool execution or a span, and no foreign event."""

_FAILED_STATUS: Final = 400


def typed(read: pl.DataFrame) -> pl.DataFrame:
    """A frame read with READ_SCHEMA, as COLUMNS has it, with what is absent inferred.

    ts may be RFC 3339 with any offset or an epoch in s, ms, µs or ns; without an event it is a
    tool_call if there is a tool_name, else a chat_completion; without a status it is an error if
    `error`, error_type or an HTTP status of 400 and more is there.
    """
    status_code = pl.coalesce(
        pl.col("error_status"),
        pl.when(pl.col("http_status") >= _FAILED_STATUS).then(pl.col("http_status")),
    )
    failed = (
        pl.col("error").is_not_null()
        | pl.col("error_type").is_not_null()
        | (status_code >= _FAILED_STATUS).fill_null(value=False)
    )
    guessed_event = (
        pl.when(pl.col("tool_name").is_null())
        .then(pl.lit("chat_completion"))
        .otherwise(pl.lit("tool_call"))
    )
    inferred = {
        "ts": _time(pl.col("ts")),
        "event": pl.coalesce("event", guessed_event),
        "status": pl.coalesce(
            "status", pl.when(failed).then(pl.lit("error")).otherwise(pl.lit("ok"))
        ),
        "requested_model": pl.coalesce("requested_model", "request_model"),
        "error_status": status_code,
    }
    return read.select(
        inferred.get(name, pl.col(name)).cast(dtype, strict=False).alias(name)
        for name, dtype in COLUMNS.items()
    )


def _time(text: pl.Expr) -> pl.Expr:
    """UTC instants, µs, of RFC 3339 text (no offset: UTC) or of an epoch, told by its magnitude."""
    epoch = text.cast(pl.Float64, strict=False)
    to_us = pl.coalesce(
        pl.when(epoch.abs() < limit).then(epoch * factor)
        for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (9e18, 1e-3))
    )
    return pl.coalesce(
        text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False),
        text.str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False
        ).dt.replace_time_zone("UTC"),
        to_us.cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC")),
    )
