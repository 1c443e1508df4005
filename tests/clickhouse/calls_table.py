"""A table of calls on the test server, and records to put into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.clickhouse.running import ClickHouse

_DDL = """
CREATE TABLE llm.calls (
    ts DateTime64(6, 'UTC'), step Nullable(Int64), session_id String, trace_id String,
    id Nullable(String), request_id Nullable(String), line String,
    ingested DateTime64(6, 'UTC') DEFAULT now64(6), INDEX by_ingested ingested TYPE minmax
) ENGINE = MergeTree ORDER BY ts
"""
_FIELDS = ("ts", "step", "session_id", "trace_id", "id", "request_id")
BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)


def create_table(server: ClickHouse) -> str:
    """Create an empty `llm.calls`, and return its address."""
    server.query("DROP TABLE IF EXISTS llm.calls")
    server.query(_DDL)
    return str(server.url())


def insert(server: ClickHouse, lines: Iterable[bytes], ingested: datetime | None = None) -> None:
    """Insert lines, with the fields that the table has columns for."""
    more = {} if ingested is None else {"ingested": ingested.isoformat()}
    rows = b"".join(json.dumps({**_row(line), **more}).encode() + b"\n" for line in lines)
    settings = {"date_time_input_format": "best_effort"}
    server.query("INSERT INTO llm.calls FORMAT JSONEachRow", rows, **settings)


def call(step: int, **fields: object) -> bytes:
    """The line of a call, `step` seconds after BEGAN."""
    ts = (BEGAN + timedelta(seconds=step)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    made = {
        "ts": ts,
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": "t",
        "step": step,
        "status": "ok",
        "latency_ms": 100,
        "model": "m",
    }
    return json.dumps({**made, **fields}).encode()


def in_order(lines: Iterable[bytes]) -> list[bytes]:
    """Lines in a table's order: that of ts, then step."""

    def place(line: bytes) -> tuple[str, int]:
        record = json.loads(line)
        return record["ts"], -1 if record.get("step") is None else record["step"]

    return sorted(lines, key=place)


def _row(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = {}
    known = {name: found[name] for name in _FIELDS if found.get(name) is not None}
    return {"ts": 0, **known, "line": line.decode(errors="surrogateescape")}
