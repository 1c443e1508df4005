"""The journey through a log that is written meanwhile: frozen, filtered, at a new alert."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.tui.conftest import WIDE, Shown, Until, overview_of, record, toasts, top_row

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.overview import OverviewScreen


def line(n: int, **fields: object) -> bytes:
    ts = f"2026-11-23T09:{n // 60:02}:{n % 60:02}Z"
    return record(ts=ts, trace_id=f"trace-{n:03}", step=0, id=f"id-{n:03}", **fields)


def is_shown(view: OverviewScreen, rows: int) -> bool:
    return len(view.calls.source) == rows


async def test_live_start_paused_then_resume_then_filter_to_errors_then_a_new_one_and_jump(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(line(n) for n in range(60)))
    app = LogApp([log], settings=Settings(bell=False))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("space")
        await shown(pilot, 60)
        view = overview_of(app)
        assert "‖ frozen" in top_row(app)
        with log.open("ab") as file:
            file.write(b"".join(line(n) for n in range(60, 70)))
        await until(pilot, lambda: "+10 End" in top_row(app), "what is held back")
        assert is_shown(view, 60)
        await pilot.press("end")
        await until(pilot, partial(is_shown, view, 70), "all calls")
        assert "● live" in top_row(app)
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
        began = view.overview.alerts[0].row
        await until(pilot, lambda: view.cursor_key == began, "where it began")
        await until(pilot, lambda: view.selected_trace == f"trace-{began:03}", "its trace")


async def test_a_frozen_screen_can_be_filtered_and_is_frozen_still(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(line(n, model=f"m{n % 2}") for n in range(60)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 60)
        view = overview_of(app)
        await pilot.press("space")
        with log.open("ab") as file:
            file.write(line(60, model="m1"))
        await until(pilot, lambda: "+1 End" in top_row(app), "what is held back")
        await pilot.press("f", *"model = 'm1'", "enter")
        await until(pilot, partial(is_shown, view, 30), "half of those that were there")
        await pilot.press("escape")
        await until(pilot, partial(is_shown, view, 60), "all that were there")
        await pilot.press("space")
        await until(pilot, partial(is_shown, view, 61), "all")
