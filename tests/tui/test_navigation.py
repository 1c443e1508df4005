"""< and >: back to the place that a jump left, and forward again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, row_of, toasts

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.navigation import History
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.screens.trends import TrendsScreen


def test_a_trail_leads_back_and_forward_again() -> None:
    trail = History[str]()
    trail.push("a")
    trail.push("b")
    assert [trail.step("c", -1), trail.step("b", -1), trail.step("a", -1)] == ["b", "a", None]
    assert [trail.step("a", 1), trail.step("b", 1), trail.step("c", 1)] == ["b", "c", None]


def test_a_new_jump_forgets_what_was_ahead() -> None:
    trail = History[str]()
    trail.push("a")
    assert trail.step("b", -1) == "a"
    trail.push("a")
    assert trail.step("c", 1) is None


def test_a_trail_never_leads_to_where_one_is() -> None:
    trail = History[str]()
    for place in ("a", "b", "b"):
        trail.push(place)
    assert trail.step("b", -1) == "a"


def test_a_trail_keeps_the_last_hundred_places() -> None:
    trail = History[int]()
    for place in range(200):
        trail.push(place)
    back = [trail.step(-1 - n, -1) for n in range(200)]
    assert [place for place in back if place is not None] == list(range(199, 99, -1))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """120 calls, two in each of sixty traces; one failed, at 41."""
    path = tmp_path / "calls.jsonl"
    lines = (
        record(
            ts=f"2026-11-23T09:{n // 60:02}:{n % 60:02}Z",
            trace_id=f"trace-{n // 2:02}",
            step=n % 2,
            id=f"id-{n:03}",
            status="error" if n == 41 else "ok",
        )
        for n in range(120)
    )
    path.write_bytes(b"".join(lines))
    return path


def at(pane: CallsPane | TracesPane | TimelinePane, key: Hashable) -> Callable[[], bool]:
    return lambda: row_of(pane) == key


async def test_every_jump_can_be_taken_back_and_again(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        calls = app.query_one(CallsPane)
        await pilot.press("slash", *"id-007", "enter")
        await until(pilot, at(calls, 7), "what was found")
        await pilot.press("e")
        await until(pilot, at(calls, 41), "the failed call")
        await pilot.press("slash", *"id-099", "enter")
        await until(pilot, at(calls, 99), "what was found")
        for key, row in zip("<<<>>>", (41, 7, 119, 7, 41, 99), strict=True):
            await pilot.press(key)
            await until(pilot, at(calls, row), f"{key} to {row}")


async def test_the_way_back_leads_to_the_same_row_at_the_same_height_in_the_same_pane(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        calls, traces = app.query_one(CallsPane), app.query_one(TracesPane)
        timeline = app.query_one(TimelinePane)
        await pilot.press("tab", "tab", *("k" * 30), *("j" * 5))
        await until(pilot, at(traces, "trace-47"), "its trace")
        await until(pilot, at(timeline, 94), "its step")
        before = calls.scroll_offset.y
        await pilot.press("slash", *"id-007", "enter")
        await until(pilot, at(calls, 7), "what was found")
        await pilot.press("tab", "<")
        await until(pilot, at(timeline, 94), "the step, when its trace is here")
        assert (row_of(calls), row_of(traces)) == (94, "trace-47")
        assert calls.scroll_offset.y == before
        assert calls.has_focus


async def test_the_filter_and_the_zoom_come_back_too(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        calls, overview = app.query_one(CallsPane), app.view
        assert isinstance(overview, OverviewScreen)
        await pilot.press("f", *"step = 1", "enter")
        await until(pilot, lambda: len(calls.source) == 60, "the filter")
        await pilot.press("tab", "tab", "z", "k", "k")
        await until(pilot, lambda: not overview.traces.display, "Calls alone")
        await pilot.press("4", "1", "z", "escape")
        await until(pilot, lambda: len(calls.source) == 120, "all calls")
        await pilot.press("<")
        await until(pilot, lambda: len(calls.source) == 60, "the filter again")
        await until(pilot, at(calls, 115), "the call")
        await pilot.press("<")
        await until(pilot, lambda: app.current_mode == "alerts", "Alerts")
        await pilot.press("<")
        await until(pilot, lambda: app.current_mode == "overview", "the Overview")
        await until(pilot, lambda: not overview.traces.display, "Calls alone again")
        assert overview.filterbar.where == "step = 1"
        await pilot.press("<")
        await until(pilot, lambda: len(calls.source) == 120, "all calls, as it began")


async def test_from_a_replay_back_to_the_trace_and_forward_into_the_replay(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        await pilot.press("k", "enter")
        await until(pilot, partial(is_replayed, app, 116), "the replay")
        await pilot.press("l")
        await until(pilot, partial(is_replayed, app, 117), "its last step")
        await pilot.press("<")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the Overview")
        assert row_of(app.query_one(TracesPane)) == "trace-58"
        await pilot.press(">")
        await until(pilot, partial(is_replayed, app, 117), "the replay, at that step")


def is_replayed(app: LogApp, row: int) -> bool:
    return isinstance(app.screen, ReplayScreen) and app.screen.cursor_key == row


async def test_a_diff_is_opened_again(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        await pilot.press("d", "k", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
        await pilot.press("<")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the Overview")
        await pilot.press(">")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff again")


async def test_from_view_to_view_and_what_time_was_looked_at(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, TrendsScreen), "Trends")
        await until(pilot, lambda: not app.busy, "its course")
        await pilot.press("i")
        await until(pilot, lambda: not app.busy, "a part of it")
        looked_at = app.view.get_state()
        await pilot.press("2", "3", "0")
        await until(pilot, lambda: app.view.get_state() != looked_at, "all of it")
        await pilot.press("<")
        await until(pilot, lambda: app.current_mode == "calls", "Calls")
        await pilot.press("<")
        await until(pilot, lambda: app.current_mode == "trends", "Trends")
        assert app.view.get_state() == looked_at


async def test_where_there_is_no_way_it_is_said(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 120)
        await pilot.press("<")
        await until(pilot, lambda: "No place before this one" in toasts(app), "nothing before")
        await pilot.press(">")
        await until(pilot, lambda: "No place after this one" in toasts(app), "nothing after")


@pytest.mark.parametrize("view", ["1", "2"])
async def test_the_order_of_the_calls_comes_back_too(
    log: Path, shown: Shown, until: Until, view: str
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 120)
        await pilot.press(view)
        await until(pilot, lambda: bool(app.view.query(CallsPane)) and not app.busy, "the calls")
        calls = app.view.query_one(CallsPane)
        calls.focus()
        await pilot.press("l", "l", "l", "s")
        await until(pilot, lambda: calls.source.key(0) == 1, "second steps first")
        await pilot.press("g", "j", "j")
        await until(pilot, at(calls, 5), "the third of them")
        await pilot.press("end")
        await until(pilot, lambda: calls.source.key(0) == 0, "the order of the log")
        await until(pilot, at(calls, 119), "the newest")
        await pilot.press("<")
        await until(pilot, lambda: calls.source.key(0) == 1, "second steps first, again")
        assert row_of(calls) == 5
        await pilot.press(">")
        await until(pilot, lambda: calls.source.key(0) == 0, "the order of the log, again")
        assert row_of(calls) == 119
