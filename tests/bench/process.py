"""`llmlog stats` against DuckDB giving the same numbers, as whole processes by turns.

`python -m tests.bench.process [RECORDS] [ROUNDS]`: wall and processor time of each, and the ratios.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench import make_log
from tests.commands.test_stats import alike

_ROOT: Final = Path(__file__).parent.parent.parent
_STATS: Final = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"


class Taken(NamedTuple):
    """What a process took, in seconds, and what it said."""

    wall: float
    cpu: float
    said: Any


def run(command: list[str], cache: Path) -> Taken:
    """Run a process to its end; what it prints is JSON."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["XDG_CACHE_HOME"] = str(cache)
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_ROOT, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(wall, cpu, json.loads(done.stdout))


def compare(file: Path, rounds: int) -> Iterator[str]:
    """Lines for people. Raises AssertionError if the numbers are not the same."""
    stats = [sys.executable, "-c", _STATS, "stats", str(file), "--json"]
    commands = {
        "duckdb": [sys.executable, "-m", "tests.commands.judge", str(file)],
        "llmlog stats --no-cache": [*stats, "--no-cache"],
        "llmlog stats again": stats,
    }
    run(stats, file.parent)
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(run(command, file.parent))
    theirs, *ours = (found[0].said for found in taken.values())
    assert all(alike(said, theirs) for said in ours), "not the same numbers"
    wall = {name: statistics.median(each.wall for each in found) for name, found in taken.items()}
    cpu = {name: min(each.cpu for each in found) for name, found in taken.items()}
    for name in commands:
        yield (
            f"{name:24} wall {wall[name]:6.2f} s, {wall[name] / wall['duckdb']:5.2f} x duckdb;"
            f" cpu {cpu[name]:6.2f} s, {cpu[name] / cpu['duckdb']:5.2f} x"
        )


def main(records: int = 1_000_000, rounds: int = 5) -> None:
    """Make a log and print the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls.jsonl")
        make_log.write(file, records)
        for row in compare(file, rounds):
            sys.stdout.write(row + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
