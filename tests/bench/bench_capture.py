"""What capture costs, and what it keeps: `python -m tests.bench.bench_capture`, in the root.

First tests.bench.bench_capture_calls, then import time, redaction, and records that survive.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bench_capture_calls import print_costs, say

from llmlog._redaction.redactor import PERSONAL, SECRETS, Redactor


def print_import() -> None:
    """What `import llmlog` adds to a process that has openai."""
    code = "import sys,time,resource;import openai;s=time.perf_counter()\n{}\n"
    code += "print(time.perf_counter()-s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs: dict[str, list[tuple[float, float]]] = {"pass": [], "import llmlog": []}
    for _ in range(15):
        for statement, results in runs.items():
            command = [sys.executable, "-c", code.format(statement)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
            seconds, kilobytes = map(float, done.stdout.split())
            results.append((seconds, kilobytes))
    without, with_ = (
        [statistics.median(column) for column in zip(*r, strict=True)] for r in runs.values()
    )
    added_ms, added_mb = 1000 * (with_[0] - without[0]), (with_[1] - without[1]) / 1024
    say(f"import, beyond openai: {added_ms:.1f} ms, {added_mb:.1f} MB")


def print_redaction() -> None:
    """The time all rules take on prose with many numbers."""
    text = (
        "The agent read 14 pages (3.5 MB) on 2026-11-23 at 10:30:45: see https://example.org/a?b=1."
        " It then asked: what changed between v1.2.3 and v1.3.0, and why did p95 go from 240 ms to "
        "1,312 ms? The fingerprint fp_44709d6fcb had changed; total cost was $0.0123. "
    ) * 40
    redactor = Redactor((*SECRETS, *PERSONAL))

    def seconds() -> float:
        start = time.thread_time()
        redactor.text(text)
        return time.thread_time() - start

    best = min(seconds() for _ in range(20)) * 1e6 / (len(text) / 1024)
    say(f"redaction: {best:.0f} us per KB")


WRITER = """
import sys, llmlog
path, name, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
session = llmlog.session(path, name, tags={"pad": "x" * (size - 250)})
trace = session.trace(name)
for _ in range(count):
    trace.record(event="embedding")
"""


def print_writers(folder: Path) -> None:
    """Whole and torn lines after eight processes have written to one file."""
    for size, each in ((300, 1000), (5_000, 1000), (70_000, 1000), (1_048_576, 1000)):
        path = folder / f"{size}.jsonl"
        args = [sys.executable, "-c", WRITER, str(path)]
        processes = [
            subprocess.Popen([*args, f"writer-{n}", str(each), str(size)]) for n in range(8)
        ]
        for process in processes:
            process.wait()
        whole = torn = 0
        with path.open("rb") as log:
            for line in log:
                is_whole = (
                    line.startswith(b'{"v": 1') and line.endswith(b"}\n") and b"\0" not in line
                )
                whole += is_whole
                torn += not is_whole
        path.unlink()
        say(f"8 processes x {each:,} records of {size:9,} B: {whole} whole, {torn} torn")


def print_killed(folder: Path) -> None:
    """Records of 1,000 that are there after SIGKILL."""
    path = folder / "killed.jsonl"
    code = WRITER + "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    command = [sys.executable, "-c", code, str(path), "killed", "1000", "300"]
    subprocess.run(command, check=False)
    say(f"SIGKILL after 1,000 records: {len(path.read_bytes().splitlines())} are there")


def main() -> None:
    """Print every measure; ratios are what to read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_costs(folder)
        print_import()
        print_redaction()
        print_killed(folder)
        print_writers(folder)


if __name__ == "__main__":
    main()
