"""The Overview as its user meets it: what stands where, and where the keys go."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    overview_of,
    record,
    row_of,
    toasts,
    top_row,
)
from textual.events import MouseScrollUp

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.widgets.table import LineTable


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
        assert (quick.style_class, marked.style_class) == ("", "slow")
        assert "2,870   488 reasoning 95% of output" in lines_of(calls)[2]
        assert "1 of 2 slow: 1 reasoning" in str(calls.border_title)


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
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 5)
        calls = app.query_one(CallsPane)
        await pilot.press("e")
        assert "No failed call after this one; E goes to the one before." in toasts(app)
        await pilot.press("E")
        assert row_of(calls) == 3
        await pilot.press("ctrl+c")
        assert "q quits." in toasts(app)
        await pilot.press("E")
        assert row_of(calls) == 1
        await pilot.press("e")
        assert row_of(calls) == 3


async def test_w_goes_to_the_call_where_an_alert_began(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    before, after = {"system_fingerprint": "fp_1"}, {"system_fingerprint": "fp_2"}
    log.write_bytes(
        b"".join(record(trace_id="old", step=n, **before) for n in range(20))
        + b"".join(record(trace_id="new", step=n, **after) for n in range(20))
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        await pilot.press("w")
        assert app.query_one(CallsPane).cursor_key == 20
        assert app.query_one(TracesPane).cursor_key == "new"


async def test_z_gives_a_pane_the_room_between_top_and_bottom_row_and_takes_it_back(
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        calls = app.query_one(CallsPane)
        calls.focus()
        usual = calls.region
        await pilot.press("z")
        await pilot.pause()
        assert (calls.region.y, calls.region.bottom) == (1, WIDE[1] - 1)
        assert [pane.id for pane in app.query(LineTable) if pane.display] == ["calls"]
        await pilot.press("z")
        await pilot.pause()
        assert calls.region == usual


async def test_moving_over_calls_shows_the_trace_and_the_step_of_each(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(trace_id="a") + record(trace_id="b") + record(trace_id="a", step=1))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 3)
        traces, timeline = app.query_one(TracesPane), app.query_one(TimelinePane)
        app.query_one(CallsPane).focus()
        await pilot.press("g")
        assert row_of(traces) == "a"
        await until(pilot, lambda: row_of(timeline) == 0, "its step")
        await pilot.press("down")
        assert row_of(traces) == "b"
        await until(pilot, lambda: row_of(timeline) == 1, "its step")


async def test_the_wheel_rolls_the_rows_and_they_stay_there(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=f"trace-{n}") for n in range(40)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        traces = app.query_one(TracesPane)
        top = traces.scroll_offset.y
        await pilot._post_mouse_events([MouseScrollUp], traces)  # noqa: SLF001 - Pilot has no wheel
        assert traces.scroll_offset.y == top - 3
        assert not traces.following
        with log.open("ab") as file:
            file.write(record(trace_id="trace-40"))
        await shown(pilot, 41)
        assert traces.scroll_offset.y == top - 3


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
        for size in (WIDE, (100, 30), SMALL):
            await pilot.resize_terminal(*size)
            app = await shown(pilot, 0)
            assert "No model calls yet" in "\n".join(lines_of(app.query_one(CallsPane)))
            header = top_row(app)
            assert ("3 lines skipped: see llmlog health" in header) == (content != b"")


async def test_the_trace_that_was_asked_for_is_selected_at_the_start(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    first = json.loads(sample.read_bytes().splitlines()[0])["trace_id"]
    async with LogApp([sample], trace=first[:6]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        assert row_of(app.query_one(TracesPane)) == first
        timeline = app.query_one(TimelinePane)
        await until(pilot, lambda: first in str(timeline.border_title), "its timeline")


async def test_going_to_a_call_goes_to_its_step_in_the_timeline_too(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        b"".join(record(step=n, status="error" if n == 1 else "ok") for n in range(3))
        + record(trace_id="newest")
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        await pilot.press("E")
        await until(pilot, lambda: row_of(app.query_one(TimelinePane)) == 1, "the failed step")


async def test_w_goes_round_the_alerts_and_enter_takes_the_one_under_the_cursor(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n, system_fingerprint=f"fp_{n // 20}") for n in range(60)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 60)
        calls = app.query_one(CallsPane)
        visited = []
        for _ in range(3):
            await pilot.press("w")
            visited.append(row_of(calls))
        assert visited == [40, 20, 40]
        app.query_one("#alerts").focus()
        await pilot.press("g", "down", "enter")
        assert row_of(calls) == 20


async def test_costs_stand_beside_calls_and_traces_and_their_sum_at_the_top(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    usage = {"provider": "api.openai.com", "prompt_tokens": 200_000, "completion_tokens": 20_000}
    priced = record(model="gpt-5", **usage)  # 0.2 * $1.25 + 0.02 * $10 = $0.45
    log.write_bytes(priced + record(step=1, model="local", **usage))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        first, second = lines_of(app.query_one(CallsPane))[1:3]
        assert " 0.4500 " in first
        assert " 0.4500 " not in second
        assert lines_of(app.query_one(TracesPane))[1].endswith(" 0.4500+")
        assert "$0.45 +1 unpriced" in top_row(app)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [(WIDE, "rate limit, 62% of the way to an alert."), (SMALL, "rate limit, 62%.")],
)
async def test_without_alerts_the_rule_that_is_nearest_to_one_is_told(
    tmp_path: Path, shown: Shown, size: tuple[int, int], nearest: str
) -> None:
    log = tmp_path / "calls.jsonl"
    # 558 of the 900 that may be used before it fires: 62%.
    log.write_bytes(record(ratelimit_limit_tokens=1_000, ratelimit_remaining_tokens=442))
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 1)
        said = "\n".join(lines_of(app.screen.query_one("#alerts", LineTable)))
        assert f"No alerts from 7 rules over 1 call; the closest is {nearest}" in said


async def test_panes_without_rows_say_what_would_stand_there(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("f", *"latency_ms > 5000", "enter")
        await until(pilot, lambda: not len(app.query_one(TracesPane).source), "no traces")
        await until(pilot, lambda: not app.busy, "the answers")
        for pane, words in (
            (TracesPane, "No traces match. Esc clears the filter."),
            (TimelinePane, "The steps of the trace that is selected in Traces appear here."),
            (CallsPane, "No calls match. Esc clears the filter."),
        ):
            assert words in "\n".join(lines_of(app.query_one(pane)))


@pytest.mark.parametrize(
    ("size", "words"),
    [(WIDE, "4 ongoing · 1 not shown"), (SMALL, "+3")],
    ids=["wide", "small"],
)
async def test_it_says_how_many_alerts_there_is_no_room_for(
    sample: Path, shown: Shown, records: int, size: tuple[int, int], words: str
) -> None:
    async with LogApp([sample]).run_test(size=size) as pilot:
        app = await shown(pilot, records)
        alerts = overview_of(app).alerts
        text = f"{alerts.border_title} {lines_of(alerts)[0]}"
        assert words in text
        assert "gpt-oss-120b" in text, "the model of the alert"
        assert "340 of 564 slow: 141 reasoning" in str(overview_of(app).calls.border_title)


async def test_a_small_screen_names_the_view_and_keeps_how_a_call_finished(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, records)
        assert lines_of(overview_of(app).calls)[0].endswith("finish flag")
        for digit, name in enumerate(("Overview", "Calls", "Trends", "Alerts", "SQL"), 1):
            await pilot.press("escape", str(digit))
            await until(pilot, partial(is_named, app, f"{digit} {name}"), name)
        await pilot.press("escape", "1", "enter")
        await until(pilot, partial(is_named, app, "Replay"), "a view without a digit")


def is_named(app: LogApp, name: str) -> bool:
    return name in top_row(app)
