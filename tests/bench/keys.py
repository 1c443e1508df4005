"""How long from a key to what it paints, in a pseudo-terminal, and what an idle screen costs.

`python -m tests.bench.keys [RECORDS] [RATE]`: a log of so many records, so many more a second.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.live import write
from tests.bench.terminal import Terminal, dashboard

KEYS: Final = 200
PATIENCE_S: Final = 5.0
"""A key that paints nothing for so long counts with this."""

_CALLS: Final = range(21, 45)
"""The lines of the screen, from 1, in which Calls has its rows; other panes have a cursor too."""

_CURSOR: Final = re.compile("\x1b\\[(\\d+);\\d+H|▌".encode())
"""A move of the terminal's pen to a line, or the cursor of a table."""

_TRAFFIC_S: Final = 40.0
_BETWEEN_S: Final = (0.05, 0.15)
"""A key comes so long after the paint of the one before, at random: whatever the screen does."""


class CallsTerminal(Terminal):
    """The dashboard, of which it is known where the cursor of Calls is."""

    def __init__(self, log: Path) -> None:
        super().__init__(dashboard(log), log.parent)
        self.cursor = 0
        """The line of the screen where the cursor of Calls was painted last; 0 before."""
        self._line = 0

    def sent(self, wait_s: float) -> bytes:
        """What the screen is sent next, behind what is not whole yet; notes the cursor."""
        seen = super().sent(wait_s)
        whole = min(seen.rfind(b"\x1b"), len(seen) - len("▌".encode()) + 1)
        self._rest = seen[whole:]
        for found in _CURSOR.finditer(seen):
            if found[1]:
                self._line = int(found[1])
            elif self._line in _CALLS:
                self.cursor = self._line
        return seen

    def moved(self, key: bytes, line: int) -> float:
        """Press a key that puts the cursor on that line; seconds until it is painted there."""
        began = time.monotonic()
        os.write(self.fd, key)
        while self.cursor != line and (waited := time.monotonic() - began) < PATIENCE_S:
            self.sent(PATIENCE_S - waited)
        return time.monotonic() - began


def main(records: int = 1_000_000, rate: int = 1_000) -> None:
    """Print key-to-paint percentiles without and with traffic, and the idle cost."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.jsonl")
        make_log.write(log, records)
        measure(log, rate)


def measure(log: Path, rate: int) -> None:
    """Measure with a log, to which `rate` records a second are appended in the end."""
    terminal = CallsTerminal(log)
    _say(f"live after {terminal.until('● live'.encode(), 300):.1f} s")
    terminal.settle()
    for keys in (b"\t\t", b"kkk"):  # to Calls, and off the last row, where it would follow
        os.write(terminal.fd, keys)
        terminal.drain(0.4, 5.0)
    _say(f"idle: {pressed(terminal)}")
    terminal.drain(0.4, 5.0)
    began, cpu = time.monotonic(), terminal.cpu_s()
    terminal.wait(10)
    share = (terminal.cpu_s() - cpu) / (time.monotonic() - began)
    _say(f"no key and no traffic: {share:.1%} of a core")
    writer = multiprocessing.Process(target=write, args=(log, rate, _TRAFFIC_S))
    writer.start()
    terminal.wait(1)
    _say(f"{rate:,} records/s: {pressed(terminal)}")
    writer.join()
    terminal.leave()
    _say(f"left with exit code {terminal.process.returncode}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pressed(terminal: CallsTerminal) -> str:
    """Press up and down by turns in Calls; percentiles of the time until the cursor was there."""
    chance, took = random.Random(1), []  # noqa: S311 - the same pauses each time, not secrets
    cpu = terminal.cpu_s()
    for n in range(KEYS):
        key, line = (b"j", terminal.cursor + 1) if n % 2 else (b"k", terminal.cursor - 1)
        took.append(terminal.moved(key, line) * 1_000)
        terminal.wait(chance.uniform(*_BETWEEN_S))
    cpu = (terminal.cpu_s() - cpu) / KEYS * 1_000
    p = statistics.quantiles(took, n=100)
    return (
        f"key to paint p50 {p[49]:.0f} ms, p90 {p[89]:.0f} ms, p99 {p[98]:.0f} ms,"
        f" most {max(took):.0f} ms; {cpu:.0f} ms of CPU a key, all that goes on included"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
