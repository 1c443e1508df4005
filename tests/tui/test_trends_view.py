"""Trends: the course of things, looked at through a stretch of time."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, record
from textual.pilot import Pilot
from textual.visual import VisualType
from textual.widgets import Static

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.trends import TrendsScreen
from llmlog_tui.tui.widgets.footer import KeyFooter


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two hours, a call a minute: the first hour 100 ms of model a, the second 900 ms of b."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        b"".join(
            record(
                ts=f"2026-11-23T{9 + n // 60:02}:{n % 60:02}:00Z",
                trace_id=f"trace-{n:03}",
                model="a" if n < 60 else "b",
                latency_ms=100 if n < 60 else 900,
            )
            for n in range(121)
        )
    )
    return path


async def opened(pilot: Pilot[str], until: Until) -> TrendsScreen:
    await pilot.press("3")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, TrendsScreen), "the view")
    screen = app.screen
    assert isinstance(screen, TrendsScreen)
    await until(pilot, lambda: " – " in said(screen), "the course")
    return screen


def said(screen: TrendsScreen) -> str:
    return str(screen.summary.render())


def chart(screen: TrendsScreen, at: int) -> str:
    return str(screen.charts[at].render())


async def test_the_course_stands_over_one_axis_with_its_figures_at_the_cursor(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 121)
        screen = await opened(pilot, until)
        assert "09:00:00 – 11:00:00 · all models" in said(screen)
        scale = ["1,000", "500", "0"]
        assert re.findall(r"([\d,]+) ┤", chart(screen, 0)) == scale, "round numbers"
        assert "20+ calls a value" in chart(screen, 0)
        times = ["09:00", "09:10", "09:20", "09:30", "09:40"]
        assert str(screen.axis.render()).split()[:5] == times, "round times"
        await pilot.press("l")
        assert "1.0 calls a minute, 0 slow" in said(screen)
        assert "⠂⠂ p99 100  ⠒⠒ p95 100  ⠶⠶ p50 100" in chart(screen, 0)
        await pilot.press(*["h"] * 2, "end", "h")
        await until(pilot, lambda: "p50 900" in chart(screen, 0), "the figures of the second hour")


async def test_zoom_and_pan_go_no_further_than_the_calls(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 121)
        screen = await opened(pilot, until)
        for keys, stretch in (
            ("i", "09:30:00 – 10:30:00"),
            ("H", "09:00:00 – 10:00:00"),
            ("H", "09:00:00 – 10:00:00"),
            ("LLLL", "10:00:00 – 11:00:00"),
            ("o", "09:00:00 – 11:00:00"),
            ("ii0", "09:00:00 – 11:00:00"),
        ):
            for key in keys:
                await pilot.press(key)
                await until(pilot, lambda: not pilot.app.busy, key)  # type: ignore[attr-defined]
            await until(pilot, lambda want=stretch: want in said(screen), stretch)  # type: ignore[misc]


async def test_the_range_filters_the_other_views_until_esc(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 121)
        screen = await opened(pilot, until)
        await pilot.press("i")
        await until(pilot, lambda: "09:30:00 – 10:30:00" in said(screen), "the hour")
        await pilot.press("r")
        await until(pilot, lambda: screen.filterbar.where is not None, "the filter")
        await pilot.press("1")
        overview = app.view
        assert isinstance(overview, OverviewScreen)
        await until(pilot, lambda: len(overview.calls.source) == 61, "09:30 up to 10:30")
        await pilot.press("escape")
        await until(pilot, lambda: len(overview.calls.source) == 121, "all")


async def test_pan_and_zoom_move_the_range_that_filters_the_other_views(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log], where="step = 0").run_test(size=WIDE) as pilot:
        app = await shown(pilot, 121)
        screen = await opened(pilot, until)
        for key, stretch, calls in (
            ("i", "09:30:00 – 10:30:00 · all models ", 121),
            ("r", "09:30:00 – 10:30:00 · all models · in all views", 61),
            ("L", "10:00:00 – 11:00:00 · all models · in all views", 61),
            ("H", "09:30:00 – 10:30:00 · all models · in all views", 61),
            ("i", "09:45:00 – 10:15:00 · all models · in all views", 31),
            ("o", "09:30:00 – 10:30:00 · all models · in all views", 61),
            ("r", "09:30:00 – 10:30:00 · all models ", 121),
            ("r", "09:30:00 – 10:30:00 · all models · in all views", 61),
            ("0", "09:00:00 – 11:00:00 · all models ", 121),
        ):
            await pilot.press(key)
            await until(pilot, partial(lets_through, app, calls), f"{calls} calls after {key}")
            await until(pilot, lambda: not app.busy, key)
            await until(pilot, lambda want=stretch: want in said(screen), stretch)  # type: ignore[misc]
        assert screen.filterbar.where == "step = 0"


def lets_through(app: LogApp, calls: int) -> bool:
    return app.view.overview is not None and app.view.overview.calls.height == calls


async def test_a_range_without_calls_is_left_as_it_was_come_to(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(ts=f"2026-11-23T{hour:02}:00:00Z") for hour in (9, 10, 15, 16)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        await pilot.press("i")
        await until(pilot, lambda: "10:45:00 – 14:15:00" in said(screen), "the middle")
        await pilot.press("r")
        await until(pilot, lambda: "No calls in this time" in said(screen), "that there are none")
        assert "0 of 4 calls" in counted(screen)
        await pilot.press("L")
        await until(pilot, lambda: "12:30:00 – 16:00:00" in said(screen), "the last hours")
        assert "2 of 4 calls" in counted(screen)
        await pilot.press("0")
        await until(pilot, lambda: "09:00:00 – 16:00:00" in said(screen), "all of them")


def counted(screen: TrendsScreen) -> str:
    return str(screen.filterbar.query_one("#filter-count").render())


async def test_M_shows_one_model_after_the_other_and_enter_the_slowest_call(  # noqa: N802
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 121)
        screen = await opened(pilot, until)
        await pilot.press("M")
        await until(pilot, lambda: "· a" in said(screen), "model a")
        await until(pilot, lambda: "100 ┤" in chart(screen, 0), "its latency")
        await pilot.press("M")
        await until(pilot, lambda: "10:00:00 – 11:00:00 · b" in said(screen), "model b")
        await pilot.press("l", "enter")
        overview = app.view
        assert isinstance(overview, OverviewScreen)
        await until(pilot, lambda: overview.cursor_key == 60, "the first call of b")


async def test_the_failed_calls_of_a_model_are_in_its_charts_and_filters(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    failed: dict[str, object] = {"status": "error", "model": None}
    log.write_bytes(
        b"".join(
            record(
                ts=f"2026-11-23T09:{n:02}:00Z",
                requested_model=f"router/{'ab'[n % 2]}",
                **(failed if n % 4 == 0 else {"model": "ab"[n % 2]}),
            )
            for n in range(40)
        )
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        screen = await opened(pilot, until)
        await pilot.press("M")
        await until(pilot, lambda: "· a" in said(screen), "model a")
        await until(pilot, lambda: shares(screen) == {0.5}, "half of its calls failed")
        await pilot.press("2")
        await until(pilot, lambda: app.view.NAME == "calls", "the calls")
        await pilot.press("g", "j", "j", *"llll", "=")
        a, b = list(range(0, 40, 2)), list(range(1, 40, 2))
        await until(pilot, lambda: filtered(app) == a, "all calls of a")
        await pilot.press("escape")
        await until(pilot, lambda: filtered(app) == sorted(a + b), "all calls")
        await pilot.press("g", "j", "j", "-")
        await until(pilot, lambda: filtered(app) == b, "all calls of b")


def filtered(app: LogApp) -> list[int]:
    overview = app.view.overview
    return [] if overview is None else overview.calls["row"].to_list()


def shares(screen: TrendsScreen) -> set[float | None]:
    return set() if screen.calls is None else set(screen.calls.figures["errors"]) - {None}


async def test_a_small_screen_has_one_chart_and_v_turns_to_the_next(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 121)
        screen = await opened(pilot, until)
        assert [each.display for each in screen.charts] == [True, False, False, False]
        await pilot.press("v")
        assert [each.display for each in screen.charts] == [False, True, False, False]
        footer = screen.query_one(KeyFooter)
        assert "v next chart" in str(footer.render())
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert all(each.display for each in screen.charts)
        assert "v next chart" not in str(footer.render()), "all of them are here"
        assert "Tab pane" not in str(footer.render()), "there is only one"


async def test_a_log_without_times_says_what_would_be_here(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(ts=None))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, TrendsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, TrendsScreen)
        await until(pilot, lambda: "No calls with a time" in said(screen), "why it is empty")
        await pilot.press("i", "o", "h", "H", "r", "enter", "M", "0")
        assert app.screen is screen


async def test_a_log_with_times_is_never_called_empty_not_even_before_its_series_are_known(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    update = Static.update

    def noted(self: Static, content: VisualType = "", **options: bool) -> None:
        texts.append(str(content))
        update(self, content, **options)

    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 121)
        monkeypatch.setattr(Static, "update", noted)
        await opened(pilot, until)
    assert any(" – " in text for text in texts)
    assert not [text for text in texts if "No calls" in text]


async def test_over_days_the_axis_names_them(tmp_path: Path, shown: Shown, until: Until) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        b"".join(record(ts=f"2026-11-{day}T09:00:00Z", step=day) for day in range(20, 24))
        + record(ts=None)
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 5)
        screen = await opened(pilot, until)
        assert "20 Nov 09:00 – 23 Nov 09:00" in said(screen)
        assert "1 call without ts" in said(screen)
        assert "21 Nov" in str(screen.axis.render())
