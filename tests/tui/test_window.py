"""A window of the last records that moves on while one looks at what it lets go of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, toasts
from textual.pilot import Pilot

from llmlog_tui.log.retention import Retention
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.replay import ReplayScreen


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two runs of two steps."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=name, step=n) for name in "ab" for n in range(2)))
    return log


async def let_go(pilot: Pilot[str], log: Path, shown: Shown) -> None:
    """Many records come, so that the first ones are kept no more."""
    with log.open("ab") as file:
        file.writelines(record(trace_id="later", step=n) for n in range(40))
    await shown(pilot, 44)


async def pressed(pilot: Pilot[str], keys: Iterable[str], shown: Shown) -> None:
    for key in keys:
        await pilot.press(key)
        await shown(pilot, 44)


async def test_a_replay_says_that_its_run_was_let_go_of(
    log: Path, shown: Shown, until: Until
) -> None:
    app = LogApp([log], last=Retention.of("4"))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 4)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: screen.cursor_key is not None, "its steps")
        await let_go(pilot, log, shown)
        sheet = screen.detail_pane
        await until(pilot, lambda: "Evicted" in str(sheet.border_title), "so it says")
        await pressed(pilot, ["l", "v", "y"], shown)
        await until(pilot, lambda: "evicted" in toasts(app), "why there is nothing to copy")
        await pressed(pilot, ["m", "e", "enter", "q"], shown)
        assert app.screen is not screen


async def test_a_diff_lives_on_when_its_runs_are_let_go_of(
    log: Path, shown: Shown, until: Until
) -> None:
    app = LogApp([log], last=Retention.of("4"))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 4)
        await pilot.press("d", "k", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
        screen = app.screen
        assert isinstance(screen, DiffScreen)
        await until(pilot, lambda: screen.cursor_key is not None, "its pairs")
        await let_go(pilot, log, shown)
        await pressed(pilot, ["a", "b", "enter"], shown)
        await until(pilot, lambda: "evicted" in toasts(app), "why there is no record")
        await pressed(pilot, ["y", "m", "t", "e", "q"], shown)
        assert app.screen is not screen
