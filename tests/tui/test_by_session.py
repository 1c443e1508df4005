"""Traces by session, as the user of the Overview meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, row_of
from textual.pilot import Pilot

from llmlog_tui.config.settings import Memory
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.trace_rows import SessionHeading
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.replay import ReplayScreen


def call(session: str | None, trace: str, second: int, **fields: object) -> bytes:
    ts = f"2026-11-23T09:00:{second:02}Z"
    return record(session_id=session, trace_id=trace, ts=ts, **fields)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Sessions none, a (a1, a2) and b (b1, b2), their traces in between each other."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        call("a", "a1", 0, status="error")
        + call("b", "b1", 1)
        + call(None, "none", 2)
        + call("a", "a2", 10, latency_ms=2_000)
        + call("b", "b2", 12)
    )
    return path


def names(pane: TracesPane) -> list[str]:
    """What the first column says, cursor and all."""
    return [line[:12].rstrip() for line in lines_of(pane)[1:] if line.strip()]


async def grouped(pilot: Pilot[str], shown: Shown, until: Until, records: int = 5) -> TracesPane:
    app = await shown(pilot, records)
    pane = app.query_one(TracesPane)
    await pilot.press("B")
    await until(pilot, lambda: any("▾" in line for line in lines_of(pane)), "headings")
    return pane


async def test_b_shows_traces_below_the_headings_of_their_sessions_newest_last(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        assert names(pane) == [
            *("  ▾ –", "    none"),
            *("  ▾ a", "    a1", "    a2"),
            *("  ▾ b", "    b1", "▌   b2"),
        ]
        # From the start of a1 at 0 s to the end of a2 at 12 s.
        assert "2 tr  12,000" in lines_of(pane)[3]
        assert "✗" in lines_of(pane)[3], "what happened in a trace of it"
        assert "3 sessions, 5 traces (tr)" in str(pane.border_subtitle)
        await pilot.press("B")
        assert [line[2:].strip() for line in names(pane)] == ["a1", "b1", "none", "a2", "b2"]


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_selected_trace_stays_selected_when_grouped_filtered_and_refreshed(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 5)
        await pilot.press("up")
        pane = await grouped(pilot, shown, until)
        assert row_of(pane) == "a2"
        with log.open("ab") as file:
            file.write(call("c", "c1", 20))
        await until(pilot, lambda: len(pane.source) == 10, "the new session")
        assert row_of(pane) == "a2"
        await pilot.press("f", *"latency_ms > 1000", "enter")
        await until(pilot, lambda: len(pane.source) == 2, "a and its trace")
        assert row_of(pane) == "a2"
        await pilot.press("escape")
        await until(pilot, lambda: len(pane.source) == 10, "all of them")
        await until(pilot, lambda: not app.busy, "the answers")
        await pilot.press("B")
        assert row_of(pane) == "a2"


async def test_a_heading_folds_its_traces_and_stands_for_the_newest_of_them(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        timeline = pilot.app.query_one(TimelinePane)
        await pilot.press("g", "down", "down")
        assert row_of(pane) == SessionHeading("a")
        await until(pilot, lambda: "Timeline a2" in str(timeline.border_title), "its newest")
        await pilot.press("enter")
        assert names(pane) == ["  ▾ –", "    none", "▌ ▸ a", "  ▾ b", "    b1", "    b2"]
        assert pane.trace == "a2"
        await pilot.press("enter")
        assert len(pane.source) == 8
        await pilot.press("down", "enter")
        screens = pilot.app
        await until(pilot, lambda: isinstance(screens.screen, ReplayScreen), "a trace is replayed")


async def test_a_folded_session_opens_for_what_is_gone_to(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        await pilot.press("g", "down", "down", "enter")
        assert len(pane.source) == 6
        await pilot.press("E")
        assert row_of(pane) == "a1", "the failed call's trace"
        assert len(pane.source) == 8


async def test_who_follows_goes_with_the_session_that_becomes_the_newest(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        with log.open("ab") as file:
            file.write(call("a", "a3", 20))
        await until(pilot, lambda: row_of(pane) == "a3", "the newest trace")
        assert names(pane)[-4:] == ["  ▾ a", "    a1", "    a2", "▌   a3"]


async def test_a_session_alone_is_one_key_away_from_its_heading_too(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        app = pilot.app
        assert isinstance(app, LogApp)
        await pilot.press("g", "down", "down", "b")
        await until(pilot, lambda: app.view.filterbar.where == "session_id = 'a'", "the filter")
        await until(pilot, lambda: len(pane.source) == 3, "that session")
        await pilot.press("b")
        assert app.view.filterbar.where == "session_id = 'a'", "not twice"
        await pilot.press("escape")
        await until(pilot, lambda: len(pane.source) == 8, "all of them")
        await pilot.press("g", "h", "minus")
        await until(pilot, lambda: len(pane.source) == 6, "all but those without a session")


async def test_traces_by_session_are_so_again_next_time(
    log: Path, tmp_path: Path, shown: Shown, until: Until
) -> None:
    memory = tmp_path / "memory.json"
    async with LogApp([log], memory=Memory(memory)).run_test(size=WIDE) as pilot:
        await grouped(pilot, shown, until)
    async with LogApp([log], memory=Memory(memory)).run_test(size=WIDE) as pilot:
        pane = (await shown(pilot, 5)).query_one(TracesPane)
        assert len(pane.source) == 8
        await pilot.press("B")
    async with LogApp([log], memory=Memory(memory)).run_test(size=WIDE) as pilot:
        assert len((await shown(pilot, 5)).query_one(TracesPane).source) == 5


async def test_sessions_are_in_the_palette(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        pane = app.query_one(TracesPane)
        (wanted,) = (
            command for command in app.get_system_commands(app.screen) if "session" in command.title
        )
        wanted.callback()
        await until(pilot, lambda: len(pane.source) == 8, "headings")


async def test_without_a_trace_to_show_there_is_no_session_either(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        pane = await grouped(pilot, shown, until)
        await pilot.press("f", *"latency_ms < 0", "enter")
        await until(
            pilot, lambda: any("No traces match" in line for line in lines_of(pane)), "none"
        )
        await shown(pilot, 5)
        await pilot.press("escape")
        await until(pilot, lambda: any("▾" in line for line in lines_of(pane)), "headings again")
