"""Everything the Overview shows, from one snapshot, in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import enabled_rules
from llmlog_tui.analysis.alerts.proximity import Proximity, nearest_rule
from llmlog_tui.analysis.calls.calls import FAILED, Baseline, SlowSummary
from llmlog_tui.analysis.calls.cost import Cost
from llmlog_tui.analysis.calls.slow_reason import slow_reason
from llmlog_tui.analysis.live.incremental import FilteredState, LogState
from llmlog_tui.analysis.reports.kpis import Kpi
from llmlog_tui.analysis.traces.sessions import Sessions, sessions
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import IS_CALL, IS_STEP, decategorize
from llmlog_tui.log.store import Snapshot

_NEAR: Final = 1_024
_FURTHER: Final = 8
"""A trace's steps are looked for among so many records, then among so many times as many."""


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
    usual: dict[str | None, Baseline]
    verdict: SlowSummary
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
            row["why"] = slow_reason(row, self.usual.get(row["model"]), self.slow_ms)
        return rows

    def trace_rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Traces `start` up to `stop`, as traces.traces() has them."""
        return self.traces.slice(start, stop - start).to_dicts()

    @cached_property
    def sessions(self) -> Sessions:
        """Its traces by session."""
        return sessions(self.traces)

    @property
    def ongoing(self) -> int:
        """How many alerts are not cleared."""
        return sum(alert.state == "ongoing" for alert in self.alerts)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that watch the log."""
        return enabled_rules(self.watched_by)

    @cached_property
    def closest(self) -> Proximity | None:
        """The rule that is nearest to an alert, whatever is shown."""
        calls = self.calls if self.where is None else self.frame.filter(IS_CALL)
        return nearest_rule(calls, self.watched_by)

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
        return decategorize(self.frame[_position(self.frame, row)]).row(0, named=True)

    def trace_of(self, row: object) -> str | None:
        """The trace_id of the record with this key."""
        trace = self.frame["trace_id"][_position(self.frame, row)]
        return None if trace is None else str(trace)

    def steps_of(self, trace_id: str) -> pl.DataFrame:
        """The records of a trace that are steps, as `frame` has them; none if it is unknown.

        Of a trace that is shown they are looked for from the first to the last, not in all records.
        """
        is_newest = trace_id == self.newest_trace
        at = self.traces.height - 1 if is_newest else self.traces["trace_id"].index_of(trace_id)
        of_trace = pl.col("trace_id") == trace_id
        if at is None:
            return self.frame.filter(of_trace).filter(IS_STEP)
        first, steps = self.traces["at"][at], self.traces["steps"][at]
        rows, found = _NEAR, self.frame.slice(first, _NEAR).filter(of_trace).filter(IS_STEP)
        while found.height < steps:
            rows *= _FURTHER
            found = self.frame.slice(first, rows).filter(of_trace).filter(IS_STEP)
        return found

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
        """The key of the next failed call behind the record with key `row`, or with -1 before it.

        That may be a tool's, or a call that `where` hides; one that was let go of is before all.
        """
        failed = self.calls.select(FAILED.arg_true().cast(pl.Int64)).to_series()
        here = -1 if row is None else self._among_calls(row)
        found = failed.filter(failed > here) if direction > 0 else failed.filter(failed < here)
        if not len(found):
            return None
        return int(self.calls["row"][int(found[0 if direction > 0 else -1])])

    def _among_calls(self, row: object) -> float:
        """The place of a record among `calls`; of one that is none of them, between two."""
        place = self.calls["row"].index_of(row)
        if place is not None:
            return place
        at = self.frame["row"].index_of(row) or 0
        before = self.calls["row"].is_in(self.frame["row"][:at].implode())
        return len(before.arg_true()) - 0.5


def _position(frame: pl.DataFrame, row: object) -> int:
    """Where the record with this key stands in a frame."""
    rows = frame["row"]
    if isinstance(row, int) and frame.height:
        # Keys count up in most logs, but for the newest block of a big one: no need to search.
        for place in (row - rows[0], frame.height - 1 - (rows[-1] - row)):
            if 0 <= place < frame.height and rows[place] == row:
                return int(place)
    position = rows.index_of(row)
    if position is None:
        raise KeyError(row)
    return position


class IncrementalAnalyzer:
    """Overviews of one snapshot after the other; belongs to one thread.

    Each is what overview() says of its snapshot, but of what a log was before it grew nothing is
    worked out again. Two things may lag behind: the courses of kpis, by 1% of the calls (see
    kpis.Figures); and records that have left the window that is kept, which are let go of many at
    a time (see growing.LEFT_BEHIND), so the Overview's snapshot may have more than the one that was
    asked about. Everything starts over while a log is loading; what is shown does, too, for a
    predicate that compares a record with others (see sql.is_by_row).
    """

    def __init__(self, slow_ms: float, rules: Rules = DEFAULT) -> None:
        self._slow_ms = slow_ms
        self._rules = rules
        self._log: LogState | None = None
        self._shown: FilteredState | None = None
        self._last: tuple[Snapshot, Overview] | None = None

    def overview(self, snapshot: Snapshot, where: str | None = None) -> Overview:
        """The answers for `snapshot`; raises sql.QueryError."""
        if self._last is None or self._last[0] is not snapshot or self._last[1].where != where:
            self._last = snapshot, self._answer(snapshot, where)
        return self._last[1]

    def _answer(self, snapshot: Snapshot, where: str | None) -> Overview:
        log, shown, news = self._log, self._shown, None
        self._log = self._shown = None  # whatever is raised, nothing goes on half-way
        if log is None or not log.is_of(snapshot):
            news = None if log is None else log.grow(snapshot)
            log = log if log is not None and news is not None else LogState(snapshot, self._rules)
        self._log = log
        if shown is None or news is None or shown.where != where or not shown.may_grow:
            shown = FilteredState(log.records, where, self._slow_ms)
        else:
            shown.add(log.records, news)
        self._shown = shown
        return Overview(
            snapshot=log.snapshot,
            frame=log.records.frame,
            calls=shown.calls,
            traces=shown.traces,
            usual=log.usuals.by_model,
            verdict=shown.verdict,
            cost=shown.cost,
            alerts=log.alerts,
            slow_ms=self._slow_ms,
            worst_ms=log.usuals.worst_ms,
            newest=log.newest,
            kpis=shown.kpis,
            all_calls=log.records.calls.height,
            where=where,
            watched_by=self._rules,
        )


def overview(
    snapshot: Snapshot, slow_ms: float, rules: Rules = DEFAULT, where: str | None = None
) -> Overview:
    """Answer for `snapshot`, calling slow what took longer than `slow_ms`, watched by `rules`.

    Only for calls for which the predicate `where` holds, if there is one; raises sql.QueryError.
    """
    return IncrementalAnalyzer(slow_ms, rules).overview(snapshot, where)
