"""On a terminal that shows ASCII only, all of it is ASCII, and stands where it stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, lines_of, overview_of, record
from tests.tui.terminal import Terminal, plain
from textual.strip import Strip
from textual.widget import Widget

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp

_FOREIGN: Final = "日本 café 👩\u200d👧 e\u0301"

_TOUR: Final = {
    "\r": "paused",
    "dkd": "diverge at step",
    "?": "keys of this screen",
    ":": "Search for commands",
    "y": "a capital saves it",
    "m'": "Enter goes there",
    "f": "SQL predicate",
    "/": "an id, a model",
    "2\r": "usual",
    "S": "Columns of Calls",
    "r": "retries",
    "3": "fingerprint change",
    "4": "ones too, up to 500",
    "5\x12": "text-embedding",
}
"""Through all views and dialogs: keys, and what is on the screen then."""


@pytest.fixture
def log(tmp_path: Path, sample: Path) -> Path:
    """The sample, and behind it calls whose values are not ASCII."""
    log = tmp_path / "calls.jsonl"
    foreign = record(ts="2026-11-23T09:40:00Z", model=_FOREIGN, finish_reason=_FOREIGN)
    retried = record(ts="2026-11-23T09:40:01Z", model=_FOREIGN, step=1, retries=2)
    log.write_bytes(sample.read_bytes() + foreign + retried)
    return log


@pytest.fixture(params=[WIDE, SMALL], ids=["wide", "small"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path, log: Path) -> Iterator[Terminal]:
    in_c = {"LC_ALL": "C"}
    terminal = Terminal(tmp_path, str(log), size=request.param, environment=in_c, is_forked=True)
    yield terminal
    terminal.close()


def test_in_the_locale_c_the_terminal_is_sent_nothing_but_ascii(terminal: Terminal) -> None:
    terminal.until_sent(" slow: ")
    for keys, then in _TOUR.items():
        terminal.press(keys)
        terminal.until_sent(then)
        terminal.press("\x1b")
        terminal.until_quiet()
    terminal.press("\x11")
    assert terminal.ended() == 0
    assert terminal.sent.isascii()
    assert b"????" in plain(terminal.sent), "the values were on the screen, in their cells"


@pytest.mark.parametrize(
    ("arguments", "environment", "is_ascii"),
    [
        ((), {}, False),
        (("--ascii",), {}, True),
        ((), {"LLMLOG_ASCII": "1"}, True),
        ((), {"TERM": "linux"}, True),
        (("--no-ascii",), {"LLMLOG_ASCII": "1"}, False),
        ((), {"LC_ALL": "C", "LLMLOG_ASCII": "0"}, False),
    ],
)
def test_an_option_goes_before_the_environment(
    tmp_path: Path,
    log: Path,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    is_ascii: bool,  # noqa: FBT001
) -> None:
    terminal = Terminal(tmp_path, str(log), *arguments, environment=environment, is_forked=True)
    terminal.until_sent("newest last")
    terminal.press("\x11")
    terminal.ended()
    terminal.close()
    assert terminal.sent.isascii() is is_ascii


def _drawn(widget: Widget) -> list[Strip]:
    """The lines of a widget as they go to the terminal."""
    return widget.render_lines(widget.region.size.region)


async def test_what_is_not_ascii_keeps_its_cells(log: Path, shown: Shown, records: int) -> None:
    async with LogApp([log], settings=Settings(ascii=True)).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records + 2)
        for pane in overview_of(app).panes:
            strips = _drawn(pane)
            assert all(strip.text.isascii() for strip in strips)
            assert {len(strip.text) for strip in strips} == {pane.region.width}
        calls = overview_of(app).calls
        assert any("???? caf? ????? ?" in line for line in (each.text for each in _drawn(calls)))
        assert any("日本 café" in line for line in lines_of(calls)), "panes know nothing of it"
