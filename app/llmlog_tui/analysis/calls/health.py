"""Health of a log: records that cannot be joined, missing steps, time that runs backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import polars as pl

from llmlog_tui.log.schema import COLUMNS, IS_STEP
from llmlog_tui.log.starts import RunningStep

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


def health(
    frame: pl.DataFrame,
    running: Sequence[RunningStep] = (),
    *,
    shown: pl.DataFrame | None = None,
    is_whole: bool = True,
) -> list[Finding]:
    """Return the faults of a frame's records, or of the `shown` ones.

    `unjoinable`: records without session_id, trace_id or step. `duplicate_step`: records
    beyond the first of a step in a trace. `missing_step`: steps from 0 to the last of a trace that
    neither a record nor `running` has; its row is the record after the first gap. They are left
    out unless the frame `is_whole`: others may have them. `step_backwards`: steps that began before
    the step before them in their trace. `end_backwards`: records whose end (ts plus latency_ms) is
    more than BACKWARDS before that of the one before them in their file. `unknown_event`: records
    of foreign events, the most frequent first.
    """
    of = frame if shown is None else shown
    # Faults of records beside others are found among all: what lies between them may not be shown.
    is_shown = pl.lit(value=True) if shown is None else pl.col("row").is_in(of["row"].implode())
    steps = _in_order(frame.filter(IS_STEP), running)
    faults: list[tuple[Kind, pl.DataFrame]] = [
        ("duplicate_step", steps.filter("same").drop("times")),
        *([("missing_step", steps.filter(pl.col("times") > 0))] if is_whole else ()),
        ("step_backwards", _steps_backwards(steps)),
        ("end_backwards", _ends_backwards(frame)),
    ]
    found = [each for kind, rows in faults for each in _finding(kind, rows.filter(is_shown))]
    return [*_unjoinable(of.filter(IS_STEP)), *found, *_events(of)]


def _finding(kind: Kind, faults: pl.DataFrame, name: str = "") -> Iterator[Finding]:
    if faults.height:
        times = faults["times"].sum() if "times" in faults.columns else faults.height
        yield Finding(kind, name, int(times), faults.select(_FIRST).item())


_FIRST: Final = pl.col("row").filter(pl.col("file") == pl.col("file").min()).min()
"""Key of the first record of the first file: compressed files are read last."""


def _unjoinable(ours: pl.DataFrame) -> Iterator[Finding]:
    for name in JOINING:
        yield from _finding("unjoinable", ours.filter(pl.col(name).is_null()), name)


def _in_order(ours: pl.DataFrame, running: Sequence[RunningStep]) -> pl.DataFrame:
    """Return the steps by trace and number, compared with the one before.

    `times` is the number of steps missing between, `same` whether their numbers are equal.
    """
    steps = (
        ours.filter(pl.col("trace_id").is_not_null() & (pl.col("step") >= 0))
        .select("trace_id", "step", "ts", "file", "row", begun=0)
        .sort("trace_id", "step", "file", "row")
    )
    if running:
        steps = _with_begun(steps, running)
    before = pl.col("step").shift().over("trace_id")
    begun = pl.col("begun") - pl.col("begun").shift().over("trace_id").fill_null(0)
    times = pl.col("step") - before.fill_null(-1) - 1 - begun
    return steps.with_columns(same=pl.col("step") == before, times=times)


def _with_begun(steps: pl.DataFrame, running: Sequence[RunningStep]) -> pl.DataFrame:
    """Return steps in order; `begun` counts earlier ones without a record."""
    key = ["trace_id", "step"]
    rows = {(each.trace_id, each.step) for each in running if each.step is not None}
    without_record = pl.DataFrame(
        list(rows), {name: COLUMNS[name] for name in key}, orient="row"
    ).filter(pl.col("step") >= 0)
    alone = without_record.join(steps, on=key, how="anti").with_columns(begun=1)
    both = pl.concat([steps, alone], how="diagonal_relaxed").sort(*key, "file", "row")
    counted = both.with_columns(pl.col("begun").cum_sum().over("trace_id"))
    return counted.filter(pl.col("row").is_not_null())


def _steps_backwards(steps: pl.DataFrame) -> pl.DataFrame:
    """Return the steps that began before the one before them."""
    timed = steps.filter(pl.col("ts").is_not_null()).drop("times")
    began = pl.col("ts").shift().over("trace_id")
    is_later = pl.col("step") > pl.col("step").shift().over("trace_id")
    return timed.filter(is_later & (pl.col("ts") < began))


def _ends_backwards(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the records that end too early, per file: several files are merged by ts."""
    end = pl.col("ts") + pl.duration(microseconds=pl.col("latency_ms").fill_null(0) * 1_000)
    ends = frame.select("file", "row", end=end).drop_nulls("end").sort("file", "row")
    return ends.filter(pl.col("end") < pl.col("end").shift().over("file") - BACKWARDS)


def _events(frame: pl.DataFrame) -> Iterator[Finding]:
    unknown = frame.filter(~IS_STEP).group_by(pl.col("event").cast(pl.String))
    counted = unknown.agg(pl.len(), _FIRST).sort("len", "row", descending=[True, False])
    for event, count, row in counted.iter_rows():
        yield Finding("unknown_event", event, count, row)
