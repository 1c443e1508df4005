"""A table of calls on the test server, and records to put into it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tests.clickhouse.running import ClickHouse

from llmlog_tui.shipping.schema import statements

BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)


def create_table(server: ClickHouse) -> str:
    """Create an empty `llm.calls` as its administrator does, and return its address."""
    for statement in statements():
        server.query(statement)
    return str(server.url())


def insert(server: ClickHouse, lines: Iterable[bytes]) -> None:
    """Insert lines as shippers do."""
    server.query("INSERT INTO llm.lines FORMAT LineAsString", b"\n".join(lines))


def insert_late(server: ClickHouse, line: bytes, ingested: datetime) -> None:
    """Insert a line that has been on its way since `ingested`."""
    row = {"ts": json.loads(line)["ts"], "line": line.decode(), "ingested": ingested.isoformat()}
    settings = {"date_time_input_format": "best_effort"}
    server.query("INSERT INTO llm.calls FORMAT JSONEachRow", json.dumps(row).encode(), **settings)


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
