"""A program in a pseudo-terminal of its own: keys go in, and what its screen is sent comes out."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path
from typing import Final

ROWS, COLUMNS = 50, 160

LIVE: Final = "● live".encode()
"""Text in the header once a log is loaded and followed."""

_PROGRAM: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"
_PAGE_BYTES: Final = 4_096
_AT_REST_S: Final = 0.1
"""The processor time of two seconds that a dashboard at rest does not need."""


def dashboard(log: Path) -> list[str]:
    """The command that shows a log."""
    return [sys.executable, "-c", _PROGRAM, str(log)]


class Terminal:
    """Runs a command, whose own files are kept in `home`."""

    def __init__(self, command: Sequence[str], home: Path) -> None:
        self.fd, inside = pty.openpty()
        ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(home)}
        environment["LLMLOG_NO_CACHE"] = "1"  # every opening is a first one
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            list(command), stdin=inside, stdout=inside, stderr=inside, env=environment
        )
        os.close(inside)
        self._rest = b""
        self.painted = 0
        """Bytes that the screen was sent so far."""

    def until(self, wanted: bytes, limit_s: float) -> float:
        """Seconds until the screen was sent `wanted`; the limit if it was not."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < limit_s:
            if wanted in self.sent(limit_s - waited):
                return time.monotonic() - began
        return limit_s

    def sent(self, wait_s: float) -> bytes:
        """What the screen is sent next, with the end of what came before; empty if nothing is."""
        if not select.select([self.fd], [], [], wait_s)[0]:
            return b""
        read = os.read(self.fd, 1 << 16)
        self.painted += len(read)
        seen = self._rest + read
        self._rest = seen[-64:]
        return seen

    def press(self, key: bytes, wanted: bytes, limit_s: float = 5.0) -> float:
        """Seconds from a key to what it paints."""
        self._rest = b""
        os.write(self.fd, key)
        return self.until(wanted, limit_s)

    def drain(self, quiet_s: float, limit_s: float) -> None:
        """Read what the screen is sent, until nothing came for so long."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self.sent(quiet_s):
            pass

    def settle(self, limit_s: float = 120.0) -> None:
        """Read what the screen is sent, until the program has done its work."""
        until, busy = time.monotonic() + limit_s, True
        while busy and time.monotonic() < until:
            cpu = self.cpu_s()
            self.wait(2.0)
            busy = self.cpu_s() - cpu > _AT_REST_S

    def wait(self, seconds: float) -> None:
        """Read what the screen is sent, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.sent(left)

    def leave(self) -> float:
        """Press q; seconds until the program has ended."""
        began = time.monotonic()
        os.write(self.fd, b"q")
        while self.process.poll() is None:
            with contextlib.suppress(OSError):  # there is no more terminal at its end
                self.drain(0.01, 0.05)
        os.close(self.fd)
        return time.monotonic() - began

    def cpu_s(self) -> float:
        """The processor time of the program so far, which its neighbours change little."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Resident bytes of the program."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE_BYTES
