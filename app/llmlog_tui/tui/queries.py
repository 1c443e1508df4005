"""What views ask beyond the Overview: each a frozen value that the analyst calls in its thread.

Equal asks have equal answers for the same Overview; analysis is imported only when one is called,
because it imports polars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.alerts.comparison import MetricChange
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.trends import Trends
    from llmlog_tui.analysis.traces.replay import Replay
    from llmlog_tui.analysis.traces.sessions import Sessions
    from llmlog_tui.analysis.traces.timeline import Timeline


class Query(Protocol):
    """A question about an Overview; frozen, and compared by value."""

    def __call__(self, overview: Overview) -> object:
        """The answer."""


@dataclass(frozen=True)
class Sort:
    """By which field calls are sorted."""

    field: str
    descending: bool


@dataclass(frozen=True)
class CallOrderQuery:
    """The order of an Overview's calls; None for that of the log."""

    sort: Sort | None

    def __call__(self, overview: Overview) -> pl.Series | None:
        """The positions of the calls in that order, unknown values last; equal ones as they came.

        None without a sort.
        """
        if self.sort is None:
            return None
        import polars as pl  # noqa: PLC0415 - not before the first frame

        from llmlog_tui.log.schema import decategorize  # noqa: PLC0415 - imports polars

        values = decategorize(overview.calls.select(by=self.sort.field)).with_row_index("at")
        values = values.with_columns(pl.col(pl.List).list.join(", "))
        in_order = values.sort(
            "by", descending=self.sort.descending, nulls_last=True, maintain_order=True
        )
        return in_order["at"]


class OverviewResult(NamedTuple):
    """The timeline of a trace, None where there is no trace; the order of calls (CallsIn).

    And the traces by session, if that was asked for.
    """

    timeline: Timeline | None
    order: pl.Series | None
    sessions: Sessions | None = None


@dataclass(frozen=True)
class OverviewQuery:
    """The timeline of one trace, None for the newest one; the order of calls; and sessions."""

    trace_id: str | None
    sort: Sort | None = None
    by_session: bool = False

    def __call__(self, overview: Overview) -> OverviewResult:
        """The timeline, the order, and the sessions."""
        from llmlog_tui.analysis.traces.timeline import timeline  # noqa: PLC0415 - imports polars

        trace = self.trace_id or overview.newest_trace
        steps = None
        if trace is not None:
            steps = timeline(overview.steps_of(trace), trace, overview.slow_ms)
        groups = overview.sessions if self.by_session else None
        if not overview.alerts:
            _ = overview.closest  # kept there, so that the screen's thread need not work it out
        return OverviewResult(steps, CallOrderQuery(self.sort)(overview), groups)


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """One trace to be replayed, and that it is the `nth` of its session's."""

    timeline: Timeline
    replay: Replay
    nth: int
    of: int


@dataclass(frozen=True)
class ReplayQuery:
    """Everything that the replay of one trace shows, but for content."""

    trace_id: str

    def __call__(self, overview: Overview) -> ReplayResult:
        """The run."""
        import polars as pl  # noqa: PLC0415 - not before the first frame

        from llmlog_tui.analysis.traces.replay import replay  # noqa: PLC0415 - imports polars
        from llmlog_tui.analysis.traces.timeline import timeline  # noqa: PLC0415 - imports polars

        frame = overview.steps_of(self.trace_id)
        steps = timeline(frame, self.trace_id, overview.slow_ms)
        runs: list[str] = []
        if steps.session_id is not None:
            session = pl.col("session_id") == steps.session_id
            runs = overview.traces.filter(session)["trace_id"].to_list()
        return ReplayResult(
            timeline=steps,
            replay=replay(frame, steps),
            nth=runs.index(self.trace_id) + 1 if self.trace_id in runs else 1,
            of=max(1, len(runs)),
        )


@dataclass(frozen=True)
class AlertContextQuery:
    """The figures before and after an alert, which is known by its rule and the row it began at."""

    rule: str
    row: int

    def __call__(self, overview: Overview) -> tuple[MetricChange, ...]:
        """The figures; none for an alert that there is no more."""
        from llmlog_tui.analysis.reports.alert_context import alert_context  # noqa: PLC0415 - imports polars

        known = {(alert.rule, alert.row): alert for alert in overview.alerts}
        alert = known.get((self.rule, self.row))
        return () if alert is None else alert_context(overview.frame, alert)


@dataclass(frozen=True)
class TrendsQuery:
    """The course of one model's calls, of all if it is None; see analysis.trends.trends()."""

    slices: int
    within: tuple[datetime, datetime] | None
    model: str | None

    def __call__(self, overview: Overview) -> Trends:
        """The course."""
        import polars as pl  # noqa: PLC0415 - not before the first frame

        from llmlog_tui.analysis.reports.trends import COLUMNS, Mark, trends  # noqa: PLC0415 - imports polars

        calls = overview.calls
        if self.model is not None:
            calls = calls.select(*COLUMNS, "model").filter(pl.col("model") == self.model)
        marks = [
            Mark(alert.ts, alert.rule, alert.row, f"{alert.subject} {alert.what}")
            for alert in overview.alerts
            if alert.ts is not None and self.model in (None, alert.subject)
        ]
        return trends(calls, marks, self.slices, overview.slow_ms, self.within)
