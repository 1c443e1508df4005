"""An agent's sessions against llmlog's own log of that size: `python -m tests.bench.agents`.

`[--tool claude|codex|gemini] [--megabytes N] [--rounds N] [--whole]`. In a pseudo-terminal, by
turns: from the start of the process to the newest trace on screen, in wall and processor time. With
--whole also until all is loaded, and the memory that it takes then.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench import make_log, make_sessions
from tests.bench.screen import newest, probe, weight_of_nothing
from tests.bench.terminal import LIVE, Terminal, dashboard

_PATIENCE_S: Final = 300.0
_SETTLE_S: Final = 12.0
"""After so long polars has given back what it does not need."""


class Opened(NamedTuple):
    """Until the newest trace is on screen, in seconds of wall and processor time."""

    wall: float
    cpu: float


class Whole(NamedTuple):
    """Until all is loaded and answered: processor seconds, and resident bytes."""

    cpu: float
    resident: int


def own_log(file: Path, megabytes: float) -> None:
    """Write llmlog's own records up to a size, then the one that is looked for."""
    left = megabytes * 1e6

    def has_room(line: str) -> bool:
        nonlocal left
        left -= len(line)
        return left > 0

    with file.open("w", encoding="utf-8") as out:
        out.writelines(takewhile(has_room, make_log.lines()))
        out.write(probe(0).decode())


def first(log: Path, home: Path, wanted: str) -> Opened:
    """Open a log until `wanted` is on screen."""
    terminal = Terminal(dashboard(log), home)
    opened = Opened(terminal.until(wanted.encode(), _PATIENCE_S), terminal.cpu_s())
    terminal.leave()
    return opened


def whole(log: Path, home: Path) -> Whole:
    """Open a log until it is live and at rest."""
    terminal = Terminal(dashboard(log), home)
    terminal.until(LIVE, _PATIENCE_S)
    terminal.settle()
    cpu = terminal.cpu_s()
    terminal.wait(_SETTLE_S)
    loaded = Whole(cpu, terminal.resident())
    terminal.leave()
    return loaded


def rows(folder: Path, chosen: argparse.Namespace) -> Iterator[str]:
    """Everything, as lines for people."""
    tree, own, home = folder / chosen.tool, folder / "own.jsonl", folder / "home"
    home.mkdir()
    make_sessions.TOOLS[chosen.tool](tree, chosen.megabytes)
    own_log(own, chosen.megabytes)
    logs = {"own": (own, newest(0)), chosen.tool: (tree, make_sessions.NEWEST)}
    found: dict[str, list[Opened]] = {name: [] for name in logs}
    for _ in range(chosen.rounds):
        for name, (log, wanted) in logs.items():
            found[name].append(first(log, home, wanted))
    wall = {name: statistics.median(each.wall for each in took) for name, took in found.items()}
    cpu = {name: statistics.median(each.cpu for each in took) for name, took in found.items()}
    for name in logs:
        yield (
            f"{name:8} newest on screen {wall[name] * 1e3:6.0f} ms,"
            f" {wall[name] / wall['own']:.2f} x own; cpu {cpu[name] * 1e3:5.0f} ms,"
            f" {cpu[name] / cpu['own']:.2f} x"
        )
    if chosen.whole:
        empty = weight_of_nothing(home)
        for name, (log, _) in logs.items():
            loaded = whole(log, home)
            megabytes = (loaded.resident - empty) / 1e6
            yield (
                f"{name:8} all loaded: cpu {loaded.cpu:.1f} s, memory {megabytes:.0f} MB,"
                f" {megabytes / chosen.megabytes:.2f} x its size"
            )


def main() -> None:
    """Print, as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tool", choices=make_sessions.TOOLS, default="claude")
    options.add_argument("--megabytes", type=float, default=1_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--whole", action="store_true")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), options.parse_args()):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
