"""Whatever is going on, one can leave: at once, and the terminal is as it was before."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.forked import IMPORTED
from tests.tui.terminal import FIRST_FRAME, Terminal, plain

_QUIT: Final = "\x11"
"""Ctrl-Q, which always quits."""

_SHOWN: Final = ("", "newest last")
_MOMENTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "loading": (),
    "live": (_SHOWN,),
    "replay": (_SHOWN, ("\r", "paused"), (" ", "playing")),
    "find": (_SHOWN, ("/", "an id, a model")),
    "filter": (_SHOWN, ("f", "SQL predicate")),
    "copy menu": (_SHOWN, ("y", "a capital saves it")),
    "palette": (_SHOWN, (":", "Search for commands")),
    "help": (_SHOWN, ("?", "keys of this screen")),
    "record": (_SHOWN, ("\t\t\r", "span_id")),
    "trends": (_SHOWN, ("3", "Throughput")),
}
"""By what is going on: the keys that lead there, and what is on the screen then."""


@pytest.fixture
def at(tmp_path: Path, sample: Path) -> Iterator[Callable[[str], Terminal]]:
    """`at(moment)`: a dashboard to which that is going on."""
    started: list[Terminal] = []

    def go(moment: str) -> Terminal:
        # While it loads, a dashboard imports what its views need: no fork has that before it.
        imported = FIRST_FRAME if moment == "loading" else IMPORTED
        terminal = Terminal(tmp_path, str(sample), is_forked=True, imported=imported)
        started.append(terminal)
        terminal.until(lambda seen: b"\x1b[?1049h" in seen, "the alternate screen")
        terminal.until_keys_are_read()
        for keys, then in _MOMENTS[moment]:
            terminal.press(keys)
            terminal.until_sent(then)
        return terminal

    yield go
    for terminal in started:
        terminal.close()


def _assert_clean(terminal: Terminal) -> None:
    assert b"Traceback" not in terminal.sent
    assert terminal.modes_changed == set()
    assert terminal.line_is_as_before


@pytest.mark.parametrize("moment", _MOMENTS)
def test_another_size_is_taken_and_quitting_leaves_the_terminal_clean_at_any_moment(
    at: Callable[[str], Terminal], moment: str
) -> None:
    terminal = at(moment)
    for columns, rows in ((80, 24), (250, 80), (3, 2), (160, 50)):
        terminal.resize(columns, rows)
        terminal.until(bool, f"a screen of {columns} by {rows}")
    terminal.press(_QUIT)
    assert terminal.ended() == 0, plain(terminal.sent[-3_000:]).decode()
    _assert_clean(terminal)


@pytest.mark.parametrize("moment", ["loading", "replay", "filter", "palette"])
def test_being_told_to_end_leaves_the_terminal_clean_too(
    at: Callable[[str], Terminal], moment: str
) -> None:
    terminal = at(moment)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 128 + signal.SIGTERM, plain(terminal.sent[-3_000:]).decode()
    _assert_clean(terminal)


@pytest.mark.parametrize("moment", ["live", "palette"])
def test_it_ends_when_its_terminal_vanishes_even_if_nobody_tells_it(
    at: Callable[[str], Terminal], moment: str
) -> None:
    assert at(moment).vanish() == 128 + signal.SIGHUP
