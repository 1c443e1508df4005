"""What the dashboard says of files of other tools, and of ones that hold no calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.formats.otlp import CHAT, envelope, span
from tests.formats.test_claude_code import TURN
from tests.tui.conftest import WIDE, Shown, Until, record, says, top_row

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.startup import RefusalDialog
from llmlog_tui.tui.widgets.text_pane import TextPane

TRAJECTORY = {"trajectory": [{"action": "ls", "observation": ""}], "info": {"model_stats": {}}}


def write(log: Path, *items: object) -> Path:
    log.write_text("".join(json.dumps(item) + "\n" for item in items))
    return log


async def test_the_header_names_the_format_of_another_tool(tmp_path: Path, shown: Shown) -> None:
    log = write(tmp_path / "session.jsonl", *TURN)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        assert "session.jsonl" in top_row(app)
        assert "Claude Code" in top_row(app)


async def test_the_header_names_all_formats_of_a_log(tmp_path: Path, shown: Shown) -> None:
    session = write(tmp_path / "a.jsonl", *TURN)
    spans = write(tmp_path / "b.jsonl", envelope(span(CHAT)))
    async with LogApp([session, spans]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        assert "Claude Code, OTLP traces" in top_row(app)


async def test_of_our_own_records_the_header_names_no_format(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        assert top_row(await shown(pilot, 1)).split()[:3] == ["llmlog", "calls.jsonl", "1"]


async def test_a_latency_made_from_timestamps_says_so(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = write(tmp_path / "session.jsonl", *TURN)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        await pilot.press("2", "enter")

        def says_so() -> bool:
            return any(says(sheet, "from timestamps") for sheet in app.screen.query(TextPane))

        await until(pilot, says_so, "the origin of the latency")


async def test_a_file_that_holds_no_calls_says_what_it_is_until_records_come(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = write(tmp_path / "run.traj", TRAJECTORY)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: bool(app.screen.query("RefusalDialog Static")), "the refusal")
        said = str(app.screen.query_one("Static").render())
        assert "No calls in here" in said
        assert "SWE-agent" in said
        with log.open("ab") as file:
            file.write(record())
        await shown(pilot, 1)
        await until(pilot, lambda: not isinstance(app.screen, RefusalDialog), "the Overview")


@pytest.mark.parametrize(("key", "result"), [("enter", None), ("q", "quit")])
async def test_a_refused_file_can_be_waited_for_or_left(
    tmp_path: Path, until: Until, key: str, result: str | None
) -> None:
    log = write(tmp_path / "run.traj", TRAJECTORY)
    app = LogApp([log])
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(app.screen.query("RefusalDialog Static")), "the refusal")
        await pilot.press(key)
        if result is None:
            await until(pilot, lambda: not isinstance(app.screen, RefusalDialog), "it is closed")
    assert app.return_value == result
