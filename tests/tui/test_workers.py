"""The workers behind the screen: one fails, one is late, one is still busy when the user leaves."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tests.tui.conftest import (
    WIDE,
    Shown,
    Until,
    expect_fault,
    record,
    row_of,
    text_of,
    toasts,
    top_row,
)

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview
from llmlog_tui.log.store import Snapshot
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.queries import CallOrderQuery, Sort
from llmlog_tui.tui.widgets.text_pane import TextPane
from llmlog_tui.tui.workers.analysis import call_order


async def test_a_failing_worker_becomes_a_message_and_the_dashboard_goes_on(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    def fail() -> None:
        raise RuntimeError("[/red] no such thing")

    async with LogApp([sample]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, records)
        app.jobs.run_in_thread("searcher", fail)
        await until(pilot, lambda: "[/red] no such thing" in toasts(app), "the toast")
        await pilot.press("g")
        assert row_of(app.query_one(TracesPane)) == app.query_one(TracesPane).source.key(0)
        expect_fault(app)


async def test_an_analysis_that_fails_is_told_and_the_next_one_is_shown(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    real = IncrementalAnalyzer.overview

    def poisoned(self: IncrementalAnalyzer, snapshot: Snapshot, where: str | None) -> Overview:
        if snapshot.counts.records == 1:
            raise ValueError("poison")
        return real(self, snapshot, where)

    monkeypatch.setattr(IncrementalAnalyzer, "overview", poisoned)
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: "Analysis failed" in toasts(app), "the toast")
        with log.open("ab") as file:
            file.write(record(step=1))
        await shown(pilot, 2)
        expect_fault(app)


async def test_an_answer_that_comes_late_does_not_move_a_frozen_screen(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    real, gate, begun = IncrementalAnalyzer.overview, Event(), Event()
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)

        def slow(self: IncrementalAnalyzer, snapshot: Snapshot, where: str | None) -> Overview:
            begun.set()
            gate.wait()
            return real(self, snapshot, where)

        monkeypatch.setattr(IncrementalAnalyzer, "overview", slow)
        with log.open("ab") as file:
            file.write(record(step=1))
        await until(pilot, begun.is_set, "the analysis of the second record")
        await until(pilot, lambda: app.records_shown == 2, "its row, which does not wait for that")
        await pilot.press("space")
        with log.open("ab") as file:
            file.write(record(step=2))
        gate.set()
        await until(pilot, lambda: "‖ frozen +1 End" in top_row(app), "the counter")
        assert app.records_shown == 2
        await pilot.press("space")
        await shown(pilot, 3)


def all_texts(app: LogApp) -> str:
    return "".join(map(text_of, app.screen.query(TextPane)))


@pytest.mark.parametrize("view", ["1", "2"])
async def test_a_row_that_is_younger_than_the_analysis_is_shown_and_opened(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    real, gate, begun = IncrementalAnalyzer.overview, Event(), Event()
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        await pilot.press(view)
        await shown(pilot, 1)

        def slow(self: IncrementalAnalyzer, snapshot: Snapshot, where: str | None) -> Overview:
            begun.set()
            gate.wait()
            return real(self, snapshot, where)

        monkeypatch.setattr(IncrementalAnalyzer, "overview", slow)
        for step in (1, 2):
            with log.open("ab") as file:
                file.write(record(step=step, trace_id="young", request_id=f"req-{step}"))
            await until(pilot, lambda: app.records_shown == step + 1, "its row")  # noqa: B023
        await until(pilot, begun.is_set, "the analysis of the first")
        calls = app.screen.query_one(CallsPane)
        assert (len(calls.source), calls.cursor_key) == (3, 2)
        assert "3 calls" in top_row(app)
        calls.focus()
        await pilot.press("enter" if view == "1" else "v")
        await until(pilot, lambda: "req-2" in all_texts(app), "its record")
        await pilot.press("escape")
        gate.set()
        await shown(pilot, 3)
        assert app.overview is not None
        assert app.overview.find_trace("young") == "young"


async def test_the_way_out_does_not_lead_through_the_analysis(
    tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An analysis that never ends would hang here if anybody waited for it."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    begun = Event()

    def endless(*_: object) -> None:
        begun.set()
        Event().wait()

    monkeypatch.setattr(IncrementalAnalyzer, "overview", endless)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await until(pilot, begun.is_set, "the analysis")
        await pilot.press("q")
    assert pilot.app.return_code == 0


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("distinct", [0, 1, 9, 200])
def test_calls_sorted_by_a_few_texts_are_in_the_order_of_texts_and_ties_in_that_of_the_log(
    distinct: int, *, descending: bool
) -> None:
    texts = ["é", "z", "Ä", "ß", "a", "B", "10", "9", "", *map(str, range(191))][:distinct]
    values = [*texts, None, *reversed(texts), None, *texts]
    calls = {"model": pl.Series("model", values, pl.Categorical)}
    overview: Any = SimpleNamespace(calls=calls)
    found = call_order(CallOrderQuery(Sort("model", descending=descending)), overview)
    known = [at for at, value in enumerate(values) if value is not None]
    known.sort(key=lambda at: values[at] or "", reverse=descending)
    unknown = [at for at, value in enumerate(values) if value is None]
    assert found is not None
    assert found.to_list() == [*known, *unknown]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("more", [[], [0.5], [-1e300], [2.0**60, 1e18]])
def test_calls_sorted_by_a_number_keep_the_order_of_the_log_among_equal_ones(
    more: list[float], *, descending: bool
) -> None:
    values = [5.0, None, -0.0, 12.0, 0.0, 5.0, -3.0, *more, None, 12.0]
    overview: Any = SimpleNamespace(calls={"latency_ms": pl.Series("latency_ms", values)})
    found = call_order(CallOrderQuery(Sort("latency_ms", descending=descending)), overview)
    known = [at for at, value in enumerate(values) if value is not None]
    known.sort(key=lambda at: values[at] or 0.0, reverse=descending)
    assert found is not None
    assert found.to_list() == [*known, *(at for at, value in enumerate(values) if value is None)]
