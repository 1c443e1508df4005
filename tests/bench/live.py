"""How long from an appended line to a snapshot with it, and is any lost: one writer, one reader.

`python -m tests.bench.live [RATE [SECONDS [ROTATE_S]]]`: lines a second, for how long, and how long
a file is written to until it is renamed. Without arguments it is a soak of ten minutes, 1,000 a
second, a new file every 30 s. Prints JSON: what was lost, what came twice, delays, and how long a
refresh took in the first minute and in the last (or tenths of a shorter run).
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from llmlog_tui.log.reader import Reader

POLL_S: Final = 0.05
"""The wait from one look at the file to the next, in seconds."""

_BATCHES_PER_S: Final = 100


def write(path: Path, rate: int, seconds: float, *, rotate_s: float = 0.0) -> int:
    """Append lines with the epoch in `ts`, and rename the file every `rotate_s`; how many."""
    step = 0
    begin = rotated = time.time()
    with_tail = '{"trace_id": "live", "event": "chat_completion", "model": "gpt-5", '
    file = path.open("ab", buffering=0)
    while (now := time.time()) - begin < seconds:
        due = int((now - begin) * rate) - step
        if due:
            lines = [f'{with_tail}"ts": {now:.6f}, "step": {step + n}}}\n' for n in range(due)]
            file.write("".join(lines).encode())
            step += due
        if rotate_s and now - rotated >= rotate_s:
            path.rename(path.with_suffix(f".{step}"))
            file.close()
            file = path.open("ab", buffering=0)
            rotated = now
        time.sleep(1 / _BATCHES_PER_S)
    file.close()
    return step


def follow(rate: int, seconds: float, *, rotate_s: float = 0.0) -> dict[str, float]:
    """Follow what a thread writes; counts, delays in ms, and how long looking and a snapshot took.

    `lost` and `twice` are lines that did not come, and that came again.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls.jsonl")
        written: list[int] = []
        writer = threading.Thread(
            target=lambda: written.append(write(path, rate, seconds, rotate_s=rotate_s))
        )
        reader = Reader([path])
        reader.loaded()
        delays: list[float] = []
        refreshes: list[tuple[float, float]] = []  # when, and how many ms
        seen = 0
        writer.start()
        while True:
            is_over = not writer.is_alive()  # asked first: what was written until then is read
            begin = time.monotonic()
            while reader.step():
                pass
            frame = reader.snapshot().frame
            refreshes.append((begin, (time.monotonic() - begin) * 1e3))
            now = time.time()
            new = frame["ts"].slice(seen).dt.epoch("us").to_list()
            delays += [now * 1e3 - at / 1e3 for at in new]
            seen = frame.height
            if is_over:
                break
            time.sleep(POLL_S)
        steps = frame["step"]
        reader.close()
    return {
        "written": written[0],
        "lost": written[0] - steps.n_unique(),
        "twice": seen - steps.n_unique(),
        "p50_ms": statistics.median(delays),
        "p99_ms": _p99(delays),
        **_ends(refreshes),
    }


def _ends(refreshes: list[tuple[float, float]]) -> dict[str, float]:
    """How long refreshes took in the first minute and in the last, or in tenths of less."""
    begin, end = refreshes[0][0], refreshes[-1][0]
    part = min(60.0, (end - begin) / 10)
    first = [took for at, took in refreshes if at <= begin + part]
    last = [took for at, took in refreshes if at >= end - part]
    return {
        "first_refresh_ms": statistics.median(first),
        "first_refresh_p99_ms": _p99(first),
        "last_refresh_ms": statistics.median(last),
        "last_refresh_p99_ms": _p99(last),
    }


def _p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def main(rate: int = 1_000, seconds: float = 600, rotate_s: float = 30) -> None:
    """Print the figures."""
    sys.stdout.write(json.dumps(follow(rate, seconds, rotate_s=rotate_s), indent=2) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
