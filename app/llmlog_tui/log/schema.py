"""Columns and dtypes of the frame, derived from llmlog.record."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import polars as pl

from llmlog.record import CALL_EVENTS, EVENTS, FIELDS
from llmlog_tui.formats.llmlog import CALL_KEYS, TIME_KEYS

# Numbers are read as floats and ts as text, because other people's logs write 1.0 for a count and
# seconds since 1970 for a time; coerce() converts them to COLUMNS.
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

_FEW_VALUES: Final = frozenset(
    {
        "event",
        "status",
        "model",
        "requested_model",
        "request_model",
        "provider",
        "finish_reason",
        "stream_end",
        "system_fingerprint",
        "tool_name",
        "error_type",
        "timing",
        "trace_name",
    }
)
"""Text columns with few distinct values: as categoricals they take a quarter of the memory."""

# Content and tags stay in the file: they are read back line by line on demand.
_SMALL: Final = frozenset({"timing", "trace_name"})
_IN_FRAME: Final = tuple(
    field for field in FIELDS if field.section != "content" or field.name in _SMALL
)

_ALIASES: Final[dict[str, pl.DataType]] = {
    "request_model": pl.String(),
    "http_status": pl.Float64(),
    "error": pl.String(),
    **dict.fromkeys(TIME_KEYS, pl.String()),
}
"""Names in other logs; `error` is read only to see whether the call failed."""

READ_SCHEMA: Final[dict[str, pl.DataType]] = {
    **{field.name: _READ_AS[field.type] for field in _IN_FRAME},
    **_ALIASES,
    **dict.fromkeys(_FEW_VALUES, pl.Categorical()),
}
"""Schema for pl.read_ndjson: every known key, in its most permissive dtype."""

TEXT_SCHEMA: Final[dict[str, pl.DataType]] = dict.fromkeys(READ_SCHEMA, pl.String())
"""READ_SCHEMA for lines with values of a wrong type: polars reads any value as text."""

TELLING_KEYS: Final = frozenset({*CALL_KEYS, "tool_name", "trace_id", "latency_ms"})
"""Keys that tell whether an object without an event of llmlog's is a record."""

_INFERRED_FROM: Final = {
    "status": {"error", "error_type", "error_status", "http_status"},
    "error_status": {"http_status"},
    "requested_model": {"request_model"},
}


def required_schema(
    schema: dict[str, pl.DataType], columns: Collection[str], extra: Collection[str] = ()
) -> dict[str, pl.DataType]:
    """Return the part of a schema needed for `columns`, event, status, ts, v and `extra`."""
    required = ALWAYS.union(columns, extra)
    needed = required.union(("ts", "v"), *(_INFERRED_FROM.get(name, ()) for name in required))
    return {name: dtype for name, dtype in schema.items() if name in needed}


def schema_of_filled(
    schema: dict[str, pl.DataType], filled: Collection[str]
) -> dict[str, pl.DataType]:
    """Return a schema with dtype Null for columns that are not `filled`.

    A block that is accepted has no values in them; one that has some is rejected.
    """
    real = ALWAYS.union(filled, ("ts",))
    return {name: dtype if name in real else pl.Null() for name, dtype in schema.items()}


ALWAYS: Final = frozenset({"event", "status"})
"""Columns that are read whatever is asked for."""


COLUMNS: Final[dict[str, pl.DataType]] = {
    field.name: _KEPT_AS[field.type] for field in _IN_FRAME if field.name != "v"
}
"""The frame's columns, one per field of the record.

latency_ms is Float64 ms, ts UTC µs, text String or, with few distinct values, Categorical.
"""
COLUMNS.update({name: READ_SCHEMA[name] for name in _FEW_VALUES & COLUMNS.keys()})
COLUMNS["latency_ms"] = pl.Float64()
COLUMNS["ttft_ms"] = pl.Float64()

ALL_IDS: Final = ("id", "request_id", "trace_id", "session_id", "span_id", "tool_call_id")
"""The fields searched for an id."""

MIN_ID_PREFIX: Final = 6
"""Minimum characters of an id prefix."""

IS_CALL: Final = pl.col("event").is_in(list(CALL_EVENTS))
"""Predicate: the record is a model call."""

IS_STEP: Final = pl.col("event").is_in(list(EVENTS))
"""Predicate: the record is a call, a tool execution or a span."""


class LostValues(NamedTuple):
    """Number of misfits of a field, and the row of the first, from 0."""

    values: int
    first: int


Columns = Mapping[str, pl.Series]
"""Columns of one height, by name."""


def coerce(read: pl.DataFrame) -> tuple[dict[str, pl.Series], dict[str, LostValues]]:
    """Convert a frame read with READ_SCHEMA or TEXT_SCHEMA to COLUMNS; count the misfits.

    ts may be RFC 3339 with any offset (none: UTC) or an epoch in s, ms, µs or ns, recognised by its
    magnitude; a number may be numeric text. Other values become null. Without ts it is what a
    logger has under one of TIME_KEYS. Columns without values are left out.
    """
    columns, lost = dict[str, pl.Series](), dict[str, LostValues]()
    for name, unknown in zip(read.columns, read.null_count().row(0), strict=True):
        if unknown < read.height:
            before = read[name]
            column = columns[name] = _fit(before)
            values = column.null_count() - unknown
            if values and name not in TIME_KEYS:
                gone = column.is_null() & before.is_not_null()
                lost[name] = LostValues(values, gone.arg_max() or 0)
    own = [columns[name] for name in TIME_KEYS if name in columns]
    if own:
        ts = pl.select(pl.coalesce(own)).to_series()
        if "ts" in columns:
            ts = ts.zip_with(read["ts"].is_null(), columns["ts"])
        columns["ts"] = ts.alias("ts")
    return columns, lost


_UTC: Final = pl.Datetime("us", "UTC")
_FIT_AS: Final = {
    **READ_SCHEMA,
    **COLUMNS,
    "http_status": pl.Int64(),
    **dict.fromkeys(TIME_KEYS, _UTC),
}
_NULL: Final = {name: pl.Series(name, [None], dtype) for name, dtype in _FIT_AS.items()}


def nulls(name: str, height: int) -> pl.Series:
    """Return a column of coerce() without values, which takes no memory."""
    return _NULL[name].new_from_index(0, height)


def completed(columns: Columns, height: int) -> pl.DataFrame:
    """Return columns of coerce() as a frame, with the ones left out as nulls."""
    return pl.DataFrame(
        [columns[name] if name in columns else nulls(name, height) for name in _NULL]
    )


def _fit(column: pl.Series) -> pl.Series:
    """Return the column in its dtype of COLUMNS, null where a value does not fit."""
    dtype = _FIT_AS[column.name]
    if dtype == _UTC:
        return _times(column)
    if column.dtype == dtype:
        return column
    if dtype == pl.Boolean():
        truth = {"true": True, "false": False}
        return column.replace_strict(truth, default=None, return_dtype=dtype)
    if dtype.is_numeric() and column.dtype == pl.String():
        column = column.cast(pl.Float64, strict=False)
        if not math.isfinite(column.sum()):
            column = column.set(~column.is_finite(), None)
    return column.cast(dtype, strict=False)


def decategorize(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with strings for categoricals, as SQL, export and string joins need."""
    if not any(isinstance(dtype, pl.Categorical) for dtype in frame.dtypes):
        return frame
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


def integer_masks(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return the masks of records without a fraction of a ms, by latency."""
    names = [name for name in ("latency_ms", "ttft_ms") if frame.schema.get(name) == pl.Float64]
    return [
        ((pl.col(name) % 1 == 0) & (pl.col(name).abs() < EXACT_BELOW)).alias(name) for name in names
    ]


def integer_columns(frame: pl.DataFrame) -> frozenset[str]:
    """Return the latencies without a fraction of a ms in any record."""
    whole = frame.select_seq(mask.all() for mask in integer_masks(frame))
    return frozenset(name for name in whole.columns if whole[name].item())


def restore_integers(frame: pl.DataFrame, names: Collection[str] | None = None) -> pl.DataFrame:
    """Return the frame with integers in `names`, by default its integer_columns()."""
    found = integer_columns(frame) if names is None else names
    return frame.with_columns_seq(pl.col(name).cast(pl.Int64) for name in found) if found else frame


EXACT_BELOW: Final = 2**53
"""Floats below this represent every integer."""


def without_nulls(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with each all-null column replaced by one that takes no memory."""
    empty = [column for column in frame if column.null_count() == len(column)]
    return frame.with_columns_seq(
        column.new_from_index(0, len(column)) for column in empty if len(column)
    )


_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_214_400_000_000
"""The years 1 to 9999, in µs since 1970: the range of Python's datetime."""


def _times(text: pl.Series) -> pl.Series:
    """Return UTC timestamps of RFC 3339 text or of epochs."""
    known, first = text.null_count(), text[text.is_not_null().arg_max() or 0]
    form = _FORMS.get(len(first))
    found = _epochs(text, first) if form is None else _in_form(text, form, None)
    if found is None or found.null_count() > known:
        found = _in_form(text, "%+", "UTC")
    if found.null_count() > known:
        found = text.to_frame().select(_any_time(pl.col(text.name))).to_series()
    us = found.to_physical()
    outside = ~us.is_between(_FIRST_US, _LAST_US)
    return found.set(outside, None) if outside.any() else found


_FORMS: Final = {
    len("2026-11-23T12:00:00.250000Z"): "%Y-%m-%dT%H:%M:%S.%6fZ",
    len("2026-11-23T12:00:00.250000+00:00"): "%Y-%m-%dT%H:%M:%S.%6f+00:00",
    len("2026-11-23T12:00:00.250Z"): "%Y-%m-%dT%H:%M:%S.%3fZ",
    len("2026-11-23T12:00:00Z"): "%Y-%m-%dT%H:%M:%SZ",
}
"""Forms of ts by length, the first llmlog's own: fast to parse, slow to reject."""


def _in_form(text: pl.Series, form: str, zone: str | None) -> pl.Series:
    # Without a cache: timestamps rarely repeat.
    found = text.str.to_datetime(form, time_unit="us", time_zone=zone, strict=False, cache=False)
    return found.cast(_UTC)


def _epochs(text: pl.Series, first: str) -> pl.Series | None:
    """Return the timestamps of texts that are all numbers, as `first` is; None if not."""
    if not first.replace(".", "", 1).isdecimal():
        return None
    epochs = text.cast(pl.Float64, strict=False)
    if epochs.null_count() > text.null_count():
        return None
    return epochs.alias("epoch").to_frame().select(_FROM_EPOCH).to_series().alias(text.name)


SECONDS_BELOW: Final = 1e11
"""Epochs below this are in seconds."""


def _of_epoch(epoch: pl.Expr) -> pl.Expr:
    to_us = pl.coalesce(
        pl.when(epoch.abs() < limit).then(epoch * factor)
        for limit, factor in ((SECONDS_BELOW, 1e6), (1e14, 1e3), (1e17, 1.0), (9e18, 1e-3))
    )
    return to_us.round().cast(pl.Int64, strict=False).cast(_UTC)


# Built once: building it takes longer than converting the few timestamps of a live log.
_FROM_EPOCH: Final = _of_epoch(pl.col("epoch"))


def _any_time(text: pl.Expr) -> pl.Expr:
    # Python's logging writes milliseconds after a comma.
    local = text.str.replace(" ", "T", literal=True).str.replace(",", ".", literal=True)
    return pl.coalesce(
        text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False),
        local.str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False
        ).dt.replace_time_zone("UTC"),
        _of_epoch(text.cast(pl.Float64, strict=False)),
    )
