"""The views of the Overview against the bare read: `python -m tests.bench.analysis [RECORDS]`.

Each is taken several times in one process, and the least counts: on shared cores that is what the
work costs. Processor seconds over all cores stand beside, which no neighbour changes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from tests.bench.make_log import write

from llmlog_tui.analysis import calls, cost, fingerprints, traces, watch
from llmlog_tui.analysis.overview import overview
from llmlog_tui.log.reader import load
from llmlog_tui.log.schema import READ_SCHEMA

_ROUNDS: Final = 5
_SLOW_MS: Final = 500.0


class Taken(NamedTuple):
    """The least seconds of some rounds."""

    wall: float
    cpu: float


def least(work: Callable[[], object], rounds: int = _ROUNDS) -> Taken:
    """What `work` takes."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*found, strict=True)
    return Taken(min(walls), min(cpus))


def views(file: Path) -> Iterator[tuple[str, Taken]]:
    """Every view by itself, then all together."""
    snapshot = load([file])
    changed = fingerprints.with_changed(snapshot.frame)
    priced = cost.priced(changed)  # also imports the prices, once
    of_calls = calls.model_calls(priced)
    yield "changed fingerprints", least(lambda: fingerprints.with_changed(snapshot.frame))
    yield "costs", least(lambda: cost.priced(changed))
    yield "model calls", least(lambda: calls.model_calls(priced))
    yield "traces", least(lambda: traces.traces(priced))
    yield "what is usual", least(lambda: calls.usual(of_calls))
    yield "verdict", least(lambda: calls.verdict(of_calls, _SLOW_MS))
    yield "alerts", least(lambda: watch.alerts(of_calls))
    yield "the Overview", least(lambda: overview(snapshot, _SLOW_MS))


def main(records: int) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls.jsonl")
        write(file, records)
        bare = least(lambda: pl.read_ndjson(file, schema=READ_SCHEMA), rounds=3)
        sys.stdout.write(f"{records:,} records\n{'':22} wall ms   x bare   cpu ms   x bare\n")
        for name, taken in (("bare read", bare), *views(file)):
            sys.stdout.write(
                f"{name:22}{taken.wall * 1e3:8,.0f} {taken.wall / bare.wall:8.2f}"
                f" {taken.cpu * 1e3:8,.0f} {taken.cpu / bare.cpu:8.2f}\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
