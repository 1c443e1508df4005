"""What a refresh costs after 100 new records, however long the log is: see analysis.py.

Processor milliseconds over all cores, of all that is done for it: parsing, a snapshot, the Overview
and the timeline of the newest trace. A long log is a shorter one again and again, under other ids
and later, because to write and read 7 GB takes minutes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from tests.bench.make_log import lines

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import Parsed
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import Store
from llmlog_tui.tui.queries import OverviewQuery
from llmlog_tui.tui.workers.analysis import run_query

_NEW: Final = 100
_WARM: Final = 3
"""The first refreshes lay down what the later ones add to."""

_REFRESHES: Final = 15
_BLOCK_ROWS: Final = 12_500
"""A block that is read holds about so many records."""

SLOW_MS: Final = 500.0


class Refresh(NamedTuple):
    """What the parts of one took, in processor ms."""

    snapshot: float
    overview: float
    timeline: float

    @property
    def total(self) -> float:
        """All together."""
        return sum(self)


def long_log(frame: pl.DataFrame, times: int) -> Store:
    """A log that was read and has the records of `frame`, a snapshot's, so many times."""
    store = Store([Path("calls.jsonl")])
    span = frame.select(pl.col("ts").max() - pl.col("ts").min()).item()
    for time_ in range(times):
        for at in range(0, frame.height, _BLOCK_ROWS):
            part = frame.slice(at, _BLOCK_ROWS).select(*COLUMNS, "line")
            if time_:
                names = ("trace_id", "session_id")
                ids = ((pl.lit(f"{time_}-") + pl.col(name)).alias(name) for name in names)
                part = part.with_columns(*ids, pl.col("ts") + span * time_)
            block = Block(b"\n", 0, 0, older=True)
            store.add(0, block, Parsed(part.rechunk(), part.height))
    store.loaded()
    return store


def refreshes(store: Store, where: str | None = None) -> Iterator[Refresh]:
    """Refresh after refresh of a log to which 100 records are added each time."""
    running = IncrementalAnalyzer(SLOW_MS)
    running.overview(store.snapshot(), where)
    offset, live, parser = 1, lines(seed=2), FileParser({})
    for _ in range(_WARM + _REFRESHES):
        data = "".join(islice(live, _NEW)).encode()
        began = time.process_time()
        block = Block(data, offset, 1)
        work = parser.prepare(block)
        store.add(0, block, parser.collect(block, work and work()))
        snapshot = store.snapshot()
        read = time.process_time()
        overview = running.overview(snapshot, where)
        answered = time.process_time()
        run_query(OverviewQuery(None), overview)
        done = time.process_time()
        offset += len(data)
        yield Refresh(*(1e3 * took for took in (read - began, answered - read, done - answered)))


def usual(store: Store, where: str | None = None) -> Refresh:
    """The medians of several refreshes, once the first ones are done."""
    found = list(refreshes(store, where))[_WARM:]
    return Refresh(*(statistics.median(each) for each in zip(*found, strict=True)))
