"""Journeys by keyboard alone: what a session cost, and an error that comes while one looks."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from tests.tui.conftest import WIDE, Shown, Until, record, toasts

from llmlog_tui import units
from llmlog_tui.analysis.cost import cost, priced
from llmlog_tui.analysis.sql import narrowed
from llmlog_tui.log.reader import load
from llmlog_tui.settings_file import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.overview import OverviewScreen


def overview_of(app: LogApp) -> OverviewScreen:
    assert isinstance(app.view, OverviewScreen)
    return app.view


async def test_how_much_a_session_cost_and_what_caching_saved(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    """Journey (e)."""
    last = json.loads(sample.read_bytes().splitlines()[-1])["session_id"]
    spent = cost(narrowed(priced(load([sample]).frame), f"session_id = '{last}'"))
    assert spent.usd
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        view = overview_of(app)
        await pilot.press("b")
        await until(pilot, lambda: view.filterbar.where == f"session_id = '{last}'", "the session")
        await until(pilot, lambda: not app.busy, "its calls")
        said = str(view.traces.border_subtitle)
        assert units.money(spent.usd) in said
        assert spent.saved_usd is not None
        saved = f"caching saved {units.money(spent.saved_usd)}"
        assert (saved in said) == bool(spent.saved_usd)


def line(n: int, **fields: object) -> bytes:
    ts = f"2026-11-23T09:{n // 60:02}:{n % 60:02}Z"
    return record(ts=ts, trace_id=f"trace-{n:03}", step=0, id=f"id-{n:03}", **fields)


def is_shown(view: OverviewScreen, rows: int) -> bool:
    return len(view.calls.source) == rows


async def test_a_new_error_comes_while_one_looks_at_errors_and_is_jumped_to(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    """Journey (f)."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(line(n) for n in range(60)))
    app = LogApp([log], settings=Settings(bell=False))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 60)
        view = overview_of(app)
        await pilot.press("space")
        with log.open("ab") as file:
            file.write(b"".join(line(n) for n in range(60, 70)))
        await until(pilot, lambda: "+10 End" in str(view.header.render()), "what is held back")
        assert is_shown(view, 60)
        await pilot.press("end")
        await until(pilot, partial(is_shown, view, 70), "all calls")
        await pilot.press("f", *"status = 'error'", "enter")
        await until(pilot, partial(is_shown, view, 0), "no errors yet")
        failed = {"status": "error", "error_type": "APITimeoutError"}
        with log.open("ab") as file:
            file.write(b"".join(line(n, **failed) for n in range(70, 100)))
        await until(pilot, partial(is_shown, view, 30), "the errors")
        await until(pilot, lambda: "New alert: error rate" in toasts(app), "the toast")
        assert "w goes to it" in toasts(app)
        await pilot.press("w")
        assert view.overview is not None
        await until(pilot, lambda: view.row == view.overview.alerts[0].row, "where it began")  # type: ignore[union-attr]
