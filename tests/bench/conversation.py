"""What 10 MB of content cost to open and to scroll: `python -m tests.bench.conversation [MB]`.

A replay in a pseudo-terminal of 160x50. Opening: from the key that goes to the step to the paint of
its content; wall and processor time of the process, the medians of a few.
Scrolling: processor time of a frame, by page and by line.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.bench.terminal import Terminal, dashboard

OPENED: Final = 5
FRAMES: Final = 20
_FRAME_S: Final = 0.1
_MARK: Final = "Zebra0"
"""In the content of the step on screen: its first characters."""
_BEFORE: Final = "Okapi1"
_MEGA: Final = 1_000_000
_LINE: Final = "The quick brown fox jumps over the lazy dog, and **nobody** minds `it` at all.\n"
_WIDE: Final = "日本語のテキストです。" * 6 + "\n"
_PAGE_DOWN, _DOWN = b"\x1b[6~", b"j"


def _long(size: int, line: str = _LINE) -> str:
    return line * (size // len(line.encode()))


def _user(content: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def shapes(size: int) -> Iterator[tuple[str, object, object]]:
    """Name, input and output of each record of so many bytes."""
    yield "an answer", _user("?"), f"{_MARK} {_long(size)}"
    yield "an answer in wide characters", _user("?"), f"{_MARK} {_long(size, _WIDE)}"
    yield "an answer in one line", _user("?"), f"{_MARK} {_long(size).replace(chr(10), ' ')}"
    parts = [{"type": "text", "text": _long(20_000)} for _ in range(size // 20_000)]
    parts[0]["text"] = f"{_MARK} {parts[0]['text']}"
    yield "an answer of many parts", _user("?"), [{"role": "assistant", "content": parts}]
    many = [*_user(_long(4_000)), {"role": "assistant", "content": _long(4_000)}]
    items = [{"type": "message", "content": [parts[0]]}, {"type": "message", "content": [parts[1]]}]
    yield "an answer of many items", _user("?"), items * (size // 40_000)
    yield "many messages", many * (size // 8_000), f"{_MARK} ok"
    rows = json.dumps([{"id": n, "text": "some text of a row"} for n in range(size // 42)])
    tool = [{"role": "tool", "tool_call_id": "c", "content": rows}]
    yield "a tool's result", [*_user("?"), *tool], f"{_MARK} ok"


def write(log: Path, given: object, answered: object) -> None:
    """Write a run of two steps: a small one, and that one."""
    usual = {"event": "chat_completion", "session_id": "s", "trace_id": "t", "latency_ms": 90}
    small = {**usual, "ts": 1_790_000_000, "step": 0, "model": "m", "input": "?"}
    small["output"] = f"{_BEFORE} ok"
    large = {**usual, "ts": 1_790_000_001, "step": 1, "model": "m"}
    large |= {"input": given, "output": answered}
    log.write_text(json.dumps(small) + "\n" + json.dumps(large) + "\n", encoding="utf-8")


def opening(terminal: Terminal) -> tuple[float, float]:
    """Milliseconds of wall and of processor time until the large step is painted."""
    walls, cpus = [], []
    for _ in range(OPENED):
        terminal.press(b"h", _BEFORE.encode(), 20.0)
        terminal.drain(0.5, 5.0)
        cpu = terminal.cpu_s()
        walls.append(terminal.press(b"l", _MARK.encode(), 20.0) * 1_000)
        cpus.append((terminal.cpu_s() - cpu) * 1_000)
        terminal.drain(0.5, 10.0)
    return statistics.median(walls), statistics.median(cpus)


def frame_ms(terminal: Terminal, key: bytes) -> float:
    """Mean processor time of the process from a key to its paint, in ms."""
    began = terminal.cpu_s()
    for _ in range(FRAMES):
        os.write(terminal.fd, key)
        terminal.sent(_FRAME_S)
        terminal.drain(0.02, _FRAME_S)
    return (terminal.cpu_s() - began) / FRAMES * 1_000


def measure(log: Path) -> str:
    """Open and scroll a log's second step."""
    terminal = Terminal(dashboard(log), log.parent)
    terminal.settle()
    os.write(terminal.fd, b"\r")
    terminal.settle()
    wall, cpu = opening(terminal)
    os.write(terminal.fd, b"z")
    terminal.drain(0.5, 10.0)
    page, line = frame_ms(terminal, _PAGE_DOWN), frame_ms(terminal, _DOWN)
    os.write(terminal.fd, b"qq")
    terminal.leave()
    frames = f"a frame {page:5.1f} ms by page {line:5.1f} by line"
    return f"opens {wall:5.0f} ms wall {cpu:5.0f} ms CPU; {frames}"


def main(megabytes: int = 10, only: str = "") -> None:
    """Print a row for each shape."""
    with tempfile.TemporaryDirectory() as folder:
        for name, given, answered in shapes(megabytes * _MEGA):
            if only in name:
                log = Path(folder, "calls.jsonl")
                write(log, given, answered)
                sys.stdout.write(f"{name:30} {measure(log)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10, *sys.argv[2:])
