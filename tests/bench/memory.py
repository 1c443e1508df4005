"""Memory of a log with all answers, step by step.

`python -m tests.bench.memory [RECORDS] [--short]`: resident bytes above those after the imports, as
multiples of the file, and the peak of each step; with --short all ids have 8 characters. `settled`
is a second later: polars returns memory lazily.
"""

from __future__ import annotations

import argparse
import gc
import re
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl
from tests.bench.make_log import lines

from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.store import FRAME_SCHEMA
from llmlog_tui.tui.queries import (
    CallOrderQuery,
    OverviewQuery,
    ReplayQuery,
    Sort,
    TrendsQuery,
)
from llmlog_tui.tui.workers.analysis import run_query

SLOW_MS: Final = 500.0
_REST_S: Final = 1.5
_LONG_ID: Final = re.compile(r'"(\w*id)": "(?:chatcmpl-|req_|call_)?(\w{8})\w*"')


def write(file: Path, records: int, *, short: bool) -> None:
    """Write a log, with ids of 8 characters if `short`."""
    with file.open("w", encoding="utf-8") as out:
        for line in islice(lines(), records):
            out.write(_LONG_ID.sub(r'"\1": "\2"', line) if short else line)


def status(name: str) -> int:
    """Return bytes of a field of /proc/self/status."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.partition(f"{name}:")[2].split()[0]) * 1024


class Steps:
    """Runs steps and prints what each leaves in memory."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._base = status("VmRSS")
        sys.stdout.write(f"{'':12}{'resident':>10}{'peak':>8}{'cpu s':>8}\n")

    def run(self, name: str, work: Callable[[], object]) -> None:
        """Run a step."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # begins a new peak
        began = time.process_time()
        work()
        took = time.process_time() - began
        gc.collect()
        here, peak = ((status(field) - self._base) / self._size for field in ("VmRSS", "VmHWM"))
        sys.stdout.write(f"{name:12}{here:9.2f}x{peak:7.2f}x{took:8.2f}\n")
        sys.stdout.flush()


def measure(file: Path) -> None:
    """Load a log and ask for every answer."""
    priced(pl.DataFrame(schema=FRAME_SCHEMA))  # imports the prices
    steps = Steps(file.stat().st_size)
    reader = Reader([file], newest_first=True)

    def load() -> None:
        reader.read_to_end()
        reader.loaded()

    steps.run("load", load)
    analyzer, snapshot = IncrementalAnalyzer(SLOW_MS), reader.snapshot()
    steps.run("overview", lambda: analyzer.overview(snapshot))
    view = analyzer.overview(snapshot)
    trace = str(view.newest_trace)
    steps.run("panes", lambda: run_query(OverviewQuery(None, None, by_session=True), view))
    steps.run("sort", lambda: run_query(CallOrderQuery(Sort("latency_ms", descending=True)), view))
    steps.run("replay", lambda: run_query(ReplayQuery(trace), view))
    steps.run("trends", lambda: run_query(TrendsQuery(60, None, "model", None), view))

    def rest() -> None:
        time.sleep(_REST_S)
        view.call_rows(0, 50)

    steps.run("settled", rest)
    reader.close()


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("records", type=int, nargs="?", default=1_000_000)
    options.add_argument("--short", action="store_true", help="ids of 8 characters")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls.jsonl")
        write(file, chosen.records, short=chosen.short)
        size = file.stat().st_size
        sys.stdout.write(f"{chosen.records:,} records, {size / 1e6:,.0f} MB\n")
        measure(file)


if __name__ == "__main__":
    main()
