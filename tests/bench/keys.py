"""How long from a key to what it paints, in a pseudo-terminal, and what an idle screen costs.

`python -m tests.bench.keys [RECORDS] [RATE]`: a log of so many records, so many more a second.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pty
import random
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.live import write

KEYS: Final = 200
ROWS, COLUMNS = 50, 160
PATIENCE_S: Final = 5.0
"""A key that paints nothing for so long counts with this."""

_CALLS: Final = range(21, 45)
"""The lines of the screen, from 1, in which Calls has its rows; other panes have a cursor too."""

_CURSOR: Final = re.compile("\x1b\\[(\\d+);\\d+H|▌".encode())
"""A move of the terminal's pen to a line, or the cursor of a table."""

_QUIET_S: Final = 0.4
_AT_REST_S: Final = 0.1
"""The processor time of two seconds that a dashboard at rest does not need."""
_TRAFFIC_S: Final = 40.0
_BETWEEN_S: Final = (0.05, 0.15)
"""A key comes so long after the paint of the one before, at random: whatever the screen does."""

_PROGRAM: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"


class Terminal:
    """The dashboard in a terminal of its own."""

    def __init__(self, log: Path, program: str = _PROGRAM) -> None:
        self.fd, inside = pty.openpty()
        ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(log.parent)}
        command = [sys.executable, "-c", program, str(log)]
        self.process = subprocess.Popen(
            command, stdin=inside, stdout=inside, stderr=inside, env=environment
        )
        os.close(inside)
        self.cursor = 0
        """The line of the screen where the cursor of Calls was painted last; 0 before."""
        self._rest, self._line = b"", 0

    def until(self, wanted: Callable[[bytes], bool], limit_s: float) -> float:
        """Seconds until the screen was sent what is `wanted`; the limit if it was not."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < limit_s:
            if select.select([self.fd], [], [], limit_s - waited)[0] and wanted(self.read()):
                return time.monotonic() - began
        return limit_s

    def read(self) -> bytes:
        """What the screen is sent, with the end of what came before; notes the cursor."""
        seen = self._rest + os.read(self.fd, 1 << 16)
        for found in _CURSOR.finditer(seen):
            if found[1]:
                self._line = int(found[1])
            elif self._line in _CALLS:
                self.cursor = self._line
        whole = min(seen.rfind(b"\x1b"), len(seen) - len("▌".encode()) + 1)
        self._rest = seen[whole:]
        return seen

    def press(self, key: bytes, line: int) -> float:
        """Press a key that puts the cursor on that line; seconds until it is painted there."""
        os.write(self.fd, key)
        return self.until(lambda _: self.cursor == line, PATIENCE_S)

    def drain(self, quiet_s: float = _QUIET_S, limit_s: float = 5.0) -> None:
        """Read what the screen is sent, until nothing came for so long."""
        until = time.monotonic() + limit_s
        while select.select([self.fd], [], [], quiet_s)[0] and time.monotonic() < until:
            self.read()

    def wait(self, seconds: float) -> None:
        """Read what the screen is sent, for so long."""
        self.until(lambda _: False, seconds)

    def settle(self, limit_s: float = 120.0) -> None:
        """Read what the screen is sent, until the dashboard has done its work."""
        until, busy = time.monotonic() + limit_s, True
        while busy and time.monotonic() < until:
            cpu = self.cpu_s()
            self.wait(2.0)
            busy = self.cpu_s() - cpu > _AT_REST_S

    def leave(self) -> int:
        """Press q; the exit code."""
        os.write(self.fd, b"q")
        while self.process.poll() is None:
            with contextlib.suppress(OSError):  # there is no more terminal at its end
                self.drain(0.05, 0.5)
        return self.process.returncode

    def cpu_s(self) -> float:
        """The processor time of the dashboard so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(records: int = 1_000_000, rate: int = 1_000) -> None:
    """Print key-to-paint percentiles without and with traffic, and the idle cost."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.jsonl")
        make_log.write(log, records)
        measure(log, rate)


def measure(log: Path, rate: int) -> None:
    """Measure with a log, to which `rate` records a second are appended in the end."""
    terminal = Terminal(log)
    live = "● live".encode()
    _say(f"live after {terminal.until(lambda seen: live in seen, 300):.1f} s")
    terminal.settle()
    for keys in (b"\t\t", b"kkk"):  # to Calls, and off the last row, where it would follow
        os.write(terminal.fd, keys)
        terminal.drain()
    _say(f"idle: {pressed(terminal)}")
    terminal.drain()
    began, cpu = time.monotonic(), terminal.cpu_s()
    terminal.wait(10)
    share = (terminal.cpu_s() - cpu) / (time.monotonic() - began)
    _say(f"no key and no traffic: {share:.1%} of a core")
    writer = multiprocessing.Process(target=write, args=(log, rate, _TRAFFIC_S))
    writer.start()
    terminal.wait(1)
    _say(f"{rate:,} records/s: {pressed(terminal)}")
    writer.join()
    _say(f"left with exit code {terminal.leave()}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pressed(terminal: Terminal) -> str:
    """Press up and down by turns in Calls; percentiles of the time until the cursor was there."""
    chance, took = random.Random(1), []  # noqa: S311 - the same pauses each time, not secrets
    cpu = terminal.cpu_s()
    for n in range(KEYS):
        key, line = (b"j", terminal.cursor + 1) if n % 2 else (b"k", terminal.cursor - 1)
        took.append(terminal.press(key, line) * 1_000)
        terminal.wait(chance.uniform(*_BETWEEN_S))
    cpu = (terminal.cpu_s() - cpu) / KEYS * 1_000
    p = statistics.quantiles(took, n=100)
    return (
        f"key to paint p50 {p[49]:.0f} ms, p90 {p[89]:.0f} ms, p99 {p[98]:.0f} ms,"
        f" most {max(took):.0f} ms; {cpu:.0f} ms of CPU a key, all that goes on included"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
