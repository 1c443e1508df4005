"""Alerts, SQL and Diff as pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Until
from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.diff import DiffPane
from llmlog_tui.tui.screens.alerts import AlertsScreen
from llmlog_tui.tui.screens.ready_queries import READY_QUERIES
from llmlog_tui.tui.screens.sql import SqlScreen

Shown = Callable[[Pilot[str], int], Awaitable[LogApp]]
SnapCompare = Callable[..., bool]
Look = Callable[[Pilot[str]], Awaitable[None]]

LOG = Path("sample_logs/calls.jsonl")
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, sample: Path) -> LogApp:
    """The sample log, under the name that the README's command gives it."""
    monkeypatch.chdir(sample.parent.parent)
    return LogApp([LOG])


async def go_to(pilot: Pilot[str], app: LogApp, label: str, until: Until) -> None:
    """Press the digit of a view: its place among the tabs."""
    await pilot.press(str(app.view.header.tabs.index(label) + 1))
    await until(pilot, lambda: label.lower() == app.view.NAME, "the view")
    await until(pilot, lambda: app.view.overview is not None and not app.busy, "its answers")


@pytest.fixture
def alerts(shown: Shown, records: int, until: Until) -> Look:
    """The fingerprint's evidence."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await go_to(pilot, app, "Alerts", until)
        screen = app.screen
        assert isinstance(screen, AlertsScreen)
        await pilot.press("g", "down")
        await until(pilot, lambda: "fingerprint" in str(screen.evidence.border_title), "evidence")
        await until(pilot, lambda: not app.busy, "all questions answered")

    return look


@SIZES
def test_alerts(
    snap_compare: SnapCompare, app: LogApp, alerts: Look, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=alerts)


@pytest.mark.usefixtures("app")
def test_alerts_in_the_light_theme(snap_compare: SnapCompare, alerts: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=alerts)


@pytest.fixture
def sql(shown: Shown, records: int, until: Until) -> Look:
    """The answer to the example."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await go_to(pilot, app, "SQL", until)
        screen = app.screen
        assert isinstance(screen, SqlScreen)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(screen.result.source) == 5, "the answer")
        assert screen.result.frame is not None
        screen.result.update(screen.result.frame, took_s=0.012)
        await pilot.press("escape")

    return look


@SIZES
def test_sql(snap_compare: SnapCompare, app: LogApp, sql: Look, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=sql)


@pytest.mark.usefixtures("app")
def test_sql_in_the_light_theme(snap_compare: SnapCompare, sql: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=sql)


@pytest.fixture
def sql_chart(sql: Look, until: Until) -> Look:
    """Latency over time, with the cursor at a row."""

    async def look(pilot: Pilot[str]) -> None:
        await sql(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SqlScreen)
        screen.editor.text = READY_QUERIES["calls, failures and p95 latency per minute"]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(screen.result.source) > 5, "the answer")
        await pilot.press("v", *["l"] * 6)

    return look


@SIZES
def test_sql_as_a_chart(
    snap_compare: SnapCompare, app: LogApp, sql_chart: Look, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=sql_chart)


@pytest.mark.usefixtures("app")
def test_sql_as_bars_in_the_light_theme(snap_compare: SnapCompare, sql: Look) -> None:
    async def look(pilot: Pilot[str]) -> None:
        await sql(pilot)
        await pilot.press("v")

    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=look)


@pytest.fixture
def diff(shown: Shown, records: int, until: Until) -> Look:
    """Two runs, and where they part."""

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await pilot.press("d", "k", "k", "k", "d")
        await until(pilot, lambda: bool(app.screen.query(DiffPane)), "the diff")
        pairs = app.screen.query_one(DiffPane)
        await until(pilot, lambda: len(pairs.source) > 0, "its pairs")

    return look


@SIZES
def test_two_runs_side_by_side(
    snap_compare: SnapCompare, app: LogApp, diff: Look, size: tuple[int, int]
) -> None:
    assert snap_compare(app, terminal_size=size, run_before=diff)


@pytest.mark.usefixtures("app")
def test_two_runs_side_by_side_in_the_light_theme(snap_compare: SnapCompare, diff: Look) -> None:
    app = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=diff)
