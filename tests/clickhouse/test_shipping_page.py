"""What .github/docs/shipping.md has for other shippers is sent to a server, as they would."""

from __future__ import annotations

import gzip
import http.client
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.clickhouse.running import ClickHouse

from llmlog_tui.shipping.schema import statements

LINE = '{"model": "m", "input": "é \\"quoted\\""}'
OTEL_LOGS = (
    "CREATE TABLE otel.otel_logs (Timestamp DateTime64(9), Body String,"
    " LogAttributes Map(LowCardinality(String), String)) ENGINE = MergeTree ORDER BY Timestamp"
)


@pytest.fixture
def page(root: Path) -> str:
    return (root / ".github" / "docs" / "shipping.md").read_text(encoding="utf-8")


@pytest.fixture
def server(clickhouse: ClickHouse) -> ClickHouse:
    for statement in statements():
        clickhouse.query(statement)
    return clickhouse


def post(server: ClickHouse, path: str, body: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    try:
        data = gzip.compress(body.encode()) if headers else body.encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request("POST", path, data, named)
        return connection.getresponse().status
    finally:
        connection.close()


def lines_in(server: ClickHouse) -> list[str]:
    rows = server.query("SELECT line FROM llm.calls WHERE model = 'm' FORMAT JSONEachRow")
    return [json.loads(row)["line"] for row in rows.splitlines()]


def test_curl_inserts_lines(server: ClickHouse, page: str) -> None:
    found = re.search(r"curl .* '(http://[^']+)'", page)
    assert found is not None
    url = urlsplit(found[1])
    assert post(server, f"{url.path}?{url.query}", f"{LINE}\n") == 200
    assert lines_in(server) == [LINE]


def test_fluent_bit_inserts_json_lines(server: ClickHouse, page: str) -> None:
    found = re.search(r"uri: (\S+)", page)
    assert found is not None
    assert post(server, found[1], json.dumps({"line": LINE}) + "\n") == 200
    assert lines_in(server) == [LINE]


def test_vector_inserts_compressed_json_lines(server: ClickHouse, page: str) -> None:
    database, table, kind = (
        re.findall(rf"^    {key}: (\w+)$", page, re.MULTILINE)[0]
        for key in ("database", "table", "format")
    )
    assert kind == "json_each_row"
    path = f"/?query=INSERT+INTO+%22{database}%22.%22{table}%22+FORMAT+JSONEachRow"
    assert post(server, path, json.dumps({"line": LINE}), Content_Encoding="gzip") == 200
    assert lines_in(server) == [LINE]


def test_a_view_hands_the_collectors_lines_on(server: ClickHouse, page: str) -> None:
    found = re.search(r"```sql\n(.*?)```", page, re.DOTALL)
    assert found is not None
    server.query("CREATE DATABASE otel")
    server.query(OTEL_LOGS)
    server.query(found[1])
    rows = [
        {"Body": LINE, "LogAttributes": {"log.file.name": "calls.jsonl"}},
        {"Body": LINE, "LogAttributes": {"log.file.name": "other.log"}},
    ]
    body = "\n".join(map(json.dumps, rows))
    server.query("INSERT INTO otel.otel_logs FORMAT JSONEachRow", body.encode())
    assert lines_in(server) == [LINE]
