"""Calls: sorting, quick filters, and the drawer with the detail of one."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, row_of, toasts
from textual.pilot import Pilot

from llmlog_tui.analysis.query.predicate import all_of, filter_records, predicate_of
from llmlog_tui.log.load import load
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.overview import OverviewScreen

LATENCIES = (300, 900, 100, 700)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        b"".join(
            record(step=n, trace_id="run", latency_ms=ms, model=f"m{n % 2}", id=f"id-{n}")
            for n, ms in enumerate(LATENCIES)
        )
    )
    return path


async def opened(pilot: Pilot[str], until: Until) -> CallsScreen:
    await pilot.press("2")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, CallsScreen), "the view")
    screen = app.screen
    assert isinstance(screen, CallsScreen)
    await until(pilot, lambda: screen.cursor_key is not None, "its calls")
    return screen


def order_of(pane: CallsPane) -> list[object]:
    return [pane.source.key(n) for n in range(len(pane.source))]


def is_in_order(pane: CallsPane, rows: list[int]) -> bool:
    return order_of(pane) == rows


async def test_s_sorts_by_the_column_under_the_cursor_down_up_and_by_time_again(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        await pilot.press("right", "l", "l", "l", "l", "s")
        await until(pilot, partial(is_in_order, pane, [1, 3, 0, 2]), "the slowest first")
        assert "ms▾" in lines_of(pane)[0]
        assert row_of(pane) == 3, "the cursor stays on its call"
        await pilot.press("s")
        await until(pilot, partial(is_in_order, pane, [2, 0, 3, 1]), "the quickest first")
        assert "ms▴" in lines_of(pane)[0]
        await pilot.press("s")
        await until(pilot, partial(is_in_order, pane, [0, 1, 2, 3]), "the order of the log")


async def test_a_click_on_a_heading_sorts_too(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        at = lines_of(pane)[0].index(" ms") + 2
        await pilot.click(pane, offset=(at + 1, 1))
        await until(pilot, partial(is_in_order, pane, [1, 3, 0, 2]), "the slowest first")


async def test_what_is_sorted_does_not_move_while_calls_arrive(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        await pilot.press("l", "l", "l", "l", "l", "s")
        await until(pilot, partial(is_in_order, pane, [1, 3, 0, 2]), "the slowest first")
        with log.open("ab") as file:
            file.write(record(step=4, latency_ms=800))
        await until(pilot, lambda: "1 new since" in str(pane.border_subtitle), "that there is one")
        assert order_of(pane) == [1, 3, 0, 2]
        await pilot.press("end")
        await until(pilot, partial(is_in_order, pane, [0, 1, 2, 3, 4]), "the newest last")
        assert row_of(pane) == 4
        assert app.records_shown == 5


async def test_only_this_and_not_this_narrow_what_is_shown_until_esc(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 4)
        screen = await opened(pilot, until)
        pane = screen.calls
        await pilot.press("l", "l", "l", "l", "=")
        await until(pilot, partial(is_in_order, pane, [1, 3]), "the calls of this model")
        assert screen.filterbar.where == "coalesce(model, requested_model) = 'm1'"
        assert "2 of 4 calls" in str(screen.filterbar.query_one("#filter-count").render())
        await pilot.press("l", "-")
        await until(pilot, partial(is_in_order, pane, [1]), "and not of this latency")
        await pilot.press("1")
        overview = app.screen
        assert isinstance(overview, OverviewScreen)
        await until(pilot, lambda: overview.filterbar.where is not None, "the same filter there")
        await until(pilot, partial(is_in_order, overview.calls, [1]), "the same calls there")
        await pilot.press("escape")
        await until(pilot, partial(is_in_order, overview.calls, [0, 1, 2, 3]), "all calls")
        assert "The filter is cleared" in toasts(app)


async def test_a_click_on_the_filter_edits_it(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log], where="step > 1").run_test(size=SMALL) as pilot:
        app = await shown(pilot, 4)
        bar = app.view.filterbar
        await pilot.click(bar)
        await until(pilot, lambda: bar.query_one("Input").has_focus, "the filter being typed")
        await pilot.press("end", "backspace", "2", "enter")
        await until(pilot, lambda: bar.where == "step > 2", "the other filter")


async def test_a_filter_that_lets_nothing_through_says_how_to_clear_it(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log], where="latency_ms > 1e9").run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        pane = app.query_one(CallsPane)
        await until(
            pilot,
            lambda: "No calls match. Esc clears the filter." in "\n".join(lines_of(pane)),
            "the empty state",
        )


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_enter_opens_the_detail_and_v_the_line_itself(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)

        def said() -> str:
            return str(screen.drawer.query_one("Static").render())

        await pilot.press("enter")
        await until(pilot, lambda: "700 ms" in said() and "id-3" in said(), "the detail")
        await until(pilot, lambda: "grep" in said(), "its grep")
        await pilot.press("up", "up")
        await until(pilot, lambda: "id-1" in said(), "the detail of another call")
        await pilot.press("v")
        await until(pilot, lambda: '"latency_ms": 900' in said(), "the line")
        await pilot.press("escape")
        assert not screen.drawer.display


async def test_a_line_whose_file_was_truncated_is_said_to_be_gone(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        log.write_bytes(record(step=9))
        await shown(pilot, 5)
        await pilot.press("g", "v")
        text = screen.drawer.query_one("Static")
        await until(pilot, lambda: "is gone" in str(text.render()), "what became of it")


async def test_t_goes_to_the_trace_and_find_comes_to_a_call(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    first = json.loads(sample.read_bytes().splitlines()[0])
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("slash", *first["id"], "enter")
        await until(pilot, lambda: screen.cursor_key == 0, "the call")
        await pilot.press("t")
        overview = app.view
        assert isinstance(overview, OverviewScreen)
        await until(pilot, lambda: overview.selected_trace == first["trace_id"], "its trace")


@pytest.mark.parametrize("value", ["it's", "[b]", None, 3, 2.5, True])
def test_a_condition_holds_for_the_calls_with_that_value(tmp_path: Path, value: object) -> None:
    fields = {str: "model", int: "completion_tokens", float: "latency_ms", bool: "stream"}
    field = fields.get(type(value), "model")
    log = tmp_path / "calls.jsonl"
    other = {"model": "other", "completion_tokens": 9, "latency_ms": 9.0, "stream": False}
    log.write_bytes(
        record(step=0, **{field: value})
        + record(step=1, **{field: other[field]})
        + record(step=2, **{field: None})
    )
    frame = load([log]).frame
    only = filter_records(frame, predicate_of(field, value, holds=True))["step"].to_list()
    rest = filter_records(frame, predicate_of(field, value, holds=False))["step"].to_list()
    assert only == ([0, 2] if value is None else [0])
    assert rest == ([1] if value is None else [1, 2])
    assert isinstance(frame, pl.DataFrame)


def test_conditions_are_joined_without_changing_what_they_mean() -> None:
    assert all_of(None, "a = 1") == "a = 1"
    assert all_of("b = 2", "a = 1") == "b = 2 and a = 1"
    assert all_of("b = 2 OR c = 3", "a = 1") == "(b = 2 OR c = 3) and a = 1"
