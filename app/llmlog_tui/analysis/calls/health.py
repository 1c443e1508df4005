"""Health of a log: records that cannot be joined, missing steps, time that runs backwards."""

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
"""Fields required to join a record with others."""

BACKWARDS: Final = timedelta(seconds=1)
"""Tolerance for calls of a file that end before calls written earlier."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault: its count, and the key of the first record.

    First is the first in the first of the files: in the oldest part of a rotated log.
    `name` is the missing field of `unjoinable`, and the event of `unknown_event`; else empty.
    """

    kind: Kind
    name: str
    count: int
    row: int


def health(frame: pl.DataFrame) -> list[Finding]:
    """Return the faults of the records of a frame.

    `unjoinable`: records without session_id, trace_id or step. `duplicate_step`: records
    beyond the first of a step in a trace. `missing_step`: steps from 0 to the last of a trace that
    no record has; its row is the record after the first gap. `step_backwards`: steps that began
    before the step before them in their trace. `end_backwards`: records whose end (ts plus
    latency_ms) is more than BACKWARDS before that of the one before them in their file.
    `unknown_event`: records of foreign events, the most frequent first.
    """
    ours = frame.filter(IS_STEP)
    return [*_unjoinable(ours), *_steps(ours), *_ends(frame), *_events(frame)]


def _finding(kind: Kind, faults: pl.DataFrame, name: str = "") -> Iterator[Finding]:
    if faults.height:
        times = faults["times"].sum() if "times" in faults.columns else faults.height
        yield Finding(kind, name, int(times), faults.select(_FIRST).item())


_FIRST: Final = pl.col("row").filter(pl.col("file") == pl.col("file").min()).min()
"""Key of the first record of the first file: compressed files are read last."""


def _unjoinable(ours: pl.DataFrame) -> Iterator[Finding]:
    for name in JOINING:
        yield from _finding("unjoinable", ours.filter(pl.col(name).is_null()), name)


def _steps(ours: pl.DataFrame) -> Iterator[Finding]:
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
    """Yield the records that end too early, per file: several files are merged by ts."""
    end = pl.col("ts") + pl.duration(microseconds=pl.col("latency_ms").fill_null(0) * 1_000)
    ends = frame.select("file", "row", end=end).drop_nulls("end").sort("file", "row")
    backwards = ends.filter(pl.col("end") < pl.col("end").shift().over("file") - BACKWARDS)
    yield from _finding("end_backwards", backwards)


def _events(frame: pl.DataFrame) -> Iterator[Finding]:
    unknown = frame.filter(~IS_STEP).group_by(pl.col("event").cast(pl.String))
    counted = unknown.agg(pl.len(), _FIRST).sort("len", "row", descending=[True, False])
    for event, count, row in counted.iter_rows():
        yield Finding("unknown_event", event, count, row)
