"""CPU time of starting a command: `python -m tests.bench.start [ROUNDS]`.

Minimum processor milliseconds of alternating rounds, beside bare Python and `import polars` in the
same run, which show how fast the machine is at that time. Prices are in the cache from the second
round on.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
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
    "the same with --no-cache": (None, [_HEADLESS, "stats", str(_SAMPLE), "--no-cache"]),
    "llmlog find --text": (None, [_HEADLESS, "find", "--text", "no such words", str(_SAMPLE)]),
}
"""Name -> target in ms, and the program with its arguments."""


def cpu_ms(program: Sequence[str], cache: Path) -> float:
    """Return the processor time of a process, its start and end included."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", *program]
    quiet = subprocess.DEVNULL
    done = subprocess.run(command, stdout=quiet, stderr=quiet, check=False, env=environment)
    if done.returncode > 1:  # 1: find without a match
        raise SystemExit(f"{' '.join(command)} exits with {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e3


def main(rounds: int = 10) -> None:
    """Print a table."""
    taken: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds):
            for name, (_, program) in _COMMANDS.items():
                taken[name].append(cpu_ms(program, Path(cache)))
    polars = min(taken["import polars"])
    sys.stdout.write(f"{'':28}cpu ms    aim  x import polars\n")
    for name, (aim, _) in _COMMANDS.items():
        least = min(taken[name])
        wanted = "" if aim is None else f"{aim:.0f}"
        sys.stdout.write(f"{name:28}{least:6.0f} {wanted:>6} {least / polars:8.2f}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
