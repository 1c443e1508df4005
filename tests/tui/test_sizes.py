"""The views from small to large, and while the terminal changes its size."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, overview_of, record
from textual.widget import Widget

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.call_columns import ColumnChoice
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.widgets.table import LineTable

LOW, LARGE = (100, 30), (250, 80)
SIZES: Final = (SMALL, LOW, WIDE, LARGE)


def is_inside(widget: Widget, size: tuple[int, int]) -> bool:
    """Whether all of it is on a screen of that size, and it has any room."""
    region = widget.region
    return bool(region.area) and region.right <= size[0] and region.bottom <= size[1]


async def test_every_pane_of_the_overview_has_room_and_its_latencies_at_every_size(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        screen = overview_of(await shown(pilot, records))
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await shown(pilot, records)
            assert all(is_inside(pane, size) for pane in screen.panes)
            for pane in (screen.traces, screen.timeline, screen.calls):
                assert " ms" in lines_of(pane)[0], f"{pane.id} says how long"
                assert len([line for line in lines_of(pane)[1:] if line.strip()]) >= 3


async def test_a_replay_has_its_bars_its_detail_and_its_totals_at_every_size(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, records)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: screen.cursor_key is not None, "its steps")
        await until(pilot, lambda: "Step" in str(screen.detail_pane.border_title), "the detail")
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await until(pilot, partial(is_inside, screen.detail_pane, size), f"detail at {size}")
            assert is_inside(screen.steps, size)
            heading, first, *_ = lines_of(screen.steps)
            assert "0 s" in heading
            assert "█" in first
            totals = str(screen.scrub.render()).splitlines()[-1]
            assert len(totals) <= size[0]
            assert "elapsed" in totals
            assert ("errors" in totals) == (size != SMALL)
            screen.detail_pane.focus()
            await pilot.pause()
            if screen.compact:
                await pilot.press("v")
                assert screen.content_pane.has_focus, "it is in the place of the detail"
                while not screen.detail_pane.display:
                    await pilot.press("v")
                assert screen.detail_pane.has_focus
            frame = screen.detail_pane.styles.border_top[0]
            assert frame == ("heavy" if screen.compact else "round"), "seen without colour"
            assert screen.detail_pane.styles.border_title_style.bold


@pytest.mark.parametrize("sizes", [(SMALL, (120, 35), LARGE), (WIDE, LOW)])
async def test_calls_keep_their_finish_and_flags_beside_a_drawer_too(
    sample: Path, shown: Shown, records: int, until: Until, sizes: tuple[tuple[int, int], ...]
) -> None:
    async with LogApp([sample]).run_test(size=sizes[0]) as pilot:
        app = await shown(pilot, records)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, CallsScreen), "the calls")
        screen = app.screen
        assert isinstance(screen, CallsScreen)
        for size, is_open in ((size, is_open) for size in sizes for is_open in (False, True)):
            await pilot.resize_terminal(*size)
            await until(pilot, partial(is_inside, screen.calls, size), f"the calls at {size}")
            await pilot.press("enter" if is_open else "escape")
            await until(pilot, lambda: bool(screen.drawer.region.area) is is_open, "the drawer")  # noqa: B023
            heading, *lines = lines_of(screen.calls)
            assert "finish" in heading
            assert heading.split()[-1] == "flag"
            assert " ms " in heading
            assert any("✗ ↻" in line for line in lines), "the newest failed after retries"
            assert any("tool" in line for line in lines)
            rest = heading.index(" ms ")
            assert not any("…" in line[rest:] for line in lines), "no reason, no finish is cut"
            assert "…" not in str(screen.calls.border_title), "nor is the title"
            if size in {(120, 35), WIDE, LARGE}:
                assert any(" text-embedding-3-small " in line for line in lines)


async def test_zoomed_panes_of_a_large_screen_have_columns_as_wide_as_their_contents(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=LARGE) as pilot:
        screen = (await shown(pilot, records)).screen
        assert isinstance(screen, OverviewScreen)
        for pane in screen.panes:
            await pilot.press("z")
            assert pane.zoomed
            assert pane.region.width == LARGE[0]
            heading, *lines = (line.rstrip() for line in lines_of(pane))
            assert heading.strip(), f"{pane.id} names its columns"
            assert not any("…" in line for line in lines), f"{pane.id} cuts no text"
            # Bars take all the room: the longer they are, the more they show.
            if pane in (screen.traces, screen.alerts):
                ends = max(len(line) for line in lines)
                assert ends < 150, f"the last column of {pane.id} is beside the others"
            await pilot.press("z", "tab")
            assert not pane.zoomed
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "z")
        assert "gpt-oss-120b, " in "".join(lines_of(screen.traces)), "all models of a run"


async def test_the_terminal_may_change_its_size_while_records_arrive(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n) for n in range(30)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 30)
        for n, size in enumerate((SMALL, LARGE, LOW, (40, 10), (20, 5), WIDE)):
            with log.open("ab") as file:
                file.write(record(trace_id=f"trace-{n}"))
            await pilot.resize_terminal(*size)
            await shown(pilot, 31 + n)
            there = [pane for pane in app.screen.query(LineTable) if pane.region.area]
            assert all(pane.region.right <= size[0] for pane in there)
        screen = app.screen
        assert isinstance(screen, OverviewScreen)
        assert screen.selected_trace == "trace-5", "the newest is followed all the while"
        assert all(is_inside(pane, WIDE) for pane in screen.panes)


_VIEWS: Final = {
    "1": "OverviewScreen",
    "k d k d": "DiffScreen",
    "escape enter": "ReplayScreen",
    "escape question_mark": "HelpDialog",
    "escape B": "OverviewScreen",
    "2 enter": "CallsScreen",
    "3": "TrendsScreen",
    "4": "AlertsScreen",
    "6": "ServerScreen",
}
"""Keys that lead to a screen, one after the other."""


async def test_every_view_lives_through_a_terminal_of_any_size(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        for keys, name in _VIEWS.items():
            for key in keys.split():
                await pilot.press(key)
                await shown(pilot, records)
            on_screen = app.screen
            assert type(on_screen).__name__ == name
            for size in ((60, 15), (40, 10), (12, 5), (3, 2), (1, 1), WIDE):
                await pilot.resize_terminal(*size)
                await shown(pilot, records)
            assert app.screen is on_screen
            for table in on_screen.query(LineTable):
                has_rows = any(lines_of(table)) or not len(table.source)
                assert has_rows, f"{table.id} shows its rows again after {keys}"


async def test_on_a_very_low_screen_the_pane_with_the_keys_has_the_room(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=(40, 10)) as pilot:
        screen = (await shown(pilot, records)).screen
        assert isinstance(screen, OverviewScreen)
        for pane in screen.panes:
            assert pane.has_focus
            rows = [line for line in lines_of(pane)[1:] if line.strip()]
            assert len(rows) >= 3, f"{pane.id} has its heading and some rows"
            assert all(each.region.height == 1 for each in screen.panes if each is not pane)
            assert all(is_inside(each, (40, 10)) for each in screen.panes)
            await pilot.press("tab")
            await pilot.pause()


@pytest.mark.parametrize("rows", [10, 12, 15, 16, 17, 19, 20, 23])
async def test_a_replay_on_a_low_screen_has_steps_and_detail_and_v_turns_to_content(
    sample: Path, shown: Shown, records: int, until: Until, rows: int
) -> None:
    async with LogApp([sample]).run_test(size=(80, rows)) as pilot:
        app = await shown(pilot, records)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: "Step" in str(screen.detail_pane.border_title), "the detail")
        for sheet in (screen.detail_pane, screen.content_pane):
            await until(pilot, partial(is_inside, sheet, (80, rows)), "the sheet")
            assert sheet.size.height >= 3
            assert is_inside(screen.steps, (80, rows))
            assert screen.steps.size.height >= 3, "its heading, and steps"
            assert not screen.scrub.display or is_inside(screen.scrub, (80, rows))
            await pilot.press("v")


async def test_an_open_drawer_leaves_room_for_calls_on_a_low_screen(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=(60, 15)) as pilot:
        app = await shown(pilot, records)
        await pilot.press("2", "enter")
        await shown(pilot, records)
        table, drawer = app.screen.query_one("#all-calls"), app.screen.query_one("#drawer")
        assert drawer.display
        assert table.size.height >= 3, "its heading, and the call with its neighbour"
        assert is_inside(drawer, (60, 15))


async def test_a_very_wide_screen_cuts_no_text_and_has_more_columns_and_rows(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=(250, 60)) as pilot:
        screen = overview_of(await shown(pilot, records))
        calls = "\n".join(lines_of(screen.calls))
        for words in ("text-embedding-3-small", "InternalServerError", "ttft ms", "server ms"):
            assert words in calls
        assert lines_of(screen.calls)[0].endswith("flag")
        assert "models" in lines_of(screen.traces)[0]
        assert "text-embedding-3-small" in "\n".join(lines_of(screen.timeline))
        assert "not shown" not in str(screen.alerts.border_title), "all alerts have a row"
        screen.calls.set_columns(ColumnChoice(wide=("ts", "model", "flags")))
        titles = [column.title for column in screen.calls.source.columns]
        assert titles == ["time", "model", "flag"], "chosen columns stay alone"
