"""The dashboard over a table: its window, live, filtered, bookmarked, and away."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clickhouse.calls_table import call, create_table, insert
from tests.clickhouse.running import ClickHouse
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, shown, toasts, top_row, until
from tests.tui.outside import finds_outside_the_window

from llmlog_tui.log import table_source
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources, bookmarks_of
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane

__all__ = ["shown", "until"]


@pytest.fixture(autouse=True)
def _polls_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_source, "POLL_S", 0.01)
    monkeypatch.setattr(table_source, "_BACKOFF_S", (0.01, 0.02))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def dashboard(table: str, last: Retention | None = None, trace: str | None = None) -> LogApp:
    return LogApp(Sources([table], must_exist=False), last=last, trace=trace)


async def test_a_journey_through_a_table(
    clickhouse: ClickHouse, shown: Shown, until: Until
) -> None:
    table = create_table(clickhouse)
    texts = [{"messages": [{"role": "user", "content": f"question {step}"}]} for step in range(40)]
    insert(clickhouse, [call(step, input=texts[step], id=f"call-{step}") for step in range(40)])
    app = dashboard(table, last=Retention(records=30))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, 30)
        assert "llm.calls newest 30 of 40" in top_row(app)
        assert "● live" in top_row(app)
        insert(clickhouse, [call(40, model="brand-new")])
        calls = app.query_one(CallsPane)
        await until(pilot, lambda: "brand-new" in "\n".join(lines_of(calls)), "a new record")
        assert "of 41" in top_row(app)
        await pilot.press("m")
        marks = bookmarks_of(Path(table))
        await until(pilot, marks.exists, "a bookmark in the user's folder")
        assert marks.parent.name == "tables"
        await pilot.press("f", *"step = 20", "enter")
        await until(pilot, lambda: len(calls.source) == 1, "one call")
        row = calls.cursor_key
        assert app.overview is not None
        assert isinstance(row, int)
        assert b"question 20" in (app.reader.read_record(app.overview, row) or b"")


async def test_a_trace_from_before_the_window_is_in_front_of_it(
    clickhouse: ClickHouse, shown: Shown, until: Until
) -> None:
    table = create_table(clickhouse)
    old = [call(step, trace_id="old-trace", session_id="old") for step in range(3)]
    insert(clickhouse, [*old, *map(call, range(10, 40))])
    app = dashboard(table, Retention(records=5), trace="old-trace")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, 8)
        assert "llm.calls newest 8 of 33" in top_row(app)
        timeline = app.query_one(TimelinePane)
        await until(pilot, lambda: "3 steps" in str(timeline.border_title), "the run")
        assert "old-trac" in str(timeline.border_title)
        assert app.overview is not None
        assert app.overview.frame["step"].to_list() == [0, 1, 2, *range(35, 40)]


async def test_an_id_from_before_the_window_is_found_and_stays_while_records_come(
    clickhouse: ClickHouse, shown: Shown, until: Until
) -> None:
    table = create_table(clickhouse)
    old = [call(step, trace_id="old-trace", id=f"old-{step}-id") for step in range(3)]
    insert(clickhouse, [*old, *map(call, range(10, 40))])
    app = dashboard(table, Retention(records=5))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 5)
        await finds_outside_the_window(pilot, until, "old-1-id", 3)
        assert "llm.calls newest 8 of 33" in top_row(app)
        insert(clickhouse, [call(step) for step in range(40, 50)])
        await shown(pilot, 18)
        assert app.overview is not None
        assert app.overview.snapshot.frame["step"].to_list()[:4] == [0, 1, 2, 45]
        await pilot.press("slash", *"no-such-id", "enter")
        await until(pilot, lambda: "has no-such-id" in toasts(app), "there is none")
        clickhouse.fail(status=503)
        await pilot.press("slash", *"not-yet-here", "enter")
        await until(pilot, lambda: "not looked up outside the window" in toasts(app), "why not")


async def test_a_server_that_is_away_is_waited_for_on_screen(
    clickhouse: ClickHouse, shown: Shown, until: Until
) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, [call(step) for step in range(5)])
    clickhouse.stop()
    started = False
    try:
        app = dashboard(table)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: "○ waiting 127.0.0.1" in top_row(app), "the reason")
            assert "connection refused" in top_row(app)
            assert "once its server answers" in "\n".join(lines_of(app.query_one(CallsPane)))
            clickhouse.start()
            started = True
            await shown(pilot, 5)
            await until(pilot, lambda: "● live" in top_row(app), "live")
    finally:
        if not started:
            clickhouse.start()


async def test_a_login_that_fails_is_whole_on_a_small_screen(
    clickhouse: ClickHouse, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_table(clickhouse)
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "wrong")
    app = dashboard(str(clickhouse.url(user="reader")))
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "✗ llm.calls" in top_row(app), "a problem")
        calls = app.query_one(CallsPane)
        reason = "login as reader failed; the password is read from CLICKHOUSE_PASSWORD"
        await until(pilot, lambda: reason in " ".join(" ".join(lines_of(calls)).split()), "why")


async def test_leaving_ends_a_running_query(clickhouse: ClickHouse, until: Until) -> None:
    clickhouse.query(
        "CREATE VIEW llm.slow AS SELECT toDateTime64(number, 6) AS ts, NULL AS step,"
        " toString(sipHash64(number)) AS line, ts AS ingested FROM numbers(1000000000000)"
        " WHERE sipHash64(number) = 1"
    )
    app = dashboard(str(clickhouse.url("llm.slow")))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: clickhouse.running() > 0, "a query runs")
        await pilot.press("q")
    while clickhouse.running():
        pass
