"""Calls and tools in flight: their bars, and the pane that shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    listed,
    overview_of,
    record,
    text_of,
    toasts,
)
from textual.widgets import Static

from llmlog_tui.log.starts import RunningStep
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.step_rows import StepInFlight
from llmlog_tui.tui.render.running_text import lines
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.replay import ReplayScreen


@pytest.fixture(autouse=True)
def _bars_grow_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("panes.running", "screens.overview", "screens.replay"):
        monkeypatch.setattr(f"llmlog_tui.tui.{module}.GROWS_S", 0.05)
    monkeypatch.setattr("llmlog_tui.tui.panes.running._LINGERS_S", 0.2)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def step(seconds: float, **more: str | None) -> RunningStep:
    fields: dict[str, str | None] = {
        "session_id": "s",
        "trace_id": "7c1d4e8a",
        "span_id": "x",
        "parent_span_id": None,
        "requested_model": "gpt-5",
        "tool_name": None,
        "trace_name": None,
    }
    return RunningStep(ts=NOW - timedelta(seconds=seconds), step=0, **{**fields, **more})  # type: ignore[arg-type]


def drawn(*steps: RunningStep, width: int = 120, limit: int = 5) -> list[str]:
    return [line.plain for line in lines(steps, NOW, width, limit)]


def test_a_bar_grows_with_time_on_one_axis() -> None:
    first, second = drawn(step(2.0), step(4.0))
    assert second.count("▒") == 2 * first.count("▒")
    (later,) = drawn(step(4.5))
    assert later.count("▒") > second.count("▒")
    assert "4.50 s" in later


def test_a_step_that_began_at_an_unknown_time_has_no_time() -> None:
    (line,) = drawn(replace(step(0), ts=None))
    assert line.endswith("▒ –")


def test_a_line_has_the_run_its_name_and_the_step() -> None:
    (line,) = drawn(step(1, trace_name="refund", tool_name="look_up"))
    assert line.startswith(" running      7c1d4e8a refund")
    assert "look_up" in line


def test_only_the_newest_are_drawn_and_the_others_counted() -> None:
    found = drawn(*(step(n, tool_name=f"t{n}") for n in range(9, 0, -1)), limit=2)
    assert len(found) == 2
    assert "t1" in found[1]
    assert found[1].endswith("+7 more")
    assert all(len(line) <= 120 for line in found)


@pytest.mark.parametrize("name", ["[red]x", "\x1b[31m", "漢字" * 20])
def test_hostile_names_are_inert_and_keep_the_width(name: str) -> None:
    (line,) = drawn(step(1, tool_name=name, trace_name=name))
    assert "\x1b" not in line


def begun(span_id: str, trace_id: str, seconds: float = 1.0, **more: object) -> bytes:
    """The line of a call that began some seconds ago."""
    ts = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    call = {"status": None, "model": None, "requested_model": "gpt-5", "latency_ms": None}
    return record(event="start", ts=ts, span_id=span_id, trace_id=trace_id, **{**call, **more})


def line_of(pane: Pane, words: str) -> str:
    """The line of a pane with these words; empty without one."""
    return next((line for line in lines_of(pane) if words in line), "")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_a_run_in_flight_is_a_row_with_a_growing_bar_until_its_record_comes(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(span_id="a", trace_id="run-one"))
    async with LogApp([log]).run_test(size=size, notifications=True) as pilot:
        app = await shown(pilot, 1)
        screen = overview_of(app)
        assert not screen.running.display
        with log.open("ab") as file:
            file.write(begun("b", "run-two"))
        await until(pilot, lambda: "►" in line_of(screen.traces, "run-two"), "its row")
        await until(pilot, lambda: "1 ► running" in str(screen.timeline.border_title), "its step")
        assert screen.selected_trace == "run-two", "the newest run is followed"
        assert "►gpt-5" in line_of(screen.timeline, "gpt-5")
        assert "run-two" in str(screen.running.render())
        assert screen.running.size.height == 1
        assert (app.records_shown, app.overview and app.overview.all_calls) == (1, 1)
        first = line_of(screen.timeline, "gpt-5")
        await until(pilot, lambda: line_of(screen.timeline, "gpt-5") != first, "that it grows")

        await pilot.press("d", "up")
        await until(pilot, lambda: screen.timeline.trace_id == "run-one", "the run before")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff with it")
        diff = app.screen
        assert isinstance(diff, DiffScreen)
        title = diff.pairs.border_title
        await until(pilot, lambda: "only in B" in str(diff.pairs.border_title), str(title))
        assert "A: step 0 gpt-5, running" in str(diff.deltas.render())
        await pilot.press("escape", "down")
        await until(pilot, lambda: screen.timeline.trace_id == "run-two", "the run in flight")
        with log.open("ab") as file:
            file.write(record(span_id="b", trace_id="run-two", model="gpt-5"))
        await shown(pilot, 2)
        await until(pilot, lambda: "►" not in "".join(lines_of(screen.traces)), "nothing in flight")
        assert screen.selected_trace == "run-two"
        assert len(screen.traces.source) == 2
        await until(pilot, lambda: not screen.running.display, "no bar")


async def test_what_never_ended_is_called_so_among_the_runs_of_its_time(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, now = tmp_path / "calls.jsonl", datetime.now(UTC)
    old, late = (now - timedelta(hours=2)).isoformat(), now.isoformat()
    log.write_bytes(
        record(span_id="a", trace_id="run-old", ts=old, trace_name="refund")
        + begun("b", "run-gone", 3_600, trace_name="refund")
        + record(span_id="c", trace_id="run-late", ts=late, trace_name="refund")
        + begun("d", "run-old", 7_000, requested_model=None, tool_name="look_up", step=7)
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        screen = overview_of(app)
        assert [line.split()[0] for line in lines_of(screen.traces)[1:4]] == [
            "?run-old",
            "?run-gone",
            "▌",
        ]
        assert "2 ? no end in 10 min" in str(screen.traces.border_subtitle)
        assert not screen.running.display, "no bar grows"
        await pilot.press("g")
        await until(pilot, lambda: screen.timeline.trace_id == "run-old", "its timeline")
        await until(pilot, lambda: "?look_up" in line_of(screen.timeline, "look_up"), "the tool")
        assert "no end in 10 min" in line_of(screen.timeline, "look_up")
        assert "no end in 10 min: its process is probably gone" in str(
            screen.timeline.border_subtitle
        )
        await pilot.press("down")
        await until(pilot, lambda: screen.timeline.trace_id == "run-gone", "a run of starts alone")
        assert "?gpt-5" in line_of(screen.timeline, "gpt-5")
        assert app.overview is not None
        assert (app.overview.all_calls, app.overview.traces.height) == (2, 2)
        await pilot.press("l", "l", "equals_sign")
        await until(pilot, lambda: app.where is not None and not app.busy, "a filter by its name")
        assert [line.split()[0] for line in lines_of(screen.traces)[1:3]] == ["?run-old", "▌"]


@pytest.mark.parametrize("words", ["7c1d4e", "span-of-it"])
async def test_the_run_of_a_step_in_flight_is_found_by_its_ids(
    tmp_path: Path, shown: Shown, until: Until, words: str
) -> None:
    log, early = tmp_path / "calls.jsonl", (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    log.write_bytes(
        begun("span-of-it", "7c1d4e8a", 3_600)
        + record(span_id="a", trace_id="run-old", ts=early)
        + record(span_id="b", trace_id="run-new", model="gpt-5")
    )
    async with LogApp([log], where="model = 'gpt-5'").run_test(
        size=WIDE, notifications=True
    ) as pilot:
        app = await shown(pilot, 2)
        screen = overview_of(app)
        await pilot.press("4", "slash", *words, "enter")
        await until(pilot, lambda: screen.selected_trace == "7c1d4e8a", "the killed run")
        assert app.where is None, "a filter hides it"
        await until(pilot, lambda: screen.timeline.trace_id == "7c1d4e8a", "its timeline")


async def test_runs_in_flight_have_rows_below_their_sessions_which_count_them(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, now = tmp_path / "calls.jsonl", datetime.now(UTC)
    early = (now - timedelta(hours=2)).isoformat()
    log.write_bytes(
        record(span_id="a", trace_id="a-old", session_id="a", ts=early)
        + record(span_id="b", trace_id="b-new", session_id="b", ts=now.isoformat())
        + begun("c", "a-gone", 3_600, session_id="a")
    )
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        screen = overview_of(app)
        pane = screen.traces

        def rows() -> list[str]:
            lines = [line[1:12].rstrip() for line in lines_of(pane)[1:]]
            return [line for line in lines if line]

        await pilot.press("B")
        await until(pilot, lambda: len(rows()) == 5, "two sessions, three runs")
        assert rows() == ["?▾ a", "   a-old", "?  a-gone", " ▾ b", "   b-new"]
        with log.open("ab") as file:
            file.write(begun("d", "a-run", session_id="a") + begun("e", "c-run", session_id="c"))
        await until(pilot, lambda: len(rows()) == 8, "the runs that began")
        assert rows() == [
            *(" ▾ b", "   b-new"),
            *("►▾ a", "   a-old", "?  a-gone", "►  a-run"),
            *("►▾ c", "►  c-run"),
        ]
        assert "3 tr" in line_of(pane, "▾ a")
        assert "1 tr" in line_of(pane, "▾ c")
        assert screen.selected_trace == "c-run", "the newest run is followed"
        await until(pilot, lambda: screen.timeline.trace_id == "c-run", "its timeline")
        await pilot.press("up", "enter")
        await until(pilot, lambda: "▸" in line_of(pane, "c "), "its session folded")
        assert screen.selected_trace == "c-run"
        await pilot.press("enter", "up")
        await until(pilot, lambda: screen.timeline.trace_id == "a-run", "the other one")
        with log.open("ab") as file:
            named = {"trace_id": "a-run", "session_id": "a", "trace_name": "refund-agent"}
            file.write(record(span_id="d", ts=now.isoformat(), **named))
        await until(pilot, lambda: line_of(pane, "a-run")[1:3] != "► ", "its record")
        assert "a-run refund-agent" in line_of(pane, "a-run"), "names have room in its place"
        assert "1 ► running, 1 ? no end in 10 min" in str(pane.border_subtitle)
        assert screen.selected_trace == "a-run"
        await pilot.press("B")
        await until(pilot, lambda: not any("▾" in row for row in rows()), "no sessions")
        assert screen.selected_trace == "a-run"
        assert "5 traces" in str(pane.border_subtitle)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_the_replay_of_a_killed_run_has_the_step_it_died_in(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log, early = tmp_path / "calls.jsonl", datetime.now(UTC) - timedelta(hours=1)
    log.write_bytes(
        record(span_id="a", trace_id="run-dead", ts=early.isoformat(), step=0)
        + begun("b", "run-dead", 3_500, requested_model=None, tool_name="look_up", step=1)
    )
    async with LogApp([log]).run_test(size=size, notifications=True) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: screen.cursor_key is not None, "its steps")
        assert "1 step · 1 ? no end in 10 min" in str(screen.steps.border_title)
        assert "?look_up" in line_of(screen.steps, "look_up")
        assert "1 of 1" in str(screen.scrub.border_title), "it is counted nowhere"
        await pilot.press("down")
        await until(pilot, lambda: "Step 1" in str(screen.detail_pane.border_title), "its detail")
        text = text_of(screen.detail_pane)
        assert "no end in 10 min: its process is probably gone" in text
        assert "into the run" in text
        assert screen.cursor_key is None
        assert str(screen.scrub.border_title) == "step 1 has not ended · 1 step ended"
        assert not listed(app) & {"record", "view as", "answer", "zoom"}, "it has no record"
        assert listed(app) >= {"step", "play", "zoom time"}
        for keys in (("h",), ("h", "l"), ("g", "G"), ("g", "end"), ("g", "down")):
            await pilot.press(*keys)
            is_last = keys[-1] != "h"
            assert screen.steps.cursor_key == (StepInFlight("b") if is_last else 0), keys
        await pilot.press("enter", "v", "m", "y")
        with log.open("ab") as file:
            file.write(begun("c", "run-dead", 1, step=2))
        await until(pilot, lambda: "►gpt-5" in line_of(screen.steps, "gpt-5"), "a step in flight")
        assert screen.steps.cursor_key == StepInFlight("b"), "the cursor stays"
        first = line_of(screen.steps, "gpt-5")
        await until(pilot, lambda: line_of(screen.steps, "gpt-5") != first, "that it grows")
        await pilot.press("down")
        await until(pilot, lambda: "running for" in text_of(screen.detail_pane), "its time")
        with log.open("ab") as file:
            file.write(record(span_id="c", trace_id="run-dead", step=2))
        await until(pilot, lambda: "1 of 2" in str(screen.scrub.border_title), "its record")
        await pilot.press("escape", "tab", "G")
        assert not listed(app) & {"pan", "all time"}, "all of the time is on screen"
        await pilot.press("i")
        assert listed(app) >= {"pan", "all time"}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay again")
        again = app.screen
        assert isinstance(again, ReplayScreen)
        await until(pilot, lambda: again.steps.cursor_key == StepInFlight("b"), "at that step")
        await until(pilot, lambda: "no end in" in text_of(again.detail_pane), "its detail")
        assert again.detail_pane.display


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_the_replay_of_a_run_without_a_record_has_its_step_and_plays_nothing(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log, old = tmp_path / "calls.jsonl", (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    log.write_bytes(record(span_id="a", trace_id="run-old", ts=old) + begun("b", "run-dead", 3_500))
    async with LogApp([log]).run_test(size=size, notifications=True) as pilot:
        app = await shown(pilot, 1)
        await until(pilot, lambda: overview_of(app).selected_trace == "run-dead", "the run")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await until(pilot, lambda: "Step 0" in str(screen.detail_pane.border_title), "its detail")
        assert "no end in 10 min" in text_of(screen.detail_pane)
        assert "?gpt-5" in line_of(screen.steps, "gpt-5")
        assert str(screen.scrub.border_title) == "step 0 has not ended · 0 steps ended"
        crumb = str(screen.query_one("#crumb", Static).render())
        assert "trace run-dead › Replay" in crumb
        assert "session s   began " in crumb
        assert not listed(app) & {"play", "speed", "step", "record", "view as", "answer", "zoom"}
        assert "zoom time" not in listed(app), "it takes no time that is known"
        await pilot.press("l", "h", "plus", "v", "v", "G", "m", "y", "E", "e")
        await until(pilot, lambda: "No failed step" in toasts(app), "that there is none")
        with log.open("ab") as file:
            file.write(record(span_id="b", trace_id="run-dead", model="gpt-5"))
        await until(pilot, lambda: "1 of 1" in str(screen.scrub.border_title), "its record")
        await until(pilot, lambda: screen.cursor_key is not None, "the step that ended")


@pytest.mark.parametrize("size", [(30, 3), (50, 5)], ids=["low", "high"])
async def test_many_calls_in_flight_take_few_rows_which_stay_as_calls_end(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    height, lines = size
    monkeypatch.setattr("llmlog_tui.tui.panes.running._LINGERS_S", 60.0)
    log.write_bytes(b"".join(record(span_id=f"x{n}", trace_id="run") for n in range(20)))
    async with LogApp([log]).run_test(size=(100, height)) as pilot:
        screen = overview_of(await shown(pilot, 20))
        pane = screen.running

        def heights() -> tuple[int, ...]:
            return pane.size.height, *(each.outer_size.height for each in screen.panes)

        with log.open("ab") as file:
            file.write(b"".join(begun(f"s{n}", f"many-{n}") for n in range(7)))
        await until(pilot, lambda: f"+{7 - lines} more" in str(pane.render()), "some, and a count")
        await until(pilot, lambda: pane.size.height == lines, "its height")
        await until(pilot, lambda: screen.calls.outer_size.height >= 7, "that Calls keep rows")
        with_many = heights()
        with log.open("ab") as file:
            file.write(b"".join(record(span_id=f"s{n}", trace_id=f"many-{n}") for n in range(6)))
        await until(pilot, lambda: str(pane.render()).count("running") == 1, "one left")
        assert heights() == with_many
        with log.open("ab") as file:
            file.write(record(span_id="s6", trace_id="many-6"))
        await until(pilot, lambda: "nothing runs" in str(pane.render()), "none left")
        assert heights() == with_many
        monkeypatch.setattr("llmlog_tui.tui.panes.running._LINGERS_S", 0.0)
        await until(pilot, lambda: not pane.display, "its rows given to the panes")
