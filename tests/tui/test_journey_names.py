"""Runs by their names: in Traces, in the timeline, and in Replay."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen

QUESTION = [{"role": "user", "content": "Where is my order?"}]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A run with words of its user, one with a tool, and one with a name."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        record(trace_id="run-of-words", input=QUESTION)
        + record(trace_id="run-of-tool", event="tool_call", tool_name="look_up", model=None)
        + record(trace_id="run-of-name", trace_name="refund-agent")
    )
    return log


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_a_run_is_found_by_its_name_and_replayed(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 3)
        screen = app.view
        assert isinstance(screen, OverviewScreen)

        def text() -> str:
            return "\n".join(lines_of(screen.traces))

        await until(pilot, lambda: "Where is my" in text(), "the words of the user")
        assert "look_up" in text()
        assert "refund-agent" in text()
        assert "refund-agent" in str(screen.timeline.border_title)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        await until(
            pilot, lambda: "refund-agent" in str(app.screen.query_one("#crumb").render()), "it"
        )


async def test_names_of_a_log_without_any_take_no_room(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(trace_id="run-of-tool", event="tool_call", tool_name="look_up"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        screen = app.view
        assert isinstance(screen, OverviewScreen)
        assert "name" not in lines_of(screen.traces)[0]
