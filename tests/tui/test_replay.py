"""Replay: a run step by step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, text_of
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens import replay
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.read_at = -1.0

    def __call__(self) -> float:
        self.read_at = self.now
        return self.now


def step(n: int, at_s: int, **fields: object) -> bytes:
    """A call of run `run` that begins so many seconds into it and takes one second."""
    usual = {"prompt_tokens": 10, "completion_tokens": 5, "latency_ms": 1_000, "id": f"id-{n}"}
    ts = f"2026-11-23T09:00:{at_s:02}Z"
    return record(trace_id="run", step=n, ts=ts, **{**usual, **fields})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four steps, at 0, 1, 2 and 13 s: a gap of ten seconds before the last one."""
    path = tmp_path / "calls.jsonl"
    steps = (
        step(0, 0, v=1, model="gpt-5-mini", provider="api.openai.com"),
        step(1, 1, event="tool_call", model=None, tool_name="search", status="error"),
        step(2, 2, completion_tokens=None),
        step(3, 13, input=[{"role": "user", "content": "[b]hello\x1b[31m"}], output="Goodbye"),
    )
    path.write_bytes(b"".join(steps))
    return path


async def opened(pilot: Pilot[str], until: Until) -> ReplayScreen:
    await pilot.press("enter")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
    screen = app.screen
    assert isinstance(screen, ReplayScreen)
    await until(pilot, lambda: screen.cursor_key is not None, "its steps")
    await until(pilot, lambda: screen.scrub.size.width > 0, "its layout")
    return screen


def said(screen: ReplayScreen) -> str:
    """What the content pane shows."""
    return "\n".join(lines_of(screen.content_pane))


def scrub(screen: ReplayScreen) -> str:
    return str(screen.scrub.border_title) + "\n" + str(screen.scrub.render())


async def test_enter_on_a_trace_replays_it_from_its_first_step(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        assert screen.cursor_key == 0
        assert "‖ paused 1× · step 0, 1 of 4" in scrub(screen)
        assert "elapsed 1.00 s of 14.0 s" in scrub(screen)
        assert "calls 1 of 3   tools 0 of 1   in 10 of 30   out 5 of 10" in scrub(screen)
        assert "cost <$0.0001 of <$0.0001+" in scrub(screen)
        assert "errors 0 of 1" in scrub(screen)
        await pilot.press("l")
        assert "step 1, 2 of 4" in scrub(screen)
        assert "errors 1 of 1" in scrub(screen)
        await pilot.press("h", "left")
        assert screen.cursor_key == 0, "there is nothing before the first"
        await pilot.press("G")
        assert screen.cursor_key == 3
        await pilot.press("g", "e")
        assert screen.cursor_key == 1, "the step that failed"


async def test_it_plays_at_its_own_pace_with_long_gaps_shortened(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(replay.ReplayScreen.__init__, "__defaults__", (clock,))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await pilot.press("space")
        assert "► playing 1×" in scrub(screen)
        clock.now = 0.9
        await until(pilot, lambda: clock.read_at == clock.now, "a look at the clock")
        await pilot.pause()
        assert screen.cursor_key == 0
        clock.now = 1.0
        await until(pilot, lambda: screen.cursor_key == 1, "the step that began after 1 s")
        await pilot.press("]")
        assert "► playing 2×" in scrub(screen)
        clock.now = 1.5
        await until(
            pilot, lambda: screen.cursor_key == 2, "the third after half a second at double speed"
        )
        clock.now = (
            2.25  # the third ends at 3 s of play, and ten seconds of nothing take half a one
        )
        await until(pilot, lambda: screen.cursor_key == 3, "the last, behind the gap")
        clock.now = 3.0
        await until(pilot, lambda: not screen.playing, "the end")
        assert "‖ paused 2×" in scrub(screen)


async def test_the_mouse_takes_the_replay_to_a_step_and_drags_it_along(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        right = screen.scrub.size.width
        await pilot.click(screen.scrub, offset=(right - 12, 2))
        assert screen.cursor_key == 3, "at 13 of 14 s"
        assert "4 of 4" in scrub(screen)
        await pilot.mouse_down(screen.scrub, offset=(2, 2))
        assert screen.cursor_key == 0
        await pilot.hover(screen.scrub, offset=(24, 2))
        assert screen.cursor_key == 2, "at 2 of 14 s"
        await pilot.mouse_up(screen.scrub, offset=(24, 2))
        await pilot.hover(screen.scrub, offset=(2, 2))
        assert screen.cursor_key == 2, "the mouse was let go"


async def test_one_steps_on_while_the_detail_has_the_keys_and_j_scrolls_it(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        screen.detail_pane.focus()
        await pilot.press("right", "l", "left")
        assert screen.cursor_key == 1
        await until(pilot, lambda: "Step 1" in text_of(screen.detail_pane), "its detail")
        await pilot.press("l", "l")
        await until(pilot, lambda: "id-3" in text_of(screen.detail_pane), "the last one's")
        await until(pilot, lambda: screen.detail_pane.max_scroll_y > 0, "more than has room")
        await pilot.press("j")
        await until(pilot, lambda: screen.detail_pane.scroll_offset.y > 0, "it scrolls")


async def test_of_steps_at_one_place_the_line_of_time_marks_the_gravest(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        step(0, 0)
        + step(1, 5, retries=1)
        + step(2, 5, status="error", error_type="APIError")
        + step(3, 5, finish_reason="length")
    )
    async with LogApp([path]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        marks = str(screen.scrub.render()).splitlines()[0]
        assert marks.split() == ["·", "✗"]


async def test_the_detail_and_the_content_are_those_of_the_current_step(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await until(pilot, lambda: "no content" in said(screen), "that there is no content")
        assert '"redacted"' in said(screen)
        assert "latency_ms" in said(screen), "the fields are below it"
        assert "id-0" in text_of(screen.detail_pane)
        await pilot.press("l")
        await until(pilot, lambda: "tool_name" in said(screen), "its fields")
        assert "no content" not in said(screen), "it is not of llmlog's own"
        await pilot.press("G")
        await until(pilot, lambda: "hello" in said(screen), "what was said")
        assert "[b]hello" in said(screen)
        assert "\x1b" not in said(screen)
        assert "Goodbye" in said(screen)
        assert "id-3" in text_of(screen.detail_pane)
        assert f'grep \'"trace_id": "run"\' {log}' in text_of(screen.detail_pane)
        await pilot.press("v", "v")
        assert '"latency_ms": 1000' in said(screen)
        await pilot.press("v")
        assert "completion_tokens" in said(screen)


async def test_the_playhead_is_at_the_elapsed_time(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        for key, elapsed_s in (("g", 1), ("l", 2), ("l", 3), ("l", 14)):
            await pilot.press(key)
            assert f"elapsed {elapsed_s:.2f} s"[:11] in scrub(screen)
            track = str(screen.scrub.render()).splitlines()[1]
            width = screen.scrub.size.width - 2
            assert track.index("●") - 1 == min(width - 1, int(width * elapsed_s / 14))


async def test_space_at_the_end_plays_from_the_start_again(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(ReplayScreen.__init__, "__defaults__", (clock,))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await pilot.press("space")
        clock.now = 60.0
        await until(pilot, lambda: not screen.playing, "the end")
        assert "step 3, 4 of 4" in scrub(screen)
        await pilot.press("space")
        assert "► playing 1× · step 0, 1 of 4" in scrub(screen)
        await pilot.press("space", "end", "space")
        assert "► playing 1× · step 0, 1 of 4" in scrub(screen)


async def test_keys_lead_to_failed_cut_off_and_slow_steps(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    path = tmp_path / "calls.jsonl"
    broken = step(2, 2, stream_end="truncated", latency_ms=10)
    path.write_bytes(step(0, 0, latency_ms=10) + step(1, 1, status="error") + broken + step(3, 3))
    async with LogApp([path]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await pilot.press("g")
        for key, row in (("e", 1), ("c", 2), ("p", 3), ("P", 1), ("c", 2), ("E", 1)):
            await pilot.press(key)
            assert screen.cursor_key == row, key


async def test_a_run_that_goes_on_grows_while_it_is_looked_at(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await pilot.press("l")
        with log.open("ab") as file:
            file.write(step(4, 15))
        await until(pilot, lambda: "2 of 5" in scrub(screen), "the fifth step")
        assert screen.cursor_key == 1, "the user's place is kept"


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_back_is_where_one_came_from(
    sample: Path, shown: Shown, records: int, until: Until, key: str
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("up", "up")
        overview = app.screen
        assert isinstance(overview, OverviewScreen)
        here = overview.selected_trace
        await opened(pilot, until)
        await pilot.press("space", key)
        await until(pilot, lambda: app.screen is overview, "the Overview")
        assert overview.selected_trace == here


async def test_a_small_screen_has_detail_or_content(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        await until(pilot, lambda: "latency" in text_of(screen.detail_pane), "the detail")
        await pilot.pause()
        shows: Callable[[], tuple[bool, bool]] = lambda: (  # noqa: E731 - short
            screen.detail_pane.display,
            screen.content_pane.display,
        )
        assert shows() == (True, False)
        assert screen.scrub.region.bottom == SMALL[1] - 1
        await pilot.press("v")
        assert shows() == (False, True)
        await pilot.press("v", "v", "v", "v")
        assert shows() == (True, False)
