"""? or F1: all keys, those of here and now first, as the user has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, record
from textual.pilot import Pilot
from textual.widgets import Static

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.keys.registry import ALL, IDS
from llmlog_tui.tui.screens.dialogs.help import HelpDialog, sections
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.widgets.bindings import key_name, scope_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(record(**{f"field_{n}": n for n in range(60)}))
    return path


async def helped(pilot: Pilot[Any], until: Until, key: str = "question_mark") -> HelpDialog:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, HelpDialog), "the help")
    screen = pilot.app.screen
    assert isinstance(screen, HelpDialog)
    return screen


def text_of(screen: HelpDialog) -> str:
    return "\n".join(str(part.render()) for part in screen.query(Static))


def test_keys_are_named_as_they_stand_on_the_keyboard() -> None:
    keys = ("question_mark", "f1", "ctrl+d", "shift+tab", "pageup", "left", "G", "less_than_sign")
    names = ["?", "F1", "Ctrl-D", "Shift-Tab", "PgUp", "Left", "G", "<"]
    assert [key_name(key) for key in keys] == names


def test_what_is_in_force_here_comes_first_the_most_special_before_the_general() -> None:
    order = [scope for scope, _ in sections({"app", "view", "table", "traces", "overview"})]
    assert order[:5] == ["overview", "traces", "table", "view", "app"]
    assert len(order) == len(set(order)) == len({scope_of(binding) for binding in ALL})


@pytest.mark.parametrize("width", [40, 80, 160])
async def test_its_lines_fit_and_explain_a_key_in_few_lines(
    log: Path, shown: Shown, until: Until, width: int
) -> None:
    async with LogApp([log]).run_test(size=(width, 24)) as pilot:
        await shown(pilot, 1)
        screen = await helped(pilot, until)
        room = screen.sheet.size.width
        lines = text_of(screen).splitlines()
        assert [line for line in lines if len(line.rstrip()) > room] == []
        at = next(n for n, line in enumerate(lines) if "next view" in line or "view 1" in line)
        assert "Go to Overview" in " ".join(lines[at : at + 2])
        assert "● Overview  config: overview" in text_of(screen)


async def test_it_begins_with_views_find_filter_and_the_signs(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 1)
        text = " ".join(text_of(await helped(pilot, until)).split())
    wanted = ("Go to Overview", "Go to SQL", "Find an id", "SQL predicate", "┤ cut off")
    places = [text.index(words) for words in (*wanted, "bookmarked", "● Overview")]
    assert places == sorted(places), "the keys of this screen come last"


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_every_key_is_there_with_its_name_and_what_it_does(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        await shown(pilot, 1)
        text = " ".join(text_of(await helped(pilot, until)).split())
        for binding in IDS.values():
            keys = " ".join(map(key_name, binding.key.split(",")))
            assert binding.description in text
            assert keys in text, f"{binding.id} on {keys}"


async def test_below_the_signs_the_keys_of_the_view_come_first(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        for key, first in (("1", "Overview"), ("2", "Calls"), ("3", "Trends")):
            await pilot.press(key)
            screen = await helped(pilot, until, "f1")
            headings = [line for line in text_of(screen).splitlines() if line.startswith("●")]
            assert headings[0].startswith(f"● {first}")
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.view, "the view")


async def test_a_key_that_the_user_has_put_elsewhere_is_shown_there(
    log: Path, shown: Shown, until: Until
) -> None:
    settings = Settings(keys={"app.jump-back": "f7,ctrl+o"})
    async with LogApp([log], settings=settings).run_test(size=WIDE) as pilot:
        await shown(pilot, 1)
        text = text_of(await helped(pilot, until))
        assert "F7 Ctrl-O    jump back" in text


async def test_it_is_closed_by_the_keys_that_one_tries(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        for key in ("escape", "q", "question_mark", "f1"):
            await helped(pilot, until)
            await pilot.press(key)
            await until(pilot, lambda: app.screen is app.view, f"the view after {key}")


async def test_it_rolls_by_the_keys_of_tables_and_so_does_a_record(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 1)
        screen = await helped(pilot, until)
        await pilot.press("j", "j")
        await until(pilot, lambda: screen.sheet.scroll_y == 2, "two lines down")
        await pilot.press("G")
        await until(pilot, lambda: screen.sheet.is_vertical_scroll_end, "the end")
        await pilot.press("g", "escape", "2", "r")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
        assert isinstance(app.screen, RecordDialog)
        sheet = app.screen.sheet
        await pilot.press("j", "pagedown", "k")
        await until(pilot, lambda: sheet.scroll_y > 10, "a page down")
