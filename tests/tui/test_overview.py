"""The Overview as its user meets it: on the sample, by keyboard, live, and with nothing to show."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.record import RecordScreen
from llmlog_tui.tui.widgets.table import LineTable

Until = Callable[[Pilot[Any], Callable[[], bool], str], Awaitable[None]]
Shown = Callable[[Pilot[Any], int], Awaitable[LogApp]]

WIDE, SMALL = (160, 50), (80, 24)


def lines_of(pane: LineTable) -> list[str]:
    """What a pane shows, line by line."""
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


def row_of(pane: LineTable) -> Hashable:
    """The key of the row under a pane's cursor."""
    return pane.cursor_key


def record(**fields: object) -> bytes:
    """A line of a log: a quick call, but for `fields`."""
    call = {
        "ts": "2026-11-23T09:00:00Z",
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": "t",
        "step": 0,
        "status": "ok",
        "latency_ms": 100,
        "model": "m",
    }
    return json.dumps({**call, **fields}).encode() + b"\n"


async def test_selecting_a_trace_shows_its_steps_in_order(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        traces, timeline = app.query_one(TracesPane), app.query_one(TimelinePane)
        await pilot.press("g")
        first = str(traces.cursor_key)
        await until(pilot, lambda: first[:8] in str(timeline.border_title), "its timeline")
        expected = sorted(
            step["step"]
            for step in map(json.loads, sample.read_bytes().splitlines())
            if step["trace_id"] == first
        )
        numbers = [int(line[2:].split()[0]) for line in lines_of(timeline)[1:] if line.strip()]
        assert sorted(numbers) == expected
        assert numbers == expected, "steps that neither overlap nor nest stand in order"


async def test_a_slow_call_stands_out_with_its_reasoning_tokens_and_the_reason(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    slow = {"latency_ms": 2870, "completion_tokens": 512, "reasoning_tokens": 488}
    log.write_bytes(record() + record(step=1, **slow))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        calls = app.query_one(CallsPane)
        quick, marked = calls.source.rows(0, 2, [12, 8, 3, 17, 7, 5, 29])
        assert (quick.ground, marked.ground) == ("", "slow")
        assert "2,870   488 reasoning 95% of output" in lines_of(calls)[2]
        assert "1 of 1 slow call is mostly reasoning" in str(calls.border_title)


async def test_new_records_appear_while_the_application_writes(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        with log.open("ab") as file:
            file.write(record(step=1, trace_id="another"))
        await shown(pilot, 2)
        assert app.query_one(TracesPane).cursor_key == "another", "it follows the newest"


async def test_moving_up_stays_put_until_end_follows_again(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=f"trace-{n}") for n in range(40)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        traces = app.query_one(TracesPane)
        await pilot.press("up", "up")
        with log.open("ab") as file:
            file.write(record(trace_id="trace-40"))
        await shown(pilot, 41)
        assert row_of(traces) == "trace-37"
        await pilot.press("end")
        assert row_of(traces) == "trace-40"


async def test_freezing_keeps_the_screen_while_reading_goes_on(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("space")
        with log.open("ab") as file:
            file.write(record(step=1) + record(step=2))
        header = app.screen.query_one("Header")
        await until(pilot, lambda: "‖ frozen +2 End" in str(header.render()), "the counter")
        assert app.records_shown == 1
        await pilot.press("space")
        await shown(pilot, 3)


async def test_t_goes_from_a_call_to_its_trace(sample: Path, shown: Shown, records: int) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        app.query_one(CallsPane).focus()
        await pilot.press("g", "t")
        first = json.loads(sample.read_bytes().splitlines()[0])
        assert app.query_one(TracesPane).cursor_key == first["trace_id"]


async def test_e_walks_through_the_failed_calls_and_back(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    failed = {"status": "error", "error_type": "RateLimitError", "error_status": 429}
    log.write_bytes(
        record()
        + record(step=1, **failed)
        + record(step=2)
        + record(step=3, **failed)
        + record(step=4)
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        calls = app.query_one(CallsPane)
        await pilot.press("E")
        assert row_of(calls) == 3
        await pilot.press("E")
        assert row_of(calls) == 1
        await pilot.press("e")
        assert row_of(calls) == 3


async def test_w_goes_to_the_call_where_an_alert_began(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    before, after = {"system_fingerprint": "fp_1"}, {"system_fingerprint": "fp_2"}
    log.write_bytes(
        b"".join(record(trace_id="old", step=n, **before) for n in range(3))
        + b"".join(record(trace_id="new", step=n, **after) for n in range(3))
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("w")
        assert app.query_one(CallsPane).cursor_key == 3
        assert app.query_one(TracesPane).cursor_key == "new"


async def test_enter_on_a_call_shows_the_whole_record_and_escape_goes_back(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        app.query_one(CallsPane).focus()
        await pilot.press("g", "enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen), "the record")
        first = json.loads(sample.read_bytes().splitlines()[0])
        sheet = str(app.screen.query_one("Static").render())
        for name in first:
            assert name in sheet
        assert f'grep \'"trace_id": "{first["trace_id"]}"\'' in sheet
        await pilot.press("escape")
        assert not isinstance(app.screen, RecordScreen)


async def test_z_gives_a_pane_the_whole_screen_and_takes_it_back(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        calls = app.query_one(CallsPane)
        calls.focus()
        usual = calls.size.height
        await pilot.press("z")
        await pilot.pause()
        assert calls.size.height > usual
        await pilot.press("z")
        await pilot.pause()
        assert calls.size.height == usual


async def test_the_panes_stand_in_one_column_on_a_small_screen(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, records)
        panes = list(app.query(LineTable))
        assert {pane.region.x for pane in panes} == {0}
        assert [pane.id for pane in sorted(panes, key=lambda pane: pane.region.y)] == [
            "traces",
            "timeline",
            "calls",
            "alerts",
        ]
        assert all(pane.region.bottom <= SMALL[1] for pane in panes)
        tallest = max(panes, key=lambda pane: pane.size.height)
        await pilot.press("tab", "tab")
        await pilot.pause()
        assert max(panes, key=lambda pane: pane.size.height) is not tallest, "focus makes it grow"


async def test_escapes_and_markup_in_values_are_shown_not_obeyed(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    hostile = "\x1b[2J[red]bold[/] \u202eevil"
    fields = {"model": hostile, "finish_reason": hostile, "system_fingerprint": hostile}
    failed = {"status": "error", "error_type": hostile}
    log.write_bytes(
        record(trace_id=hostile, session_id=hostile, **fields)
        + record(trace_id=hostile, tool_name=hostile, event="tool_call", **failed)
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        for pane in app.query(LineTable):
            text = "\n".join(lines_of(pane))
            assert text.replace("\n", "").isprintable()
        assert "␛[2J[red]bold[" in "\n".join(lines_of(app.query_one(CallsPane)))
        assert "␛[2J[red" in app.export_screenshot().replace("&#160;", " ")


@pytest.mark.parametrize("content", [b"", b"garbage\n\x00\xff\nmore garbage\n"])
async def test_a_log_without_records_says_what_would_appear(
    tmp_path: Path, shown: Shown, content: bytes
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(content)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 0)
        assert "No model calls yet" in "\n".join(lines_of(app.query_one(CallsPane)))
        header = str(app.screen.query_one("Header").render())
        assert ("3 lines skipped" in header) == (content != b"")


async def test_a_file_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        header = app.screen.query_one("Header")
        await until(pilot, lambda: "waiting for" in str(header.render()), "the header says so")
        assert "No calls.jsonl yet" in "\n".join(lines_of(app.query_one(CallsPane)))
        log.write_bytes(record())
        await shown(pilot, 1)


async def test_a_log_that_is_not_followed_is_read_to_its_very_end(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() + record(step=1).rstrip(b"\n"))
    async with LogApp([log], follow=False).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        assert "read once" in str(app.screen.query_one("Header").render())
        app.query_one(CallsPane).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen), "the last record")
        assert "chat_completion" in str(app.screen.query_one("Static").render())


async def test_a_failing_worker_becomes_a_message_and_the_dashboard_goes_on(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, records)

        def fail() -> None:
            raise RuntimeError("[red]no such thing")

        app.work(fail)
        await until(pilot, lambda: len(app._notifications) > 0, "a message")  # noqa: SLF001
        await pilot.press("g")
        assert app.is_running


async def test_q_quits_at_once(sample: Path, shown: Shown, records: int) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("q")
        assert app.return_code == 0
