"""Group traces by session, with totals, and lay them out as a tree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.analysis.traces.in_flight import NOTHING, InFlight

_FLAGS: Final = ("failed", "truncated", "cut_off", "retried", "changed")


@dataclass(frozen=True, eq=False)
class Sessions:
    """The traces of a frame (traces.traces()) by session, that of the newest trace last.

    Runs without a record follow the frame's traces: `begun` are their ids, by index from its end.
    `frame` has one row per session: session_id (null: traces without one), traces (their number,
    with such runs), ts (earliest start), time_ms (to the latest end; without ts the sum), steps,
    tokens, cost_usd, saved_usd, unpriced_calls, failed, truncated, cut_off, retried, changed,
    models (in order of first use), first (index in `order` of its first trace). `order` has the
    indexes of all traces, by session, within a session in their own order.
    """

    frame: pl.DataFrame
    order: pl.Series
    begun: tuple[str, ...] = ()

    def tree(self, folded: Collection[str | None] = ()) -> Tree:
        """Return the tree in which the sessions with these ids are collapsed."""
        is_folded = pl.col("session_id").is_in(list(folded), nulls_equal=True)
        below = pl.when(is_folded).then(0).otherwise("traces")
        rows = self.frame.select(below=below, start=(below + 1).cum_sum() - below - 1)
        return Tree(self, rows["start"], rows["below"])

    @cached_property
    def ranks(self) -> pl.Series:
        """By index of a trace, its index in `order`."""
        return self.order.arg_sort()


@dataclass(frozen=True, eq=False)
class Tree:
    """One heading per session, followed by its traces unless it is collapsed.

    By session: the row of its heading, `starts`, and the number of rows `below` it.
    """

    sessions: Sessions
    starts: pl.Series
    below: pl.Series

    def __len__(self) -> int:
        if not len(self.starts):
            return 0
        return int(self.starts[-1]) + int(self.below[-1]) + 1

    def at(self, row: int) -> tuple[int, int | None]:
        """Return (session, index of the trace) of a row; None for the heading itself."""
        session = _last_up_to(self.starts, row)
        nth = row - int(self.starts[session]) - 1
        if nth < 0:
            return session, None
        return session, int(self.sessions.order[int(self.sessions.frame["first"][session]) + nth])

    def between(self, start: int, stop: int) -> list[tuple[int, int | None]]:
        found: list[tuple[int, int | None]] = []
        if stop <= start:
            return found
        last = _last_up_to(self.starts, stop - 1)
        for session in range(_last_up_to(self.starts, start), last + 1):
            heading = int(self.starts[session])
            if heading >= start:
                found.append((session, None))
            since = max(start - heading - 1, 0)
            until = min(stop - heading - 1, int(self.below[session]))
            first = int(self.sessions.frame["first"][session]) + since
            traces = self.sessions.order.slice(first, max(0, until - since))
            found += [(session, trace) for trace in traces.to_list()]
        return found

    def session_of(self, trace: int) -> int:
        return _last_up_to(self.sessions.frame["first"], int(self.sessions.ranks[trace]))

    def row_of(self, trace: int) -> int | None:
        """Return the row of the trace with this index; None if its session is collapsed."""
        session = self.session_of(trace)
        if not self.below[session]:
            return None
        nth = int(self.sessions.ranks[trace]) - int(self.sessions.frame["first"][session])
        return int(self.starts[session]) + 1 + nth

    def newest_of(self, session: int) -> int:
        row: dict[str, Any] = self.sessions.frame.row(session, named=True)
        return int(self.sessions.order[row["first"] + row["traces"] - 1])


def _last_up_to(starts: pl.Series, value: int) -> int:
    """Return the index of the last of these ascending numbers that is at most `value`."""
    return int(starts.search_sorted(value, side="right")) - 1


def sessions(traces: pl.DataFrame, in_flight: InFlight = NOTHING) -> Sessions:
    """Group traces, and runs in flight without a record, by session."""
    indexed = _with_begun(traces, in_flight).with_columns(
        index=pl.int_range(pl.len(), dtype=pl.UInt32)
    )
    newest = pl.col("position").max().over("session_id")
    order = indexed.select(pl.col("index").sort_by(newest, "position")).to_series()
    end = pl.col("ts") + pl.duration(microseconds=pl.col("time_ms").fill_null(0) * 1_000)
    ts = pl.col("ts").filter(~pl.col("is_begun")).min()  # of records: what began is counted nowhere
    timed = (end.filter(~pl.col("is_begun")).max() - ts).dt.total_microseconds() / 1_000
    frame = (
        indexed.group_by("session_id")
        .agg(
            pl.coalesce(ts, pl.col("ts").min()),
            pl.col("steps", "saved_usd", "unpriced_calls").sum(),
            _known_sum("cost_usd"),
            count_sum(pl.col("tokens")),
            pl.col(*_FLAGS).any(),
            traces=pl.len(),
            time_ms=pl.coalesce(timed, _known_sum("time_ms")),
            models=pl.col("models").explode().drop_nulls().unique(maintain_order=True),
            newest=pl.col("position").max(),
        )
        .sort("newest")
        .drop("newest")
    )
    first = frame.select(pl.col("traces").cum_sum() - pl.col("traces")).to_series()
    begun = tuple(run.trace_id for run in in_flight.started)
    return Sessions(frame.with_columns(first=first), order, begun)


def _with_begun(traces: pl.DataFrame, in_flight: InFlight) -> pl.DataFrame:
    """Return the traces, then the runs without a record, with their `position` among them."""
    placed = traces.with_columns(
        position=pl.int_range(pl.len()).cast(pl.Float64), is_begun=pl.lit(value=False)
    )
    if not in_flight.started:
        return placed
    rows = [
        (run.trace_id, step.session_id, step.ts, run.at - 1 / (n + 2), True)
        for n, run in enumerate(in_flight.started)
        for step in in_flight.by_trace[run.trace_id][:1]
    ]
    names = ("trace_id", "session_id", "ts", "position", "is_begun")
    schema = {name: placed.schema[name] for name in names}
    begun = pl.DataFrame(rows, schema=schema, orient="row")
    return pl.concat([placed, begun], how="diagonal")


def _known_sum(name: str) -> pl.Expr:
    """Return the sum of the known values; null without any."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())
