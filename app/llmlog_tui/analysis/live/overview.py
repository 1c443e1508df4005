"""The Overview: all answers for one snapshot, as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts import engine
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.calls.call_rows import CallRows
from llmlog_tui.analysis.calls.calls import FAILED, Baseline, SlowSummary, slow
from llmlog_tui.analysis.calls.cost import Cost
from llmlog_tui.analysis.calls.detail import Detail, detail
from llmlog_tui.analysis.calls.kpis import Kpi
from llmlog_tui.analysis.calls.lookup import IdMatch, NoIdError, find_by_id
from llmlog_tui.analysis.calls.slow_reason import slow_reason
from llmlog_tui.analysis.calls.truncation import CUT_OFF, is_cut_off
from llmlog_tui.analysis.live.incremental import FilteredState, LogState
from llmlog_tui.analysis.numeric.last_result import LastResult
from llmlog_tui.analysis.traces.in_flight import InFlight, in_flight, of_trace
from llmlog_tui.analysis.traces.replay import CallKind, Replay, replay
from llmlog_tui.analysis.traces.sessions import Sessions, sessions
from llmlog_tui.analysis.traces.timeline import LastTimeline, Timeline, timeline
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.log.schema import IS_STEP, decategorize
from llmlog_tui.log.sources import url_of
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.tags import tag_types
from llmlog_tui.server.metrics import NO_METRICS, ServerMetrics, ServerMoment

_KINDS: Final[dict[CallKind, pl.Expr]] = {"failed": FAILED, "cut-off": CUT_OFF}
"""Kind of a call -> predicate, if independent of the slow-call threshold."""

_SEARCH_RECORDS: Final = 1_024
_SEARCH_GROWTH: Final = 8
"""Initial search range for a trace's steps, in records, and its growth factor."""


@dataclass(frozen=True, eq=False)
class LastTrace:
    """Caches of the last timeline and the last replay, shared by successive Overviews."""

    timeline: LastTimeline = field(default_factory=LastTimeline)
    replay: LastResult[Replay] = field(default_factory=LastResult)


@dataclass(frozen=True, eq=False)
class Overview:
    """The answers for one snapshot.

    `where` is a predicate (see predicate.filter_records) over model calls, None without one.
    `calls` are the matching ones, out of `all_calls`; slow_summary, cost and kpis are over them,
    and `traces` are the traces with such a call. Baselines, slow calls and alerts ignore the
    filter.

    `frame` is that of the snapshot with `changed` (see fingerprints.with_changed) and costs (see
    cost.priced); `calls` are its model calls, `traces` its traces.traces(). A call is slow
    over `slow_ms`, and one of the worst over `worst_ms`, the p95 of all calls (None without
    latencies). `newest` is the latest start of a record. While the log is loading there are no
    alerts: they depend on the order of all records. `server` has the samples of servers' metrics.
    `ended` are steps of runs that have no other in flight and are not among `traces` yet.
    """

    snapshot: Snapshot
    frame: pl.DataFrame
    calls: CallRows
    traces: pl.DataFrame
    baselines: dict[str | None, Baseline]
    slow_summary: SlowSummary
    cost: Cost
    alerts: tuple[Alert, ...]
    slow_ms: float
    worst_ms: float | None
    newest: datetime | None
    kpis: tuple[Kpi, ...]
    all_calls: int
    where: str | None = None
    rules: Rules = DEFAULT
    last_trace: LastTrace = field(default_factory=LastTrace)
    server: ServerMetrics = NO_METRICS
    ended: tuple[RunningStep, ...] = ()

    def has_only_more_calls_than(self, other: Overview) -> bool:
        """Return whether the calls are those of `other`, equally flagged, and perhaps more."""
        # Each full analysis makes new baselines; appending calls keeps them.
        return (
            self.baselines is other.baselines
            and self.where == other.where
            and self.server is other.server
            and _local_day(self.newest) == _local_day(other.newest)
        )

    def call_rows(
        self, start: int, stop: int, order: pl.Series | None = None
    ) -> list[dict[str, Any]]:
        """Return calls `start` up to `stop`, in `order` if given, with their flags.

        The flags: `failed`, `cut_off`, `retried`, `slow`, `worst`, and `why`, the slow_reason().
        """
        if order is None:
            rows = self.calls.slice(start, stop - start).frame().to_dicts()
        else:
            rows = self.calls.gather(order.slice(start, stop - start)).to_dicts()
        for row in rows:
            latency = row["latency_ms"]
            row["failed"] = row["status"] == "error"
            row["cut_off"] = is_cut_off(row)
            row["retried"] = bool(row["retries"])
            row["slow"] = latency is not None and latency > self.slow_ms
            row["worst"] = row["slow"] and self.worst_ms is not None and latency > self.worst_ms
            server = self._server_moment(row) if row["slow"] else None
            row["why"] = slow_reason(row, self.baselines.get(row["model"]), self.slow_ms, server)
        return rows

    def _server_moment(self, row: Mapping[str, Any]) -> ServerMoment | None:
        return self.server.moment(row["provider"], row["ts"], row["latency_ms"])

    def trace_rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        return self.traces.slice(start, stop - start).to_dicts()

    @cached_property
    def tags(self) -> dict[str, pl.DataType]:
        """The tag columns of the log, with their dtypes."""
        return tag_types(self.snapshot.frame)

    @cached_property
    def in_flight(self) -> InFlight:
        """The steps in flight; a run that has only such matches no filter."""
        found = in_flight((*self.ended, *self.snapshot.running), self.traces)
        return found if self.where is None else replace(found, started=())

    def steps_in_flight(self, trace_id: str) -> tuple[RunningStep, ...]:
        """Return the steps of a run that have begun and not ended."""
        return of_trace(self.snapshot.running, trace_id)

    @property
    def run_count(self) -> int:
        """The number of listed runs: of traces, and of runs without a record."""
        return self.traces.height + len(self.in_flight.started)

    @property
    def last_run(self) -> str | None:
        """The last run, which may have no record yet; None without runs."""
        started = self.in_flight.started
        if started and started[-1].at == self.traces.height:
            return started[-1].trace_id
        return self.newest_trace

    @cached_property
    def sessions(self) -> Sessions:
        return sessions(self.traces, self.in_flight)

    @property
    def ongoing(self) -> int:
        return sum(alert.state == "ongoing" for alert in self.alerts)

    @property
    def enabled_rules(self) -> tuple[str, ...]:
        return engine.enabled_rules(self.rules)

    def explain(self, rule: str) -> str:
        return engine.explain(rule, self.rules)

    def calls_before(self, alert: Alert) -> str:
        return engine.calls_before(alert, self.frame)

    def calls_since(self, alert: Alert) -> str:
        return engine.calls_since(alert, self.frame)

    @cached_property
    def nearest_rule(self) -> engine.Proximity | None:
        """The rule closest to an alert, over all calls, whatever the filter."""
        calls = self.calls if self.where is None else CallRows.of(self.frame)
        return engine.nearest_rule(calls, self.rules)

    @property
    def newest_trace(self) -> str | None:
        """The trace that started last; None without traces."""
        return str(self.traces["trace_id"][-1]) if self.traces.height else None

    def find_trace(self, wanted: str) -> str | None:
        """Return the trace with this id, else the last one with this prefix.

        Their case is ignored if none is as written.
        """
        started = [run.trace_id for run in self.in_flight.started]
        ids = self.traces["trace_id"].cast(pl.String).extend(pl.Series(started, dtype=pl.String))
        if ids.index_of(wanted) is not None:
            return wanted
        for is_caseless in (False, True):
            match = IdMatch(wanted, is_prefix=True, is_caseless=is_caseless)
            found = ids.to_frame("id").filter(match.expr(pl.col("id")))["id"]
            if len(found):
                return str(found[-1])
        return None

    def find_begun(self, wanted: str) -> str | None:
        """Return the run of the newest step in flight with this id, else this prefix."""
        try:
            _, steps = find_by_id(self.snapshot.frame.clear(), wanted, self.snapshot.running)
        except NoIdError:
            return None
        return steps[-1].trace_id

    def location(self, row: int) -> RecordLocation:
        record = self.snapshot.frame[_index_of(self.snapshot.frame, row)]
        file, block, line = record.select("file", "block", "line").row(0)
        path = self.snapshot.files[file]
        return RecordLocation(url_of(path) or str(path), block, line, row)

    def row_of(self, row: int) -> pl.DataFrame:
        """Return the frame's row of the record with this key."""
        return self.frame[_index_of(self.frame, row)]

    def record(self, row: int) -> dict[str, Any]:
        return decategorize(self.row_of(row)).row(0, named=True)

    def detail(self, row: int) -> Detail:
        """Return the detail of the record with this key."""
        record = self.record(row)
        baseline, server = self.baselines.get(record["model"]), self._server_moment(record)
        trace_id = record["trace_id"]
        most = None if trace_id is None else self._most_tokens(trace_id)
        return detail(record, baseline, self.slow_ms, server, most)

    def _most_tokens(self, trace_id: str) -> int | None:
        """Return the most tokens in or out of one call of a trace."""
        steps = self.steps_of(trace_id)
        sums = steps.select(pl.col("prompt_tokens", "completion_tokens").max()).row(0)
        return max((int(tokens) for tokens in sums if tokens is not None), default=None)

    def trace_of(self, row: object) -> str | None:
        """Return the trace of a record; None without one, and for an evicted record."""
        try:
            trace = self.frame["trace_id"][_index_of(self.frame, row)]
        except KeyError:
            return None
        return None if trace is None else str(trace)

    def steps_of(self, trace_id: str) -> pl.DataFrame:
        """Return the steps of a trace, as in `frame`; none if it is unknown."""
        # A visible trace is searched from its first record on, in growing ranges, not in all of
        # the log.
        is_newest = trace_id == self.newest_trace
        at = self.traces.height - 1 if is_newest else self.traces["trace_id"].index_of(trace_id)
        of_trace = pl.col("trace_id") == trace_id
        if at is None:
            return self.frame.filter(of_trace).filter(IS_STEP)
        first, steps = self.traces["at"][at], self.traces["steps"][at]
        rows, found = (
            _SEARCH_RECORDS,
            self.frame.slice(first, _SEARCH_RECORDS).filter(of_trace).filter(IS_STEP),
        )
        while found.height < steps:
            rows *= _SEARCH_GROWTH
            found = self.frame.slice(first, rows).filter(of_trace).filter(IS_STEP)
        return found

    def timeline(self, trace_id: str) -> Timeline:
        steps = self.steps_of(trace_id)
        return timeline(steps, trace_id, self.slow_ms, self.last_trace.timeline)

    def replay(self, trace_id: str) -> tuple[Timeline, Replay]:
        steps = self.steps_of(trace_id)
        run = timeline(steps, trace_id, self.slow_ms, self.last_trace.timeline)
        return run, replay(steps, run, self.last_trace.replay)

    def has(self, row: object) -> bool:
        """Return whether the record with this key is there, not evicted."""
        return self.frame["row"].index_of(row) is not None

    def matches_filter(self, row: int) -> bool:
        """Return whether the record with this key, or its trace, passes the filter."""
        if self.where is None:
            return True
        trace = self.trace_of(row)
        if trace is not None:
            return self.traces["trace_id"].index_of(trace) is not None
        return self.calls["row"].index_of(row) is not None

    def last_call_of(self, trace_id: str) -> int | None:
        of_trace = pl.col("trace_id") == trace_id
        rows = self.calls.select(pl.col("row").filter(of_trace)).to_series()
        return int(rows[-1]) if len(rows) else None

    def next_call(self, kind: CallKind, row: object, direction: int) -> int | None:
        """Return the next call of a kind after `row`, before with direction -1.

        The call and `row` are keys. `row` may be any record, also one outside the filter; an
        evicted one is before all.
        """
        holds = slow(self.slow_ms) if kind == "slow" else _KINDS[kind]
        calls = self.calls.select(holds.arg_true().cast(pl.Int64)).to_series()
        here = -1 if row is None else self._call_index(row)
        found = calls.filter(calls > here) if direction > 0 else calls.filter(calls < here)
        if not len(found):
            return None
        return int(self.calls["row"][int(found[0 if direction > 0 else -1])])

    def _call_index(self, row: object) -> float:
        """Return the index of a record in `calls`, between two if absent."""
        index = self.calls["row"].index_of(row)
        if index is not None:
            return index
        at = self.frame["row"].index_of(row) or 0
        before = self.calls["row"].is_in(self.frame["row"][:at].implode())
        return len(before.arg_true()) - 0.5


def _local_day(when: datetime | None) -> date | None:
    return None if when is None else humanize.local(when).date()


def _index_of(frame: pl.DataFrame, row: object) -> int:
    rows = frame["row"]
    if isinstance(row, int) and frame.height:
        # Keys ascend without gaps, except around the newest block of a big log: no search needed.
        for index in (row - rows[0], frame.height - 1 - (rows[-1] - row)):
            if 0 <= index < frame.height and rows[index] == row:
                return int(index)
    position = rows.index_of(row)
    if position is None:
        raise KeyError(row)
    return position


class IncrementalAnalyzer:
    """Computes the Overviews of successive snapshots; owned by one thread.

    Each is that of overview(), but the cost follows the new records. Two things may lag: the series
    of kpis, by 1% of the calls (see kpis.KpiState), and records that have left the retention
    window, which are dropped in batches (see incremental.COMPACT_AT), so that the Overview's
    snapshot may have more records than the given one. Everything is computed again while a log is
    loading; so are filtered calls for a predicate with aggregates (see predicate.is_by_row).
    """

    def __init__(self, slow_ms: float, rules: Rules = DEFAULT) -> None:
        self._slow_ms = slow_ms
        self._rules = rules
        self._log: LogState | None = None
        self._filtered: FilteredState | None = None
        self._last: tuple[Snapshot, Overview] | None = None
        self._last_trace = LastTrace()

    def overview(self, snapshot: Snapshot, where: str | None = None) -> Overview:
        """Return the Overview of `snapshot`; raises QueryError."""
        if self._last is None or self._last[0] is not snapshot or self._last[1].where != where:
            self._last = snapshot, self._analyze(snapshot, where)
        return self._last[1]

    def _analyze(self, snapshot: Snapshot, where: str | None) -> Overview:
        log, filtered, delta = self._log, self._filtered, None
        self._log = self._filtered = None  # an exception must not leave half-updated state
        if log is None or not log.covers(snapshot):
            delta = None if log is None else log.advance(snapshot)
            log = log if log is not None and delta is not None else LogState(snapshot, self._rules)
        self._log = log
        if (
            filtered is None
            or delta is None
            or filtered.where != where
            or not filtered.is_incremental
        ):
            filtered = FilteredState(log.records, where, self._slow_ms)
        else:
            filtered.add(log.records, delta)
        self._filtered = filtered
        return Overview(
            snapshot=log.snapshot,
            frame=log.records.frame,
            calls=filtered.calls,
            traces=filtered.traces,
            baselines=log.baselines.by_model,
            slow_summary=filtered.slow_summary,
            cost=filtered.cost,
            alerts=log.alerts,
            slow_ms=self._slow_ms,
            worst_ms=log.baselines.worst_ms,
            newest=log.newest,
            kpis=filtered.kpis,
            all_calls=log.records.calls.height,
            where=where,
            rules=self._rules,
            last_trace=self._last_trace,
        )


def overview(
    snapshot: Snapshot, slow_ms: float, rules: Rules = DEFAULT, where: str | None = None
) -> Overview:
    """Return the Overview of one snapshot, filtered by the predicate `where`.

    A call is slow over `slow_ms`; `rules` raise alerts. Raises QueryError.
    """
    return IncrementalAnalyzer(slow_ms, rules).overview(snapshot, where)
