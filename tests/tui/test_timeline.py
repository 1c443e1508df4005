"""The Timeline: zoom and pan in time, the step in sight, and ten thousand steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, row_of
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from llmlog_tui.analysis.traces.timeline import Step
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.render.timeline_bars import EARLIER, LATER, Axis, bar
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.widgets.row_source import Cell


def run(steps: int, trace: str = "run") -> bytes:
    """So many calls of half a second each, one every second."""
    return b"".join(
        record(
            trace_id=trace,
            step=n,
            ts=f"2026-11-23T{9 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z",
            latency_ms=500,
        )
        for n in range(steps)
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A run of 17 steps: 16.5 s."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(run(17))
    return path


async def focused(pilot: Pilot[str], shown: Shown, records: int) -> TimelinePane:
    app = await shown(pilot, records)
    pane = app.query_one(TimelinePane)
    pane.focus()
    await pilot.pause()
    return pane


def title(pane: TimelinePane) -> str:
    return str(pane.border_title)


async def test_zooming_in_puts_the_step_in_the_middle_and_says_what_is_shown(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        assert "· 16.5 s" in title(pane)
        await pilot.press("g", *"jjjjjjjj", "i")
        # Step 8 is from 8.0 to 8.5 s: half of 16.5 s around 8.25 is 4.125 to 12.375.
        assert "4.1 – 12.4 s of 16.5 s" in title(pane)
        rows = lines_of(pane)
        assert "4.1 s" in rows[0]
        assert EARLIER in rows[1]
        assert LATER in rows[14], "step 13 began at 13 s"
        await pilot.press("o")
        assert "· 16.5 s" in title(pane)


async def test_one_pans_within_the_time_of_the_trace_and_0_shows_all_of_it(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("g", *"jjjjjjjj", "i", "l")
        assert "8.2 – 16.5 s of 16.5 s" in title(pane), "4.125 s later would be 16.5: the end"
        await pilot.press("l")
        assert "8.2 – 16.5 s of 16.5 s" in title(pane)
        await pilot.press("h", "left", "H")
        assert "0 – 8.2 s of 16.5 s" in title(pane)
        await pilot.press("0")
        assert "· 16.5 s" in title(pane)


async def test_going_to_another_step_brings_it_into_sight(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("g", "i", "i", "i")
        assert "0 – 2.06 s" in title(pane), "an eighth, as near to the step as the begin allows"
        await pilot.press("j")
        assert "0 – 2.06 s" in title(pane), "it was in sight"
        await pilot.press("j", "j")
        await pilot.pause()
        assert "2.48 – 4.55 s" in title(pane), "step 3, at 3 s, a quarter of 2.0625 s from the left"


async def test_a_millisecond_is_as_near_as_it_gets(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("g", *"i" * 20)
        assert "249.5 – 250.5 ms of 16.5 s" in title(pane)


async def test_the_wheel_zooms_with_ctrl_and_pans_with_shift(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("g", *"jjjjjjjj")
        await pilot._post_mouse_events([MouseScrollUp], pane, control=True)  # noqa: SLF001 - no wheel
        assert "4.1 – 12.4 s" in title(pane)
        await pilot._post_mouse_events([MouseScrollDown], pane, shift=True)  # noqa: SLF001 - as above
        assert "6.2 – 14.4 s" in title(pane), "a quarter of 8.25 s later"
        await pilot._post_mouse_events([MouseScrollDown], pane, control=True)  # noqa: SLF001 - as above
        assert "· 16.5 s" in title(pane)


async def test_the_mouse_drags_the_time_along_and_a_click_still_picks_a_step(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("g", *"jjjjjjjj", "i")
        assert "4.1 – 12.4 s" in title(pane)
        bars = len(lines_of(pane)[0].split("4.1 s")[0])
        await pilot.mouse_down(pane, offset=(bars + 20, 9))
        await pilot.hover(pane, offset=(bars + 10, 9))
        assert "4.1 – 12.4 s" not in title(pane), "what is later comes from the right"
        await pilot.hover(pane, offset=(bars + 40, 9))
        await pilot.mouse_up(pane, offset=(bars + 40, 9))
        assert "0 – 8.2 s" in title(pane), "the begin is as far as it goes"
        here = row_of(pane)
        await pilot.hover(pane, offset=(bars + 10, 9))
        assert "0 – 8.2 s" in title(pane), "the mouse was let go"
        await pilot.click(pane, offset=(bars + 10, 4))
        assert row_of(pane) == 2 != here


async def test_another_trace_is_shown_whole(tmp_path: Path, shown: Shown, until: Until) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(run(17, "first") + run(3, "second"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 20)
        await pilot.press("i")
        assert " of 2.50 s" in title(pane)
        await pilot.press("shift+tab", "up")
        await until(pilot, lambda: "first" in title(pane), "the other trace")
        assert "· 16.5 s" in title(pane)


async def test_who_looks_closer_is_not_taken_to_a_newer_trace(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 17)
        await pilot.press("i")
        with log.open("ab") as file:
            file.write(record(trace_id="newer"))
        await shown(pilot, 18)
        assert "Timeline run" in title(pane)
        assert " of 16.5 s" in title(pane)
        await pilot.press("end")
        await shown(pilot, 18)
        assert "Timeline newer" in title(pane)


async def test_bars_and_latencies_stand_in_the_timeline_at_every_size(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        for size in (SMALL, (100, 30), WIDE, (250, 80)):
            await pilot.resize_terminal(*size)
            heading, *rows = lines_of(await focused(pilot, shown, 17))
            assert "0 s" in heading
            assert " ms" in heading
            assert all("█" in row and "500" in row for row in rows[:4])


async def test_the_replay_zooms_too_while_h_and_l_go_on_stepping(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 17)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: screen.cursor_key == 0, "its steps")
        await pilot.press("i", "i", "i")
        assert "Steps run · 17 steps · 0 – 2.06 s of 16.5 s" in title(screen.steps)
        await pilot.press("l", "l", "l")
        assert screen.cursor_key == 3
        assert "2.48 – 4.55 s" in title(screen.steps)
        await pilot.press("L")
        assert "3.52 – 5.58 s" in title(screen.steps)
        assert screen.cursor_key == 3


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """The keys of the steps whose bars were drawn, in the order of drawing."""
    keys: list[int] = []

    def counted(step: Step, axis: Axis) -> Cell:
        keys.append(step.row)
        return bar(step, axis)

    monkeypatch.setattr("llmlog_tui.tui.panes.step_rows.bar", counted)
    return keys


async def test_of_ten_thousand_steps_a_frame_draws_those_on_screen(
    tmp_path: Path, shown: Shown, drawn: list[int]
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(run(10_000))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await focused(pilot, shown, 10_000)
        assert row_of(pane) == 9_999
        height = pane.size.height
        for key in ("g", "j", "G", "pageup", "k", "i", "h", "o", "0"):
            drawn.clear()
            await pilot.press(key)
            await pilot.pause()
            assert len(drawn) <= 3 * height, f"{key} draws what is on screen, at most thrice"
        drawn.clear()
        await pilot.press("g", "i")
        assert drawn, "a stretch of time is drawn anew"
