"""How the Overview's panes share the screen: wider, taller, hidden, and so again next time."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown

from llmlog_tui.config.settings import Memory, Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.keys.registry import IDS
from llmlog_tui.tui.overview_layout import OverviewLayout
from llmlog_tui.tui.screens.overview import OverviewScreen


def panes_of(app: LogApp) -> OverviewScreen:
    assert isinstance(app.screen, OverviewScreen)
    return app.screen


async def test_the_line_between_traces_and_timeline_moves_and_is_remembered(
    sample: Path, shown: Shown, records: int, tmp_path: Path
) -> None:
    memory = tmp_path / "memory.json"
    async with LogApp([sample], memory=Memory(memory)).run_test(size=WIDE) as pilot:
        screen = panes_of(await shown(pilot, records))
        assert screen.traces.region.width == 58
        await pilot.press("ctrl+right", "ctrl+right", "ctrl+down")
        await pilot.pause()
        assert screen.traces.region.width == 62
        assert screen.timeline.region.width == 160 - 62
        assert screen.traces.region.height == 18
        screen.alerts.focus()
        await pilot.press("ctrl+up")
        await pilot.pause()
        assert screen.alerts.region.height == 6
    async with LogApp([sample], memory=Memory(memory)).run_test(size=WIDE) as pilot:
        screen = panes_of(await shown(pilot, records))
        assert screen.traces.region.width == 62
        assert (screen.traces.region.height, screen.alerts.region.height) == (18, 6)


async def test_a_hidden_pane_leaves_its_room_to_the_others_until_all_are_back(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        screen = panes_of(await shown(pilot, records))
        await pilot.press("x")
        await pilot.pause()
        assert not screen.traces.display
        assert screen.timeline.region.width == 160
        assert screen.timeline.has_focus, "the keys are for a pane that is there"
        await pilot.press("x")
        await pilot.pause()
        assert (screen.calls.region.y, screen.calls.region.bottom) == (2, 50 - 1 - 5)
        await pilot.press("x")
        await pilot.pause()
        assert screen.alerts.region.height == 50 - 3
        await pilot.press("x")
        await pilot.pause()
        assert screen.alerts.display, "the last one stays"
        await pilot.press("X")
        await pilot.pause()
        assert all(pane.display for pane in screen.panes)
        assert screen.traces.region.width == 58


async def test_a_small_screen_stacks_what_is_not_hidden(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        screen = panes_of(await shown(pilot, records))
        await pilot.press("x", "ctrl+right")
        await pilot.pause()
        assert screen.timeline.region.y == 1
        assert screen.timeline.region.width == 80
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert screen.timeline.region.width == 160


@pytest.mark.parametrize(
    ("remembered", "expected"),
    [
        (None, OverviewLayout()),
        ({"traces": "wide", "top": True, "hidden": 3}, OverviewLayout()),
        ({"traces": 5, "top": 999, "alerts": 4}, OverviewLayout(traces=30, top=60, alerts=4)),
        ({"hidden": ["calls", "nothing", 3]}, OverviewLayout(hidden=("calls",))),
        ({"hidden": ["traces", "timeline", "calls", "alerts"]}, OverviewLayout()),
    ],
)
def test_an_arrangement_that_cannot_be_is_as_usual(
    remembered: object, expected: OverviewLayout
) -> None:
    assert OverviewLayout.from_object(remembered) == expected
    assert OverviewLayout.from_object(expected.as_object()) == expected


async def test_a_user_has_keys_and_a_theme_of_their_own(
    sample: Path, shown: Shown, records: int
) -> None:
    settings = Settings(theme="light", keys={"overview.zoom": "f8"})
    async with LogApp([sample], settings=settings).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        assert not app.current_theme.dark
        traces = panes_of(app).traces
        await pilot.press("z")
        await pilot.pause()
        assert traces.region.width == 58, "z is free now"
        await pilot.press("f8")
        await pilot.pause()
        assert traces.region.width == 160


def test_every_key_has_an_id_of_its_own_and_an_explanation() -> None:
    assert "app.freeze" in IDS
    assert "view.next-error" in IDS
    assert all(binding.description for binding in IDS.values())
