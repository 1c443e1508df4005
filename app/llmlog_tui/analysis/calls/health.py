"""What is wrong with a log: lines and values that were lost, records that cannot be joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import polars as pl

from llmlog_tui.log.schema import IS_STEP

Kind = Literal[
    "unjoinable", "duplicate_step", "missing_step", "step_backwards", "end_backwards",
    "unknown_event",
]  # fmt: skip

JOINING: Final = ("session_id", "trace_id", "step")
"""Without one of these a record cannot be joined with others."""

BACKWARDS: Final = timedelta(seconds=1)
"""Calls of one file may end this much before those written earlier, and no more."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault: how often, and the first record (its key `row`) that shows it.

    First is what stands first in the first of the files: of a rotated log in its oldest part.
    `name` is the missing field of `unjoinable`, and the event of `unknown_event`; else empty.
    """

    kind: Kind
    name: str
    count: int
    row: int


def health(frame: pl.DataFrame) -> list[Finding]:
    """What is wrong with the records of a frame.

    `unjoinable`: records of ours without session_id, trace_id or step. `duplicate_step`: records
    beyond the first of a step in a trace. `missing_step`: steps from 0 to the last of a trace that
    no record has; its row is the record behind the first gap. `step_backwards`: steps that began
    before the step before them in their trace. `end_backwards`: records whose end (ts plus
    latency_ms) is more than BACKWARDS before that of the one before them in their file.
    `unknown_event`: records of events that are not ours, the commonest first.
    """
    ours = frame.filter(IS_STEP)
    return [*_unjoinable(ours), *_steps(ours), *_ends(frame), *_events(frame)]


def _finding(kind: Kind, faults: pl.DataFrame, name: str = "") -> Iterator[Finding]:
    """Of one row a fault, if there are any; a column `times` says how often it counts."""
    if faults.height:
        times = faults["times"].sum() if "times" in faults.columns else faults.height
        yield Finding(kind, name, int(times), faults.select(_FIRST).item())


_FIRST: Final = pl.col("row").filter(pl.col("file") == pl.col("file").min()).min()
"""Keys count up within a file, but compressed files are read after the others."""


def _unjoinable(ours: pl.DataFrame) -> Iterator[Finding]:
    for name in JOINING:
        yield from _finding("unjoinable", ours.filter(pl.col(name).is_null()), name)


def _steps(ours: pl.DataFrame) -> Iterator[Finding]:
    """What is wrong with the order of steps, trace by trace."""
    before = pl.col("step").shift().over("trace_id")
    steps = (
        ours.filter(pl.col("trace_id").is_not_null() & (pl.col("step") >= 0))
        .select("trace_id", "step", "ts", "file", "row")
        .sort("trace_id", "step", "file", "row")
    )
    apart = steps.with_columns(
        same=pl.col("step") == before, times=pl.col("step") - before.fill_null(-1) - 1
    )
    yield from _finding("duplicate_step", apart.filter("same").drop("times"))
    yield from _finding("missing_step", apart.filter(pl.col("times") > 0))
    timed = steps.filter(pl.col("ts").is_not_null())
    began = pl.col("ts").shift().over("trace_id")
    is_later = pl.col("step") > before
    yield from _finding("step_backwards", timed.filter(is_later & (pl.col("ts") < began)))


def _ends(frame: pl.DataFrame) -> Iterator[Finding]:
    """Where time fell within a file; several files were merged, their keys were not."""
    end = pl.col("ts") + pl.duration(microseconds=pl.col("latency_ms").fill_null(0) * 1_000)
    ends = frame.select("file", "row", end=end).drop_nulls("end").sort("file", "row")
    fell = ends.filter(pl.col("end") < pl.col("end").shift().over("file") - BACKWARDS)
    yield from _finding("end_backwards", fell)


def _events(frame: pl.DataFrame) -> Iterator[Finding]:
    unknown = frame.filter(~IS_STEP).group_by(pl.col("event").cast(pl.String))
    counted = unknown.agg(pl.len(), _FIRST).sort("len", "row", descending=[True, False])
    for event, count, row in counted.iter_rows():
        yield Finding("unknown_event", event, count, row)
