"""Everything the Overview shows, from one snapshot, in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from llmlog_tui.analysis import alerts as alerts_
from llmlog_tui.analysis import calls as calls_
from llmlog_tui.analysis import traces as traces_
from llmlog_tui.analysis.alerts import Alert
from llmlog_tui.analysis.calls import Usual, Verdict
from llmlog_tui.analysis.cost import Cost, cost, priced, rates
from llmlog_tui.analysis.fingerprints import with_changed
from llmlog_tui.analysis.kpis import Kpi, kpis
from llmlog_tui.analysis.rules import DEFAULT, Rules
from llmlog_tui.analysis.sql import narrowed
from llmlog_tui.analysis.why import why_slow
from llmlog_tui.log.schema import plain
from llmlog_tui.log.store import Snapshot


@dataclass(frozen=True, eq=False)
class Overview:
    """The answers for one snapshot.

    `where` is an SQL predicate (see sql.narrowed()) over model calls, None without one; `calls` are
    those for which it holds, of `all_calls`, and verdict, cost and kpis are theirs; `traces` are
    those with such a call. What is usual, slow or an alert does not depend on it.

    `frame` is its frame with `changed` (a fingerprint, see fingerprints.with_changed) and costs
    (see cost.priced), `calls` is calls.model_calls() of that, `traces` is traces.traces(), `cost`
    that of all calls; a call is slow over
    `slow_ms`, and among the worst over `worst_ms`, the p95 of all calls (None without latencies).
    `newest` is the latest start of a record. While the log is loading there are no alerts: they
    depend on the order of all records.
    """

    snapshot: Snapshot
    frame: pl.DataFrame
    calls: pl.DataFrame
    traces: pl.DataFrame
    usual: dict[str | None, Usual]
    verdict: Verdict
    cost: Cost
    alerts: tuple[Alert, ...]
    slow_ms: float
    worst_ms: float | None
    newest: datetime | None
    kpis: tuple[Kpi, ...]
    all_calls: int
    where: str | None = None
    watched_by: Rules = DEFAULT

    def call_rows(
        self, start: int, stop: int, order: pl.Series | None = None
    ) -> list[dict[str, Any]]:
        """Calls `start` up to `stop`, in `order` if they have one, with what is remarkable of each.

        That is `failed`, `truncated`, `retried`, `slow`, `worst` and `why` (see why.why_slow).
        """
        if order is None:
            rows = self.calls.slice(start, stop - start).to_dicts()
        else:
            rows = self.calls[order.slice(start, stop - start)].to_dicts()
        for row in rows:
            latency = row["latency_ms"]
            row["failed"] = row["status"] == "error"
            row["truncated"] = row["finish_reason"] == "length"
            row["retried"] = bool(row["retries"])
            row["slow"] = latency is not None and latency > self.slow_ms
            row["worst"] = row["slow"] and self.worst_ms is not None and latency > self.worst_ms
            row["why"] = why_slow(row, self.usual.get(row["model"]), self.slow_ms)
        return rows

    def trace_rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Traces `start` up to `stop`, as traces.traces() has them."""
        return self.traces.slice(start, stop - start).to_dicts()

    @property
    def ongoing(self) -> int:
        """How many alerts are not cleared."""
        return sum(alert.state == "ongoing" for alert in self.alerts)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that watch the log."""
        return alerts_.watching(self.watched_by)

    @property
    def newest_trace(self) -> str | None:
        """The trace that began last; None without any."""
        return str(self.traces["trace_id"][-1]) if self.traces.height else None

    def trace_like(self, wanted: str) -> str | None:
        """The trace with this id, else the last one whose id begins so."""
        ids = self.traces["trace_id"]
        if ids.index_of(wanted) is not None:
            return wanted
        begins = ids.filter(ids.str.starts_with(wanted))
        return str(begins[-1]) if len(begins) else None

    def place(self, row: int) -> tuple[str, int, int]:
        """Where the record with this key stands: path of its file, block, line in the block."""
        record = self.snapshot.frame[_position(self.snapshot.frame, row)]
        file, block, line = record.select("file", "block", "line").row(0)
        return str(self.snapshot.files[file]), block, line

    def record(self, row: int) -> dict[str, Any]:
        """The record with this key, as `frame` has it."""
        return plain(self.frame[_position(self.frame, row)]).row(0, named=True)

    def trace_of(self, row: object) -> str | None:
        """The trace_id of the record with this key."""
        trace = self.frame["trace_id"][_position(self.frame, row)]
        return None if trace is None else str(trace)

    def has(self, row: int) -> bool:
        """Whether there is a record with this key."""
        return self.frame["row"].index_of(row) is not None

    def lets_through(self, row: int) -> bool:
        """Whether `where` leaves the record with this key, or its trace, to be seen."""
        if self.where is None:
            return True
        trace = self.trace_of(row)
        if trace is not None:
            return self.traces["trace_id"].index_of(trace) is not None
        return self.calls["row"].index_of(row) is not None

    def last_call_of(self, trace_id: str) -> int | None:
        """The key of the last call of a trace; None if it made none."""
        rows = self.calls.filter(pl.col("trace_id") == trace_id)["row"]
        return int(rows[-1]) if len(rows) else None

    def next_failed(self, row: object, direction: int) -> int | None:
        """The key of the next failed call behind the one with key `row`, or with -1 before it."""
        failed = self.calls.select(calls_.FAILED.arg_true().cast(pl.Int64)).to_series()
        here = -1 if row is None else _position(self.calls, row)
        found = failed.filter(failed > here) if direction > 0 else failed.filter(failed < here)
        if not len(found):
            return None
        return int(self.calls["row"][int(found[0 if direction > 0 else -1])])


def _position(frame: pl.DataFrame, row: object) -> int:
    """Where the record with this key stands in a frame."""
    position = frame["row"].index_of(row)
    if position is None:
        raise KeyError(row)
    return position


def overview(
    snapshot: Snapshot, slow_ms: float, rules: Rules = DEFAULT, where: str | None = None
) -> Overview:
    """Answer for `snapshot`, calling slow what took longer than `slow_ms`, watched by `rules`.

    Only for calls for which the predicate `where` holds, if there is one; raises sql.QueryError.
    """
    frame = priced(with_changed(snapshot.frame), rates(rules))
    everything = calls_.model_calls(frame)
    traces, calls = traces_.traces(frame), everything
    if where is not None:
        calls = narrowed(everything, where)
        traces = traces.filter(pl.col("trace_id").is_in(calls["trace_id"].unique().implode()))
    return Overview(
        snapshot=snapshot,
        frame=frame,
        calls=calls,
        traces=traces,
        usual=calls_.usual(everything),
        verdict=calls_.verdict(calls, slow_ms),
        cost=cost(calls),
        alerts=() if snapshot.is_loading else tuple(alerts_.alerts(everything, rules)),
        slow_ms=slow_ms,
        worst_ms=everything["latency_ms"].quantile(0.95, interpolation="linear"),
        newest=snapshot.frame.select(pl.col("ts").max()).item(),
        kpis=kpis(calls),
        all_calls=everything.height,
        where=where,
        watched_by=rules,
    )
