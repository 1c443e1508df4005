"""The Overview while things happen: records arrive, files come and go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Final

import pytest
from tests.tui.conftest import WIDE, Shown, Until, lines_of, record, row_of, toasts, top_row

from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources, unread_parts
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.dialogs.record import RecordDialog

_PATIENCE_SECONDS: Final = 20


async def test_new_records_appear_while_the_application_writes(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        with log.open("ab") as file:
            file.write(record(step=1, trace_id="another"))
        await shown(pilot, 2)
        assert app.query_one(TracesPane).cursor_key == "another", "it follows the newest"


async def test_moving_up_stays_put_until_end_follows_again(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=f"trace-{n}") for n in range(40)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        traces = app.query_one(TracesPane)
        await pilot.press("up", "up")
        with log.open("ab") as file:
            file.write(record(trace_id="trace-40"))
        await shown(pilot, 41)
        assert row_of(traces) == "trace-37"
        await pilot.press("end")
        assert row_of(traces) == "trace-40"


async def test_what_comes_while_one_looks_elsewhere_is_counted_until_one_is_back(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=f"trace-{n}") for n in range(40)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        await pilot.press("up")
        with log.open("ab") as file:
            file.write(record(trace_id="trace-40") + record(trace_id="trace-40", step=1))
        await until(pilot, lambda: "/s  +2 End" in top_row(app), "the counter")
        with log.open("ab") as file:
            file.write(record(trace_id="trace-41"))
        await until(pilot, lambda: "/s  +3 End" in top_row(app), "one more")
        await pilot.press("2")
        await until(pilot, lambda: " End" not in top_row(app), "Calls are at the newest one")
        await pilot.press("1", "end")
        await until(pilot, lambda: " End" not in top_row(app), "nothing is unseen")
        assert row_of(app.query_one(TracesPane)) == "trace-41"


@pytest.mark.parametrize(
    ("pane", "moves"), [("#calls", "k"), ("#timeline", "k"), ("#timeline", "i")]
)
async def test_who_looks_at_something_in_any_pane_is_left_there(
    tmp_path: Path, shown: Shown, pane: str, moves: str
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n) for n in range(5)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        app.screen.query_one(pane).focus()
        await pilot.press(moves)
        here = row_of(app.query_one(CallsPane))
        with log.open("ab") as file:
            file.write(record(trace_id="newer"))
        await shown(pilot, 6)
        assert row_of(app.query_one(TracesPane)) == "t"
        assert row_of(app.query_one(CallsPane)) == here


async def test_freezing_keeps_the_screen_while_reading_goes_on(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("space")
        with log.open("ab") as file:
            file.write(record(step=1) + record(step=2))
        await until(pilot, lambda: "‖ frozen +2 End" in top_row(app), "the counter")
        assert app.records_shown == 1
        await pilot.press("space")
        await shown(pilot, 3)


async def test_a_file_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: "waiting for" in top_row(app), "the header says so")
        assert "No calls.jsonl yet" in "\n".join(lines_of(app.query_one(CallsPane)))
        log.write_bytes(record(event="tool_call", tool_name="search"))
        await shown(pilot, 1)
        assert "No model calls yet" in "\n".join(lines_of(app.query_one(CallsPane)))


async def test_the_reason_for_no_calls_is_shown_again_after_a_filter(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"")
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 0)

        def is_empty_because(reason: str) -> bool:
            return reason in "\n".join(lines_of(app.query_one(CallsPane)))

        await pilot.press("f", *"step > 1", "enter")
        await until(pilot, lambda: is_empty_because("No calls match"), "the filter")
        await pilot.press("escape")
        await until(pilot, lambda: is_empty_because("No model calls yet"), "the empty log")


async def test_a_file_that_is_gone_is_waited_for(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        log.unlink()
        gone = "waiting for calls.jsonl: it is gone"
        await until(pilot, lambda: gone in top_row(app), "the header says so")
        log.write_bytes(record(step=1))
        await shown(pilot, 2)
        await until(pilot, lambda: "● live" in top_row(app), "it is there again")


async def test_a_last_record_without_a_newline_is_shown_once_nothing_else_comes(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() + record(step=1).rstrip(b"\n"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 2)
        with log.open("ab") as file:
            file.write(b"\n" + record(step=2))
        app = await shown(pilot, 3)
        assert "3 calls" in top_row(app)


async def test_a_log_that_is_not_followed_is_read_to_its_very_end(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() + record(step=1).rstrip(b"\n"))
    async with LogApp([log], follow=False).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        assert "read once" in top_row(app)
        app.query_one(CallsPane).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the last record")
        assert "chat_completion" in str(app.screen.query_one("Static").render())


async def test_a_log_replaced_by_one_of_the_same_size_is_shown(
    tmp_path: Path, shown: Shown
) -> None:
    log, new = tmp_path / "calls.jsonl", tmp_path / "new.jsonl"
    log.write_bytes(record(trace_id="aaa"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        new.write_bytes(record(trace_id="bbb"))
        new.rename(log)
        await shown(pilot, 2)
        assert row_of(app.query_one(TracesPane)) == "bbb"


async def test_a_glob_takes_in_the_files_that_come_to_match_it(
    tmp_path: Path, shown: Shown
) -> None:
    (tmp_path / "a.jsonl").write_bytes(record())
    sources = Sources([str(tmp_path / "*.jsonl")], must_exist=False)
    async with LogApp(sources).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        (tmp_path / "b.jsonl").write_bytes(record(trace_id="later"))
        await shown(pilot, 2)
        assert "a.jsonl +1" in top_row(app)


async def test_only_the_window_that_was_asked_for_is_kept(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n) for n in range(10)))
    async with LogApp([log], last=Retention.of("3")).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 10)
        assert len(app.query_one(CallsPane).source) == 3


async def test_standard_input_is_read_and_follows(shown: Shown) -> None:
    reading, writing = os.pipe()
    os.write(writing, record())
    try:
        async with LogApp(Sources(["-"], must_exist=True), stdin=reading).run_test() as pilot:
            app = await shown(pilot, 1)
            assert "stdin" in top_row(app)
            os.write(writing, record(step=1))
            await shown(pilot, 2)
    finally:
        os.close(writing)


async def test_an_alert_that_fires_while_following_is_told_with_the_key_that_leads_there(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n, system_fingerprint="fp_old") for n in range(60)))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 60)
        assert toasts(app) == "", "nothing was new when the log was opened"
        with log.open("ab") as file:
            for n in range(60, 100):
                file.write(record(step=n, system_fingerprint="fp_[new]"))
        await until(pilot, lambda: "New alert: fingerprint" in toasts(app), "the toast")
        assert "fp_old → fp_[new]\nw goes to it" in toasts(app)
        await pilot.press("w")
        assert row_of(app.query_one(CallsPane)) == 60


async def test_a_toast_names_rotated_parts_that_are_not_read_without_waiting_for_their_folder(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_listed, threads = Event(), list[Thread]()

    def slowly_listed(names: Sequence[str]) -> str:
        threads.append(current_thread())
        is_listed.wait(_PATIENCE_SECONDS)
        return unread_parts(names)

    monkeypatch.setattr("llmlog_tui.tui.app.unread_parts", slowly_listed)
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    (tmp_path / "calls.jsonl.1").write_bytes(record(step=1))
    async with LogApp(Sources([str(log)], must_exist=True)).run_test(
        size=WIDE, notifications=True
    ) as pilot:
        app = await shown(pilot, 1)
        await until(pilot, lambda: bool(threads), "the look into the folder")
        assert main_thread() not in threads
        is_listed.set()
        await until(pilot, lambda: "1 rotated part beside calls.jsonl" in toasts(app), "the hint")
