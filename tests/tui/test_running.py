"""Calls and tools in flight: their bars, and the pane that shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, record

from llmlog_tui.log.starts import RunningStep
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.render.running_text import lines
from llmlog_tui.tui.screens.overview import OverviewScreen

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


def test_a_line_has_the_run_its_name_and_the_step() -> None:
    (line,) = drawn(step(1, trace_name="refund", tool_name="look_up"))
    assert line.startswith(" running      7c1d4e8a refund")
    assert "look_up" in line


def test_a_step_whose_process_is_gone_has_no_bar() -> None:
    (line,) = drawn(step(3_600))
    assert line.startswith(" never ended ")
    assert "▒" not in line


def test_only_the_newest_are_drawn_and_the_others_counted() -> None:
    found = drawn(*(step(n, tool_name=f"t{n}") for n in range(9, 0, -1)), limit=2)
    assert len(found) == 2
    assert "t1" in found[1]
    assert found[1].endswith("and 7 more")


@pytest.mark.parametrize("name", ["[red]x", "\x1b[31m", "漢字" * 20])
def test_hostile_names_are_inert_and_keep_the_width(name: str) -> None:
    (line,) = drawn(step(1, tool_name=name, trace_name=name))
    assert "\x1b" not in line


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_a_call_in_flight_is_shown_until_its_record_comes(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(span_id="a", trace_id="run-one"))
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 1)
        screen = app.view
        assert isinstance(screen, OverviewScreen)
        assert not screen.running.display
        now = datetime.now(UTC).isoformat()
        begun = record(event="start", ts=now, span_id="b", trace_id="run-two", status=None,
                       model=None, requested_model="gpt-5", latency_ms=None)  # fmt: skip
        with log.open("ab") as file:
            file.write(begun)
        await until(pilot, lambda: screen.running.display, "the call in flight")
        await until(pilot, lambda: "run-two" in str(screen.running.render()), "its run")
        assert screen.running.size.height == 1
        assert app.records_shown == 1
        with log.open("ab") as file:
            file.write(record(span_id="b", trace_id="run-two"))
        await shown(pilot, 2)
        await until(pilot, lambda: not screen.running.display, "nothing in flight")
