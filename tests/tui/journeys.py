"""Journeys of users, each by keyboard alone, over any kind of log.

Each takes a Walk. test_journeys.py makes them over a file and an archive, and
clickhouse/test_journeys_on_a_table.py over a table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import polars as pl
from tests.tui.conftest import (
    Shown,
    Until,
    lines_of,
    overview_of,
    row_of,
    says,
    toasts,
    top_row,
)
from textual import events
from textual.pilot import Pilot

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.cost import cost, priced
from llmlog_tui.analysis.query.predicate import filter_records
from llmlog_tui.log.load import load
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.alerts import AlertsScreen
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.screens.dialogs.save_as import SaveAsDialog
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.screens.sql import SqlScreen
from llmlog_tui.tui.screens.trends import TrendsScreen

CALL_EVENTS = ("chat_completion", "response", "embedding")


class Walk(NamedTuple):
    """What a journey is made with: `log` names the records, whose lines are `lines`, in order."""

    log: str
    lines: list[dict[str, Any]]
    size: tuple[int, int]
    shown: Shown
    until: Until
    folder: Path

    @asynccontextmanager
    async def dashboard(self) -> AsyncIterator[tuple[Pilot[str], LogApp]]:
        """The dashboard with all records on screen."""
        app = LogApp(Sources([self.log], must_exist=True))
        async with app.run_test(size=self.size, notifications=True) as pilot:
            await self.shown(pilot, len(self.lines))
            yield pilot, app


def key_of(app: LogApp, index: int) -> int:
    """The key of the record of a line: which was read first depends on what holds them."""
    assert app.overview is not None
    return int(app.overview.frame["row"][index])


async def go(pilot: Pilot[str], until: Until, key: str, label: str) -> None:
    """Press a key that leads to a view, and wait until it is there with its answers."""
    app = pilot.app
    assert isinstance(app, LogApp)
    await pilot.press(key)
    await until(pilot, lambda: label.lower() == app.view.NAME, label)
    await until(pilot, lambda: app.view.overview is not None and not app.busy, "its answers")


# -- journey a


async def newest_slow_call_then_why_then_its_trace_then_replay_to_that_step(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    calls = ((n, each) for n, each in enumerate(lines) if each["event"] in CALL_EVENTS)
    slow = max(n for n, call in calls if call["latency_ms"] > 500)
    async with walk.dashboard() as (pilot, app):
        await go(pilot, until, "2", "Calls")
        screen, key = app.view, key_of(app, slow)
        assert isinstance(screen, CallsScreen)
        while screen.cursor_key != key:
            await pilot.press("up")
        row = next(line for line in lines_of(screen.calls) if line.startswith("▌"))
        assert "failed, 503" in row
        await pilot.press("enter")
        await until(pilot, lambda: says(screen.drawer, "why slow", "failed, 503"), "why")
        await go(pilot, until, "t", "Overview")
        overview = overview_of(app)
        assert overview.selected_trace == lines[slow]["trace_id"]
        assert overview.traces.has_focus
        await until(pilot, lambda: row_of(overview.timeline) == key, "its step")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        replay = app.screen
        assert isinstance(replay, ReplayScreen)
        await until(pilot, lambda: replay.cursor_key == key, "that step")
        await until(pilot, lambda: says(replay.detail_pane, "why slow", "failed, 503"), "why")


# -- journey b


async def paste_a_request_id_in_any_view_then_the_call(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    rows = [n for n, call in enumerate(lines) if n > 100 and call.get("request_id")]
    async with walk.dashboard() as (pilot, app):
        # Another call from each view: the one that was found before is on screen already.
        for view, row in zip("1234", rows, strict=False):
            wanted = lines[row]["request_id"]
            await pilot.press(view)
            app.screen.post_message(events.Paste(f"  {wanted}\n"))
            key = key_of(app, row)
            await until(pilot, partial(is_at, app, key), f"the call from view {view}")
            if isinstance(app.view, OverviewScreen):
                step = partial(is_at_step, app, key)
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


async def fingerprint_alert_then_before_and_after_then_the_calls_on_each_side(walk: Walk) -> None:
    until = walk.until
    async with walk.dashboard() as (pilot, app):
        await go(pilot, until, "4", "Alerts")
        screen = app.view
        assert isinstance(screen, AlertsScreen)
        while screen.alert is None or screen.alert.rule != "fingerprint":
            await pilot.press("down")
        alert = screen.alert
        assert "fp_a1c93e → fp_b7e204" in str(screen.evidence.border_title)
        assert says(screen.evidence, "before    after   change", "▲ not chance")
        names = "'gpt-oss-120b', 'openai/gpt-oss-120b'"
        failed = f"model is null and requested_model in ({names})"
        whom = f"(model = 'gpt-oss-120b' or {failed}) and provider = 'api.openai.com'"
        for key, sign in (("a", ">="), ("b", "<")):
            await go(pilot, until, "4", "Alerts")
            await pilot.press(key)
            where = f"{whom} and ts {sign} '{alert.ts:%Y-%m-%d %H:%M:%S.%f}'"
            await until(pilot, partial(is_answered, app, where), f"the calls {sign}")
            calls = calls_of(app)
            assert calls.height
            side = calls["ts"] < alert.ts if key == "b" else calls["ts"] >= alert.ts
            assert side.all()
            assert set(calls["model"].cast(pl.String)) == {"gpt-oss-120b", None}
            assert set(calls["requested_model"].cast(pl.String)) == {"openai/gpt-oss-120b"}
            if key == "a":
                await until(pilot, partial(is_at, app, alert.row), "the call it began with")


def is_answered(app: LogApp, where: str) -> bool:
    overview = overview_of(app).overview
    return overview is not None and overview.where == where and not app.busy


def calls_of(app: LogApp) -> pl.DataFrame:
    assert app.view.overview is not None
    return app.view.overview.calls.frame()


# -- journey d


async def good_and_bad_run_then_first_divergence(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        runs[line["trace_id"]].append(line)
    bad, good = list(runs)[-1], list(runs)[-2]
    assert any(step["status"] == "error" for step in runs[bad])
    async with walk.dashboard() as (pilot, app):
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


async def how_much_did_this_session_cost_and_what_did_caching_save(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    frame = priced(load(Sources([walk.log], must_exist=True)).frame)
    saving = session_that_saved(frame, (line["trace_id"] for line in reversed(lines)))
    trace = next(line["trace_id"] for line in lines if line["session_id"] == saving)
    spent = cost(filter_records(frame, f"session_id = '{saving}'"))
    async with walk.dashboard() as (pilot, app):
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


async def a_truncated_answer_with_finish_reason_stop_is_found_by_its_alert(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    cut = hidden_cuts(lines)
    async with walk.dashboard() as (pilot, app):
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
        keys = [key_of(app, n) for n in cut]
        await until(pilot, lambda: keys_of(calls) == keys, "those that hide it")


async def a_truncated_answer_with_finish_reason_stop_is_found_by_a_filter(walk: Walk) -> None:
    until, lines = walk.until, walk.lines
    async with walk.dashboard() as (pilot, app):
        await pilot.press("f", *"finish_reason = 'stop' and completion_tokens >= max_tokens")
        await pilot.press("enter")
        await until(pilot, lambda: app.view.filterbar.where is not None, "the filter")
        await go(pilot, until, "2", "Calls")
        screen = app.view
        assert isinstance(screen, CallsScreen)
        keys = [key_of(app, n) for n in hidden_cuts(lines)]
        await until(pilot, lambda: keys_of(screen.calls) == keys, "those calls")
        await pilot.press("enter")
        await until(pilot, lambda: says(screen.drawer, "cut off", "┤ hidden: "), "what it is")


def hidden_cuts(lines: list[dict[str, Any]]) -> list[int]:
    return [
        n
        for n, call in enumerate(lines)
        if call.get("finish_reason") == "stop"
        and call.get("max_tokens")
        and (call.get("completion_tokens") or 0) >= call["max_tokens"]
    ]


def keys_of(pane: CallsPane) -> list[object]:
    return [pane.source.key(n) for n in range(len(pane.source))]


# -- what is asked in SQL, drawn over time, and handed on


async def ask_in_sql_look_at_trends_and_hand_the_calls_and_a_run_on(walk: Walk) -> None:
    until = walk.until
    calls = [line for line in walk.lines if line["event"] in CALL_EVENTS]
    (model, number), *_ = Counter(call["model"] for call in calls).most_common()
    async with walk.dashboard() as (pilot, app):
        await go(pilot, until, "5", "SQL")
        sql = app.view
        assert isinstance(sql, SqlScreen)
        sql.editor.text = (
            "select model, count(*) as n from calls group by 1 order by 2 desc limit 1"
        )
        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"{model} {number}" in result(sql), "the commonest model")
        await pilot.press("escape")
        await go(pilot, until, "3", "Trends")
        trends = app.view
        assert isinstance(trends, TrendsScreen)
        times = f"{walk.lines[0]['ts'][11:19]} – {walk.lines[-1]['ts'][11:19]} · all models"
        await until(pilot, lambda: times in str(trends.summary.render()), "from first to last")
        await go(pilot, until, "1", "Overview")
        trace = overview_of(app).selected_trace
        for command, name, said in (
            ("Export calls", "calls.csv", f"Wrote {len(calls):,} calls"),
            ("Support bundle", "run.md", "Wrote"),
        ):
            await pilot.press("colon", *command, "enter")
            await until(pilot, lambda: isinstance(app.screen, SaveAsDialog), "the dialog")
            dialog = app.screen
            assert isinstance(dialog, SaveAsDialog)
            dialog.path.value = str(walk.folder / name)
            await pilot.press("enter")
            await until(pilot, partial(is_toasted, app, said), f"{name} is written")
    written = pl.read_csv(walk.folder / "calls.csv", infer_schema=False)
    assert written["id"].to_list() == [call["id"] for call in calls]
    assert written["ts"].is_sorted()
    bundle = (walk.folder / "run.md").read_text()
    steps = [line for line in walk.lines if line["trace_id"] == trace]
    assert all(str(step.get("request_id") or trace) in bundle for step in steps)


def result(screen: SqlScreen) -> str:
    return " ".join(" ".join(lines_of(screen.result)).split())


def is_toasted(app: LogApp, words: str) -> bool:
    return words in toasts(app)


# -- tomorrow


async def a_bookmark_is_there_in_the_next_run(walk: Walk) -> None:
    until = walk.until
    wanted = next(n for n, line in enumerate(walk.lines) if n > 300 and line.get("request_id"))
    async with walk.dashboard() as (pilot, app):
        app.screen.post_message(events.Paste(walk.lines[wanted]["request_id"]))
        await until(pilot, partial(is_at, app, key_of(app, wanted)), "the call")
        await pilot.press("m")
        await until(pilot, partial(is_marked, app, wanted), "its mark")
    async with walk.dashboard() as (pilot, app):
        await until(pilot, partial(is_marked, app, wanted), "the mark of the run before")
        await pilot.press("u")
        await until(pilot, partial(is_at, app, key_of(app, wanted)), "the call")
        await pilot.press("m")
        await until(pilot, lambda: not is_marked(app, wanted), "no mark")


def is_marked(app: LogApp, index: int) -> bool:
    return key_of(app, index) in app.query_one(CallsPane).bookmarked


Journey: TypeAlias = Callable[[Walk], Awaitable[None]]

JOURNEYS: tuple[Journey, ...] = (
    newest_slow_call_then_why_then_its_trace_then_replay_to_that_step,
    paste_a_request_id_in_any_view_then_the_call,
    fingerprint_alert_then_before_and_after_then_the_calls_on_each_side,
    good_and_bad_run_then_first_divergence,
    how_much_did_this_session_cost_and_what_did_caching_save,
    a_truncated_answer_with_finish_reason_stop_is_found_by_its_alert,
    a_truncated_answer_with_finish_reason_stop_is_found_by_a_filter,
    ask_in_sql_look_at_trends_and_hand_the_calls_and_a_run_on,
    a_bookmark_is_there_in_the_next_run,
)
