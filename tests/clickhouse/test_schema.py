"""The view reads lines as the parser does: each column of each line is compared."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.clickhouse.running import ClickHouse

from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.url import TableUrlError
from llmlog_tui.log.parse import parse
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.shipping.schema import statements

Row = dict[str, Any]

CALL: Row = {
    "event": "chat_completion",
    "ts": "2026-11-23T12:00:00.250000Z",
    "trace_id": "t",
}
TIMES: list[Any] = [
    *(1764417600, 1764417600.25, 1764417600250, 1764417600250000, 1764417600250000000),
    *("1764417600", "1764417600250", -5, 1e300, True, "x", "", "Nov 23 2026", "2026-11-23", 2026),
    *("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+02:00", "2026-11-23T12:00:00-0530"),
    *("2026-11-23T12:00:00", "2026-11-23 12:00:00,123", "2026-11-23 12:00:00.5+0200"),
    *("2026-11-23T12:00:00.123456789Z", "2026-11-23t12:00:00z", "2026-11-23T12:00:00.25-00:00"),
    *(
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T12:60:00Z",
        "2026-13-01T00:00:00Z",
        "20261123T120000Z",
    ),
    *("2026-11-23T12:00Z", "2026-11-23T12:00:00+02", "1969-12-31T23:59:59.999999Z"),
    *("1900-01-01T00:00:00Z", "2299-12-31T23:59:59.999999Z", {"a": 1}, [1]),
]
VALUES: dict[str, list[Any]] = {
    "trace_id": [5, 1.5, True, "", "é\U0001f600", "a\x00b", "'\\\"`{x:Y}"],
    "step": ["3", 1.0, 1.5, -2.7, "x", 2**63, 2**70, True, "nan", [1], ""],
    "latency_ms": ["1e3", 0, -1, 12.75, "inf", False, {"a": 1}],
    "stream": [True, False, "true", "false", 1, "True", None],
    "tool_calls": [["a", "b"], [], None, ["a", None], ["a", 1]],
    "seed": [2**53 + 1],
    "status": [200, "503", 404, 600, "Failed", "weird", True, "SUCCEEDED"],
    "error": ["", "no", False, [], {}, 0, None, {"a": 1}],
    "error_status": [500, "500", 200],
    "http_status": [500, 200, "429"],
}
ALIEN: list[Row] = [
    *({name: value} for name, values in VALUES.items() for value in values),
    {"temperature": "0.5", "reported_cost_usd": 1e-9, "top_p": 1},
    {"model": "", "requested_model": None, "request_model": "other"},
    {"event": 5, "model": "m"},
    {"event": "hello", "model": "m"},
    {"event": "hello"},
    {"event": "start", "step": 0},
    {"status": "ok", "error_type": "TimeoutError"},
    {"error_type": "TimeoutError", "status": None},
    {"status": 429, "error_status": 500},
]
WHOLE: list[Row] = [
    {"model": "m"},
    {"tool_name": "search"},
    {"prompt_tokens": 5},
    {"trace_id": "t", "latency_ms": 5},
    {"trace_id": "t"},
    {"event": "hello", "trace_id": "t"},
    {"event": "hello", "tool_name": "t"},
    {"event": "hello"},
    {"event": "chat_completion"},
    {"a": 1},
    {"model": "m", "timestamp": 1764417600},
    {"model": "m", "@timestamp": "2026-11-23T12:00:00Z"},
    {"model": "m", "ts": "x", "time": "2026-11-23T12:00:00Z"},
]
NOT_RECORDS = [
    *(b"nope", b"[1]", b"5", b'"text"', b"null", b'{"model": "m"', b'{"model": "m"} x', b"{}"),
    *(
        b'{"model": "m",}',
        b'{"model": "\xff"}',
        b'{"model": NaN}',
        b"{'model': 'm'}",
        b"\x00",
        b" ",
    ),
]


def lines_of(hostile: list[Row]) -> list[bytes]:
    return [json.dumps(value).encode() for value in hostile]


def in_table(clickhouse: ClickHouse, lines: list[bytes]) -> dict[bytes, Row]:
    """The rows of the table by line, after inserting lines in the documented way."""
    for statement in statements():
        clickhouse.query(statement)
    clickhouse.query("INSERT INTO llm.lines (line) FORMAT LineAsString", b"\n".join(lines) + b"\n")
    columns = ", ".join(f"`{name}`" for name in COLUMNS)
    with closing(Client(clickhouse.url())) as client:
        found = client.frame(
            f"SELECT line, {columns} FROM llm.calls WHERE event != 'start'"  # noqa: S608
        )
    epoch = pl.lit(0).cast(pl.Datetime("us", "UTC"))
    empty = pl.col("tool_calls").list.len() == 0
    found = found.with_columns(
        ts=pl.when(pl.col("ts") != epoch).then("ts"),
        stream=pl.col("stream").cast(pl.Boolean),
        tool_args_ok=pl.col("tool_args_ok").cast(pl.Boolean),
        tool_calls=pl.when(~empty).then("tool_calls"),
    )
    return {row.pop("line").encode(): row for row in found.rows(named=True)}


def in_frame(lines: list[bytes]) -> dict[bytes, Row]:
    """The parser's rows by line."""
    found = decategorize(parse(b"\n".join(lines) + b"\n").frame)
    # A list without elements has no other meaning than none, and a table has no null for it.
    empty = pl.col("tool_calls").list.len() == 0
    found = found.with_columns(tool_calls=pl.when(~empty).then("tool_calls"))
    return {lines[row.pop("line")]: row for row in found.rows(named=True)}


def differences(table: dict[bytes, Row], frame: dict[bytes, Row]) -> list[object]:
    """Whatever differs, as (line, column, in the table, by the parser)."""
    found: list[object] = [(line, "only in one") for line in table.keys() ^ frame.keys()]
    for line in table.keys() & frame.keys():
        pairs = ((name, table[line][name], frame[line][name]) for name in COLUMNS)
        found += [(line, *pair) for pair in pairs if pair[1] != pair[2]]
    return found


def test_the_demo_records_are_the_same_in_the_table(clickhouse: ClickHouse, sample: Path) -> None:
    lines = list(dict.fromkeys(sample.read_bytes().splitlines()))
    assert len(lines) > 900
    table = in_table(clickhouse, lines)
    assert differences(table, in_frame(lines)) == []


@pytest.mark.parametrize(
    "hostile",
    [
        lines_of([CALL | {"ts": value} for value in TIMES]),
        lines_of([CALL | fields for fields in ALIEN]),
        lines_of([fields for fields in ALIEN if "event" not in fields]),
        lines_of(WHOLE),
        [*NOT_RECORDS, b'{"model": "a record among them"}'],
    ],
    ids=["times", "alien types", "without an event", "with few fields", "no records"],
)
def test_hostile_lines_are_read_as_the_parser_reads_them(
    clickhouse: ClickHouse, hostile: list[bytes]
) -> None:
    assert differences(in_table(clickhouse, hostile), in_frame(hostile)) == []


def test_the_raw_line_is_kept_byte_by_byte(clickhouse: ClickHouse) -> None:
    lines = [b' {"model" : "m", "unknown": [1, {"a": "\\u00e9"}]}\t', '{"model": "é"}'.encode()]
    assert set(in_table(clickhouse, lines)) == set(lines)


def test_records_without_a_time_are_kept_for_as_long_as_others(clickhouse: ClickHouse) -> None:
    for statement in statements(ttl_days=30):
        clickhouse.query(statement)
    times = ["x", "2026-11-23T12:00:00Z", "1999-01-01T00:00:00Z", "2250-01-01T00:00:00Z"]
    lines = lines_of([CALL | {"ts": time} for time in times])
    clickhouse.query("INSERT INTO llm.lines (line) FORMAT LineAsString", b"\n".join(lines))
    clickhouse.query("OPTIMIZE TABLE llm.calls FINAL")
    left = clickhouse.query("SELECT toYear(ts) FROM llm.calls ORDER BY ts").split()
    assert left == ["1970", "2026", "2250"]


def test_a_project_is_the_shippers_or_a_tag_of_the_record(clickhouse: ClickHouse) -> None:
    for statement in statements(project=True):
        clickhouse.query(statement)
    tagged = json.dumps(CALL | {"extra": {"project": "tagged"}})
    plain = json.dumps(CALL)
    clickhouse.query(
        "INSERT INTO llm.lines (line) FORMAT LineAsString", f"{tagged}\n{plain}".encode()
    )
    row = json.dumps({"line": plain, "project": "shipped"})
    clickhouse.query("INSERT INTO llm.lines FORMAT JSONEachRow", row.encode())
    found = clickhouse.query("SELECT project FROM llm.calls ORDER BY project")
    assert found.split("\n") == ["", "shipped", "tagged"]
    assert clickhouse.query("SELECT sorting_key FROM system.tables WHERE name = 'calls'") == (
        "project, ts"
    )


def test_a_name_that_needs_escapes_is_refused() -> None:
    with pytest.raises(TableUrlError, match="letters, digits"):
        statements("a`b")
