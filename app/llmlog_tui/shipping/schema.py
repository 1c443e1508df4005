"""DDL of a table of records, and of the view that fills it from lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import polars as pl

from llmlog.record import EVENTS
from llmlog_tui.clickhouse.url import quoted
from llmlog_tui.formats.llmlog import CALL_KEYS, TIME_KEYS
from llmlog_tui.log.inference import FAILED_STATUS, LAST_STATUS, NO_ERROR, STATUS_WORDS
from llmlog_tui.log.schema import ALL_IDS, COLUMNS

DATABASE: Final = "llm"
TABLE: Final = "calls"
LINES: Final = "lines"
"""Table that keeps nothing: a view turns its rows into records."""
LINE: Final = "line"
INGESTED: Final = "ingested"
PROJECT: Final = "project"

EPOCH: Final = "toDateTime64(0, 6, 'UTC')"
"""The ts of a record without one: sorting keys have no nulls. Readers return null."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2299
"""Range of DateTime64: times outside of it count as unknown."""
_FIRST_US, _LAST_US = -2_208_988_800_000_000, 10_413_791_999_999_999
_DEDUPLICATED_BLOCKS: Final = 10_000
"""Number of inserts whose repetition, after a broken connection, adds nothing."""
_COLUMN_TYPES: Final[dict[pl.DataType, str]] = {
    pl.Int64(): "Nullable(Int64) CODEC(T64, ZSTD(1))",
    pl.Float64(): "Nullable(Float64) CODEC(ZSTD(1))",
    pl.Boolean(): "Nullable(Bool)",
    pl.String(): "Nullable(String) CODEC(ZSTD(1))",
    pl.Categorical(): "LowCardinality(Nullable(String))",
    pl.List(pl.String()): "Array(Nullable(String))",
}
_ALIASES: Final = ("request_model", "http_status", "error", *TIME_KEYS)
_RFC_3339: Final = (
    r"^\\d{4}-\\d\\d-\\d\\d[Tt ]([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)([.,]\\d+)?"
    r"([Zz]|[+-]\\d\\d:?\\d\\d)?$"
)


def statements(
    database: str = DATABASE, *, ttl_days: int | None = None, project: bool = False
) -> list[str]:
    """Return the statements that an administrator runs, each without its semicolon.

    Records are kept for `ttl_days`, None: for ever. With `project` each record has one, and the
    table is sorted by it first. Raises TableUrlError for a bad name.
    """
    return [
        f"CREATE DATABASE IF NOT EXISTS {quoted(database)}",
        _table(quoted(database), ttl_days, project=project),
        _lines(quoted(database), project=project),
        _view(quoted(database), project=project),
    ]


def _table(database: str, ttl_days: int | None, *, project: bool) -> str:
    columns = [f"`{PROJECT}` LowCardinality(String)"] if project else []
    columns += [f"`{name}` {_column_type(name)}" for name in COLUMNS]
    columns += [
        f"`{LINE}` String CODEC(ZSTD(3))",
        f"`{INGESTED}` DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1))",
        *(f"INDEX by_{name} `{name}` TYPE bloom_filter(0.01) GRANULARITY 1" for name in ALL_IDS),
        f"INDEX by_{INGESTED} `{INGESTED}` TYPE minmax GRANULARITY 1",
    ]
    lines = [
        f"CREATE TABLE IF NOT EXISTS {database}.`{TABLE}`\n(\n    "
        + ",\n    ".join(columns)
        + "\n)",
        "ENGINE = MergeTree",
        # By month: an insert of old records by day could exceed the partitions of one insert.
        "PARTITION BY toYYYYMM(ts)",
        f"ORDER BY ({PROJECT}, ts)" if project else "ORDER BY ts",
    ]
    if ttl_days is not None:
        # A DateTime ends in 2106, and a record without a time would be gone at once.
        known = f"if(toYear(ts) BETWEEN 1971 AND 2100, ts, `{INGESTED}`)"
        lines.append(f"TTL toDateTime({known}) + INTERVAL {ttl_days:d} DAY DELETE")
    lines.append(f"SETTINGS non_replicated_deduplication_window = {_DEDUPLICATED_BLOCKS}")
    return "\n".join(lines)


def _column_type(name: str) -> str:
    if name == "ts":
        return "DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))"
    if name in {"event", "status"}:
        return "LowCardinality(String)"
    return _COLUMN_TYPES[COLUMNS[name]]


def _lines(database: str, *, project: bool) -> str:
    columns = [f"`{LINE}` String"]
    if project:
        columns.append(
            f"`{PROJECT}` String DEFAULT JSONExtractString({LINE}, 'extra', '{PROJECT}')"
        )
    return f"CREATE TABLE IF NOT EXISTS {database}.`{LINES}` ({', '.join(columns)})\nENGINE = Null"


def _view(database: str, *, project: bool) -> str:
    shown = {PROJECT: f"`{PROJECT}`"} if project else {}
    shown |= {name: _value(name) for name in COLUMNS} | {LINE: f"`{LINE}`"}
    # Each value as text, whatever its type: so does the parser read lines with alien types.
    fields = [
        f"`{name}` " + ("Array(Nullable(String))" if name in _LISTS else "Nullable(String)")
        for name in (*COLUMNS, *_ALIASES)
    ]
    source = f"`{LINE}`, `{PROJECT}`" if project else f"`{LINE}`"
    return "\n".join(
        [
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.`{LINES}_to_{TABLE}`",
            f"TO {database}.`{TABLE}` AS",
            f"WITH\n    {_named(_TERMS)}",
            f"SELECT\n    {_named(shown)}",
            f"FROM\n(\n    SELECT {source}, JSONExtract({LINE}, 'Tuple(",
            "        " + ",\n        ".join(fields),
            "    )') AS r",
            f"    FROM {database}.`{LINES}`",
            f"    WHERE isValidJSON({LINE}) AND isValidUTF8({LINE})",
            f"        AND JSONType({LINE}) = 'Object'",
            ")",
            "WHERE isNotNull(known_event)",
        ]
    )


def _named(values: Mapping[str, str]) -> str:
    return ",\n    ".join(f"{value} AS `{name}`" for name, value in values.items())


_LISTS: Final = frozenset(name for name, dtype in COLUMNS.items() if isinstance(dtype, pl.List))


def _text(name: str) -> str:
    return f"r.`{name}`"


def _is_known(name: str) -> str:
    return f"isNotNull({_text(name)})"


def _number(value: str) -> str:
    return f"if(isFinite(toFloat64OrNull({value})), toFloat64OrNull({value}), NULL)"


def _integer(value: str) -> str:
    return f"accurateCastOrNull(trunc(toFloat64OrNull({value})), 'Int64')"


def _boolean(value: str) -> str:
    return f"multiIf({value} = 'true', true, {value} = 'false', false, NULL)"


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(f"'{text}'" for text in texts)


_OF_TYPE: Final[dict[pl.DataType, Callable[[str], str]]] = {
    pl.Int64(): _integer,
    pl.Float64(): _number,
    pl.Boolean(): _boolean,
}


def _value(name: str) -> str:
    """Return the expression of a column."""
    of_type = _OF_TYPE.get(COLUMNS[name], str)
    return _VALUES.get(name) or of_type(_text(name))


def _meaning(status: str) -> str:
    return _literals(word for word, meaning in STATUS_WORDS.items() if meaning == status)


_TERMS: Final[dict[str, str]] = {
    # As log.inference.events(): null is an object that is no record.
    "known_event": (
        f"multiIf({_text('event')} IN ({_literals(EVENTS)}), {_text('event')},"
        f" isNull({_text('event')}) AND {_is_known('tool_name')}, 'tool_call',"
        f" {' OR '.join(map(_is_known, CALL_KEYS))}, 'chat_completion',"
        f" {_is_known('event')} AND {_is_known('trace_id')}, {_text('event')},"
        f" {_is_known('tool_name')}, 'tool_call',"
        f" {_is_known('trace_id')} AND {_is_known('latency_ms')}, 'chat_completion', NULL)"
    ),
    # As log.schema: RFC 3339 with any offset (none: UTC), or an epoch by its magnitude.
    "time": f"trimBoth(coalesce({', '.join(map(_text, ('ts', *TIME_KEYS)))}))",
    "epoch": "toFloat64OrNull(time)",
    "epoch_us": (
        "multiIf(abs(epoch) < 1e11, epoch * 1e6, abs(epoch) < 1e14, epoch * 1e3,"
        " abs(epoch) < 1e17, epoch, abs(epoch) < 9e18, epoch * 1e-3, NULL)"
    ),
    "time_of_epoch": (
        f"if(epoch_us BETWEEN {_FIRST_US} AND {_LAST_US},"
        " fromUnixTimestamp64Micro(toInt64(round(epoch_us)), 'UTC'), NULL)"
    ),
    "time_of_text": (
        f"if(match(time, '{_RFC_3339}')"
        f" AND toUInt16OrZero(substring(time, 1, 4)) BETWEEN {_FIRST_YEAR} AND {_LAST_YEAR},"
        " parseDateTime64BestEffortOrNull(replaceOne(upper(time), ',', '.'), 6, 'UTC'), NULL)"
    ),
    # As log.inference: a status is read by its meaning, else concluded from the errors.
    "status_code": "toFloat64OrNull(r.`status`)",
    "status_word": "lower(r.`status`)",
    "http_status": f"if({_integer('r.`http_status`')} >= {FAILED_STATUS},"
    f" {_integer('r.`http_status`')}, NULL)",
    "http_error": f"coalesce({_integer('r.`error_status`')}, http_status)",
}
"""Alias -> expression; later ones use earlier ones."""

_VALUES: Final[dict[str, str]] = {
    "ts": f"coalesce(time_of_epoch, time_of_text, {EPOCH})",
    "event": "assumeNotNull(known_event)",
    "requested_model": f"coalesce({_text('requested_model')}, {_text('request_model')})",
    "error_status": (
        f"coalesce(http_error, if(status_code BETWEEN {FAILED_STATUS} AND {LAST_STATUS},"
        " toInt64(status_code), NULL))"
    ),
    "status": (
        f"multiIf(status_code >= {FAILED_STATUS}, 'error', isNotNull(status_code), 'ok',"
        f" status_word IN ({_meaning('ok')}), 'ok', status_word IN ({_meaning('error')}), 'error',"
        f" {_text('error')} NOT IN ({_literals(NO_ERROR)}) OR {_is_known('error_type')}"
        f" OR http_error >= {FAILED_STATUS}, 'error', 'ok')"
    ),
}
"""Column -> expression, where it is not the field of the same name."""
