"""The dashboard in a pseudo-terminal: what that is sent, and in which state it is left."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.forked import IMPORTED, Child

_PATIENCE_SECONDS: Final = 60.0
PROGRAM: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"
FIRST_FRAME: Final = ("llmlog_tui._dashboard",)
"""Modules imported before the first frame: the others are while keys are pressed already."""
_MODE: Final = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_SILENT_SECONDS: Final = 0.3
_ESCAPE_MS: Final = "40"
"""Milliseconds that a dashboard waits for what follows Escape in a sequence; usually 100."""
_REST_SECONDS: Final = 0.15
"""Longer than what follows Escape is waited for, and a row's details, 80 ms."""
_IDLE_NS: Final = 5_000_000
"""Nanoseconds that a dashboard at rest works at most in that time: it polls its log."""
_ON_BEFORE: Final = frozenset(("7", "25"))
"""Modes that are on where nothing runs: long lines wrap, the cursor is seen."""


class Terminal:
    """A terminal of its own, and the dashboard in it.

    If it `is_forked`, modules have been imported: by default all that it imports at its start.
    """

    def __init__(  # noqa: PLR0913 - as subprocess.Popen
        self,
        home: Path,
        *arguments: str,
        size: tuple[int, int] = (160, 50),
        environment: Mapping[str, str] = MappingProxyType({}),
        program: str = PROGRAM,
        is_leader: bool = False,
        is_forked: bool = False,
        imported: Sequence[str] = IMPORTED,
    ) -> None:
        self._fd, self._inside = pty.openpty()
        self._fds = [self._fd, self._inside]
        self.resize(*size)
        self._before = termios.tcgetattr(self._inside)
        of_process = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "ESCDELAY": _ESCAPE_MS,
            "XDG_STATE_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            **environment,
        }
        inside = self._inside
        self.process: subprocess.Popen[bytes] | Child
        if is_forked:
            self.process = Child(
                "dashboard",
                *arguments,
                stdin=inside,
                stdout=inside,
                stderr=inside,
                env=of_process,
                cwd=home,
                is_leader=is_leader,
                imported=imported,
            )
        else:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                stdin=inside,
                stdout=inside,
                stderr=inside,
                env=of_process,
                cwd=home,
                process_group=0 if is_leader else None,
            )
        self.sent = b""
        """Everything that the terminal was sent."""

    def resize(self, columns: int, rows: int) -> None:
        """Make it another size; a dashboard that runs in it is told."""
        ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def until(self, condition: Callable[[bytes], bool], name: str) -> None:
        """Wait until what was sent from now on is as wanted, or fail with the condition's name."""
        begin, deadline = len(self.sent), time.monotonic() + _PATIENCE_SECONDS
        while not condition(self.sent[begin:]):
            assert time.monotonic() < deadline, f"never came true: {name}"
            self.read()

    def until_sent(self, text: str) -> None:
        """Wait until the screen is sent a text from now on."""
        self.until(lambda seen: text.encode() in plain(seen), f"{text!r} on the screen")

    def until_keys_are_read(self) -> None:
        """Wait until the line is raw: before that the terminal keeps Ctrl-Q for itself, as XON."""
        self.until(lambda _: not self._local_modes & termios.ICANON, "a raw line")

    def until_quiet(self, seconds: float = _SILENT_SECONDS) -> None:
        """Wait until nothing more is sent; less long if the dashboard does nothing either."""
        sent = worked = now = time.monotonic()
        before = self._worked_ns()
        while now - sent < seconds and now - max(sent, worked) < _REST_SECONDS:
            is_sent, total = self.read(_REST_SECONDS / 4), self._worked_ns()
            now = time.monotonic()
            sent = now if is_sent else sent
            if total is None or before is None or total - before > _IDLE_NS:
                worked, before = now, total

    def _worked_ns(self) -> int | None:
        """Nanoseconds that the dashboard's threads have run; None while one of them wants to."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").glob("*"):
            with suppress(OSError):  # a thread that has just ended
                if task.joinpath("stat").read_text().rpartition(") ")[2].startswith("R"):
                    return None
                total += int(task.joinpath("schedstat").read_text().split()[0])
        return total or None

    def ended(self) -> int:
        """Wait until the dashboard has ended; its exit code."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read()
        while self.read():
            pass
        return self.process.wait()

    def read(self, seconds: float = 0.05) -> bool:
        """Read what is sent within a time; return whether anything was."""
        there = bool(select.select([self._fd], [], [], seconds)[0])
        if there:
            self.sent += os.read(self._fd, 1 << 16)
        return there

    @property
    def modes_changed(self) -> frozenset[str]:
        """The private modes that are not as they were before, as DEC and xterm number them.

        Mouse 1000 to 1016, alternate screen 1049, bracketed paste 2004, cursor 25.
        """
        is_on = set(_ON_BEFORE)
        for numbers, switch in _MODE.findall(self.sent):
            change = is_on.update if switch == b"h" else is_on.difference_update
            change(numbers.decode().split(";"))
        return _ON_BEFORE ^ is_on

    @property
    def line_is_as_before(self) -> bool:
        """Whether echo, signals and line editing are what they were."""
        return self._line == self._before

    @property
    def _local_modes(self) -> int:
        return int(self._line[3])

    @property
    def _line(self) -> list[Any]:
        return termios.tcgetattr(self._inside)

    def vanish(self) -> int:
        """Take the terminal away without a word to the dashboard; its exit code."""
        self._take_away()
        return self.process.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        """Take the terminal away, and the dashboard with it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._take_away()

    def _take_away(self) -> None:
        while self._fds:
            os.close(self._fds.pop())


def plain(sent: bytes) -> bytes:
    """What was sent without control sequences."""
    return re.sub(rb"\x1b\[[0-9;?<>=]*[A-Za-z]", b"", sent)
