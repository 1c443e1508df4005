"""The Alerts view: what was found, the evidence, and the calls on either side."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    record,
    row_of,
    text_of,
    toasts,
)

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.render.alert_text import lines
from llmlog_tui.tui.screens.alerts import AlertsScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.widgets.footer import KeyFooter

DIGIT = "4"


async def test_every_alert_has_its_figures_before_and_after(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press(DIGIT)
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await until(pilot, lambda: screen.alert is not None, "the alerts")
        await pilot.press("g")
        for rule in ("truncation", "fingerprint", "hidden cut"):
            await until(pilot, partial(is_explained, screen, rule), rule)
            await pilot.press("down")


def test_a_change_is_the_difference_of_the_figures_beside_it() -> None:
    change = MetricChange("p50 ms", 366.51, 966.49, None, is_chance=True)
    alert = Alert("latency", "gpt-5", None, 0, "slower", "", 9, "ongoing", 0, None, 0, (change,))
    (line,) = (each.plain for each in lines(alert, "") if "p50 ms" in each.plain)
    assert line.split()[2:] == ["367", "966", "+599"], "not the rounded +600"


def is_explained(screen: AlertsScreen, rule: str) -> bool:
    said = str(screen.evidence.query_one("Static").render())
    is_it = screen.alert is not None and screen.alert.rule == rule
    return is_it and all(word in said for word in ("before    after   change", "p95 ms", "cut off"))


async def test_enter_goes_to_the_call_where_it_began(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, records)
        await pilot.press(DIGIT)
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await until(pilot, lambda: screen.alert is not None, "the alerts")
        assert screen.alert is not None
        row = screen.alert.row
        await pilot.press("enter")
        overview = app.view
        assert isinstance(overview, OverviewScreen)
        await until(pilot, lambda: row_of(overview.calls) == row, "the call")


async def test_w_and_W_go_round_the_alerts_in_every_view(  # noqa: N802 - the keys
    sample: Path, shown: Shown, records: int
) -> None:
    async with LogApp([sample]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, records)
        overview = app.view
        assert isinstance(overview, OverviewScreen)
        assert overview.overview is not None
        rows = [alert.row for alert in overview.overview.alerts]
        for key, at in (("w", 0), ("w", 1), ("W", 0), ("W", -1)):
            await pilot.press(key)
            assert row_of(overview.alerts) == (overview.overview.alerts[at].rule, rows[at])
            assert row_of(overview.calls) == rows[at]


async def test_without_alerts_the_view_says_what_watches(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 1)
        await pilot.press("w")
        await until(pilot, lambda: "No alerts." in toasts(app), "that there are none")
        await pilot.press(DIGIT)
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await until(
            pilot,
            lambda: "No alerts from 7 rules over 1 call." in "\n".join(lines_of(screen.findings)),
            "the empty state",
        )
        footer = str(screen.query_one(KeyFooter).render())
        assert "its call" not in footer, "keys of alerts do nothing without one"
        assert "calls before" not in footer
        await pilot.press("a", "b", "enter")
        assert app.screen is screen


async def test_the_calls_on_each_side_of_failures_are_of_the_model_that_was_asked_for(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    failed = {"status": "error", "error_type": "Timeout", "model": None}
    asked = {"requested_model": "it's", "provider": "p"}

    def call(n: int, **fields: object) -> bytes:
        ts = f"2026-11-23T09:{n // 60:02}:{n % 60:02}Z"
        return record(step=n, ts=ts, **{**asked, **fields})

    log.write_bytes(
        b"".join(call(n) for n in range(100))
        + b"".join(call(n, **failed) for n in range(100, 125))
        + b"".join(call(n, requested_model="other") for n in range(125, 130))
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 130)
        for key, calls in (("b", 100), ("a", 25)):
            await pilot.press(DIGIT)
            await until(pilot, lambda: app.view.NAME == "alerts", "the view")
            await until(pilot, lambda: app.view.cursor_key == 100, "it")
            assert isinstance(app.screen, AlertsScreen)
            assert app.screen.alert is not None
            assert (app.screen.alert.rule, app.screen.alert.subject) == ("error rate", "it's")
            await pilot.press(key)
            await until(pilot, lambda: app.view.NAME == "overview", "the Overview")
            await until(pilot, partial(has_calls, app, calls), f"{calls} calls")


def has_calls(app: LogApp, calls: int) -> bool:
    return app.view.overview is not None and app.view.overview.calls.height == calls


async def test_without_ts_the_calls_of_an_alert_are_shown_from_where_it_began(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        b"".join(record(step=n, ts=None, system_fingerprint=f"fp_{n // 20}") for n in range(40))
        + record(ts=None, model="other")
    )
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 41)
        await pilot.press(DIGIT)
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await until(pilot, lambda: screen.alert is not None, "the alert")
        await pilot.press("b")
        await until(pilot, lambda: app.view.NAME == "overview" and not app.busy, "the calls")
        await until(pilot, partial(has_calls, app, 40), "the model's")
        await until(pilot, lambda: app.view.cursor_key == 20, "the call where it began")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_the_evidence_has_the_chart_around_the_change_with_both_levels(
    sample: Path, shown: Shown, records: int, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([sample]).run_test(size=size) as pilot:
        app = await shown(pilot, records)
        await pilot.press(DIGIT)
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen), "the view")
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await until(pilot, lambda: screen.alert is not None, "the alerts")
        await pilot.press("g")
        await until(pilot, lambda: "09:10" in text_of(screen.evidence), "the chart")
        text = text_of(screen.evidence)
        for words in ("before 6.3%", "after 33%", "▲", "% ┤"):
            assert words in text
        assert text.index("retried") < text.index("% ┤") < text.index("since")
        widest = max(len(line) for line in text.splitlines() if "│" in line)
        assert widest <= screen.evidence.size.width, "nothing wraps"
        await pilot.press("down")
        await until(pilot, lambda: "p50 ms" in text_of(screen.evidence).split("┤")[0], "p50")
        await until(pilot, lambda: "≠" in text_of(screen.evidence), "the fingerprint's mark")
