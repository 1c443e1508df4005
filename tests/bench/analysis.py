"""The views of the Overview against the bare read, and what a refresh costs as a log gets longer.

`python -m tests.bench.analysis [RECORDS] [TIMES]`: refreshes are of a log of a tenth of RECORDS, of
RECORDS, and of TIMES as many. Each is taken several times in one process. Of views the least
counts: on shared cores that is what the work costs. Processor seconds over all cores stand beside,
which no neighbour changes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from tests.bench import refresh
from tests.bench.make_log import write

from llmlog_tui.analysis.alerts import engine
from llmlog_tui.analysis.calls import calls, cost
from llmlog_tui.analysis.live.overview import overview
from llmlog_tui.analysis.traces import fingerprints, traces
from llmlog_tui.log.load import load
from llmlog_tui.log.schema import READ_SCHEMA

_ROUNDS: Final = 5


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
    yield "what is usual", least(lambda: calls.baselines(of_calls))
    yield "verdict", least(lambda: calls.slow_summary(of_calls, refresh.SLOW_MS))
    yield "alerts", least(lambda: engine.find_alerts(of_calls))
    yield "the Overview", least(lambda: overview(snapshot, refresh.SLOW_MS))


def refreshes(file: Path, sizes: Sequence[tuple[int, int]]) -> Iterator[str]:
    """A row for each size, which is a number of records and how many times they are there."""
    frame, first = load([file]).frame, 0.0
    yield f"{'100 new records':22}{'snapshot':>9} {'overview':>9} {'timeline':>9} {'cpu ms':>9}"
    for records, times in sizes:
        usual = refresh.usual(refresh.long_log(frame.head(records), times))
        first = first or usual.total
        parts = "".join(f"{took:9,.1f} " for took in (*usual, usual.total))
        yield f"at {records * times:<19,}{parts}{usual.total / first:8.2f} x"


def main(records: int, times: int) -> None:
    """Print tables."""
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
        sizes = [(records // 10, 1), (records, 1), (records, times)]
        for row in refreshes(file, sizes if times > 1 else sizes[:2]):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [1_000_000, 1][len(given) :]))
