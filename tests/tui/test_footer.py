"""The footer lists the keys that do something in the present state of a view, and no others."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import WIDE, Shown, Until, listed, overview_of, record
from textual.containers import Vertical

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.sql import SqlScreen

RUN_A = [record(trace_id="run-a", span_id=f"a{n}", step=n) for n in range(2)]
RUN_B = [record(trace_id="run-b", span_id=f"b{n}", step=n) for n in range(3)]
RUN_C = [record(trace_id="run-c", span_id=f"c{n}", step=n) for n in range(3)]


async def test_it_has_the_keys_of_a_column_once_a_column_is_chosen(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(RUN_A))
    of_a_column = {"sort", "only this", "not this"}
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        for view, keys in (("1", {"only this", "not this"}), ("2", of_a_column)):
            await pilot.press(view)
            await shown(pilot, 2)
            assert not listed(app) & of_a_column
            await pilot.press("l")
            assert listed(app) & of_a_column == keys


async def test_it_has_the_keys_that_pan_while_a_part_of_the_time_is_on_screen(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    times = (record(trace_id="run", step=n, ts=f"2026-11-23T09:0{n}:00Z") for n in range(5))
    log.write_bytes(b"".join(times))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        await pilot.press("tab")
        assert not listed(app) & {"pan", "all time"}
        await pilot.press("i")
        assert listed(app) >= {"pan", "all time", "zoom time"}
        await pilot.press("0")
        assert not listed(app) & {"pan", "all time"}
        await pilot.press("3")
        await shown(pilot, 5)
        assert not listed(app) & {"earlier", "all"}
        await pilot.press("i")
        await until(pilot, lambda: listed(app) >= {"earlier", "all", "zoom"}, "keys of a range")
        await pilot.press("r", "1", "3")
        await until(pilot, lambda: app.where is not None and not app.busy, "a range as filter")
        assert listed(app) >= {"earlier", "all"}


async def test_it_has_the_keys_of_a_difference_and_of_each_run_that_has_the_step(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join((*RUN_A, *RUN_B, *RUN_C)))
    differences, records = {"next difference"}, {"A's record", "B's record"}
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 8)
        await pilot.press("g", "d", "down", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
        await until(pilot, lambda: differences < listed(app), "a difference")
        assert listed(app) & records == {"B's record"}, "only B has the third step"
        await pilot.press("up")
        await until(pilot, lambda: listed(app) >= records, "both have the second")
        await pilot.press("escape", "d", "down", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff of equal runs")
        await until(pilot, lambda: listed(app) >= records, "its steps")
        assert not listed(app) & differences


async def test_it_has_the_query_before_once_there_is_another_one(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(RUN_A))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("5")
        screen = app.screen
        assert isinstance(screen, SqlScreen)
        assert "query before" not in listed(app)
        for text in ("select 1", "select 2"):
            screen.editor.text = text
            await pilot.press("ctrl+r")
            await until(pilot, lambda: screen.result.frame is not None, "its result")
        await until(pilot, lambda: "query before" in listed(app), "the first query")


async def test_enter_on_an_alert_that_has_the_whole_screen_shows_its_call(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    calls = [record(trace_id=f"run-{n}", span_id=f"{n}") for n in range(60)]
    failed = [record(trace_id=f"bad-{n}", span_id=f"b{n}", status="error") for n in range(40)]
    log.write_bytes(b"".join((*calls, *failed)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        screen = overview_of(await shown(pilot, 100))
        screen.alerts.focus()
        await pilot.press("z", "enter")
        await until(pilot, lambda: screen.calls.display, "the pane of its call")
        alert = screen.alerts.alert
        assert alert is not None
        assert screen.calls.cursor_key == alert.row


async def test_an_empty_log_has_no_keys_of_records_until_the_first(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, of_records = tmp_path / "calls.jsonl", {"copy", "next alert", "next error", "diff"}
    log.touch()
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 0)
        assert not listed(app) & of_records
        for key, keys in (("apostrophe", ("Enter", "remove")), ("F", ("Enter", "save", "delete"))):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not app.view, "an empty list")
            subtitle = str(app.screen.query_one(Vertical).border_subtitle)
            assert "Esc back" in subtitle
            assert not any(word in subtitle for word in keys)
            await pilot.press("escape")
        log.write_bytes(record())
        await until(pilot, lambda: listed(app) >= of_records, "keys of the first record")
