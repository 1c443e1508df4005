"""`llmlog find --text` against ripgrep on the same log, as whole processes by turns.

`python -m tests.bench.find_text RG [MEGABYTES] [ROUNDS]`: wall and processor time of each, for
words in few lines, in one of 25, and in none. RG is the path of ripgrep.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench import make_log

_TEXT: Final = "the of and a to in is you that it he was for on are as with his they at be"
_FIND: Final = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
_MEGA: Final = 1_000_000


class Taken(NamedTuple):
    """Seconds of a process, and the lines it printed."""

    wall: float
    cpu: float
    lines: int


def _content(chance: random.Random, number: int) -> str:
    words = chance.choices(_TEXT.split(), k=20 + chance.randrange(280))
    if number % 25 == 0:
        words.insert(chance.randrange(len(words)), "okapi")
    if number % 1_200 == 0:
        words.insert(chance.randrange(len(words)), "zebra")
    return " ".join(words)


def lines(seed: int = 1) -> Iterator[str]:
    """Lines of calls with a prompt and an answer, without end."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark wants the same file again, not secrets
    for number, line in enumerate(make_log.lines(seed)):
        given = json.dumps([{"role": "user", "content": _content(chance, number)}])
        answered = json.dumps({"role": "assistant", "content": _content(chance, 1)})
        yield f'{line.rstrip()[:-1]}, "input": {given}, "output": {answered}}}\n'


def write(out: Path, size: int) -> None:
    """Write the lines of `size` bytes."""
    with out.open("w", encoding="utf-8") as file:
        file.writelines(takewhile(lambda _: file.tell() < size, lines()))


def run(command: list[str]) -> Taken:
    """Run a process to its end, whatever it finds."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(wall, cpu, done.stdout.count(b"\n"))


def compare(ripgrep: str, log: Path, rounds: int) -> Iterator[str]:
    """A row for each of the words."""
    for words in ("zebra", "okapi", "quagga"):
        find = [sys.executable, "-c", _FIND, "find", "--text", words, str(log)]
        commands = {"ripgrep": [ripgrep, "-i", words, str(log)], "llmlog": find}
        taken: dict[str, list[Taken]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(run(command))
        yield f"{words:8}" + ";".join(_medians(name, found) for name, found in taken.items())


def _medians(name: str, taken: list[Taken]) -> str:
    wall = statistics.median(each.wall for each in taken)
    cpu = statistics.median(each.cpu for each in taken)
    return f" {name} {wall:.2f} s wall {cpu:.2f} s CPU, {taken[0].lines:,} lines"


def main(ripgrep: str, megabytes: int = 1_000, rounds: int = 5) -> None:
    """Make a log and print the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.jsonl")
        write(log, megabytes * _MEGA)
        for row in compare(ripgrep, log, rounds):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
