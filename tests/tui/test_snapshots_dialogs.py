"""The help and the list of bookmarks as pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until
from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.bookmarks import BookmarksDialog
from llmlog_tui.tui.screens.dialogs.help import HelpDialog

SnapCompare = Callable[..., bool]


@pytest.fixture
def log(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample log, with nothing beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(sample, "calls.jsonl"))


def test_the_help_on_a_small_screen(
    snap_compare: SnapCompare, log: Path, shown: Shown, records: int, until: Until
) -> None:
    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "the help")

    assert snap_compare(LogApp([log]), terminal_size=SMALL, run_before=look)


@pytest.mark.parametrize(
    ("size", "theme"),
    [(WIDE, "dark"), (WIDE, "light"), (SMALL, "dark")],
    ids=["wide", "light", "small"],
)
def test_bookmarks(  # noqa: PLR0913, PLR0917 - fixtures
    snap_compare: SnapCompare,
    log: Path,
    shown: Shown,
    records: int,
    until: Until,
    size: tuple[int, int],
    theme: str,
) -> None:
    async def look(pilot: Pilot[str]) -> None:
        app = await shown(pilot, records)
        for keys in (("m",), ("k", "k", "m"), ("k", "m")):
            await pilot.press(*keys)
        app.clear_notifications()  # that tell of the bookmarks
        await until(pilot, lambda: not app.screen.query("Toast"), "the view alone")
        await pilot.press("apostrophe")
        await until(pilot, lambda: isinstance(app.screen, BookmarksDialog), "the list")
        screen = app.screen
        assert isinstance(screen, BookmarksDialog)
        await until(pilot, lambda: len(screen.table.source) == 3, "all bookmarks")
        await pilot.press("g", "n", *"retried three times: ask the vendor", "enter", "g", "j")
        await until(pilot, lambda: "retried" in screen.table.render_line(1).text, "the note")

    app = LogApp([log], settings=Settings(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=look)
