"""`llmlog export --to clickhouse://…`: every record arrives once, whatever breaks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.clickhouse.running import ClickHouse
from tests.commands.conftest import Run, is_refused, llmlog

from llmlog_tui.clickhouse.errors import ClickHouseError, ServerGoneError
from llmlog_tui.clickhouse.url import Login
from llmlog_tui.commands import export_table
from llmlog_tui.commands.export_table import ship
from llmlog_tui.log import follow
from llmlog_tui.shipping.schema import statements
from llmlog_tui.shipping.shipper import Shipper

__all__ = ["llmlog"]

Ship = Callable[..., int]


@pytest.fixture
def server(clickhouse: ClickHouse) -> ClickHouse:
    """A server with the tables of `llmlog schema clickhouse`."""
    for statement in statements():
        clickhouse.query(statement)
    return clickhouse


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a log in blocks of 256 KB, each of which is a batch."""
    monkeypatch.setattr(follow, "BLOCK_BYTES", 2**18)


def never(_: float) -> None:
    pytest.fail("nothing broke")


def send(
    server: ClickHouse,
    log: Path,
    pause: Callable[[float], object] = never,
    where: str | None = None,
) -> int:
    with closing(Shipper(server.url("llm.lines"), Login(), pause)) as shipper:
        return ship([str(log)], where, shipper, lambda _, __: None)


def lines_in(server: ClickHouse) -> Counter[str]:
    rows = server.query("SELECT line FROM llm.calls FORMAT JSONEachRow").splitlines()
    return Counter(json.loads(row)["line"] for row in rows)


def lines_of(log: Path) -> Counter[str]:
    return Counter(log.read_text(encoding="utf-8").splitlines())


def batches(server: ClickHouse) -> int:
    return int(server.query("SELECT uniq(ingested) FROM llm.calls"))


def test_every_line_arrives_as_it_is(server: ClickHouse, sample: Path, llmlog: Run) -> None:
    done = llmlog("export", sample, "--to", server.url("llm.lines"))
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{server.url('llm.lines')}: 965 records sent\n"
    assert lines_in(server) == lines_of(sample)


def test_a_line_with_half_a_surrogate_pair_arrives_with_its_replacement(
    server: ClickHouse, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_text(r'{"model": "m", "extra": {"tier": "pro", "q": "day \ud83d"}}' + "\n")
    assert send(server, log) == 1
    assert lines_in(server) == {log.read_text().rstrip().replace("ud83d", "ufffd"): 1}


@pytest.mark.usefixtures("small_batches")
def test_a_log_that_is_sent_again_is_there_once(server: ClickHouse, sample: Path) -> None:
    assert send(server, sample) == send(server, sample) == 965
    assert batches(server) == 4
    assert lines_in(server) == lines_of(sample)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("fault", [{"cut_insert": 20_000}, {"lose": True}, {"status": 503}])
def test_a_connection_that_breaks_within_a_batch_loses_and_doubles_nothing(
    server: ClickHouse, sample: Path, fault: dict[str, int]
) -> None:
    pauses: list[float] = []

    def repair_the_second_time(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            server.fail()

    server.fail(**fault)
    assert send(server, sample, repair_the_second_time) == 965
    assert pauses == [0.5, 1]
    assert lines_in(server) == lines_of(sample)


@pytest.mark.usefixtures("small_batches")
def test_a_server_that_is_restarted_remembers_the_batch_whose_answer_was_lost(
    server: ClickHouse, sample: Path
) -> None:
    def restart(_: float) -> None:
        server.stop()
        server.start()

    server.fail(lose=True)
    assert send(server, sample, restart) == 965
    assert lines_in(server) == lines_of(sample)


def test_a_batch_of_which_only_a_part_was_written_is_completed(
    server: ClickHouse, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    months = [f"2026-{month:02}-01T00:00:00Z" for month in range(1, 13)]
    log.write_text("".join(f'{{"model": "m", "ts": "{month}"}}\n' for month in months))
    send(server, log)
    server.query("ALTER TABLE llm.calls DROP PARTITION 202603")
    assert sum(lines_in(server).values()) == 11
    send(server, log)
    assert lines_in(server) == lines_of(log)


def test_a_batch_may_have_lines_of_any_number_of_months(server: ClickHouse, tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    days = [f"{year}-01-01T00:00:00Z" for year in range(1900, 2100)]
    log.write_text("".join(f'{{"model": "m", "ts": "{day}"}}\n' for day in days))
    assert send(server, log) == 200
    assert lines_in(server) == lines_of(log)


@pytest.mark.usefixtures("small_batches")
def test_a_server_that_stays_away_is_an_error_and_the_next_export_goes_on(
    server: ClickHouse, sample: Path
) -> None:
    pauses: list[float] = []
    server.fail(cut_insert=1_000)
    with pytest.raises(ServerGoneError, match="the connection broke"):
        send(server, sample, pauses.append)
    assert 60 < sum(pauses) < 120
    server.fail()
    send(server, sample)
    assert lines_in(server) == lines_of(sample)


def test_an_insert_that_is_refused_is_not_repeated(server: ClickHouse, sample: Path) -> None:
    server.query("DROP TABLE llm.lines")
    with pytest.raises(ClickHouseError, match=r"no table llm\.lines"):
        send(server, sample)


def test_a_view_that_fails_is_an_error_not_a_loss(server: ClickHouse, sample: Path) -> None:
    server.query(
        "CREATE MATERIALIZED VIEW llm.second (a UInt8) ENGINE = Null AS"
        " SELECT throwIf(length(line) > 9) AS a FROM llm.lines"
    )
    with pytest.raises(ClickHouseError, match="ClickHouse error 395"):
        send(server, sample)


def test_lines_are_sent_byte_by_byte(server: ClickHouse, tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    lines = [
        '{"model": "m", "input": "\\u0000 tab\\t \\\\ é \U0001f600 \'`"}',
        ' {"model" : "m"}\t\r',
        '{"model": "m", "extra": {"a": [1, 2.50]}}',
    ]
    log.write_bytes("\ufeff".encode() + "\n".join(lines).encode())
    assert send(server, log) == 3
    assert lines_in(server) == Counter(lines)


def test_only_matching_records_are_sent(server: ClickHouse, sample: Path) -> None:
    sent = send(server, sample, where="status = 'error'")
    assert 0 < sent < 100
    assert server.query("SELECT count(), uniq(status) FROM llm.calls") == f"{sent}\t1"


def test_all_days_of_an_archive_are_sent(
    server: ClickHouse, sample: Path, tmp_path: Path, llmlog: Run
) -> None:
    days = tmp_path / "days.jsonl"
    lines = sample.read_text(encoding="utf-8").splitlines(keepends=True)
    days.write_text("".join(lines[:50]) + "".join(lines[50:]).replace("2026-11-23", "2026-11-24"))
    archive = tmp_path / "archive"
    assert llmlog("archive", days, "--to", archive, "--raw").code == 0
    assert len(list(archive.glob("*.parquet"))) == 2
    with patch.object(export_table, "_ROWS", 40):
        for _ in range(2):
            assert send(server, archive) == 965
    assert lines_in(server) == lines_of(days)


def test_records_of_another_tool_are_sent_as_llmlogs(server: ClickHouse, root: Path) -> None:
    log = root / "tests" / "formats" / "samples" / "litellm.jsonl"
    sent = send(server, log)
    assert sent > 0
    assert send(server, log) == sent
    assert server.query("SELECT count(), countIf(model = '') FROM llm.calls") == f"{sent}\t0"


def test_the_records_of_a_table_are_sent_to_another(
    server: ClickHouse, sample: Path, llmlog: Run
) -> None:
    send(server, sample)
    for statement in statements("other"):
        server.query(statement)
    done = llmlog("export", server.url("llm.calls"), "--to", server.url("other.lines"))
    assert "965 records sent" in done.err
    assert server.query("SELECT count(), uniq(line) FROM other.calls") == "965\t965"


def test_a_table_that_is_not_for_lines_is_refused(
    server: ClickHouse, sample: Path, llmlog: Run
) -> None:
    def export(name: str, *options: str) -> bool:
        done = llmlog("export", sample, "--to", server.url(name), *options)
        return is_refused(done, name)

    assert export("llm.calls")
    assert export("llm.none")
    assert lines_in(server) == Counter()


def test_a_table_that_forgets_inserts_is_reported(
    server: ClickHouse, sample: Path, llmlog: Run
) -> None:
    server.query("ALTER TABLE llm.calls RESET SETTING non_replicated_deduplication_window")
    done = llmlog("export", sample, "--to", server.url("llm.lines"))
    assert "no table of it remembers inserts" in done.err


def test_a_password_is_taken_from_the_environment_alone(
    server: ClickHouse, sample: Path, llmlog: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url("llm.lines", user="writer")
    assert is_refused(llmlog("export", sample, "--to", url), "login as writer failed")
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "secret")
    done = llmlog("export", sample, "--to", url)
    assert done.code == 0
    assert "secret" not in done.err
    reader = server.url("llm.lines", user="reader")
    assert is_refused(llmlog("export", sample, "--to", reader), "reader may not set")
    away = "clickhouse://example.com/llm.lines"
    assert is_refused(llmlog("export", sample, "--to", away), "without TLS")
