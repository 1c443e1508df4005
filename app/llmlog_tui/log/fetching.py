"""Look up an id outside the window of a log's tables and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.errors import reason
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.open_sources import OpenSources
from llmlog_tui.log.sources import SourceError

MAX_FETCHED: Final = 200_000
"""Maximum records with an id that are read from outside a window."""

MAX_RUNS: Final = 20
"""Maximum traces of the records found that are read whole."""


class Fetched(NamedTuple):
    """Records or steps found so far; tables and parts of archives `done`, of a `total`."""

    found: int = 0
    done: int = 0
    total: int = 0


def fetch(
    sources: OpenSources,
    wanted: str,
    add: Callable[[int, Block], pl.DataFrame],
    kept: Callable[[int], pl.Series],
    before: int | None = None,
) -> Iterator[Fetched]:
    """Add the records with an id that begins with `wanted`, and their traces.

    Yields after each table and part. `add` is called with the index of a source and a block, and
    returns its records; `kept` is for OpenSources.fetch(). With `before`, `wanted` is a trace, and
    its steps before that one are found, each once; records of others are added, but not counted.
    Raises SourceError.
    """
    sources_per_round = len(sources.lazy())
    records, done, total = 0, 0, sources_per_round
    steps: set[int] = set()
    traces: set[str] = set()
    ids = [wanted]
    try:
        while ids:
            for blocks in sources.fetch(ids, kept):
                for index, block in blocks:
                    frame = add(index, block)
                    records += frame.height
                    traces.update(frame["trace_id"].drop_nulls())
                    if before is not None:
                        steps.update(_steps_before(before, frame, wanted))
                if records > MAX_FETCHED:
                    raise SourceError(f"{MAX_FETCHED:,} records or more have this id")
                done += 1
                yield Fetched(records if before is None else len(steps), done, total)
            if before is not None:
                return
            traces = {trace for trace in traces if not trace.startswith(wanted)}
            ids = sorted(traces) if total == sources_per_round and len(traces) <= MAX_RUNS else []
            total = done + sources_per_round
    except OSError as error:
        raise SourceError(reason(error)) from error


def _steps_before(step: int, frame: pl.DataFrame, trace_id: str) -> pl.Series:
    is_earlier = (pl.col("trace_id") == trace_id) & pl.col("step").is_between(0, step - 1)
    return frame.select_seq("trace_id", "step").filter(is_earlier)["step"]
