"""Opens a log in the dashboard, in a pseudo-terminal; fails unless a trace of it is on screen.

python tests/smoke.py sample_logs/calls.jsonl 'llmlog-tui sample_logs/calls.jsonl'
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

_PATIENCE_SECONDS = 300.0
_ROWS, _COLUMNS = 50, 160


def main(log: str, command: str) -> int:
    """0 if the newest trace of `log` appears after `command`, and `q` ends it with code 0."""
    trace = json.loads(Path(log).read_bytes().splitlines()[-1])["trace_id"]
    process, terminal = pty.fork()
    if process == 0:
        environment = {**os.environ, "TERM": "xterm-256color"}
        os.execve("/bin/sh", ["sh", "-c", command], environment)  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    try:
        if not _appears(terminal, trace):
            return _fail(f"trace {trace} did not appear")
        os.write(terminal, b"q")
        code = _ended(process, terminal)
        if code != 0:
            return _fail(f"q ended it with {code}")
    finally:
        os.close(terminal)
    print(f"trace {trace} of {log} is on the screen; q ends it")  # noqa: T201
    return 0


def _appears(terminal: int, text: str) -> bool:
    """Whether `text` comes up on the terminal before patience ends."""
    seen, deadline = "", time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        output = _output(terminal)
        if output is None:
            return False
        seen += output
        if text in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen):
            return True
    return False


def _ended(process: int, terminal: int) -> int | None:
    """The exit code, or None if it had to be killed."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        _output(terminal)
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def _output(terminal: int) -> str | None:
    """What came within a tenth of a second; None at the end."""
    if not select.select([terminal], [], [], 0.1)[0]:
        return ""
    try:
        return os.read(terminal, 65_536).decode(errors="replace")
    except OSError:
        return None


def _fail(why: str) -> int:
    print(f"smoke: {why}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
