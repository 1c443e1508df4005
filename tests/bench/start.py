"""CPU time of starting a command: `python -m tests.bench.start [ROUNDS]`.

Minimum processor milliseconds of alternating rounds, beside bare Python and `import polars` in the
same run, which show how fast the machine is at that time.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SAMPLE: Final = Path(__file__).parent.parent.parent / "sample_logs" / "calls.jsonl"
_HEADLESS: Final = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
_DASHBOARD: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"
_COMMANDS: Final[dict[str, tuple[float | None, Sequence[str]]]] = {
    "bare Python": (None, ["pass"]),
    "import polars": (None, ["import polars"]),
    "llmlog --version": (100, [_HEADLESS, "--version"]),
    "llmlog --help": (130, [_HEADLESS, "--help"]),
    "llmlog-tui --version": (None, [_DASHBOARD, "--version"]),
    "llmlog stats on the sample": (330, [_HEADLESS, "stats", str(_SAMPLE)]),
}
"""Name -> target in ms, and the program with its arguments."""


def cpu_ms(program: Sequence[str]) -> float:
    """Return the processor time of a process, its start and end included."""
    environment = {**os.environ, "LLMLOG_NO_CACHE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", *program]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e3


def main(rounds: int = 10) -> None:
    """Print a table."""
    taken: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(rounds):
        for name, (_, program) in _COMMANDS.items():
            taken[name].append(cpu_ms(program))
    polars = min(taken["import polars"])
    sys.stdout.write(f"{'':28}cpu ms    aim  x import polars\n")
    for name, (aim, _) in _COMMANDS.items():
        least = min(taken[name])
        wanted = "" if aim is None else f"{aim:.0f}"
        sys.stdout.write(f"{name:28}{least:6.0f} {wanted:>6} {least / polars:8.2f}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
