"""How long from an appended line to a snapshot with it, and is any lost: one writer, one reader."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from llmlog_tui.log.reader import Reader

POLL_S: Final = 0.05
"""How often the dashboard looks at the file, in seconds."""

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
    """Follow what a thread writes; counts, delays in ms, and how long a snapshot took at the end.

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
        delays, refreshes = [], []
        seen = 0
        writer.start()
        while True:
            is_over = not writer.is_alive()  # asked first: what was written until then is read
            while reader.step():
                pass
            begin = time.perf_counter()
            frame = reader.snapshot().frame
            refreshes.append((time.perf_counter() - begin) * 1e3)
            now = time.time()
            new = frame["ts"].slice(seen).dt.epoch("us").to_list()
            delays += [now * 1e3 - at / 1e3 for at in new]
            seen = frame.height
            if is_over:
                break
            time.sleep(POLL_S)
        steps = frame["step"]
        reader.close()
    tenth = max(1, len(refreshes) // 10)
    return {
        "written": written[0],
        "lost": written[0] - steps.n_unique(),
        "twice": seen - steps.n_unique(),
        "p50_ms": statistics.median(delays),
        "p99_ms": statistics.quantiles(delays, n=100)[98],
        "first_refresh_ms": statistics.median(refreshes[:tenth]),
        "last_refresh_ms": statistics.median(refreshes[-tenth:]),
    }


if __name__ == "__main__":
    # A soak, by hand; lines a second, seconds, seconds from one rotation to the next:
    # python -m tests.bench.live 1000 600 30
    rate, seconds, rotate_s = (float(argument) for argument in sys.argv[1:4])
    sys.stdout.write(json.dumps(follow(int(rate), seconds, rotate_s=rotate_s), indent=2) + "\n")
