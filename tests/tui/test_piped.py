"""Standard input in the dashboard: what its end means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.tui.conftest import WIDE, Shown, Until, record, top_row
from tests.tui.terminal import PROGRAM, Terminal

from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.record import RecordDialog

_STDIN_IS_NONE: Final = """
import fcntl, os, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
"""


def test_keys_come_from_the_terminal_where_standard_input_is_something_else(
    tmp_path: Path, sample: Path
) -> None:
    terminal = Terminal(tmp_path, str(sample), program=_STDIN_IS_NONE + PROGRAM)
    terminal.until_sent("newest last")
    terminal.press("q")
    assert terminal.ended() == 0
    assert terminal.line_is_as_before
    terminal.close()


_WRITE_TO_STDIN: Final = """
import fcntl, os, sys, termios
from llmlog_tui.cli import dashboard
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
reading, writing = os.pipe()
os.dup2(reading, 0)
os.close(reading)
dashboard()
try:
    os.write(writing, b"x")
except BrokenPipeError:
    sys.exit(3)
"""


def test_who_writes_to_a_standard_input_that_is_not_read_does_not_wait(
    tmp_path: Path, sample: Path
) -> None:
    terminal = Terminal(tmp_path, str(sample), program=_WRITE_TO_STDIN)
    terminal.until_sent("newest last")
    terminal.press("q")
    assert terminal.ended() == 3, "nobody has it open"
    terminal.close()


async def test_a_pipe_that_was_closed_is_read_to_its_last_line_and_is_live_no_more(
    shown: Shown, until: Until
) -> None:
    reading, writing = os.pipe()
    async with LogApp(Sources(["-"], must_exist=True), stdin=reading).run_test(size=WIDE) as pilot:
        os.write(writing, record())
        app = await shown(pilot, 1)
        assert "live" in top_row(app)
        os.write(writing, record(step=1).rstrip())
        os.close(writing)
        await shown(pilot, 2)
        await until(pilot, lambda: "read once" in top_row(app), "the end of it")
        await pilot.press("2", "r")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "its line is still there")
