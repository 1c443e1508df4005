"""Calls and tools in flight, by trace: they have begun, without a record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from llmlog_tui.analysis.traces.running_steps import begin_of, name_of, requested_models, session_of
from llmlog_tui.log.starts import RunningStep

_MAX_RUNS: Final = 200
"""Maximum runs without a record that the dashboard lists, the newest."""


@dataclass(frozen=True)
class StartedRun:
    """A run without a record yet; it is listed before the trace at index `at`."""

    trace_id: str
    at: int


@dataclass(frozen=True)
class InFlight:
    """Steps without a record by trace_id, and the runs of such steps alone."""

    by_trace: Mapping[str, tuple[RunningStep, ...]]
    started: tuple[StartedRun, ...]


NOTHING: Final = InFlight({}, ())


def of_trace(steps: Sequence[RunningStep], trace_id: str) -> tuple[RunningStep, ...]:
    """Return the steps of one trace."""
    return tuple(step for step in steps if step.trace_id == trace_id)


def in_flight(
    steps: Sequence[RunningStep],
    traces: pl.DataFrame,
    now: datetime | None = None,
    limit: int = _MAX_RUNS,
) -> InFlight:
    """Return the steps in flight beside traces(), with `limit` runs without a record, the newest.

    A run that never ended is listed among the traces by its time, one in flight after them.
    """
    if not steps:
        return NOTHING
    now = now or datetime.now(UTC)
    of_trace: dict[str, list[RunningStep]] = defaultdict(list)
    for step in steps:
        if step.trace_id is not None:
            of_trace[step.trace_id].append(step)
    ids = pl.Series(list(of_trace), dtype=pl.String)
    unknown = ids.filter(~ids.is_in(traces["trace_id"].implode())).tail(limit).to_list()
    times = traces["ts"].drop_nulls().sort() if unknown else traces["ts"]
    started = []
    for trace_id in unknown:
        begun, is_gone = of_trace[trace_id][0].ts, all(s.is_gone(now) for s in of_trace[trace_id])
        at = traces.height
        if is_gone and begun is not None and times.len() == traces.height:
            at = int(times.search_sorted(begun, side="right"))
        started.append(StartedRun(trace_id, at))
    by_trace = {trace_id: tuple(found) for trace_id, found in of_trace.items()}
    return InFlight(by_trace, tuple(sorted(started, key=lambda run: run.at)))


def with_started(traces: pl.DataFrame, steps: Sequence[RunningStep]) -> pl.DataFrame:
    """Return traces() and, among them, the runs without a record: figures are 0 or null."""
    found = in_flight(steps, traces, limit=len(steps))
    if not found.started:
        return traces
    rows = [_without_figures(found.by_trace[run.trace_id]) for run in found.started]
    begun = pl.DataFrame(rows, schema={name: traces.schema[name] for name in rows[0]})
    places = [*range(traces.height), *(run.at - 0.5 for run in found.started)]
    return (
        pl.concat([traces, begun], how="diagonal")
        .with_columns(place=pl.Series(places, dtype=pl.Float64))
        .sort("place", maintain_order=True)
        .drop("place")
    )


_FLAGS: Final = ("failed", "truncated", "cut_off", "retried", "changed")


def _without_figures(steps: Sequence[RunningStep]) -> dict[str, Any]:
    """Return a row of traces() for a run that has these steps only."""
    return {
        "trace_id": steps[0].trace_id,
        "session_id": session_of(steps),
        "ts": begin_of(steps),
        "steps": 0,
        "unpriced_calls": 0,
        **dict.fromkeys(_FLAGS, False),
        "models": requested_models(steps),
        "trace_name": name_of(steps),
        "name": next((step.tool_name for step in steps if step.tool_name), None),
    }
