"""A window of a table as the lines of a log: complete, in order, live, through failures."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.clickhouse.calls_table import call, create_table, in_order, insert, insert_late
from tests.clickhouse.running import ClickHouse

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview
from llmlog_tui.log import table_source
from llmlog_tui.log.load import load, read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.sources import SourceError, Sources
from llmlog_tui.log.store import Snapshot

PATIENCE_SECONDS = 30.0


@pytest.fixture
def table(clickhouse: ClickHouse) -> str:
    return create_table(clickhouse)


@pytest.fixture(autouse=True)
def _polls_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_source, "POLL_S", 0.01)
    monkeypatch.setattr(table_source, "_BACKOFF_S", (0.01, 0.02))


def opened(table: str, window: Retention = EVERYTHING) -> Reader:
    return Reader(Sources([table], must_exist=True), window=window, newest_first=True)


def steps(snapshot: Snapshot) -> list[int]:
    return snapshot.frame["step"].to_list()


def following(reader: Reader) -> Iterator[Snapshot]:
    """Snapshots after each poll of a reader that follows its table."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        reader.read_news()
        yield reader.snapshot()


def until(reader: Reader, condition: Callable[[Snapshot], bool]) -> Snapshot:
    return next(snapshot for snapshot in following(reader) if condition(snapshot))


def answers(snapshot: Snapshot) -> Overview:
    return IncrementalAnalyzer(500.0).overview(snapshot)


def test_records_are_those_of_a_file_with_the_same_lines(
    clickhouse: ClickHouse, table: str, sample: Path, tmp_path: Path
) -> None:
    lines = in_order(sample.read_bytes().splitlines())
    insert(clickhouse, lines)
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([*lines, b""]))
    of_file = load([file])
    with closing(opened(table)) as reader:
        of_table = read_all(reader)
        own = ["block", "row", "line", "file"]
        assert_frame_equal(
            decategorize(of_table.frame.drop(own)), decategorize(of_file.frame.drop(own))
        )
        assert list(reader.lines(of_table.frame)) == lines
        assert reader.line_numbers(of_table.frame).to_list() == list(range(1, len(lines) + 1))
        assert list(reader.lines(of_table.frame, LineForm.WITH_CONTENT)) == lines
    first, second = answers(of_file), answers(of_table)
    assert first.cost == second.cost
    assert [(each.rule, each.subject) for each in first.alerts] == [
        (each.rule, each.subject) for each in second.alerts
    ]
    assert first.alerts
    assert first.traces.drop("first_row", "last_row", strict=False).height == second.traces.height


def test_the_newest_page_comes_first_and_the_order_is_that_of_time(
    clickhouse: ClickHouse, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_FIRST_ROWS", 10)
    monkeypatch.setattr(table_source, "_PAGE_BYTES", 4_000)
    insert(clickhouse, [call(step) for step in reversed(range(300))])
    with closing(opened(table)) as reader:
        assert reader.step()
        assert steps(reader.snapshot()) == list(range(290, 300))
        read, there = reader.progress()
        assert 0 < read < there / 20
        snapshot = read_all(reader)
        assert steps(snapshot) == list(range(300))
        assert reader.progress()[0] == reader.progress()[1]
        raw = [json.loads(line or b"")["step"] for line in reader.lines(snapshot.frame)]
    assert raw == list(range(300))


def test_records_of_the_same_time_are_in_the_order_of_their_steps(
    clickhouse: ClickHouse, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_FIRST_ROWS", 3)
    monkeypatch.setattr(table_source, "_PAGE_BYTES", 500)
    insert(clickhouse, [call(step, ts="2026-11-23T09:00:00Z") for step in range(20)])
    assert steps(load(Sources([table], must_exist=True))) == list(range(20))


def test_a_window_has_the_last_records_or_the_last_hours(
    clickhouse: ClickHouse, table: str
) -> None:
    insert(clickhouse, [call(step) for step in range(100)])
    with closing(opened(table, Retention(records=7))) as reader:
        assert steps(read_all(reader)) == list(range(93, 100))
        assert reader.rows_outside == 93
    span = Retention(span=timedelta(seconds=4))
    with closing(opened(table, span)) as reader:
        assert steps(read_all(reader)) == list(range(95, 100))
        assert reader.rows_outside == 95


def test_a_single_record_of_the_future_does_not_empty_a_window_of_hours(
    clickhouse: ClickHouse, table: str
) -> None:
    insert(clickhouse, [*map(call, range(10)), call(99, ts="2199-01-01T00:00:00Z")])
    with closing(opened(table, Retention(span=timedelta(seconds=4)))) as reader:
        assert set(range(5, 10)) <= set(steps(read_all(reader)))


def test_new_records_late_ones_and_those_of_the_future_come_once_and_copies_never(
    clickhouse: ClickHouse, table: str
) -> None:
    insert(clickhouse, [call(1), call(2), call(2)])
    with closing(opened(table)) as reader:
        assert steps(read_all(reader)) == [1, 2]
        insert(clickhouse, [call(3)])
        until(reader, lambda snapshot: snapshot.frame.height == 3)
        insert(clickhouse, [call(4, ts="2199-01-01T00:00:00Z")])
        until(reader, lambda snapshot: snapshot.frame.height == 4)
        insert(clickhouse, [call(5, ts="1999-01-01T00:00:00Z"), call(3), call(1)])
        insert(clickhouse, [call(6)])
        found = until(reader, lambda snapshot: snapshot.frame.height >= 6)
        assert steps(found) == [1, 2, 3, 4, 5, 6]
        assert found.live_from == 2
        lines = [json.loads(line or b"")["step"] for line in reader.lines(found.frame)]
        assert lines == [1, 2, 3, 4, 5, 6]


def test_rows_that_become_visible_out_of_order_are_not_missed(
    clickhouse: ClickHouse, table: str
) -> None:
    with closing(opened(table)) as reader:
        read_all(reader)
        insert(clickhouse, [call(2)])
        until(reader, lambda snapshot: snapshot.frame.height == 1)
        before = datetime.now(UTC) - timedelta(seconds=5)
        insert_late(clickhouse, call(1), before)
        found = until(reader, lambda snapshot: snapshot.frame.height == 2)
    assert steps(found) == [2, 1]


def test_rows_inserted_while_the_machine_slept_are_not_missed(
    clickhouse: ClickHouse, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(table)) as reader:
        read_all(reader)
        now = table_source.Clock.now()
        woken = table_source.Clock(now.monotonic, now.wall + 3_600)
        monkeypatch.setattr(table_source.Clock, "now", lambda: woken)
        insert_late(clickhouse, call(1), datetime.now(UTC) - timedelta(minutes=30))
        found = until(reader, lambda snapshot: snapshot.frame.height == 1)
    assert steps(found) == [1]


def test_a_burst_larger_than_a_page_is_read_whole(
    clickhouse: ClickHouse, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_FIRST_ROWS", 10)
    monkeypatch.setattr(table_source, "_KEY_ROWS", 25)
    monkeypatch.setattr(table_source, "_PAGE_BYTES", 2_000)
    insert(clickhouse, [call(step) for step in range(30)])
    with closing(opened(table)) as reader:
        read_all(reader)
        insert(clickhouse, [call(step) for step in range(30, 200)])
        found = until(reader, lambda snapshot: snapshot.frame.height == 200)
        assert sorted(steps(found)) == list(range(200))
        reader.read_news()
        assert reader.snapshot().frame.height == 200


def test_lines_may_be_anything_and_each_is_one_line(clickhouse: ClickHouse, table: str) -> None:
    spread = json.dumps(json.loads(call(1)), indent=1)
    rows = [{"ts": 1, "line": spread}, {"ts": 2, "line": "no JSON"}, {"ts": 3, "line": ""}]
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    clickhouse.query("INSERT INTO llm.calls FORMAT JSONEachRow", body)
    clickhouse.query(
        "INSERT INTO llm.calls (ts, line) SELECT 4, unhex('7B2263223A22FF227D')"  # not UTF-8
    )
    with closing(opened(table)) as reader:
        snapshot = read_all(reader)
        assert snapshot.counts.lines == 4
        assert steps(snapshot) == [1]
        (line,) = reader.lines(snapshot.frame)
    assert json.loads(line or b"") == json.loads(spread)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("llm.absent", "no table llm.absent"),
        ("absent.calls", "no database absent"),
        ("llm.other", "no column"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(
    clickhouse: ClickHouse, name: str, words: str
) -> None:
    clickhouse.query("CREATE TABLE llm.other (a Int64) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(SourceError, match=words) as found:
        load(Sources([str(clickhouse.url(name))], must_exist=True))
    assert "\n" not in str(found.value)


def test_a_server_that_is_away_is_waited_for_and_its_window_is_complete_and_in_order(
    clickhouse: ClickHouse, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_FIRST_ROWS", 10)
    monkeypatch.setattr(table_source, "_PAGE_BYTES", 4_000)
    insert(clickhouse, [call(step) for step in range(100)])
    with closing(opened(table)) as reader:
        assert reader.step()
        clickhouse.stop()
        try:
            while reader.step():
                pass
            (problem,) = reader.problems.values()
            assert "refused" in problem
            assert reader.waiting_for() == list(reader.files)
            assert reader.awaits_server
        finally:
            clickhouse.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while reader.step() or reader.awaits_server:
            assert time.monotonic() < deadline
        reader.loaded()
        assert not reader.problems
        assert steps(reader.snapshot()) == list(range(100))
        clickhouse.stop()
        try:
            next(_ for _ in following(reader) if reader.problems)
        finally:
            clickhouse.start()
        insert(clickhouse, [call(100)])
        found = until(reader, lambda snapshot: snapshot.frame.height == 101)
        assert steps(found)[-1] == 100
        assert not reader.problems
        assert not reader.waiting_for()


def test_an_answer_that_breaks_off_is_asked_for_again_and_never_taken_for_all(
    clickhouse: ClickHouse, table: str
) -> None:
    insert(clickhouse, [call(step) for step in range(500)])
    with closing(opened(table)) as reader:
        clickhouse.fail(cut=20_000)
        while reader.step():
            pass
        assert reader.snapshot().frame.height == 0
        assert "broke" in "".join(reader.problems.values())
        clickhouse.fail()
        next(_ for _ in following(reader) if not reader.awaits_server)
        assert reader.snapshot().frame.height == 500


def test_a_running_query_ends_when_reading_is_cancelled(clickhouse: ClickHouse) -> None:
    clickhouse.query(
        "CREATE VIEW llm.slow AS SELECT toDateTime64(number, 6) AS ts, NULL AS step,"
        " toString(sipHash64(number)) AS line, ts AS ingested FROM numbers(1000000000000)"
        " WHERE sipHash64(number) = 1"
    )
    with closing(opened(str(clickhouse.url("llm.slow")))) as reader:
        reading = threading.Thread(target=reader.step)
        reading.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not clickhouse.running():
            assert time.monotonic() < deadline
        reader.cancel()
        reading.join(PATIENCE_SECONDS)
        assert not reading.is_alive()
        while clickhouse.running():
            assert time.monotonic() < deadline
        assert not reader.step()


def test_a_file_and_a_table_are_one_log_merged_by_time(
    clickhouse: ClickHouse, table: str, tmp_path: Path
) -> None:
    insert(clickhouse, [call(step) for step in (0, 2, 4)])
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([call(1), call(3), b""]))
    found = load(Sources([str(file), table], must_exist=True))
    assert steps(found) == [0, 1, 2, 3, 4]
    assert found.frame["file"].to_list() == [1, 0, 1, 0, 1]


def test_text_is_searched_in_the_lines_of_a_table_as_in_a_file(
    clickhouse: ClickHouse, table: str
) -> None:
    insert(clickhouse, [call(step, output={"content": f"word{step}"}) for step in range(5)])
    with closing(opened(table)) as reader:
        frame = read_all(reader).frame
        scan = reader.scan("word3", lambda: frame)
        found = [each for step in scan.steps() for each in step.candidates]
        (row,) = frame.filter(pl.col("line") == found[0].line).iter_rows(named=True)
    assert len(found) == 1
    assert row["step"] == 3
