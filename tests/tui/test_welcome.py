"""The first start, with no log there yet."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import SMALL, Shown, Until, record

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.startup import WelcomeDialog
from llmlog_tui.tui.widgets.footer import KeyFooter


async def test_without_a_log_one_is_told_how_to_make_one_and_offered_the_demo(
    tmp_path: Path, until: Until
) -> None:
    app = LogApp([tmp_path / "calls.jsonl"], welcome=True)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeDialog), "the welcome")
        sheet = app.screen.query_one("Static")
        said = str(sheet.render())
        for words in (
            "No calls.jsonl here yet",
            'llmlog.session("calls.jsonl")',
            "d show the demo",
        ):
            assert words in said
        assert sheet.region.height <= SMALL[1], "all of it fits a small screen"
        await pilot.press("d")
    assert app.return_value == "demo"


async def test_the_welcome_goes_when_the_log_comes(
    tmp_path: Path, until: Until, shown: Shown
) -> None:
    log = tmp_path / "calls.jsonl"
    app = LogApp([log], welcome=True)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeDialog), "the welcome")
        log.write_bytes(record())
        await shown(pilot, 1)
        await until(pilot, lambda: app.screen is app.view, "the calls alone")


async def test_one_may_wait_without_it(tmp_path: Path, until: Until) -> None:
    app = LogApp([tmp_path / "calls.jsonl"], welcome=True)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeDialog), "the welcome")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.view, "the view")
        footer = app.view.query_one(KeyFooter)
        await until(pilot, lambda: "Enter replay" not in str(footer.render()), "no dead key")
        keys = str(footer.render())
        assert not [each for each in ("session", "only this", "diff") if each in keys]
        assert "? help" in keys
        (tmp_path / "calls.jsonl").write_bytes(record())
        await until(pilot, lambda: "Enter replay" in str(footer.render()), "the keys of a run")
