"""CPU time of the result of a key: `python -m tests.bench.answers [--records N] [--log FILE]`.

Find, SQL, sorts, a filter, a trace of 10,000 steps: minimum processor milliseconds of some rounds,
beside the target for 1,000,000 records and a bare polars expression in the same run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from tests.bench.analysis import least
from tests.bench.make_log import write

from llmlog_tui.analysis.calls.search import LastMatches, search
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview, overview
from llmlog_tui.analysis.numeric.last_result import LastResult
from llmlog_tui.analysis.traces.replay import replay
from llmlog_tui.analysis.traces.timeline import LastTimeline, timeline
from llmlog_tui.isolated_query import IsolatedQuery
from llmlog_tui.log.load import load
from llmlog_tui.log.schema import IS_CALL
from llmlog_tui.tui.queries import CallOrderQuery, Sort
from llmlog_tui.tui.workers.analysis import call_order

SLOW_MS: Final = 500.0
_STEPS: Final = 10_000
_ROUNDS: Final = 5


class Answer(NamedTuple):
    """The work of an answer, its target in milliseconds, and the bare minimum as `peer`."""

    name: str
    aim_ms: float
    work: Callable[[], object]
    peer: Callable[[], object]


def answers(found: Overview) -> Iterator[Answer]:
    """Yield every answer over a loaded log."""
    frame = found.frame
    trace = str(frame["trace_id"][frame.height // 2])
    parts = ("find, a part of an id", trace[:7]), ("find, a part without digits", "deadbea")
    finds = (("find, no match", "zz no such"), *parts)
    for name, text in (*finds, ("find, an id", trace)):
        bare = frame.lazy().select(pl.col("trace_id").str.contains(text, literal=True).sum())
        yield Answer(name, 130, partial(search, frame, text, None, -1), bare.collect)
        again = partial(search, frame, text, 0, 1, matches=LastMatches())
        yield Answer(f"{name}, next", 10, again, bare.collect)
    calls = frame.lazy().filter(IS_CALL)
    mean = pl.len(), pl.col("latency_ms").mean()
    grouped = "select model, count(*), avg(latency_ms) from calls group by model"
    for name, aim, sql, peer in (
        ("SQL count(*)", 10, "select count(*) from calls", calls.select(pl.len())),
        ("SQL group by", 50, grouped, calls.group_by("model").agg(*mean)),
    ):
        yield Answer(name, aim, partial(IsolatedQuery(sql).run, frame), peer.collect)
    sorts = ("sort of a number", 80, "latency_ms"), ("sort of a few-valued text", 50, "model")
    for name, aim, field in sorts:
        sort, column = CallOrderQuery(Sort(field, descending=True)), found.calls[field]
        bare_sort = partial(column.arg_sort, descending=True)
        yield Answer(name, aim, partial(call_order, sort, found), bare_sort)
    analyzer, limits = IncrementalAnalyzer(SLOW_MS), iter(range(1_000, 1_000_000))
    analyzer.overview(found.snapshot)

    def filtered() -> object:
        return analyzer.overview(found.snapshot, f"latency_ms > {next(limits)}")

    slow = calls.select((pl.col("latency_ms") > SLOW_MS).sum())
    yield Answer("filter, without its paint", 100, filtered, slow.collect)


def of_a_long_trace(folder: Path) -> Answer:
    """Return the timeline and the replay of a trace of _STEPS steps."""
    log = folder / "long.jsonl"
    write(log, _STEPS)
    frame = overview(load([log]), SLOW_MS).frame.with_columns(trace_id=pl.lit("t"))

    def both() -> object:
        run = timeline(frame, "t", SLOW_MS, LastTimeline())
        return replay(frame, run, LastResult())

    return Answer(f"a trace of {_STEPS:,} steps", 200, both, frame.to_dicts)


def rows(folder: Path, log: Path) -> Iterator[str]:
    """Yield a line of text per answer."""
    found = overview(load([log]), SLOW_MS)
    yield f"{found.frame.height:,} records: cpu ms, the aim of 1,000,000, bare polars"
    for answer in (*answers(found), of_a_long_trace(folder)):
        ours, theirs = (least(work, _ROUNDS) for work in (answer.work, answer.peer))
        verdict = "held" if ours.cpu * 1e3 <= answer.aim_ms else "OVER"
        yield (
            f"{answer.name:28}{ours.cpu * 1e3:8,.0f} {answer.aim_ms:6,.0f} {verdict}"
            f" {theirs.cpu * 1e3:8,.1f}"
        )


def main() -> None:
    """Print, as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--log", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        log = chosen.log or Path(name, "calls.jsonl")
        if chosen.log is None:
            write(log, chosen.records)
        for row in rows(Path(name), log):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
