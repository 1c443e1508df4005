"""What the TUI computes with polars: results of queries, searches, diffs, copies.

Import it as `workers.analysis`, after the first frame. Helpers for filter text, listed in
`__all__`, are fast enough for the UI thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial, singledispatch
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.bookmarks import Lines
from llmlog_tui.analysis.calls.call_model import (
    MODEL_COLUMNS,
    is_of_model,
    models,
    of_model_sql,
    requested_as,
)
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.search import LastMatches, missing_steps, search, step_of
from llmlog_tui.analysis.live.appended import appended
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview
from llmlog_tui.analysis.query.completion import complete_predicate, complete_query
from llmlog_tui.analysis.query.predicate import (
    all_of,
    first_match,
    in_time_range,
    predicate_of,
    predicate_problem,
    row_problem,
    time_range,
)
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.result_chart import TimeChart, result_chart
from llmlog_tui.analysis.query.tag_names import sql_name
from llmlog_tui.analysis.reports.alert_context import AlertContext, alert_context
from llmlog_tui.analysis.reports.clipboard import CONTENT_KEYS, copy_text
from llmlog_tui.analysis.reports.server_trends import ServerTrends, server_trends
from llmlog_tui.analysis.reports.trends import COLUMNS, Trends, common_values, marks_of, trends
from llmlog_tui.analysis.traces.cache_misses import hashes_in
from llmlog_tui.analysis.traces.conversation import against, conversation, decode, is_call
from llmlog_tui.analysis.traces.diff import diff_traces, finish_reasons
from llmlog_tui.analysis.traces.replay import SPEEDS
from llmlog_tui.analysis.traces.run_names import first_calls, first_words
from llmlog_tui.analysis.traces.step_diff import step_diff, step_digest
from llmlog_tui.analysis.traces.text_diff import text_diff
from llmlog_tui.analysis.traces.text_search import NO_CONTENT, Excerpt, TextQuery
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.isolated_query import IsolatedQuery, QueryCancelled
from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.log.schema import decategorize, restore_integers
from llmlog_tui.notify import Notifier
from llmlog_tui.tui.messages import (
    AnalysisDone,
    AnalysisRequest,
    Failed,
    FilterRejected,
    Post,
)
from llmlog_tui.tui.queries import (
    AlertContextQuery,
    CallOrderQuery,
    DiffResult,
    OverviewQuery,
    OverviewResult,
    Query,
    ReplayQuery,
    ReplayResult,
    ServerQuery,
    SqlResult,
    StepContent,
    TextDiffResult,
    TrendsQuery,
)

__all__ = [
    "CONTENT_KEYS",
    "NO_CONTENT",
    "SPEEDS",
    "LastMatches",
    "QueryError",
    "TimeChart",
    "all_of",
    "appended",
    "common_values",
    "complete_predicate",
    "complete_query",
    "copy_text",
    "first_match",
    "in_time_range",
    "missing_steps",
    "models",
    "predicate_problem",
    "row_problem",
    "search",
    "sql_name",
    "step_of",
    "time_range",
]

ReadRecord = Callable[[Overview, int], bytes | None]
"""Reads the line of the record with a key, with its content."""

ReadBoth = Callable[[Overview, int], tuple[bytes | None, bytes | None]]
"""Reads a record's raw line, and its line with content, by key."""

ReadEvicted = Callable[[RecordLocation], Sequence[bytes]]
"""Reads a record's raw line."""


class Analyzer:
    """Answers requests incrementally, and reports new alerts."""

    def __init__(self, slow_ms: float, rules: Rules | None, post: Post) -> None:
        rules = rules or DEFAULT
        self._incremental = IncrementalAnalyzer(slow_ms, rules)
        self._last: tuple[Overview, Overview] | None = None
        self._records = self._fetched = 0
        self._notifier = Notifier(
            rules.on_alert, problem=lambda why: post(Failed("Alert notice", RuntimeError(why)))
        )

    def run(self, request: AnalysisRequest) -> AnalysisDone | FilterRejected:
        """Return the Overview and the query's result, or why the filter cannot be evaluated."""
        try:
            overview = self._with_server(request)
            result = None if request.query is None else run_query(request.query, overview)
        except QueryError as error:
            return FilterRejected(request.where or "", str(error))
        self._skip_alerts_of_fetched(overview)
        new_alerts = self._notifier.offer(overview.alerts, overview.snapshot.live_from)
        return AnalysisDone(request, overview, result, tuple(new_alerts))

    def _skip_alerts_of_fetched(self, overview: Overview) -> None:
        """Report no alert that is new only because older records were put in front."""
        snapshot, before = overview.snapshot, self._records
        self._records = snapshot.counts.records
        if snapshot.fetched != self._fetched:
            self._fetched = snapshot.fetched
            rows = set(snapshot.frame["row"].head(snapshot.fetched))
            alerts = overview.alerts
            self._notifier.mark_reported(
                each for each in alerts if each.fired_row < before or each.fired_row in rows
            )

    def _with_server(self, request: AnalysisRequest) -> Overview:
        """Return the Overview with the servers' metrics; the last one, if both are unchanged."""
        overview, last = self._incremental.overview(request.snapshot, request.where), self._last
        if last is None or last[0] is not overview or last[1].server is not request.server:
            same = overview.server is request.server
            last = overview, overview if same else replace(overview, server=request.server)
        self._last = last
        return last[1]

    def stop(self) -> None:
        self._notifier.stop()


# -- queries of views


@singledispatch
def run_query(query: Query, overview: Overview) -> object:
    """Return the result of a view's query for an Overview."""
    raise TypeError(f"no such query: {query!r} of {overview!r}")


@run_query.register
def call_order(query: CallOrderQuery, overview: Overview) -> pl.Series | None:
    """Return positions of calls in sort order, unknown values last; None without a sort.

    Equal values keep the order of the log.
    """
    if query.sort is None:
        return None
    column, descending = overview.calls[query.sort.field], query.sort.descending
    few = _order_of_few(column, descending=descending)
    if few is not None:
        return few
    # Integers are sorted in two thirds of the time of floats.
    values = restore_integers(decategorize(column.to_frame()))
    values = values.with_columns(pl.col(pl.List).list.join(", "))
    in_order = pl.arg_sort_by(
        column.name, descending=descending, nulls_last=True, maintain_order=True
    )
    return values.select(at=in_order)["at"]


_FEW: Final = 64
"""Maximum distinct values that are looked for one after the other."""


def _order_of_few(column: pl.Series, *, descending: bool) -> pl.Series | None:
    """Return positions in sort order, as call_order(); None unless few texts are distinct."""
    if not isinstance(column.dtype, pl.Categorical):
        return None
    distinct = column.unique()
    if len(distinct) > _FEW:
        return None
    texts = distinct.cast(pl.String).drop_nulls().sort(descending=descending)
    positions = [(column == text).arg_true() for text in texts]
    in_order: pl.Series = pl.concat([*positions, column.is_null().arg_true()])
    return in_order.alias("at")


@run_query.register
def _overview(query: OverviewQuery, overview: Overview) -> OverviewResult:
    trace = query.trace_id or overview.last_run
    steps = None if trace is None else overview.timeline(trace)
    sessions = overview.sessions if query.by_session else None
    if not overview.alerts:
        _ = overview.nearest_rule  # cached there: the UI thread need not compute it
    return OverviewResult(steps, call_order(CallOrderQuery(query.sort), overview), sessions)


@run_query.register
def _replay(query: ReplayQuery, overview: Overview) -> ReplayResult:
    steps, replay = overview.replay(query.trace_id)
    traces: list[str] = []
    if steps.session_id is not None:
        session = pl.col("session_id") == steps.session_id
        traces = overview.traces.filter(session)["trace_id"].to_list()
    return ReplayResult(
        timeline=steps,
        replay=replay,
        nth=traces.index(query.trace_id) + 1 if query.trace_id in traces else 1,
        of=max(1, len(traces)),
    )


@run_query.register
def _alert_context(query: AlertContextQuery, overview: Overview) -> AlertContext:
    alerts = {(alert.rule, alert.row): alert for alert in overview.alerts}
    alert = alerts.get((query.rule, query.row))
    # An alert can be gone by now: its records have left the window.
    if alert is None:
        return AlertContext()
    return alert_context(overview.frame, alert, query.slices, overview.slow_ms)


@run_query.register
def _trends(query: TrendsQuery, overview: Overview) -> Trends:
    calls: Calls = overview.calls
    field, value, names = query.field, query.value, None
    if value is not None and field == "model":
        names = requested_as(overview.frame, value)
        calls = calls.select(*COLUMNS, *MODEL_COLUMNS).filter(is_of_model(value, names))
    elif value is not None:
        has_value = pl.col(field).cast(pl.String) == value
        calls = calls.select(*COLUMNS, field).filter(has_value)
    marks = marks_of(overview.alerts, names)
    return trends(calls, marks, query.slices, overview.slow_ms, query.within)


@run_query.register
def _server(query: ServerQuery, overview: Overview) -> ServerTrends:
    return server_trends(
        overview.server,
        query.url,
        overview.calls.select(COLUMNS),
        query.slices,
        overview.slow_ms,
        query.within,
    )


# -- filter text


def cell_predicate(overview: Overview | None, field: str, value: object, *, holds: bool) -> str:
    """Return the predicate for calls with a cell's value, or without it.

    Of a model these are all calls, including failed ones that no model answered.
    """
    if overview is None or field != "model" or not isinstance(value, str):
        return predicate_of(field, value, holds=holds)
    of_model = of_model_sql(value, requested_as(overview.frame, value))
    return of_model if holds else f"not coalesce({of_model}, false)"


# -- one-off jobs


def prepare_sql(sql: str) -> IsolatedQuery:
    return IsolatedQuery(sql)


def run_sql(overview: Overview, query: IsolatedQuery) -> SqlResult:
    """Run an SQL query over the whole log."""
    began = time.monotonic()
    try:
        frame, why = query.run(overview.snapshot.frame, overview.rules), ""
    except QueryError as error:
        frame, why = None, str(error)
    except QueryCancelled:
        frame, why = None, "cancelled"
    took_s = time.monotonic() - began
    chart = None if frame is None else result_chart(frame)
    return SqlResult(query.sql, frame, why, took_s, chart)


def step_content(overview: Overview, read: ReadBoth, row: int) -> StepContent:
    """Return a record's content."""
    written, line = read(overview, row)
    record = decode(line)
    found = conversation(record or {}, line or b"")
    return StepContent(overview.location(row), written, record, found)


def evicted_content(
    read: ReadEvicted, location: RecordLocation, words: str, excerpt: Excerpt
) -> StepContent:
    """Return the content of an evicted record: the one of its line with the excerpt."""
    lines = read(location)
    query = TextQuery(words)
    found = (line for line in lines if excerpt in query.excerpts(decode(line) or {}))
    line = next(found, lines[0] if lines else None)
    record = decode(line)
    return StepContent(location, line, record, conversation(record or {}, line or b""))


def compared_content(
    overview: Overview,
    read: ReadRecord,
    content: StepContent,
    earlier: Sequence[tuple[int | None, int]],
) -> StepContent:
    """Return a record's content with the number of messages that an earlier call had, too."""
    if content.record is None or not is_call(content.record):
        return content
    lines = ((step, partial(read, overview, key)) for step, key in earlier)
    return content._replace(conversation=against(content.conversation, lines))


def words_of(overview: Overview, read: ReadRecord, traces: Iterable[str]) -> dict[str, str | None]:
    """Return the first words of the users of traces, by trace_id."""
    calls = first_calls(overview.frame, traces).select("trace_id", "row")
    return {
        trace: first_words(decode(read(overview, row)) or {}) for trace, row in calls.iter_rows()
    }


def text_diff_of(overview: Overview, read: ReadRecord, a: int, b: int, step: str) -> TextDiffResult:
    """Return the texts in which two steps differ, and the figures of both."""
    lines = (read(overview, row) for row in (a, b))
    found = step_diff(*lines)
    diffs = tuple((what, text_diff(one, other)) for what, one, other in found.places)
    return TextDiffResult(step, found, diffs, (overview.record(a), overview.record(b)))


def diff(overview: Overview, a: str, b: str, lines: Lines) -> DiffResult:
    """Align two traces step by step; prompt hashes are read with `lines`."""
    frame = overview.frame.filter(pl.col("trace_id").is_in([a, b]))
    hashes, digests = {}, {}
    for row, line in lines(frame).items():
        hashes[row], digests[row] = hashes_in(line), step_digest(line)
    hashes = {row: each for row, each in hashes.items() if each}
    found = diff_traces(frame, a, b, hashes, digests=digests, slow_ms=overview.slow_ms)
    by_trace = (frame.filter(pl.col("trace_id") == trace) for trace in (a, b))
    begins = [steps.select(pl.col("ts").min()).item() for steps in by_trace]
    unfinished = overview.steps_in_flight(a), overview.steps_in_flight(b)
    return DiffResult(found, (begins[0], begins[1]), finish_reasons(frame), unfinished)
