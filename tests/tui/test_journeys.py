"""The journeys that people make, each by keyboard alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    overview_of,
    row_of,
    says,
    top_row,
)
from textual import events
from textual.pilot import Pilot

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.cost import cost, priced
from llmlog_tui.analysis.query.sql import filter_records
from llmlog_tui.log.load import load
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.alerts import AlertsScreen
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen

CALL_EVENTS = ("chat_completion", "response", "embedding")
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])


@pytest.fixture
def lines(sample: Path) -> list[dict[str, Any]]:
    """The records of the sample log."""
    return [json.loads(line) for line in sample.read_bytes().splitlines()]


async def go(pilot: Pilot[str], until: Until, key: str, label: str) -> None:
    """Press a key that leads to a view, and wait until it is there with its answers."""
    app = pilot.app
    assert isinstance(app, LogApp)
    await pilot.press(key)
    await until(pilot, lambda: label.lower() == app.view.NAME, label)
    await until(pilot, lambda: app.view.overview is not None and not app.busy, "its answers")


# -- journey a


@SIZES
async def test_newest_slow_call_then_why_then_its_trace_then_replay_to_that_step(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path,
    lines: list[dict[str, Any]],
    shown: Shown,
    records: int,
    until: Until,
    size: tuple[int, int],
) -> None:
    calls = ((n, each) for n, each in enumerate(lines) if each["event"] in CALL_EVENTS)
    slow = max(n for n, call in calls if call["latency_ms"] > 500)
    async with LogApp([sample]).run_test(size=size) as pilot:
        app = await shown(pilot, records)
        await go(pilot, until, "2", "Calls")
        screen = app.view
        assert isinstance(screen, CallsScreen)
        while screen.cursor_key != slow:
            await pilot.press("up")
        row = next(line for line in lines_of(screen.calls) if line.startswith("▌"))
        assert "failed, 503" in row
        await pilot.press("enter")
        await until(pilot, lambda: says(screen.drawer, "why slow", "failed, 503"), "why")
        await go(pilot, until, "t", "Overview")
        overview = overview_of(app)
        assert overview.selected_trace == lines[slow]["trace_id"]
        assert overview.traces.has_focus
        await until(pilot, lambda: row_of(overview.timeline) == slow, "its step")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        replay = app.screen
        assert isinstance(replay, ReplayScreen)
        await until(pilot, lambda: replay.cursor_key == slow, "that step")
        await until(pilot, lambda: says(replay.detail_pane, "why slow", "failed, 503"), "why")


# -- journey b


@SIZES
async def test_paste_a_request_id_in_any_view_then_the_call(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path,
    lines: list[dict[str, Any]],
    shown: Shown,
    records: int,
    until: Until,
    size: tuple[int, int],
) -> None:
    rows = [n for n, call in enumerate(lines) if n > 100 and call.get("request_id")]
    async with LogApp([sample]).run_test(size=size) as pilot:
        app = await shown(pilot, records)
        # Another call from each view: the one that was found before is on screen already.
        for view, row in zip("1234", rows, strict=False):
            wanted = lines[row]["request_id"]
            await pilot.press(view)
            app.screen.post_message(events.Paste(f"  {wanted}\n"))
            await until(pilot, partial(is_at, app, row), f"the call from view {view}")
            if isinstance(app.view, OverviewScreen):
                step = partial(is_at_step, app, row)
                await until(pilot, step, "its step")
                assert row_of(app.query_one(TracesPane)) == lines[row]["trace_id"]
                app.query_one(CallsPane).focus()
            await pilot.press("r" if view == "2" else "enter")
            await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
            assert wanted in str(app.screen.query_one("Static").render())
            await pilot.press("escape")


def is_at(app: LogApp, row: int) -> bool:
    return app.view.cursor_key == row


def is_at_step(app: LogApp, row: int) -> bool:
    return row_of(app.query_one(TimelinePane)) == row


# -- journey c


async def test_fingerprint_alert_then_before_and_after_then_the_calls_on_each_side(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await go(pilot, until, "4", "Alerts")
        screen = app.view
        assert isinstance(screen, AlertsScreen)
        while screen.alert is None or screen.alert.rule != "fingerprint":
            await pilot.press("down")
        alert = screen.alert
        assert "fp_a1c93e → fp_b7e204" in str(screen.evidence.border_title)
        assert says(screen.evidence, "before    after   change", "▲ not chance")
        whom = "model = 'gpt-oss-120b' and provider = 'api.openai.com'"
        for key, sign in (("a", ">="), ("b", "<")):
            await go(pilot, until, "4", "Alerts")
            await pilot.press(key)
            where = f"{whom} and ts {sign} '{alert.ts:%Y-%m-%d %H:%M:%S.%f}'"
            await until(pilot, partial(is_answered, app, where), f"the calls {sign}")
            calls = calls_of(app)
            assert calls.height
            side = calls["ts"] < alert.ts if key == "b" else calls["ts"] >= alert.ts
            assert side.all()
            assert calls["model"].cast(pl.String).unique().to_list() == ["gpt-oss-120b"]
            if key == "a":
                await until(pilot, partial(is_at, app, alert.row), "the call it began with")


def is_answered(app: LogApp, where: str) -> bool:
    overview = overview_of(app).overview
    return overview is not None and overview.where == where and not app.busy


def calls_of(app: LogApp) -> pl.DataFrame:
    assert app.view.overview is not None
    return app.view.overview.calls.frame()


# -- journey d


@SIZES
async def test_good_and_bad_run_then_first_divergence(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path,
    lines: list[dict[str, Any]],
    shown: Shown,
    records: int,
    until: Until,
    size: tuple[int, int],
) -> None:
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        runs[line["trace_id"]].append(line)
    bad, good = list(runs)[-1], list(runs)[-2]
    assert any(step["status"] == "error" for step in runs[bad])
    async with LogApp([sample]).run_test(size=size) as pilot:
        app = await shown(pilot, records)
        overview = overview_of(app)
        assert overview.selected_trace == bad
        await pilot.press("up", "d")
        assert any("▌A" in line for line in lines_of(overview.traces))
        await pilot.press("down", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
        screen = app.screen
        assert isinstance(screen, DiffScreen)
        await until(pilot, lambda: len(screen.pairs.source) > 0, "its pairs")
        assert screen.traces == (good, bad)
        here = next(line for line in lines_of(screen.pairs) if line.startswith("▌"))
        assert "◄ " in here, "the cursor is where they part"
        steps = len(runs[bad]) - len(runs[good])
        assert f"steps {steps:+,}" in str(screen.deltas.render())
        at = screen.pairs.cursor_key
        await pilot.press("n")
        assert screen.pairs.cursor_key != at
        await pilot.press("N")
        assert screen.pairs.cursor_key == at
        await pilot.press("q")
        await until(pilot, lambda: app.screen is overview, "the Overview")
        assert not any("A" in line[:2] for line in lines_of(overview.traces))


# -- journey e


async def test_how_much_did_this_session_cost_and_what_did_caching_save(
    sample: Path, lines: list[dict[str, Any]], shown: Shown, records: int, until: Until
) -> None:
    frame = priced(load([sample]).frame)
    saving = session_that_saved(frame, (line["trace_id"] for line in reversed(lines)))
    trace = next(line["trace_id"] for line in lines if line["session_id"] == saving)
    spent = cost(filter_records(frame, f"session_id = '{saving}'"))
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        view = overview_of(app)
        while view.selected_trace != trace:
            await pilot.press("up")
        await pilot.press("b")
        await until(pilot, lambda: view.filterbar.where == f"session_id = '{saving}'", "it")
        await until(pilot, lambda: not app.busy, "its calls")
        said = str(view.traces.border_subtitle)
        assert humanize.money(spent.usd) in said
        assert f"caching saved {humanize.money(spent.saved_usd)}" in said
        assert humanize.money(spent.usd) in top_row(app)


def session_that_saved(frame: pl.DataFrame, traces: Iterable[str]) -> str:
    """The session of the last of these traces in which caching saved something."""
    saved = frame.filter(pl.col("saved_usd") > 0).select("trace_id", "session_id").rows()
    sessions = dict(saved)
    return str(next(sessions[trace] for trace in traces if trace in sessions))


# -- journey g


async def test_a_truncated_answer_with_finish_reason_stop_is_found_by_its_alert(
    sample: Path, lines: list[dict[str, Any]], shown: Shown, records: int, until: Until
) -> None:
    cut = hidden_cuts(lines)
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await go(pilot, until, "4", "Alerts")
        screen = app.view
        assert isinstance(screen, AlertsScreen)
        while not says(screen.evidence, "hidden cut", "at max_tokens"):
            await pilot.press("down")
        await pilot.press("a")
        await until(pilot, lambda: app.view.NAME == "overview" and not app.busy, "the calls")
        await pilot.press(
            "f", "end", *" and finish_reason = 'stop' and completion_tokens >= max_tokens"
        )
        await pilot.press("enter")
        calls = overview_of(app).calls
        await until(pilot, lambda: keys_of(calls) == cut, "those that hide it")


async def test_a_truncated_answer_with_finish_reason_stop_is_found_by_a_filter(
    sample: Path, lines: list[dict[str, Any]], shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("f", *"finish_reason = 'stop' and completion_tokens >= max_tokens")
        await pilot.press("enter")
        await until(pilot, lambda: app.view.filterbar.where is not None, "the filter")
        await go(pilot, until, "2", "Calls")
        screen = app.view
        assert isinstance(screen, CallsScreen)
        await until(pilot, lambda: keys_of(screen.calls) == hidden_cuts(lines), "those calls")
        await pilot.press("enter")
        await until(pilot, lambda: says(screen.drawer, "cut off", "┤ hidden: "), "what it is")


def hidden_cuts(lines: list[dict[str, Any]]) -> list[object]:
    return [
        n
        for n, call in enumerate(lines)
        if call.get("finish_reason") == "stop"
        and call.get("max_tokens")
        and (call.get("completion_tokens") or 0) >= call["max_tokens"]
    ]


def keys_of(pane: CallsPane) -> list[object]:
    return [pane.source.key(n) for n in range(len(pane.source))]
