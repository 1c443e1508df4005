"""The client against ClickHouse's own engine, and against servers that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import polars as pl
import pytest
from tests.clickhouse.running import ClickHouse, cancel_endless_query

from llmlog_tui.clickhouse.client import Client, Limits
from llmlog_tui.clickhouse.errors import ClickHouseError, ServerGoneError, server_error
from llmlog_tui.clickhouse.url import Login, TableUrl


@pytest.fixture
def client(clickhouse: ClickHouse) -> Iterator[Client]:
    clickhouse.query("CREATE TABLE llm.calls (a Int64, line String) ENGINE = MergeTree ORDER BY a")
    clickhouse.query("INSERT INTO llm.calls FORMAT TSV", b"1\tone\n2\ttwo\n")
    with closing(Client(clickhouse.url())) as opened:
        yield opened


def test_an_answer_has_polars_types(client: Client) -> None:
    found = client.frame(
        "SELECT a, toLowCardinality(toNullable(line)) AS model,"
        " toDateTime64('2026-11-29 12:00:00.250001', 6, 'UTC') AS ts,"
        " ['a', line] AS tool_calls, nullIf(a, 2) AS step FROM llm.calls ORDER BY a"
    )
    at = datetime(2026, 11, 29, 12, 0, 0, 250_001, UTC)
    assert found.schema == {
        "a": pl.Int64(),
        "model": pl.String(),
        "ts": pl.Datetime("us", "UTC"),
        "tool_calls": pl.List(pl.String()),
        "step": pl.Int64(),
    }
    assert found.rows() == [(1, "one", at, ["a", "one"], 1), (2, "two", at, ["a", "two"], None)]


def test_an_answer_without_rows_has_its_columns(client: Client) -> None:
    found = client.frame("SELECT a FROM llm.calls WHERE a = 9")
    assert found.schema == {"a": pl.Int64()}
    assert found.height == 0


def test_an_answer_of_many_blocks_is_complete(client: Client) -> None:
    blocks = [frame.height for frame in client.frames("SELECT number FROM numbers(300000)")]
    assert len(blocks) > 1
    assert sum(blocks) == 300_000


@pytest.mark.parametrize(
    "text", ["it's", "\\' OR 1=1 --", "tab\tnewline\n", "{a:String}", "é\U0001f600"]
)
def test_a_parameter_is_never_a_part_of_the_query(client: Client, text: str) -> None:
    assert client.frame("SELECT {id:String} AS id", {"id": text}).item() == text


@pytest.mark.parametrize("user", ["default", "reader"])
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO llm.calls SELECT 3, 'three'",
        "DROP TABLE llm.calls",
        "SELECT * FROM file('/etc/hostname')",
        "SELECT * FROM url('http://127.0.0.1/', CSV, 'a String')",
        "SELECT a FROM llm.calls SETTINGS readonly = 0",
        "SELECT a FROM llm.calls SETTINGS max_execution_time = 7",
    ],
)
@pytest.mark.usefixtures("client")
def test_nothing_but_reading_a_table_is_allowed(
    clickhouse: ClickHouse, user: str, sql: str
) -> None:
    with closing(Client(clickhouse.url(user=user), password(user))) as opened:
        with pytest.raises(ClickHouseError) as found:
            opened.frame(sql)
        assert found.value.code == 164
        assert opened.frame("SELECT a FROM llm.calls ORDER BY a")["a"].to_list() == [1, 2]


def password(user: str) -> Login:
    return Login("" if user == "default" else "secret")


@pytest.mark.parametrize(
    ("sql", "code", "message"),
    [
        ("SELECT a FROM llm.none", 60, "no table llm.calls"),
        ("SELECT b FROM llm.calls", 47, "llm.calls: no column b"),
        ("SELECT a FROM llm.calls WHERE", 62, "ClickHouse error 62: Syntax error"),
        ("SELECT sleep(2)", 159, "took too long; narrow it with --last"),
        ("SELECT number FROM numbers(100)", 396, "too many rows; narrow it with --last"),
        (
            "SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1",
            164,
            "not allowed",
        ),
    ],
)
def test_an_error_is_one_line(client: Client, sql: str, code: int, message: str) -> None:
    with pytest.raises(ClickHouseError, match=message) as found:
        client.frame(sql, limits=Limits(seconds=1, rows=50))
    assert found.value.code == code
    assert str(found.value).isprintable()
    assert len(str(found.value)) < 250


@pytest.mark.parametrize(("user", "given"), [("writer", "wrong"), ("nobody", ""), ("reader", "")])
def test_a_failed_login_names_the_user_and_not_the_password(
    clickhouse: ClickHouse, user: str, given: str
) -> None:
    with pytest.raises(ClickHouseError, match=f"login as {user} failed") as found:
        Client(clickhouse.url(user=user), Login(given)).frame("SELECT 1")
    assert "wrong" not in str(found.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "login as default failed"),
        (403, "login as default failed"),
        (404, "no ClickHouse server answers here"),
    ],
)
def test_the_status_of_something_that_is_no_clickhouse_is_understood(
    clickhouse: ClickHouse, status: int, message: str
) -> None:
    clickhouse.fail(status=status)
    with pytest.raises(ClickHouseError, match=message) as found:
        Client(clickhouse.url()).frame("SELECT 1")
    assert not isinstance(found.value, ServerGoneError)


def test_a_server_that_is_away_may_come_back(client: Client, clickhouse: ClickHouse) -> None:
    assert client.frame("SELECT 1").item() == 1
    clickhouse.stop()
    with pytest.raises(ServerGoneError, match="connection refused"):
        client.frame("SELECT 1")
    clickhouse.start()
    assert client.frame("SELECT a FROM llm.calls ORDER BY a")["a"].to_list() == [1, 2]
    clickhouse.fail(status=503)
    with pytest.raises(ServerGoneError, match="HTTP status 503"):
        client.frame("SELECT 1")


@pytest.mark.parametrize("size", [0, 4, 300, 70_000, 1_500_000])
def test_an_answer_that_breaks_off_is_an_error_never_fewer_rows(
    client: Client, clickhouse: ClickHouse, size: int
) -> None:
    client.frame("SELECT 1")
    clickhouse.fail(cut=size)
    with pytest.raises(ServerGoneError):
        client.frame("SELECT sipHash64(number) FROM numbers(300000)")


def test_a_query_can_be_cancelled_and_ends_on_the_server(
    client: Client, clickhouse: ClickHouse
) -> None:
    cancel_endless_query(client, clickhouse)
    assert client.frame("SELECT 1").item() == 1


def test_what_goes_to_this_machine_goes_through_no_proxy(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert client.frame("SELECT 1").item() == 1


def test_a_host_that_does_not_exist_is_no_traceback() -> None:
    with pytest.raises(ServerGoneError, match="no such host"):
        Client(TableUrl.of("clickhouse://no-such-host.invalid/db.t")).frame("SELECT 1")


def test_a_code_with_too_many_digits_is_no_code() -> None:
    text = f"Code: {'9' * 5_000}. DB::Exception: no"
    found = server_error(TableUrl.of("clickhouse://host/llm.calls"), None, text)
    assert type(found) is type(server_error(TableUrl.of("clickhouse://host/a.b"), None, "no"))
