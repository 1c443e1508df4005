"""How long from a key to what it paints, in a pseudo-terminal, and what an idle screen costs.

`python -m tests.bench.keys [RECORDS] [RATE]`: a log of so many records, so many more a second.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from fcntl import ioctl
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.live import write

KEYS: Final = 200
ROWS, COLUMNS = 50, 160
_CURSOR: Final = "▌".encode()
_QUIET_S: Final = 0.4
_BETWEEN_S: Final = 0.03
"""The screen is left alone for so long before each key, so that a paint is not another key's."""

_PROGRAM: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"


class Terminal:
    """The dashboard in a terminal of its own."""

    def __init__(self, log: Path) -> None:
        self.fd, inside = pty.openpty()
        ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(log.parent)}
        command = [sys.executable, "-c", _PROGRAM, str(log)]
        self.process = subprocess.Popen(
            command, stdin=inside, stdout=inside, stderr=inside, env=environment
        )
        os.close(inside)

    def until(self, wanted: bytes, limit_s: float) -> float:
        """Seconds until the screen was sent `wanted`; the limit if it was not."""
        began, seen = time.monotonic(), b""
        while (waited := time.monotonic() - began) < limit_s:
            if select.select([self.fd], [], [], limit_s - waited)[0]:
                seen = seen[-8:] + os.read(self.fd, 1 << 16)
                if wanted in seen:
                    return time.monotonic() - began
        return limit_s

    def drain(self, quiet_s: float = _QUIET_S, limit_s: float = 5.0) -> None:
        """Read what the screen is sent, until nothing came for so long."""
        until = time.monotonic() + limit_s
        while select.select([self.fd], [], [], quiet_s)[0] and time.monotonic() < until:
            os.read(self.fd, 1 << 16)

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
        terminal = Terminal(log)
        _say(f"live after {terminal.until('● live'.encode(), 300):.1f} s, {records:,} records")
        terminal.drain()
        _say(f"idle: {pressed(terminal)}")
        began, cpu = time.monotonic(), terminal.cpu_s()
        while time.monotonic() - began < 10:
            terminal.until(b"\0", 1)
        share = (terminal.cpu_s() - cpu) / (time.monotonic() - began)
        _say(f"no key and no traffic: {share:.1%} of a core")
        seconds = 30.0
        writer = threading.Thread(target=lambda: write(log, rate, seconds))
        writer.start()
        _say(f"{rate:,} records/s: {pressed(terminal)}")
        writer.join()
        _say(f"left with exit code {terminal.leave()}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pressed(terminal: Terminal) -> str:
    """Press up and down by turns; percentiles of the time until the cursor was painted anew."""
    took = []
    os.write(terminal.fd, b"\t\t")
    terminal.drain()
    for n in range(KEYS):
        os.write(terminal.fd, b"kj"[n % 2 : n % 2 + 1])
        took.append(terminal.until(_CURSOR, 5) * 1_000)
        terminal.drain(_BETWEEN_S, 0.2)
    p = statistics.quantiles(took, n=100)
    return f"key to paint p50 {p[49]:.0f} ms, p99 {p[98]:.0f} ms, most {max(took):.0f} ms"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
