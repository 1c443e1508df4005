"""From a tag to its calls, their column and their trend, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.call_columns import COMPACT, ColumnChoice
from llmlog_tui.tui.panes.call_columns import WIDE as USUAL
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.dialogs.column_picker import ColumnPicker
from llmlog_tui.tui.screens.sql import SqlScreen
from llmlog_tui.tui.screens.trends import TrendsScreen

TIERS = ("free", "pro", "free")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Calls of two tiers, a minute apart."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        b"".join(
            record(ts=f"2026-11-23T09:{n:02}:00Z", extra={"user_tier": tier}, user_id=f"u-{n}")
            for n, tier in enumerate(TIERS)
        )
    )
    return log


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_a_tag_is_typed_filtered_by_and_shown(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, len(TIERS))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.view, CallsScreen) and not app.busy, "Calls")
        screen = app.view
        assert isinstance(screen, CallsScreen)
        await pilot.press("f", *"extra.us")
        typed = screen.query_one("#filter-typed")
        await until(pilot, lambda: getattr(typed, "_suggestion", "") == "extra.user_tier", "it")
        await pilot.press("tab", *" = 'pro'", "enter")
        await until(pilot, lambda: len(screen.calls.source) == 1 and not app.busy, "one call")
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.calls.source) == len(TIERS), "all calls")
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ColumnPicker), "the dialog")
        dialog = app.screen
        assert isinstance(dialog, ColumnPicker)
        while str(dialog.table.cursor_key) != "extra.user_tier":
            await pilot.press("down")
        await pilot.press("space", *["K"] * len(USUAL), "enter")
        await until(pilot, lambda: "user_tier" in lines_of(screen.calls)[0], "its column")
        await pilot.press("home", "l", *["h"] * len(USUAL), "=")
        await until(pilot, lambda: len(screen.calls.source) < len(TIERS), "calls of one value")
        assert app.where == "extra.user_tier = 'free'"


async def test_trends_go_through_the_values_of_a_tag(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, len(TIERS))
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.view, TrendsScreen) and not app.busy, "Trends")
        screen = app.view
        assert isinstance(screen, TrendsScreen)
        await pilot.press("b")
        await until(pilot, lambda: "user_tier of any" in str(screen.summary.render()), "the tag")
        await pilot.press("M")
        await until(pilot, lambda: "user_tier free" in str(screen.summary.render()), "a value")
        await pilot.press("M", "b", "M")
        await until(pilot, lambda: "user_id u-0" in str(screen.summary.render()), "a field")
        await pilot.press("b")
        await until(pilot, lambda: "all models" in str(screen.summary.render()), "models again")


async def test_the_editor_completes_tags_and_the_query_has_them(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, len(TIERS))
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.view, SqlScreen) and not app.busy, "SQL")
        screen = app.view
        assert isinstance(screen, SqlScreen)
        screen.editor.text = ""
        await pilot.press(*"select extra.us")
        await until(pilot, lambda: screen.editor.suggestion == "er_tier", "the suggestion")
        await pilot.press("tab", *" from calls", "ctrl+r")
        await until(pilot, lambda: screen.result.frame is not None, "the result")
        assert screen.result.frame is not None
        assert screen.result.frame["extra.user_tier"].to_list() == list(TIERS)


async def test_a_tag_that_arrives_while_following_becomes_a_column(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log], where="extra.plan = 'b'").run_test(size=WIDE) as pilot:
        app = await shown(pilot, len(TIERS))
        assert app.view.overview is not None
        assert not app.view.overview.calls.height
        with log.open("ab") as file:
            file.write(record(extra={"plan": "b"}))
        await shown(pilot, len(TIERS) + 1)
        await until(pilot, lambda: app.view.overview.calls.height == 1, "its call")  # type: ignore[union-attr]


def test_a_chosen_tag_is_remembered_by_its_name() -> None:
    choice = ColumnChoice(("extra.user_tier", "ts"), COMPACT)
    assert ColumnChoice.from_object(choice.as_object()) == choice
