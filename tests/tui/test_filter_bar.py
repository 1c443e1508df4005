"""What is said of a filter while it is typed."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

import pytest
from tests.tui.conftest import SMALL, Shown, Until, record

from llmlog_tui.tui.app import LogApp


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One call."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    return log


async def test_what_is_wrong_with_a_filter_is_said_in_full_on_a_small_screen(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("f", *"latency", "tab", *" and")
        problem = app.view.query_one("#filter-problem")
        await until(pilot, lambda: "parse" in str(problem.render()), "the problem")
        said = str(problem.render())
        assert not said.startswith("the predicate"), "as if there were anything else in that row"
        assert problem.content_size.width >= len(said)


async def test_what_is_wrong_with_a_filter_takes_as_many_rows_as_it_needs(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        problem = app.view.query_one("#filter-problem")
        await pilot.press("f", *"step > 1 and count(*) > 3")
        await until(pilot, lambda: "all records" in str(problem.render()), "the problem")
        await pilot.pause()
        rows = len(wrap(str(problem.render()), problem.content_size.width))
        assert rows > 1
        assert problem.content_size.height == app.view.filterbar.size.height == rows
        await pilot.press("escape")
        await until(pilot, lambda: not app.view.filterbar.display, "the room given back")


async def test_times_in_a_filter_are_said_to_be_utc(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        problem = app.view.query_one("#filter-problem")
        await pilot.press("f", *"ts > '2026-11-23'")
        await until(pilot, lambda: str(problem.render()) == "times are UTC", "the hint")
        await pilot.press("ctrl+u", *"step > 1")
        await until(pilot, lambda: str(problem.render()) == "", "no hint")
