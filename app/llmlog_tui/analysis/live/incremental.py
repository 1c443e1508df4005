"""Records, calls and traces of a growing log, updated from new records alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import AlertEngine
from llmlog_tui.analysis.calls.call_rows import CallRows, call_index
from llmlog_tui.analysis.calls.calls import SLOW_COLUMNS, Baselines, SlowSummary, count_slow
from llmlog_tui.analysis.calls.cost import COST_COLUMNS, cost, priced, rates
from llmlog_tui.analysis.calls.kpis import KPI_COLUMNS, Kpi, KpiState
from llmlog_tui.analysis.query.predicate import is_by_row, matching
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.traces import traces, traces_and_begins
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.chunked_frame import ChunkedFrame, hstack
from llmlog_tui.log.schema import IS_STEP
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.tags import tag_types

COMPACT_AT: Final = 16
"""Compact once 1/COMPACT_AT of the kept records have left the retention window."""

_MARKS: Final = ("cost_usd", "saved_usd", "changed")

_FIGURE_COLUMNS: Final = sorted(SLOW_COLUMNS | COST_COLUMNS | KPI_COLUMNS)
"""Columns that the figures over filtered calls are computed from."""


@dataclass(frozen=True, eq=False)
class Delta:
    """Result of RecordState.add(): new `calls`, and rows that may have changed.

    `traces` are the traces whose first record is at index `begin` or later.
    """

    calls: pl.DataFrame
    begin: int
    traces: pl.DataFrame


class RecordState:
    """A log's records with costs and `changed`, its calls and its traces.

    Adding records costs their number, plus the records since the start of the oldest trace among
    them.
    """

    def __init__(self, frame: pl.DataFrame, rules: Rules) -> None:
        self._rates = rates(rules)
        self.frame = with_changed(priced(frame, self._rates))
        self.calls = CallRows.of(self.frame)
        self.traces, self._begins = traces_and_begins(self.frame)
        self._parts: AppendState | None = None

    def traces_of(self, calls: CallRows) -> pl.DataFrame:
        """Return the traces that have one of these calls."""
        # By numbers: hashing the ids of all calls takes ten times longer.
        at = calls.index["at"]
        known = at.search_sorted(len(self._begins))
        begins = self._begins.gather(at.head(known)).drop_nulls()
        has_call = pl.Series([False]).new_from_index(0, self.frame.height)
        has_call = has_call.scatter(begins, values=True).gather(self.traces["at"])
        if known < calls.height:  # appended since
            later = calls.slice(known)["trace_id"]
            has_call |= self.traces["trace_id"].is_in(later.implode())
        return self.traces.filter(has_call)

    def add(self, frame: pl.DataFrame) -> Delta:
        parts = self._parts = self._parts or AppendState(self)
        old, old_calls = self.frame.height, self.calls.height
        rows = priced(frame.slice(old), self._rates).with_columns(changed=pl.lit(value=False))
        touched, begin = parts.begin(rows, old)
        since = self.frame.slice(begin)
        compared = _compared(since, rows, pl.col("trace_id").is_in(touched.implode()))
        tail = _marked(since, rows, compared)
        self.frame = parts.mark(frame, tail.select(_MARKS))
        self.calls = CallRows(self.frame, parts.calls.add(call_index(rows, old)))
        later = parts.trace(self.traces, compared, begin)
        self.traces = parts.traces.frame()
        return Delta(self.calls.slice(old_calls).frame(), begin, later)


class AppendState:
    """State for appending to records; `_begins` has the index of each trace's first record."""

    def __init__(self, records: RecordState) -> None:
        self._marks = ChunkedFrame([records.frame.select_seq(_MARKS)])
        self.calls = CallIndex(records.calls)
        self.traces = ChunkedFrame([records.traces])
        ids, indexes = (records.traces[name].to_list() for name in ("trace_id", "at"))
        self._begins: dict[str, int] = dict(zip(ids, indexes, strict=True))

    def begin(self, rows: pl.DataFrame, old: int) -> tuple[pl.Series, int]:
        """Return the traces with steps in new rows, after `old` others, and their first index."""
        steps = rows.with_row_index("at", old).filter(IS_STEP & pl.col("trace_id").is_not_null())
        first = steps.unique("trace_id", keep="first", maintain_order=True)
        begins = [self._begins.setdefault(*new) for new in first.select("trace_id", "at").rows()]
        return first["trace_id"], min(begins, default=old)

    def mark(self, frame: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
        self._marks.keep_first(frame.height - marks.height)
        self._marks.append(marks)
        return hstack(frame, self._marks)

    def trace(self, before: pl.DataFrame, touched: pl.DataFrame, begin: int) -> pl.DataFrame:
        """Recompute the traces of `touched` records; return all traces from index `begin` on."""
        fresh = traces(touched)
        at = pl.Series("at", [self._begins[trace] for trace in fresh["trace_id"]], pl.UInt32)
        first = before["at"].search_sorted(begin, side="left")
        kept = before.slice(first)
        kept = kept.filter(~pl.col("trace_id").is_in(fresh["trace_id"].implode()))
        later = pl.concat([kept, fresh.with_columns(at)]).sort("at")
        self.traces.keep_first(first)
        self.traces.append(later)
        return later


def _compared(since: pl.DataFrame, rows: pl.DataFrame, touches: pl.Expr) -> pl.DataFrame:
    """Recompute `changed` for the records of touched traces, old and new.

    `was_changed` is the previous value.
    """
    records = pl.concat([since.filter(touches), rows.filter(touches)])
    return with_changed(records.with_columns(was_changed="changed"))


def _marked(since: pl.DataFrame, rows: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Return the rows from the first with another `changed` on, and the new rows.

    Columns: row, and those of _MARKS.
    """
    other = compared["row"].filter(compared["changed"] != compared["was_changed"])
    first = since["row"].index_of(other[0]) if len(other) else None
    tail = pl.concat([since.slice(since.height if first is None else first), rows])
    changed = compared.filter("changed")["row"]
    kept = pl.col("changed") & ~pl.col("row").is_in(compared["row"].implode())
    return tail.select("row", *_MARKS).with_columns(
        changed=kept | pl.col("row").is_in(changed.implode())
    )


class CallIndex:
    """The index of a growing set of calls (see CallRows)."""

    def __init__(self, calls: CallRows) -> None:
        self._index = ChunkedFrame([calls.index])

    def add(self, new: pl.DataFrame) -> pl.DataFrame:
        """Append the rows of new calls, and return all."""
        self._index.append(new)
        return self._index.frame()


class FilteredState:
    """The calls that match `where`, their traces, and the figures over them."""

    def __init__(self, records: RecordState, where: str | None, slow_ms: float) -> None:
        self.where, self._slow_ms = where, slow_ms
        self.calls, self.traces = records.calls, records.traces
        if where is not None:
            keys = matching(records.calls, where, may_lack_tags=True)
            self.calls = records.calls.with_keys(keys)
            self.traces = records.traces_of(self.calls)
        copied = self.calls.select(_FIGURE_COLUMNS).rechunk()  # once for all figures
        self._slow_counts = count_slow(copied, slow_ms)
        self.cost = cost(copied)
        self._kpi_state = KpiState(copied)
        self._parts: tuple[CallIndex, ChunkedFrame] | None = None

    @property
    def is_incremental(self) -> bool:
        """Whether the filter can be evaluated on new rows alone."""
        return self.where is None or is_by_row(self.where)

    @property
    def slow_summary(self) -> SlowSummary:
        return self._slow_counts.summary()

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        return self._kpi_state.kpis

    def add(self, records: RecordState, delta: Delta) -> None:
        new = delta.calls
        if self.where is None:
            self.calls, self.traces = records.calls, records.traces
        else:
            keys = matching(new, self.where, may_lack_tags=True)
            new = new.filter(pl.col("row").is_in(keys.implode()))
            self._filter(records, new, delta)
        self._slow_counts = self._slow_counts.plus(count_slow(new, self._slow_ms))
        self.cost = self.cost.plus(cost(new))
        self._kpi_state.add(new, self.calls)

    def _filter(self, records: RecordState, new: pl.DataFrame, delta: Delta) -> None:
        calls, traces_ = self._parts = self._parts or (
            CallIndex(self.calls),
            ChunkedFrame([self.traces]),
        )
        index = records.calls.index.tail(delta.calls.height)
        index = index.filter(pl.col("row").is_in(new["row"].implode()))
        self.calls = CallRows(records.frame, calls.add(index))
        first = self.traces["at"].search_sorted(delta.begin, side="left")
        ids = pl.concat([self.traces["trace_id"].slice(first), new["trace_id"]])
        traces_.keep_first(first)
        traces_.append(delta.traces.filter(pl.col("trace_id").is_in(ids.implode())))
        self.traces = traces_.frame()


class LogState:
    """A log at its latest snapshot: records, baselines and alerts.

    `snapshot` has the records of the latest snapshot, and up to 1/COMPACT_AT more that have left
    its retention window.
    """

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self.snapshot = self._latest = snapshot
        self.records = RecordState(snapshot.frame, rules)
        self.baselines = Baselines(self.records.calls)
        self.newest = _newest(snapshot.frame)
        self._engine = AlertEngine(rules)
        self._kept: ChunkedFrame | None = None
        if not snapshot.is_loading:
            self._engine.add(self.records.calls)

    def covers(self, snapshot: Snapshot) -> bool:
        return snapshot in (self._latest, self.snapshot)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All alerts; none while loading, because they depend on the order of all records."""
        return () if self.snapshot.is_loading else tuple(self._engine.alerts(self.records.calls))

    def advance(self, snapshot: Snapshot) -> Delta | None:
        """Advance to a later snapshot; None if it does not extend this one."""
        restarted = self._latest.live_from is None or self._latest.live_from != snapshot.live_from
        corrected = self._latest.revision != snapshot.revision
        # New tags are new columns, seldom enough to start over.
        corrected |= tag_types(snapshot.frame) != tag_types(self._latest.frame)
        if restarted or corrected or snapshot.counts.records < self._latest.counts.records:
            return None
        grown = self._grown(snapshot)
        # Too many evicted records: start over, from the window alone.
        if grown.frame.height - snapshot.frame.height > snapshot.frame.height // COMPACT_AT:
            return None
        newest = _newest(grown.frame.slice(self.snapshot.frame.height))
        self.snapshot, self._latest = grown, snapshot
        delta = self.records.add(grown.frame)
        self.baselines.add(delta.calls, self.records.calls)
        self._engine.add(delta.calls)
        self.newest = max(filter(None, (self.newest, newest)), default=None)
        return delta

    def _grown(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the records that have left its window."""
        before = self._latest
        if self._kept is None and snapshot.dropped == before.dropped:
            return snapshot
        kept = self._kept = self._kept or ChunkedFrame([self.snapshot.frame])
        new = snapshot.frame.tail(snapshot.counts.records - before.counts.records)
        kept.append(new.filter(pl.col("row") >= before.counts.records))
        return replace(snapshot, frame=kept.frame())


def _newest(frame: pl.DataFrame) -> datetime | None:
    newest = frame["ts"].max()
    return newest if isinstance(newest, datetime) else None
