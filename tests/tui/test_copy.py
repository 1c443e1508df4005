"""y: an id, the grep, the line or the run, on the clipboard or in a file."""

from __future__ import annotations

import stat
import subprocess
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, toasts

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.record import CopyMenu


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        record(step=0, event="tool_call", model=None, tool_name="a|b`c")
        + record(step=1, id="resp-1", request_id="req-1", model="m\x1b[31m", retries=1)
    )
    return path


_CHOICES: Final = {"i": "resp-1", "r": "req-1", "l": '"request_id": "req-1"', "t": "| 1 | m"}
"""Keys of the copy menu, and a part of what they copy."""


async def test_what_is_chosen_goes_to_the_clipboard(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        for key, text in _CHOICES.items():
            app.clear_notifications()
            app.copy_to_clipboard("")
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, CopyMenu), "the menu")
            await pilot.press(key)
            await until(pilot, partial(is_copied, app, text), f"the copy by {key}")
            assert "\x1b" not in app.clipboard
            assert "copied by OSC 52" in toasts(app)


def is_copied(app: LogApp, text: str) -> bool:
    return text in app.clipboard


async def test_the_grep_that_is_copied_finds_the_line(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("y", "g")
        await until(pilot, lambda: "grep" in app.clipboard, "the copy")
        assert output_of(app.clipboard) == log.read_bytes().splitlines(keepends=True)[1]


def output_of(line: str) -> bytes:
    """What a shell says to a line that is pasted into it."""
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout


async def test_a_capital_saves_it_to_a_file(
    log: Path, shown: Shown, until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved = tmp_path / "llmlog-trace-as-Markdown-1.md"
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("y", "T")
        await until(pilot, lambda: "saved to" in toasts(app), "that it is saved")
        assert app.clipboard == ""
    text = saved.read_text()
    assert "| 0 | a¦b'c | 100 |" in text, "a name cannot break the table"
    assert "| 1 | m" in text
    assert "\x1b" not in text


async def test_what_a_record_does_not_have_is_not_copied(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("tab", "g", "y", "r")  # the tool execution, in the timeline
        await until(pilot, lambda: "There is no request_id here" in toasts(app), "that it has none")
        await pilot.press("y", "escape")
        await until(pilot, lambda: app.screen is app.view, "the view")
        assert app.clipboard == ""


async def test_where_there_is_nothing_to_copy_from_it_is_said(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("3", "y")
        await until(
            pilot, lambda: "No record under the cursor" in toasts(app), "that there is none"
        )


async def test_what_is_saved_is_its_owners(
    log: Path, shown: Shown, until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("y", "L")
        await until(pilot, lambda: f"saved to {tmp_path}"[:40] in toasts(app), "where it is")
    assert stat.S_IMODE((tmp_path / "llmlog-line-1.txt").stat().st_mode) == 0o600
