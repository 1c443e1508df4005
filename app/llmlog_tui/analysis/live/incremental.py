"""Records, calls and traces of a log that grows: only what is new is looked at again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import AlertEngine
from llmlog_tui.analysis.alerts.fingerprints import with_changed
from llmlog_tui.analysis.calls.calls import Baselines, SlowSummary, count_slow, model_calls
from llmlog_tui.analysis.calls.cost import cost, priced, rates
from llmlog_tui.analysis.query.sql import filter_records, is_by_row
from llmlog_tui.analysis.reports.kpis import Kpi, KpiState
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.chunked_frame import ChunkedFrame, hstack
from llmlog_tui.log.schema import IS_CALL, IS_STEP, without_nulls
from llmlog_tui.log.store import Snapshot

COMPACT_AT: Final = 16
"""Of a window that moves on, one record in so many may be one that has left it."""

_MARKS: Final = ("cost_usd", "saved_usd", "changed")


@dataclass(frozen=True, eq=False)
class Delta:
    """What Records.add() found: new `calls`, and what may be another now than it was.

    `marked` has row and changed of the new calls, and before them of all from the first that is
    another; `traces` are those that begin with the record at `begin` in the frame, or later.
    """

    calls: pl.DataFrame
    begin: int
    marked: pl.DataFrame
    traces: pl.DataFrame


class RecordState:
    """A log's records with costs and `changed`, its model calls and its traces, as Overview's.

    To add records costs as much as they are, and as all that was written since the first of their
    traces began.
    """

    def __init__(self, frame: pl.DataFrame, rules: Rules) -> None:
        self._rates = rates(rules)
        self.frame = with_changed(priced(frame, self._rates))
        self.calls = without_nulls(model_calls(self.frame))
        self.traces = traces(self.frame)
        self._parts: AppendState | None = None

    def add(self, frame: pl.DataFrame) -> Delta:
        """Take `frame` for the one there was: it is that one, with more rows at its end."""
        parts = self._parts = self._parts or AppendState(self)
        old, old_calls = self.frame.height, self.calls.height
        rows = priced(frame.slice(old), self._rates).with_columns(changed=pl.lit(value=False))
        touched, begin = parts.begin(rows, old)
        since = self.frame.slice(begin)
        compared = _compared(since, rows, pl.col("trace_id").is_in(touched.implode()))
        tail = _marked(since, rows, compared)
        marked = tail.filter(IS_CALL).select("row", "changed")
        self.frame = parts.mark(frame, tail.select(_MARKS))
        self.calls = parts.calls.add(model_calls(rows), marked)
        later = parts.trace(self.traces, compared, begin)
        self.traces = parts.traces.whole()
        return Delta(self.calls.slice(old_calls), begin, marked, later)


class AppendState:
    """What it takes to add to records; `_begins` says where in the frame each trace begins."""

    def __init__(self, records: RecordState) -> None:
        self._marks = ChunkedFrame([records.frame.select_seq(_MARKS)])
        self.calls = CallState(records.calls)
        self.traces = ChunkedFrame([records.traces])
        ids, places = (records.traces[name].to_list() for name in ("trace_id", "at"))
        self._begins: dict[str, int] = dict(zip(ids, places, strict=True))

    def begin(self, rows: pl.DataFrame, old: int) -> tuple[pl.Series, int]:
        """The traces with steps among new rows, which are behind `old` others; where they begin."""
        steps = rows.with_row_index("at", old).filter(IS_STEP & pl.col("trace_id").is_not_null())
        first = steps.unique("trace_id", keep="first", maintain_order=True)
        begins = [self._begins.setdefault(*new) for new in first.select("trace_id", "at").rows()]
        return first["trace_id"], min(begins, default=old)

    def mark(self, frame: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
        """`frame` with its marks, of which the last are these."""
        self._marks.keep_first(frame.height - marks.height)
        self._marks.append(marks)
        return hstack(frame, self._marks)

    def trace(self, before: pl.DataFrame, touched: pl.DataFrame, begin: int) -> pl.DataFrame:
        """Sum up the traces of touched records anew; all traces that begin at `begin` or later."""
        fresh = traces(touched)
        at = pl.Series("at", [self._begins[trace] for trace in fresh["trace_id"]], pl.UInt32)
        first = before["at"].search_sorted(begin, side="left")
        there = before.slice(first)
        there = there.filter(~pl.col("trace_id").is_in(fresh["trace_id"].implode()))
        later = pl.concat([there, fresh.with_columns(at)]).sort("at")
        self.traces.keep_first(first)
        self.traces.append(later)
        return later


def _compared(since: pl.DataFrame, rows: pl.DataFrame, touches: pl.Expr) -> pl.DataFrame:
    """The records of touched traces, there and new, compared with one another anew.

    `was_changed` is `changed` as it was so far.
    """
    records = pl.concat([since.filter(touches), rows.filter(touches)])
    return with_changed(records.with_columns(was_changed="changed"))


def _marked(since: pl.DataFrame, rows: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """New rows with `changed` as compared, and before them all from the first that is another now.

    Columns: row, event, and those of _MARKS.
    """
    other = compared["row"].filter(compared["changed"] != compared["was_changed"])
    first = since["row"].index_of(other[0]) if len(other) else None
    tail = pl.concat([since.slice(since.height if first is None else first), rows])
    changed = compared.filter("changed")["row"]
    kept = pl.col("changed") & ~pl.col("row").is_in(compared["row"].implode())
    return tail.select("row", "event", *_MARKS).with_columns(
        changed=kept | pl.col("row").is_in(changed.implode())
    )


class CallState:
    """Calls that become more; `changed` of the last ones may become another."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self._rows = ChunkedFrame([calls.drop("changed")])
        self._marks = ChunkedFrame([calls.select("changed")])

    def add(self, new: pl.DataFrame, marked: pl.DataFrame) -> pl.DataFrame:
        """All of them with the new ones; `marked` is as that of News."""
        self._rows.append(new.drop("changed"))
        calls = self._rows.whole()
        last = calls["row"].tail(marked.height)
        last = last.filter(last.is_in(marked["row"].implode()))
        changed = last.is_in(marked.filter("changed")["row"].implode())
        self._marks.keep_first(calls.height - len(last))
        self._marks.append(changed.to_frame("changed"))
        return hstack(calls, self._marks)


class FilteredState:
    """What is shown of records: the calls for which `where` holds, their traces, and figures."""

    def __init__(self, records: RecordState, where: str | None, slow_ms: float) -> None:
        self.where, self._slow_ms = where, slow_ms
        self.calls, self.traces = records.calls, records.traces
        if where is not None:
            self.calls = filter_records(records.calls, where)
            ids = self.calls["trace_id"].unique()
            self.traces = records.traces.filter(pl.col("trace_id").is_in(ids.implode()))
        self._tally = count_slow(self.calls, slow_ms)
        self.cost = cost(self.calls)
        self._figures = KpiState(self.calls)
        self._parts: tuple[CallState, ChunkedFrame] | None = None

    @property
    def may_grow(self) -> bool:
        """Whether what is new alone says what of it is shown."""
        return self.where is None or is_by_row(self.where)

    @property
    def verdict(self) -> SlowSummary:
        """That over the calls."""
        return self._tally.verdict()

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        """Those of the calls, but see kpis.Figures."""
        return self._figures.kpis

    def add(self, records: RecordState, news: Delta) -> None:
        """Show what is new, too; only if it may_grow."""
        new = news.calls
        if self.where is None:
            self.calls, self.traces = records.calls, records.traces
        else:
            new = filter_records(new, self.where)
            self._narrow(new, news)
        self._tally = self._tally.plus(count_slow(new, self._slow_ms))
        self.cost = self.cost.plus(cost(new))
        self._figures.add(new, self.calls)

    def _narrow(self, new: pl.DataFrame, news: Delta) -> None:
        calls, there = self._parts = self._parts or (
            CallState(self.calls),
            ChunkedFrame([self.traces]),
        )
        self.calls = calls.add(new, news.marked)
        first = self.traces["at"].search_sorted(news.begin, side="left")
        ids = pl.concat([self.traces["trace_id"].slice(first), new["trace_id"]])
        there.keep_first(first)
        there.append(news.traces.filter(pl.col("trace_id").is_in(ids.implode())))
        self.traces = there.whole()


class LogState:
    """A log as of a snapshot, and of each later one: its records, what is usual, and alerts.

    `snapshot` has the records that all of this is about: those of the last snapshot, and of those
    that have left its window as many as LEFT_BEHIND says.
    """

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self.snapshot = self._of = snapshot
        self.records = RecordState(snapshot.frame, rules)
        self.usuals = Baselines(self.records.calls)
        self.newest = _newest(snapshot.frame)
        self._watch = AlertEngine(rules)
        self._kept: ChunkedFrame | None = None
        if not snapshot.is_loading:
            self._watch.add(self.records.calls)

    def is_of(self, snapshot: Snapshot) -> bool:
        """Whether this is about that snapshot."""
        return snapshot in (self._of, self.snapshot)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What was found; nothing while loading, because that depends on the order of all."""
        return () if self.snapshot.is_loading else tuple(self._watch.alerts(self.records.calls))

    def grow(self, snapshot: Snapshot) -> Delta | None:
        """Go on to a later snapshot; None if that is not this one with more records behind it."""
        begins = self._of.live_from is None or self._of.live_from != snapshot.live_from
        if begins or snapshot.counts.records < self._of.counts.records:
            return None
        grown = self._grown(snapshot)
        if grown.frame.height - snapshot.frame.height > snapshot.frame.height // COMPACT_AT:
            return None
        newest = _newest(grown.frame.slice(self.snapshot.frame.height))
        self.snapshot, self._of = grown, snapshot
        news = self.records.add(grown.frame)
        self.usuals.add(news.calls, self.records.calls)
        self._watch.add(news.calls)
        self.newest = max(filter(None, (self.newest, newest)), default=None)
        return news

    def _grown(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with all records that this one has."""
        before = self._of
        if self._kept is None and snapshot.dropped == before.dropped:
            return snapshot
        kept = self._kept = self._kept or ChunkedFrame([self.snapshot.frame])
        new = snapshot.frame.tail(snapshot.counts.records - before.counts.records)
        kept.append(new.filter(pl.col("row") >= before.counts.records))
        return replace(snapshot, frame=kept.whole())


def _newest(frame: pl.DataFrame) -> datetime | None:
    newest = frame["ts"].max()
    return newest if isinstance(newest, datetime) else None
