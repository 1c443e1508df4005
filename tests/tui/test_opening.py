"""The first moments: something to look at before the rest is there, and no key is lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown
from tests.tui.terminal import FIRST_FRAME, Terminal, plain
from textual import events
from textual.css.model import RuleSet
from textual.css.parse import parse
from textual.css.types import CSSLocation

from llmlog_tui.log.sources import Sources
from llmlog_tui.tui import screens
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.keys.views import VIEWS
from llmlog_tui.tui.screens.splash import SplashScreen


@pytest.fixture
def terminal(tmp_path: Path, sample: Path) -> Iterator[Terminal]:
    """The dashboard has just been started."""
    terminal = Terminal(tmp_path, str(sample), is_forked=True, imported=FIRST_FRAME)
    yield terminal
    terminal.close()


def _modules(program: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return set(ran.stdout.decode().split())


def test_the_first_frame_says_what_is_read_and_the_keys_before_there_are_panes(
    terminal: Terminal, sample: Path
) -> None:
    terminal.until_sent("? help")
    first = plain(terminal.sent).decode()
    assert f" llmlog   {sample.name}" in first
    assert "1 Overview  2 Calls  3 Trends  4 Alerts  5 SQL" in first
    assert f"Reading {sample.name}" in first
    assert "Timeline" not in first
    terminal.until_sent("Timeline")


def test_it_has_the_size_of_its_terminal_whatever_size_was_exported(
    tmp_path: Path, sample: Path
) -> None:
    exported = {"COLUMNS": "80", "LINES": "24"}
    started = Terminal(tmp_path, str(sample), size=SMALL, environment=exported, is_forked=True)
    with closing(started) as terminal:
        terminal.until_sent("Timeline")
        terminal.resize(*WIDE)
        terminal.until_sent("newest last")  # a small screen has no room for it


@pytest.mark.parametrize("name", ["XScreen", "Screen", "PlaceScreen", "views", "_Screen"])
def test_a_screen_that_is_not_there_is_an_attribute_that_is_not_there(name: str) -> None:
    assert not hasattr(screens, name)


def test_no_view_no_controller_and_no_pane_but_the_header_is_imported_before_it() -> None:
    imported = _modules("import sys, llmlog_tui._dashboard; print(*sys.modules)")
    ours = {name.removeprefix("llmlog_tui.") for name in imported if name.startswith("llmlog_tui.")}
    assert {name for name in ours if name.startswith("tui.panes.")} == {"tui.panes.header"}
    assert {name for name in ours if name.startswith("tui.screens.")} == {"tui.screens.splash"}
    assert {name for name in ours if name.startswith("tui.keys.")} == {"tui.keys.views"}
    assert {name for name in ours if name.startswith("tui.") and name.count(".") == 1} == {
        "tui.alert_throttle",
        "tui.app",
        "tui.keys",
        "tui.panes",
        "tui.progress",
        "tui.runtime",
        "tui.screens",
        "tui.status",
        "tui.theme",
        "tui.widgets",
        "tui.workers",
    }
    assert not ours & {"config.rules", "config.settings_file", "server.endpoint", "server.metrics"}


@pytest.mark.parametrize("option", ["--version", "--help", "--nonsense"])
def test_an_option_that_shows_nothing_does_not_wait_for_textual(option: str) -> None:
    program = (
        "import atexit, sys; from llmlog_tui.cli import dashboard;"
        "atexit.register(lambda: print('textual' in sys.modules)); dashboard()"
    )
    ran = subprocess.run([sys.executable, "-c", program, option], check=False, capture_output=True)
    assert ran.stdout.split()[-1:] == [b"False"]


def test_every_view_is_found_by_its_name() -> None:
    assert [screens.new_view(name).NAME for name in VIEWS] == list(VIEWS)


def test_what_is_typed_before_the_first_frame_is_done_in_that_order(terminal: Terminal) -> None:
    terminal.press("?q3")  # the other way round q leaves the dashboard
    terminal.until_sent("Throughput")


_TYPED: Final = [
    ("flatency_ms > 5000\r", "5 of 564 calls"),
    ("/eb1e\r", "9 of 9 with eb1e"),
    ("5select 2;", "select 2;select coalesce"),
]
"""What opens a field, the text for it, what that leads to; as keys of a view it would go astray."""


@pytest.mark.parametrize(("keys", "said"), _TYPED)
def test_text_is_for_the_field_that_is_being_opened(
    tmp_path: Path, sample: Path, keys: str, said: str
) -> None:
    with closing(Terminal(tmp_path, str(sample), is_forked=True)) as terminal:
        terminal.until_sent("newest last")
        terminal.press(keys)
        terminal.until_sent(said)


@pytest.mark.parametrize(("keys", "said"), _TYPED)
def test_so_it_is_before_there_is_a_view(terminal: Terminal, keys: str, said: str) -> None:
    terminal.until_sent("? help")
    terminal.press(keys)
    terminal.until_sent(said)


async def test_what_is_typed_before_there_is_a_view_waits_for_one(sample: Path) -> None:
    app = LogApp(Sources([str(sample)], must_exist=True))
    async with app.run_test() as pilot:
        assert isinstance(app.screen, SplashScreen)
        await pilot.press("2")
        assert app.current_mode == "calls"


async def test_what_is_typed_while_it_is_made_comes_behind_what_was_typed_before(
    sample: Path, records: int, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = LogApp([sample])
    monkeypatch.setattr(app, "get_default_screen", _and_type(app, "2", app.get_default_screen))
    monkeypatch.setattr(app, "switch_mode", _and_type(app, "3", app.switch_mode))
    async with app.run_test() as pilot:
        await shown(pilot, records)
        assert app.current_mode == "trends"


def _and_type(app: LogApp, key: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Somebody presses a key, once, while the App does this."""
    keys = [key]

    @wraps(work)
    def typed(*arguments: object) -> object:
        if keys:
            app.post_message(events.Key(keys.pop(), key))
        return work(*arguments)

    return typed


@pytest.mark.parametrize("more", ["", "x", "2x:x"])
def test_one_can_quit_before_the_first_frame_whatever_is_typed_behind(
    terminal: Terminal, more: str
) -> None:
    terminal.press("q" + more)
    assert terminal.ended() == 0, plain(terminal.sent[-3_000:]).decode()
    assert b"Traceback" not in terminal.sent
    assert terminal.modes_changed == set()
    assert terminal.line_is_as_before


@pytest.mark.usefixtures("no_styles_parsed")
async def test_our_style_sheets_are_parsed_once_whatever_is_opened(
    sample: Path, records: int, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: Counter[str] = Counter()

    def counting(scope: str, css: str, read_from: CSSLocation, **options: Any) -> Iterable[RuleSet]:  # noqa: ANN401 - Textual's
        parsed[Path(read_from[0]).name] += 1
        return parse(scope, css, read_from, **options)

    monkeypatch.setattr("textual.css.stylesheet.parse", counting)
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        await pilot.press("2", "1", "question_mark", "escape")
    assert (parsed["app.tcss"], parsed["views.tcss"]) == (1, 1)
