"""Pictures of states that come and go: frozen, filtered, told of an alert, asked, first started."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, toasts, top_row
from tests.tui.test_snapshots_views import LOG, SIZES, Look, SnapCompare, app, go_to
from textual.pilot import Pilot

from llmlog_tui.config.settings import RowRule, Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.column_picker import ColumnPicker
from llmlog_tui.tui.screens.dialogs.startup import WelcomeDialog

__all__ = ["app"]

BEFORE, UPON = 560, 700
"""So many lines of the sample are there at the start, and when the alert has fired."""

THEMES = pytest.mark.parametrize("theme", ["dark", "light"])


def append(log: Path, lines: list[bytes]) -> None:
    with log.open("ab") as file:
        file.write(b"".join(lines))


@THEMES
def test_the_overview_frozen_filtered_and_with_a_new_alert(  # noqa: PLR0913, PLR0917 - fixtures
    snap_compare: SnapCompare,
    sample: Path,
    tmp_path: Path,
    shown: Shown,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    theme: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(LogApp, "NOTIFICATION_TIMEOUT", 1_000)
    log, lines = Path("calls.jsonl"), sample.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:BEFORE]))

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, BEFORE)
        append(log, lines[BEFORE:UPON])
        await shown(pilot, UPON)
        await until(pilot, lambda: "New alert" in toasts(app), "the toast")
        await pilot.press("space")
        append(log, lines[UPON:])
        await until(pilot, lambda: f"+{len(lines) - UPON:,} End" in top_row(app), "held back")
        await pilot.press("f", *"latency_ms > 500 and model = 'gpt-oss-120b'", "enter")
        await until(pilot, lambda: app.view.filterbar.where is not None, "the filter")
        await until(pilot, lambda: not app.busy, "all questions answered")

    dashboard = LogApp([log], settings=Settings(theme=theme, bell=False))
    assert snap_compare(dashboard, terminal_size=WIDE, run_before=look)


@pytest.mark.usefixtures("app")
def test_the_overview_in_the_light_theme(
    snap_compare: SnapCompare, shown: Shown, records: int
) -> None:
    async def look(pilot: Pilot[str]) -> None:
        await shown(pilot, records)

    dashboard = LogApp([LOG], settings=Settings(theme="light"))
    assert snap_compare(dashboard, terminal_size=WIDE, run_before=look)


@pytest.fixture
def welcome(tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch) -> Look:
    """A folder without a log."""
    monkeypatch.chdir(tmp_path)

    async def look(pilot: Pilot[str]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, WelcomeDialog), "the welcome")

    return look


@SIZES
def test_the_first_start(snap_compare: SnapCompare, welcome: Look, size: tuple[int, int]) -> None:
    dashboard = LogApp([Path("calls.jsonl")], welcome=True)
    assert snap_compare(dashboard, terminal_size=size, run_before=welcome)


def test_the_first_start_in_the_light_theme(snap_compare: SnapCompare, welcome: Look) -> None:
    dashboard = LogApp([Path("calls.jsonl")], welcome=True, settings=Settings(theme="light"))
    assert snap_compare(dashboard, terminal_size=SMALL, run_before=welcome)


@SIZES
def test_the_choice_of_columns(  # noqa: PLR0913, PLR0917 - fixtures
    snap_compare: SnapCompare,
    app: LogApp,
    shown: Shown,
    records: int,
    until: Until,
    size: tuple[int, int],
) -> None:
    async def look(pilot: Pilot[str]) -> None:
        await shown(pilot, records)
        await go_to(pilot, app, "Calls", until)
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ColumnPicker), "the dialog")
        screen = app.screen
        assert isinstance(screen, ColumnPicker)
        while screen.table.cursor_key != "request_id":
            await pilot.press("j")
        await pilot.press("space", "K")

    assert snap_compare(app, terminal_size=size, run_before=look)


@THEMES
@pytest.mark.usefixtures("app")
def test_calls_with_styles_of_the_users_own(
    snap_compare: SnapCompare, shown: Shown, records: int, until: Until, theme: str
) -> None:
    rules = (
        RowRule("latency_ms > 4000", "accent"),
        RowRule("retries > 0", "error"),
        RowRule("finish_reason = 'length'", "warning"),
        RowRule("event = 'embedding'", "muted"),
        RowRule("cached_tokens > 1000", "success"),
    )

    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await go_to(pilot, app, "Calls", until)

    dashboard = LogApp([LOG], settings=Settings(theme=theme, rows=rules))
    assert snap_compare(dashboard, terminal_size=WIDE, run_before=look)
