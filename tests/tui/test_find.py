"""Finding: type or paste an id, and all panes go to its record."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, row_of, toasts
from textual import events
from textual.widgets import Input, TextArea

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.widgets.footer import KeyFooter
from llmlog_tui.tui.widgets.table import LineTable


async def test_a_typed_request_id_leads_to_its_call_its_trace_and_its_step(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    calls = [json.loads(line) for line in sample.read_bytes().splitlines()]
    row = next(n for n, call in enumerate(calls) if n > 100 and call.get("request_id"))
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("slash", *calls[row]["request_id"], "enter")
        await until(pilot, lambda: row_of(app.query_one(CallsPane)) == row, "the call")
        await until(pilot, lambda: row_of(app.query_one(TimelinePane)) == row, "its step")
        assert row_of(app.query_one(TracesPane)) == calls[row]["trace_id"]
        assert app.query_one(TracesPane).has_focus, "the pane has its keys again"


@pytest.mark.parametrize("pane", ["traces", "timeline", "calls"])
async def test_m_after_a_find_marks_the_record_that_was_found(
    tmp_path: Path, shown: Shown, until: Until, pane: str
) -> None:
    log = tmp_path / "calls.jsonl"
    tool = record(trace_id="a", step=9, event="tool_call", model=None, tool_name="search")
    log.write_bytes(b"".join(record(trace_id="a", step=n, id=f"id-{n}") for n in range(4)) + tool)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        app.query_one(f"#{pane}").focus()
        calls, steps = app.query_one(CallsPane), app.query_one(TimelinePane)
        for found, row in (("id-1", 1), ("search", 4), ("id-2", 2)):
            await pilot.press("slash", *found, "enter")
            await until(pilot, partial(is_at, steps, row), found)
            await shown(pilot, 5)
            await pilot.press("m")
            await until(pilot, partial(is_marked, calls, row), f"a mark on {found}")
        assert calls.bookmarked == {1, 2, 4}


async def test_enter_replays_the_trace_from_the_step_that_was_found(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        b"".join(
            record(trace_id=trace, step=n, id=f"id-{trace}-{n}") for trace in "ab" for n in range(4)
        )
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 8)
        for found, row in (("id-a-2", 2), ("id-a-3", 3)):
            await pilot.press("slash", *found, "enter")
            await until(pilot, partial(is_at, app.query_one(CallsPane), row), "the call")
            await pilot.press("enter")
            await until(pilot, partial(is_replayed_at, app, row), "its step")
            await pilot.press("escape")
        await pilot.press("<")
        await until(pilot, partial(is_at, app.query_one(CallsPane), 2), "what was found first")
        await pilot.press("enter")
        await until(pilot, lambda: is_replayed_at(app, 2), "its step again")
        await pilot.press("escape", "down", "up", "enter")
        await until(pilot, lambda: is_replayed_at(app, 0), "the first step: its trace was chosen")


async def test_enter_replays_a_trace_from_its_start_where_no_step_was_gone_to(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n, id=f"id-{n}") for n in range(4)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        traces, calls = app.query_one(TracesPane), app.query_one(CallsPane)
        timeline = app.query_one(TimelinePane)
        for pane, row in ((calls, 0), (timeline, 0), (calls, 3), (timeline, 3)):
            pane.focus()
            await pilot.press(*("g" if row == 0 else "gG"))
            await until(pilot, partial(is_at, calls, row), "the call under the cursor")
            traces.focus()
            await pilot.press("enter")
            await until(pilot, partial(is_replayed_at, app, 0), "the first step")
            await pilot.press("escape")
        await pilot.press("slash", *"id-3", "enter", "G")
        await until(pilot, partial(is_at, calls, 3), "the newest call, which was found")
        with log.open("ab") as file:
            file.write(b"".join(record(step=n) for n in range(4, 8)))
        await shown(pilot, 8)
        assert is_at(calls, 7), "it follows"
        await pilot.press("enter")
        await until(pilot, lambda: is_replayed_at(app, 0), "the first step: what was found is past")


def is_replayed_at(app: LogApp, row: int) -> bool:
    return isinstance(app.view, ReplayScreen) and app.view.cursor_key == row


async def test_a_pasted_id_is_found_at_once(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    first = json.loads(sample.read_bytes().splitlines()[0])
    async with LogApp([sample], trace=None).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        app.screen.post_message(events.Paste(f"  {first['id']}\n"))
        await until(pilot, lambda: row_of(app.query_one(CallsPane)) == 0, "the call")


async def test_n_goes_to_the_next_match_and_round_and_says_which_it_is(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    models = ("[b]a", "other", "[b]a", "other", "[b]a")
    log.write_bytes(b"".join(record(step=n, model=model) for n, model in enumerate(models)))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 5)
        calls = app.query_one(CallsPane)
        await pilot.press("slash", *"[b]A", "enter")
        await until(pilot, lambda: "3 of 3 with [b]A" in toasts(app), "the newest match")
        for key, row in (("n", 0), ("n", 2), ("N", 0), ("N", 4)):
            await pilot.press(key)
            await until(pilot, partial(is_at, calls, row), f"match {row}")


def is_marked(calls: CallsPane, row: int) -> bool:
    return row in calls.bookmarked


def is_at(table: LineTable, row: int) -> bool:
    return row_of(table) == row


async def test_a_tool_is_found_in_the_timeline_of_its_trace(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    tool = {"event": "tool_call", "tool_name": "search_docs", "model": None}
    log.write_bytes(record(trace_id="a", step=0, **tool) + record(trace_id="b"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("slash", *"search_d", "enter")
        await until(pilot, lambda: row_of(app.query_one(TimelinePane)) == 0, "the step")
        assert row_of(app.query_one(TracesPane)) == "a"


async def test_what_is_not_there_is_said_and_nothing_moves(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() + record(step=1))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("slash", *"nobody", "enter")
        no_content = "No id, field or error has nobody; the log has no messages or answers"
        await until(pilot, lambda: no_content in toasts(app), "the answer")
        assert row_of(app.query_one(CallsPane)) == 1


async def test_of_a_log_without_records_no_content_policy_is_claimed(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"")
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 0)
        await pilot.press("slash", *"nobody", "enter")
        await until(pilot, lambda: "Nothing has nobody: the log has no" in toasts(app), "why")
        assert "policy" not in toasts(app)


async def test_escape_gives_the_keys_back_to_the_pane(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        app.query_one(CallsPane).focus()
        await pilot.press("slash", "q", "escape")
        assert app.query_one(CallsPane).has_focus
        assert not app.screen.query_one("#find").display


async def test_what_is_found_behind_a_filter_makes_it_give_way_until_one_goes_back(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=f"t{n}", id=f"id-{n}") for n in range(5)))
    app = LogApp([log], where="trace_id = 't3'")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 5)
        calls = app.query_one(CallsPane)
        assert row_of(calls) == 3
        app.screen.post_message(events.Paste("id-1"))
        await until(pilot, partial(is_at, calls, 1), "the call")
        assert "Filter cleared to show this record (< to go back)" in toasts(app)
        await pilot.press("<")
        await until(pilot, lambda: len(calls.source) == 1, "the filter again")


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        (80, ("Enter", "/ find", "f filter", "? help", "q quit")),
        (40, ("Enter", "? help", "q quit")),
    ],
)
async def test_the_bottom_row_of_a_small_screen_has_what_is_needed_first(
    sample: Path, shown: Shown, records: int, columns: int, keys: tuple[str, ...]
) -> None:
    async with LogApp([sample]).run_test(size=(columns, 24)) as pilot:
        app = await shown(pilot, records)
        for view in ("1", "2", "4"):
            await pilot.press(view)
            await shown(pilot, records)
            line = str(app.view.query_one(KeyFooter).render())
            assert all(key in line for key in keys)
            assert len(line.rstrip()) <= columns
        await pilot.press("1", "enter")
        await shown(pilot, records)
        line = str(app.view.query_one(KeyFooter).render())
        assert ("Space play" in line) == (columns == 80), "a replay is for playing"


async def test_while_one_types_the_bottom_row_names_no_key_that_would_be_typed(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        line = app.view.query_one(KeyFooter)
        assert "/ find" in str(line.render())
        for key, where in (("slash", "#find"), ("5", "#editor")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.focused, Input | TextArea), where)
            said = str(app.view.query_one(KeyFooter).render())
            assert "/ find" not in said
            assert "? help" not in said
            assert "F1 help" in said
            await pilot.press("escape")
