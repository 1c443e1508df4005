"""Replay, Calls and Trends as pictures."""

from __future__ import annotations

import pytest
from tests.tui.conftest import WIDE, Shown, Until, lines_of
from tests.tui.test_snapshots_views import LOG, SIZES, Look, SnapCompare, app, go_to
from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.screens.trends import TrendsScreen
from llmlog_tui.tui.widgets.text_pane import TextPane

__all__ = ["app"]


def says(sheet: TextPane, words: str) -> bool:
    return words in str(sheet.query_one("Static").render())


@pytest.fixture
def replay(shown: Shown, records: int, until: Until) -> Look:
    """A run with a slow answer that was cut off, at that step."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await pilot.press("slash", *"2831f2ec", "enter")
        await until(pilot, lambda: app.view.cursor_key is not None and not app.busy, "the run")
        await until(pilot, lambda: "2831f2ec" in str(app.query_one("#timeline").border_title), "it")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: screen.cursor_key is not None and not app.busy, "its steps")
        await pilot.press("G")
        await until(pilot, lambda: says(screen.detail_pane, "grep"), "the detail")
        app.clear_notifications()
        await until(pilot, lambda: not app.screen.query("Toast"), "no toast")

    return look


@SIZES
def test_a_replay(
    snap_compare: SnapCompare, app: LogApp, replay: Look, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=replay)


@pytest.mark.usefixtures("app")
def test_a_replay_in_the_light_theme(snap_compare: SnapCompare, replay: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=replay)


@pytest.fixture
def calls(shown: Shown, records: int, until: Until) -> Look:
    """The slow calls of one model, the slowest first, with the detail of one."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await pilot.press("f", *"latency_ms > 3000 and model = 'gpt-oss-120b'", "enter")
        await until(pilot, lambda: app.view.filterbar.where is not None, "the filter")
        await go_to(pilot, app, "Calls", until)
        screen = app.screen
        assert isinstance(screen, CallsScreen)
        await pilot.press(*"lllll", "s")
        await until(pilot, lambda: "ms▾" in lines_of(screen.calls)[0], "sorted")
        await pilot.press("g", "enter")
        await until(pilot, lambda: says(screen.drawer, "grep"), "the detail")

    return look


@SIZES
def test_calls(snap_compare: SnapCompare, app: LogApp, calls: Look, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=calls)


@pytest.mark.usefixtures("app")
def test_calls_in_the_light_theme(snap_compare: SnapCompare, calls: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=calls)


@pytest.fixture
def trends(shown: Shown, records: int, until: Until) -> Look:
    """The course of all calls, with the cursor in it."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await go_to(pilot, app, "Trends", until)
        screen = app.screen
        assert isinstance(screen, TrendsScreen)
        await until(pilot, lambda: " – " in str(screen.summary.render()), "the course")
        await pilot.press(*"hhhhhh")

    return look


@SIZES
def test_trends(
    snap_compare: SnapCompare, app: LogApp, trends: Look, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=trends)


@pytest.mark.usefixtures("app")
def test_trends_in_the_light_theme(snap_compare: SnapCompare, trends: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=trends)
