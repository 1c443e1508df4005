"""The command palette: files to write, and `:42`."""

from __future__ import annotations

import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, row_of, toasts
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from llmlog_tui.log.load import load
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.screens.dialogs.save_as import SaveAsDialog
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.screens.trends import TrendsScreen

CONTENT = "my prompt"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six calls in two traces, and what was said in them; we are in its folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        b"".join(
            record(
                ts=f"2026-11-23T09:00:0{n}.5Z",
                trace_id=f"run/{n // 3}",
                step=n % 3,
                latency_ms=(n * 7) % 5,
                request_id=f"req_{n}",
                tool_calls=["x", "y"],
                input=CONTENT,
            )
            for n in range(6)
        )
    )
    return path


async def chosen(pilot: Pilot[Any], until: Until, command: str) -> SaveAsDialog:
    """The dialog that a command of the palette opens."""
    app = pilot.app
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
    await pilot.press(*command)
    await until(pilot, partial(is_first, app.screen, command), "the command")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, SaveAsDialog), "the dialog")
    screen = app.screen
    assert isinstance(screen, SaveAsDialog)
    return screen


async def test_what_textual_offers_beside_our_own_is_left_out(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert titles.count("Keys") == 1
        assert not {"Maximize", "Minimize"} & {*titles}, "z is ours"


def is_first(screen: object, command: str) -> bool:
    """Whether the palette has a command as its first match, and no other."""
    assert isinstance(screen, CommandPalette)
    commands = screen.query_one(CommandList)
    return commands.option_count == 1 and command in str(commands.get_option_at_index(0).prompt)


async def write(pilot: Pilot[Any], screen: SaveAsDialog, path: str) -> None:
    screen.path.value = path
    await pilot.press("enter")


def says(screen: SaveAsDialog, text: str) -> Callable[[], bool]:
    return lambda: text in str(screen.status.render())


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
async def test_the_calls_are_exported_as_they_are_shown_filtered_and_sorted(
    log: Path, tmp_path: Path, shown: Shown, until: Until, name: str
) -> None:
    out = tmp_path / name
    async with LogApp([log], where="step > 0").run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("2")
        calls = app.view.query_one("#all-calls", CallsPane)
        await pilot.press(*("l" * 5), "s")
        await until(pilot, lambda: calls.sort is not None, "the slowest first")
        await until(pilot, lambda: not app.busy, "their order")
        screen = await chosen(pilot, until, "Export calls")
        await write(pilot, screen, name)
        await until(pilot, lambda: f"Wrote 4 calls to {tmp_path}" in toasts(app), "where it is")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert latencies_in(out) == [4.0, 3.0, 2.0, 0.0]
    assert CONTENT.encode() not in out.read_bytes()


def latencies_in(file: Path) -> list[float]:
    if file.suffix == ".csv":
        return pl.read_csv(file)["latency_ms"].to_list()
    if file.suffix == ".parquet":
        return pl.read_parquet(file)["latency_ms"].to_list()
    return load([file]).frame["latency_ms"].to_list()


async def test_an_export_can_be_opened_as_a_log(
    log: Path, tmp_path: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        screen = await chosen(pilot, until, "Export calls")
        await write(pilot, screen, "out.jsonl")
        await until(pilot, lambda: "Wrote 6 calls" in toasts(app), "that it is written")
    same = ("ts", "trace_id", "step", "latency_ms", "tool_calls")
    assert load([tmp_path / "out.jsonl"]).frame.select(same).equals(load([log]).frame.select(same))


async def test_no_export_replaces_a_log_nor_another_file_unless_asked_again(
    log: Path, tmp_path: Path, shown: Shown, until: Until
) -> None:
    before = log.read_bytes()
    (tmp_path / "out.csv").write_text("precious")
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 6)
        screen = await chosen(pilot, until, "Export calls")
        for path, why in (
            ("./calls.jsonl", "is one of the logs being read"),
            ("out.xlsx", "does not end in .csv, .parquet, .jsonl"),
            ("no/out.csv", "No such file"),
            ("out.csv", "is there already. Enter again replaces it"),
        ):
            await write(pilot, screen, path)
            await until(pilot, says(screen, why), why)
        assert (tmp_path / "out.csv").read_text() == "precious"
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not screen, "that it is written")
    assert (tmp_path / "out.csv").read_text().startswith("ts,event,")
    assert log.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.jsonl", "out.csv"]


async def test_escape_writes_nothing(log: Path, tmp_path: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        await chosen(pilot, until, "Export calls")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.view, "the view")
    assert list(tmp_path.iterdir()) == [log]


async def test_the_bundle_of_the_selected_trace_is_what_the_command_writes_without_content(
    log: Path, tmp_path: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("k")
        screen = await chosen(pilot, until, "Support bundle")
        assert screen.path.value == "llmlog-run_0.md", "a name that is no path"
        await pilot.press("enter")
        await until(pilot, lambda: "Wrote the bundle of run/0" in toasts(app), "where it is")
    text = (tmp_path / "llmlog-run_0.md").read_text()
    assert text.startswith("# Run `run/0`")
    assert "req_2" in text
    assert "req_3" not in text, "of another trace"
    assert f'grep -F \'"trace_id": "run/0"\' {log}' in text
    assert CONTENT not in text


async def test_a_number_in_the_palette_goes_to_that_step_of_the_trace(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        timeline = app.query_one(TimelinePane)
        await pilot.press("k", "colon", "1", "enter")
        await until(pilot, lambda: row_of(timeline) == 1, "step 1 of the first trace")
        await pilot.press("colon", *"42", "enter")
        await until(
            pilot, lambda: "There is no step 42 in run/0" in toasts(app), "that it has none"
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        await pilot.press("colon", "2", "enter")
        await until(pilot, lambda: app.view.cursor_key == 2, "its step 2")


async def test_where_there_is_nothing_to_write_or_go_to_it_is_said(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log], where="step > 9").run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, TrendsScreen), "Trends")
        await pilot.press("colon", "7", "enter")
        await until(pilot, lambda: "No trace under the cursor" in toasts(app), "no trace")
        await pilot.press("colon", *"Export calls")
        await until(pilot, partial(is_first, app.screen, "Export calls"), "the command")
        await pilot.press("enter")
        await until(pilot, lambda: "No calls to export" in toasts(app), "no calls")


async def test_what_is_pasted_as_a_path_is_shown_and_not_obeyed(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 6)
        screen = await chosen(pilot, until, "Export calls")
        screen.path.value = "a\x1b]0;owned"
        await until(pilot, lambda: "a␛]0;owned" in screen.path.render_line(0).text, "it")
