"""An exception in a handler is told and written down, and the dashboard keeps running."""

from __future__ import annotations

import errno
import io
import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import pytest
from tests.tui.conftest import WIDE, Shown, Until, expect_fault, overview_of, record, toasts
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.events import Click
from textual.pilot import Pilot
from textual.timer import Timer
from textual.widgets import OptionList

from llmlog_tui.log.retention import Retention
from llmlog_tui.tui import palette
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.kpi_row import KpiRow
from llmlog_tui.tui.runtime.event_guard import CrashLog
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.dialogs.help import HelpDialog
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.widgets.table import LineTable

Cause = Callable[[Pilot[Any], LogApp], Any]


class WrongError(Exception):
    """Raised by the tests' handlers."""


def fail(*_: object, **__: object) -> NoReturn:
    raise WrongError("a value of the log")


async def _press_a_key(pilot: Pilot[Any], app: LogApp) -> None:
    del app
    await pilot.press("space")


async def _click(pilot: Pilot[Any], app: LogApp) -> None:
    await pilot.click(overview_of(app).traces, offset=(5, 3))


async def _in_a_timer(pilot: Pilot[Any], app: LogApp) -> None:
    del pilot
    app.set_timer(0.001, fail)


async def _in_a_callback(pilot: Pilot[Any], app: LogApp) -> None:
    del pilot
    app.view.call_later(fail)


async def _in_a_thread(pilot: Pilot[Any], app: LogApp) -> None:
    del pilot
    app.jobs.run_in_thread("Counting", fail)


async def _by_opening(pilot: Pilot[Any], app: LogApp) -> None:
    del app
    await pilot.press("question_mark", "escape")


_CAUSES: dict[str, tuple[type, str, Cause]] = {
    "an action": (LogApp, "action_freeze", _press_a_key),
    "a click on a widget": (LineTable, "clicked", _click),
    "a timer": (LogApp, "unused", _in_a_timer),
    "a callback": (LogApp, "unused", _in_a_callback),
    "a background task": (LogApp, "unused", _in_a_thread),
    "the layout of a dialog": (HelpDialog, "_fill", _by_opening),
    "the composition of a dialog": (HelpDialog, "compose", _by_opening),
}


@pytest.mark.parametrize("cause", _CAUSES)
async def test_an_exception_is_told_and_written_down_and_the_dashboard_keeps_running(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path,
    tmp_path: Path,
    records: int,
    shown: Shown,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    cause: str,
) -> None:
    owner, name, act = _CAUSES[cause]
    file = tmp_path / "state" / "crashes.log"
    app = LogApp([sample], crash_file=file)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, records)
        monkeypatch.setattr(owner, name, fail, raising=False)
        await act(pilot, app)
        await until(pilot, lambda: "WrongError: a value of the log" in toasts(app), "the message")
        monkeypatch.undo()
        assert str(file) in toasts(app).replace("\n", "")
        await pilot.press("2")
        assert isinstance(app.view, CallsScreen)
        expect_fault(app)
    report = file.read_text()
    assert "WrongError: a value of the log\n" in report
    assert "in fail" in report
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_an_exception_in_a_handler_fails_the_test_in_which_it_was_raised(
    sample: Path, records: int, shown: Shown
) -> None:
    with pytest.raises(WrongError):  # noqa: PT012 - it is raised where the block ends
        async with LogApp([sample]).run_test(size=WIDE) as pilot:
            app = await shown(pilot, records)
            app.view.call_later(fail)
            await pilot.pause()


async def test_a_fault_that_repeats_is_one_message_and_one_report(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path,
    tmp_path: Path,
    records: int,
    shown: Shown,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "crashes.log"
    app = LogApp([sample], crash_file=file)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, records)
        monkeypatch.setattr(KpiRow, "update", fail)  # at every refresh
        for _ in range(20):
            app.view.call_later(fail)
            app.call_later(app.update_view)
        await until(pilot, lambda: app.guard.faults == 40, "all faults")
        await pilot.pause()
        assert toasts(app).count("WrongError: a value of the log") <= 2
        monkeypatch.undo()
        await pilot.pause()
        expect_fault(app)
    assert file.read_text().count("WrongError: ") == 2


def test_reports_follow_no_link_wait_for_no_reader_and_are_bounded(tmp_path: Path) -> None:
    kept, link, fifo = tmp_path / "kept", tmp_path / "link", tmp_path / "fifo"
    kept.write_text("kept")
    link.symlink_to(kept)
    os.mkfifo(fifo)
    assert not CrashLog(link).append("report")
    assert not CrashLog(fifo).append("report")
    assert not CrashLog(kept / "below a file").append("report")
    assert kept.read_text() == "kept"
    bounded = CrashLog(tmp_path / "bounded")
    for _ in range(300):
        assert bounded.append("x" * 9_999 + "\n")
    assert (tmp_path / "bounded").stat().st_size <= 1_000_000


# -- what killed it


async def test_a_page_up_right_after_the_palette_is_opened_is_no_fault(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        app.action_command_palette()
        await pilot.pause()
        assert isinstance(app.screen, palette.Commands)
        commands = app.screen.query_one(OptionList)
        commands.add_option("a command")
        commands.highlighted = 0
        for key in ("pageup", "pagedown"):
            commands._index_to_line.clear()  # noqa: SLF001 - as before it is laid out
            await pilot.press(key)
        assert isinstance(app.screen, palette.Commands)


async def test_a_click_on_an_option_that_has_just_gone_is_no_fault(
    sample: Path, records: int, shown: Shown, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("colon")
        assert isinstance(app.screen, palette.Commands)
        commands = app.screen.query_one(OptionList)
        await until(pilot, lambda: commands.option_count > 3, "the commands")
        await until(pilot, lambda: commands.size.height > 5, "their list")
        commands._options.clear()  # noqa: SLF001 - what is drawn is older
        await pilot.click(commands, offset=(3, 2))
        assert isinstance(app.screen, palette.Commands)


async def test_a_click_beside_the_palette_and_the_screen_is_no_fault(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("colon")
        assert isinstance(app.screen, palette.Commands)
        x, y = WIDE[0] + 5, 3  # the screen was wider when it was clicked
        app.screen.post_message(Click(app.screen, x, y, 0, 0, 1, False, False, False, x, y))  # noqa: FBT003 - Textual's
        await pilot.pause()
        assert isinstance(app.screen, palette.Commands)


async def test_a_palette_that_is_closed_while_it_gathers_commands_is_no_fault(
    sample: Path, records: int, shown: Shown, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("colon")
        dialog = app.screen
        assert isinstance(dialog, palette.Commands)
        await dialog.query("*").remove()  # as a screen that closes loses its children first
        dialog.call_later(dialog._watch__list_visible)  # noqa: SLF001 - as when all are gathered
        dialog.call_later(dialog._watch__show_busy)  # noqa: SLF001 - and as its timer does
        dialog.call_later(lambda: dialog.query_one("#of-ours"))
        await until(pilot, lambda: app.guard.faults == 1, "the fault that is ours")
        expect_fault(app)


async def test_two_clicks_beside_the_palette_close_it_alone(
    sample: Path, records: int, shown: Shown, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        await pilot.press("colon")
        dialog = app.screen
        assert isinstance(dialog, palette.Commands)
        dialog.dismiss()
        dialog.dismiss()
        await pilot.pause()
        assert isinstance(app.screen, ReplayScreen)


async def test_the_palette_opens_while_another_one_is_left_below_another_view(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("colon")
        await app.switch_mode("calls")
        await pilot.press("colon")
        assert isinstance(app.screen, palette.Commands)


async def test_the_help_scrolls_after_a_click_on_a_tiny_screen(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=(20, 5)) as pilot:
        app = await shown(pilot, records)
        for key in ("end", "space", "home", "j", "G"):
            await pilot.press("question_mark")
            for at in ((0, 0), (19, 4), (10, 2)):
                await pilot.click(offset=at)
            app.screen.set_focus(None)
            await pilot.press(key)
            assert isinstance(app.screen, HelpDialog)
            await pilot.press("escape")
            assert app.screen_stack[-1] is app.view


async def test_views_take_no_state_of_each_other_however_fast_one_goes_about(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        back, forward = "less_than_sign", "greater_than_sign"
        keys = ["2", "e", "f", *"slow", "enter", back, "1", "3", "l", back, "4", forward, back]
        for key in [*keys, "5", "escape", back, "1", "enter", back, back, back, "2", "1"]:
            await pilot.press(key)
        await shown(pilot, records)
        assert app.view is app.views[0]


async def test_a_record_that_has_left_the_log_is_reported_as_evicted_in_every_view(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(id=f"a{n}", latency_ms=n) for n in range(10)))
    app = LogApp([log], last=Retention(records=10))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 10)
        await pilot.press("2", "l", "l", "s", "enter")
        with log.open("ab") as file:
            file.write(b"".join(record(id=f"b{n}", latency_ms=n) for n in range(100)))
        view = app.view
        await until(pilot, lambda: not app.overview or not app.overview.has(0), "other records")
        for key in ("g", "enter", "enter", "r", "m", "y", "t", "1", "m", "y", "enter"):
            await pilot.press(key)
            await pilot.pause()
        assert view in app.views


async def test_a_key_whose_action_fails_does_not_hold_up_the_next_ones(
    sample: Path, records: int, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        monkeypatch.setattr(LogApp, "action_bookmarks", fail)
        await pilot.press("apostrophe", "2")
        await until(pilot, lambda: isinstance(app.view, CallsScreen), "the view of the next key")
        expect_fault(app)


async def test_a_drag_goes_on_while_the_screen_has_no_room_for_bars(
    sample: Path, records: int, shown: Shown
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        timeline = overview_of(app).timeline
        timeline.focus()
        await pilot.press("i", "i")
        await pilot.mouse_down(timeline, offset=(40, 3))
        await pilot.resize_terminal(20, 5)
        await pilot.hover(offset=(3, 3))
        await pilot.mouse_up(offset=(3, 3))
        assert app.view is overview_of(app)


async def test_what_is_written_to_a_terminal_that_is_gone_does_not_pile_up(
    sample: Path, records: int, shown: Shown
) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        writer = WriterThread(Gone())
        writer.start()
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("a frame")
        writer.stop()
        assert not writer.is_alive()


async def test_a_timer_in_the_past_ends_at_once(tmp_path: Path, shown: Shown, until: Until) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        ended: list[bool] = []
        app.set_timer(-0.001, lambda: ended.append(True))
        await until(pilot, lambda: ended == [True], "the end of the timer")


async def test_a_timer_that_is_late_as_it_begins_ends_once(
    tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        ended: list[bool] = []
        timer = Timer(app, 0.5, callback=lambda: ended.append(True), repeat=0)
        times = itertools.chain((0.0, 1.0, 1.0), iter(monotonic, None))
        monkeypatch.setattr("textual.timer._time.get_time", lambda: next(times))
        await timer._run()  # noqa: SLF001 - as its task does
        monkeypatch.undo()
        await pilot.pause()
        assert ended == [True]
