"""New records among the calls of an Overview, ahead of the analysis of everything else."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from llmlog_tui.analysis.calls.call_rows import CallRows
from llmlog_tui.analysis.calls.cost import cost, priced, rates
from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.analysis.query.predicate import is_by_row, matching
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.tags import tag_types


def appended(
    overview: Overview, snapshot: Snapshot, before: Overview | None = None
) -> Overview | None:
    """Return an Overview with the new records, calls and costs of a later snapshot.

    Traces, alerts, other figures and baselines stay as they are; a run that was listed while its
    first steps were in flight, here or in the Overview shown `before`, stays listed until it is
    among the traces. None if an analysis is needed: other records have changed or there are new
    columns, or the filter depends on other records.
    """
    shown = overview.snapshot
    count = snapshot.counts.records - shown.counts.records
    if not _extends(shown, snapshot) or not is_by_row(overview.where or ""):
        return None
    if not count:
        return overview
    # Without expressions and concat() where there is another way: each wakes polars' threads.
    new = snapshot.frame.slice(max(0, snapshot.frame.height - count))
    if snapshot.dropped:
        new = new.filter(pl.col("row") >= shown.counts.records)
    unchanged = pl.Series("changed", [False]).new_from_index(0, new.height)
    rows = priced(new, rates(overview.rules)).hstack([unchanged])
    new_calls = shown_calls = CallRows.of(rows)
    if overview.where is not None:
        shown_calls = new_calls.with_keys(matching(new_calls, overview.where, may_lack_tags=True))
    at, keys = shown_calls.index["at"] + overview.frame.height, shown_calls.index["row"]
    index = overview.calls.index.vstack(pl.DataFrame([at, keys]))
    if snapshot.dropped:  # the Overview has records that have left the retention window
        snapshot = replace(snapshot, frame=shown.frame.vstack(new))
    frame = overview.frame.vstack(rows)
    return replace(
        overview,
        snapshot=snapshot,
        frame=frame,
        calls=CallRows(frame, index),
        cost=overview.cost.plus(cost(shown_calls)),
        newest=max(filter(None, (overview.newest, rows["ts"].max())), default=None),
        all_calls=overview.all_calls + new_calls.height,
        ended=_ended(overview, before or overview, snapshot, new),
    )


def _ended(
    overview: Overview, before: Overview, snapshot: Snapshot, new: pl.DataFrame
) -> tuple[RunningStep, ...]:
    """Return steps of listed runs with neither a trace nor another step in flight."""
    running = {step.trace_id for step in snapshot.running}
    listed = _begun(overview)
    if before is not overview:
        # Of those begun after the analysis, only the runs with a record since: others are gone.
        recorded = set(new["trace_id"].cast(pl.String).unique())
        since = _begun(before).items()
        listed |= {trace: step for trace, step in since if trace in recorded}
    return tuple(step for trace, step in listed.items() if trace not in running)


def _begun(overview: Overview) -> dict[str, RunningStep]:
    found = overview.in_flight
    return {run.trace_id: found.by_trace[run.trace_id][0] for run in found.started}


def _extends(shown: Snapshot, snapshot: Snapshot) -> bool:
    """Return whether a snapshot has all records shown, unchanged, and perhaps more."""
    return (
        shown.live_from is not None
        and shown.live_from == snapshot.live_from
        and shown.revision == snapshot.revision
        and snapshot.counts.records >= shown.counts.records
        and tag_types(shown.frame) == tag_types(snapshot.frame)
    )
