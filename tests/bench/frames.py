"""What a frame costs in processor time while one scrolls: `python -m tests.bench.frames [RECORDS]`.

In a pseudo-terminal of 160x50, a key and what it paints after the other; all threads count. The
stock DataTable with 10,000 rows of as many columns does the same: the ratio holds on any machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import ClassVar, Final

from tests.bench import make_log
from tests.bench.terminal import Terminal, dashboard
from textual.app import App, ComposeResult
from textual.widgets import DataTable

FRAMES: Final = 100
_PEER_ROWS: Final = 10_000
_STEPS: Final = 10_000
_BETWEEN_S: Final = 0.02
_PAGE_UP, _UP, _LATER, _END = b"\x1b[5~", b"k", b"l", b"\x1b[F"
_STEP: Final = (
    '{{"ts": {ts}, "event": "chat_completion", "session_id": "s", "trace_id": "long",'
    ' "step": {step}, "latency_ms": 90, "model": "m"}}\n'
)
_PEER: Final = (sys.executable, "-c", "from tests.bench.frames import Peer; Peer().run()")
_COLUMNS: Final = (
    *("09:00:00.000", "7c1d4e8a", "3", "gpt-5-mini", "2,870", "1,204"),
    *("reasoning 84% of the answer", "58", "1,204", "2,048", "1,024", "0.0142"),
    *("tool_calls", "fp_44709d6f", "┤ ≠ "),
)
"""A row of Calls, about."""


class Peer(App[None]):
    """The stock table."""

    CSS: ClassVar[str] = "DataTable { scrollbar-size: 0 0; }"

    def compose(self) -> ComposeResult:
        """It alone."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it, and begin at its end."""
        table = self.query_one(DataTable)
        table.add_columns(*(str(n) for n in range(len(_COLUMNS))))
        for n in range(_PEER_ROWS):
            table.add_row(str(n), *_COLUMNS[1:])
        table.move_cursor(row=_PEER_ROWS - 1)

    def key_q(self) -> None:
        """Leave as the dashboard does."""
        self.exit()


def frame_ms(terminal: Terminal, key: bytes) -> float:
    """Processor time of the process from a key to what it paints; the mean of many, in ms."""
    began = terminal.cpu_s()
    for _ in range(FRAMES):
        os.write(terminal.fd, key)
        terminal.sent(5)
        terminal.drain(_BETWEEN_S, 5)
    return (terminal.cpu_s() - began) / FRAMES * 1_000


def opened(log: Path, *keys: bytes) -> Terminal:
    """A dashboard with that log, at rest after these keys."""
    terminal = Terminal(dashboard(log), log.parent)
    terminal.settle()
    for key in keys:
        os.write(terminal.fd, key)
        terminal.settle()
    return terminal


def main(records: int = 1_000_000) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        log, long = Path(folder, "calls.jsonl"), Path(folder, "long.jsonl")
        make_log.write(log, records)
        steps = (_STEP.format(ts=1_790_000_000 + n / 10, step=n) for n in range(_STEPS))
        long.write_text("".join(steps), encoding="utf-8")
        stock = Terminal(_PEER, long.parent)
        stock.settle()
        peer = frame_ms(stock, _PAGE_UP)
        stock.leave()
        _say(f"stock DataTable, {_PEER_ROWS:,} rows, PgUp", peer, peer)
        calls = opened(log, b"2", _END)
        _say(f"Calls, {records:,} records, PgUp", frame_ms(calls, _PAGE_UP), peer)
        os.write(calls.fd, _UP * 50)  # to the first line on screen: from there on, k scrolls
        calls.settle()
        _say(f"Calls, {records:,} records, k that scrolls", frame_ms(calls, _UP), peer)
        calls.leave()
        timeline = opened(long, b"\t", _END)
        _say(f"Timeline, {_STEPS:,} steps, PgUp", frame_ms(timeline, _PAGE_UP), peer)
        timeline.leave()
        replay = opened(long, b"\r")
        _say(f"Replay, {_STEPS:,} steps, l", frame_ms(replay, _LATER), peer)
        os.write(replay.fd, b"qq")
        replay.leave()


def _say(what: str, cost_ms: float, peer_ms: float) -> None:
    sys.stdout.write(f"{what:42}{cost_ms:6.1f} ms a frame{cost_ms / peer_ms:6.2f} x stock\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
