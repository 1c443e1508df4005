"""What a user sees, and when, in a pseudo-terminal: `python -m tests.bench.screen [--records N]`.

First paint against an empty Textual app; the newest records and the whole log on screen at several
sizes, and the memory they take; from an appended line to the screen; records that come too fast to
be looked at, none of them lost, while keys are answered. With `--toolong PATH`, the `tl` command of
a virtual environment of its own, that opens the same files; `--ten-million` adds a log of so many.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.live import write
from tests.bench.terminal import LIVE, Terminal, dashboard

_FROZEN: Final = "‖ frozen".encode()
_EMPTY_APP: Final = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    BINDINGS = [("q", "quit")]
    def compose(self):
        yield Static(" llmlog ")
Empty().run()
"""
_RATE: Final = 100
_PROBES_PER_S: Final = 4
_FLOOD: Final = 20_000
_FLOOD_S: Final = 10.0
_PATIENCE_S: Final = 60.0
_ROUNDS: Final = 5
_SETTLE_S: Final = 12.0
"""After so long polars has given back what it does not need."""


def newest(number: int) -> str:
    """A trace_id to look for on the screen, which shows 8 characters of it."""
    return f"probe{number:03}"


def probe(number: int) -> bytes:
    """A line whose trace is newest(number), of the year 2030, so that it is the last."""
    return (
        b'{"ts": "2030-01-01T00:00:00.%06dZ", "event": "chat_completion", "trace_id": "%s",'
        b' "session_id": "s", "step": 0, "model": "m", "latency_ms": 5}\n'
    ) % (number, newest(number).encode())


def first_paint(folder: Path, rounds: int) -> str:
    """Until the first frame, by turns with an app that shows one word and nothing else."""
    log = folder / "small.jsonl"
    make_log.write(log, 1_000)
    commands = {"empty": [sys.executable, "-c", _EMPTY_APP], "llmlog": dashboard(log)}
    took: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            terminal = Terminal(command, folder)
            took[name].append(terminal.until(b" llmlog ", 30))
            cpu[name].append(terminal.cpu_s())
            terminal.drain(0.3, 3)
            terminal.leave()
    empty, ours = (statistics.median(seconds) for seconds in took.values())
    return (
        f"first paint {ours * 1e3:.0f} ms, {ours / empty:.2f} x an empty Textual app;"
        f" cpu {min(cpu['llmlog']) / min(cpu['empty']):.2f} x"
    )


def opened(log: Path, folder: Path, empty_bytes: int) -> str:
    """Until the newest record is on screen and until all are, what they weigh, and leaving."""
    terminal = Terminal(dashboard(log), folder)
    first, cpu = terminal.until(newest(0).encode(), 120), terminal.cpu_s()
    whole = first + terminal.until(LIVE, 600)
    terminal.drain(3.0, 60)  # the answers for the whole log
    terminal.until(b"\0", _SETTLE_S)
    size = log.stat().st_size
    weight = (terminal.resident() - empty_bytes) / size
    left = terminal.leave()
    terminal = Terminal(dashboard(log), folder)
    terminal.until(newest(0).encode(), 120)
    return (
        f"newest on screen {first * 1e3:6.0f} ms (cpu {cpu * 1e3:.0f} ms), all {whole:6.1f} s,"
        f" memory {weight:.2f} x the file; left in {left * 1e3:.0f} ms, while it loads in"
        f" {terminal.leave() * 1e3:.0f} ms"
    )


def weight_of_nothing(folder: Path) -> int:
    """Resident bytes of the dashboard on an empty log."""
    log = folder / "empty.jsonl"
    log.touch()
    terminal = Terminal(dashboard(log), folder)
    terminal.until(LIVE, 30)
    terminal.drain(1.0, 10)
    found = terminal.resident()
    terminal.leave()
    return found


def arriving(log: Path, folder: Path, seconds: float) -> str:
    """From an appended line to the screen, with _RATE records a second."""
    terminal = Terminal(dashboard(log), folder)
    terminal.until(LIVE, 600)
    terminal.settle()
    writer = threading.Thread(target=write, args=(log, _RATE, seconds))
    writer.start()
    took = []
    with log.open("ab", buffering=0) as file:
        for number in range(1, int(seconds * _PROBES_PER_S)):
            file.write(probe(number))
            took.append(terminal.until(newest(number).encode(), 5) * 1e3)
            terminal.drain(1 / _PROBES_PER_S, 1 / _PROBES_PER_S)
    writer.join()
    terminal.leave()
    p = statistics.quantiles(took, n=100)
    return f"append to screen at {_RATE}/s: p50 {p[49]:.0f} ms, p99 {p[98]:.0f} ms"


def flooded(folder: Path) -> str:
    """What is on screen after _FLOOD records a second, and how keys were answered meanwhile."""
    log = folder / "flood.jsonl"
    log.touch()
    terminal = Terminal(dashboard(log), folder)
    terminal.until(LIVE, 30)
    written: list[int] = []
    writer = threading.Thread(target=lambda: written.append(write(log, _FLOOD, _FLOOD_S)))
    writer.start()
    took = []
    while writer.is_alive():
        terminal.drain(0.5, 0.5)
        took.append(terminal.press(b" ", _FROZEN) * 1e3)
        terminal.drain(0.2, 0.2)
        took.append(terminal.press(b" ", LIVE) * 1e3)
    writer.join()
    waited = terminal.until(f"{written[0]:,}".encode(), _PATIENCE_S)
    terminal.leave()
    shown = (
        f"all on screen {waited:.1f} s later" if waited < _PATIENCE_S else "NOT all came on screen"
    )
    return (
        f"{written[0]:,} records at {_FLOOD:,}/s: {shown}; key to paint meanwhile"
        f" p50 {statistics.median(took):.0f} ms, most {max(took):.0f} ms"
    )


def toolong(command: str, log: Path, folder: Path) -> str:
    """Until the newest record is on the screen of toolong."""
    terminal = Terminal([command, str(log)], folder)
    took = terminal.until(newest(0).encode(), 60)
    terminal.process.terminate()
    terminal.process.wait()
    return f"toolong: newest on screen {took * 1e3:.0f} ms"


def logs(folder: Path, sizes: list[int]) -> Iterator[tuple[int, Path]]:
    """A log of each size, whose last line is the one that is looked for."""
    for size in sizes:
        log = folder / f"{size}.jsonl"
        if not log.exists():
            make_log.write(log, size)
        with log.open("ab") as file:
            file.write(probe(0))
        yield size, log


def rows(folder: Path, chosen: argparse.Namespace) -> Iterator[str]:
    """Everything, as lines for people; what is `chosen` are the options of main()."""
    yield first_paint(folder, _ROUNDS)
    empty = weight_of_nothing(folder)
    for size, log in logs(folder, sorted({10_000, 100_000, chosen.records})):
        yield f"{size:>10,} records: {opened(log, folder, empty)}"
        if chosen.toolong:
            yield f"{size:>10,} records: {toolong(chosen.toolong, log, folder)}"
        yield f"{size:>10,} records: {arriving(log, folder, chosen.seconds)}"
    yield flooded(folder)
    if chosen.ten_million:
        yield f"10,000,000 records: {opened(repeated(folder, 10), folder, empty)}"


def add_options(options: argparse.ArgumentParser) -> None:
    """What only the screen asks for."""
    options.add_argument("--toolong", help="the tl command of its own environment, to compare")
    options.add_argument("--ten-million", action="store_true", help="a log of 7 GB too")


def main() -> None:
    """Print, as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=60.0, help="of records that arrive")
    add_options(options)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name), chosen):
            print(row, flush=True)  # noqa: T201 - what a benchmark is for


def repeated(folder: Path, times: int) -> Path:
    """A log of a million records so many times, then the line that is looked for."""
    million, log = folder / "million.jsonl", folder / "repeated.jsonl"
    make_log.write(million, 1_000_000)
    data = million.read_bytes()
    million.unlink()
    with log.open("wb") as file:
        for _ in range(times):
            file.write(data)
        file.write(probe(0))
    return log


if __name__ == "__main__":
    main()
