"""Write sample_logs/: `python -m llmlog_tui.demo.samples sample_logs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from llmlog_tui.demo.run import simulate

SEED: Final = 1
RUNS: Final = 142

_FOREIGN: Final = (
    {"level": "info", "event": "http request", "path": "/chat", "ts": "2026-11-23T09:00:03Z"},
    {"event": "deploy", "version": "2.4.1", "ts": 1795424410},
)


def write_samples(folder: Path) -> None:
    """Write calls.jsonl, one_run.jsonl and torn.jsonl into `folder`, replacing existing ones."""
    calls, one_run, torn = (folder / f"{name}.jsonl" for name in ("calls", "one_run", "torn"))
    calls.unlink(missing_ok=True)
    simulate(calls, RUNS, SEED)
    lines = calls.read_bytes().splitlines(keepends=True)
    one_run.write_bytes(b"".join(_longest_run(lines)))
    torn.write_bytes(_torn(lines[:30]))


def _longest_run(lines: list[bytes]) -> list[bytes]:
    runs: dict[str, list[bytes]] = {}
    for line in lines:
        runs.setdefault(json.loads(line)["trace_id"], []).append(line)
    return max(runs.values(), key=len)


def _torn(lines: list[bytes]) -> bytes:
    """Return a damaged log: other output, a torn line, JSON of other programs."""
    lines = list(lines)
    lines.insert(4, b"answer: the order was never refunded\n")
    lines.insert(9, json.dumps(_FOREIGN[0]).encode() + b"\n")
    lines.insert(14, b"\n")
    lines[18] = lines[18][:120] + lines[19]  # a writer died, the next writer continued its line
    del lines[19]
    lines.insert(22, json.dumps(_FOREIGN[1]).encode() + b"\n")
    lines.insert(25, b"Traceback (most recent call last):\n")
    return b"".join(lines) + lines[-1][:200]


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
