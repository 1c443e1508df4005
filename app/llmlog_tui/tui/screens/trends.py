"""Trends: latency, speed, tokens, cost and failures over time, on one axis."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, cast

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.tui.keys.views import TRENDS_BINDINGS
from llmlog_tui.tui.queries import TrendsQuery
from llmlog_tui.tui.render import trends_text
from llmlog_tui.tui.render.trends_text import PER_CELL
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.chart import LABEL, Chart, ChartLine, axis

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.trends import Trends

_Look: TypeAlias = tuple[tuple[datetime, datetime] | None, str | None, int | None]

_NO_CALLS: Final = "No calls in this time. H and L go on to earlier and later ones, 0 to all."
_EMPTY: Final = "No calls with a time (ts) yet: their course appears here as they are made."


class _TrendsBody(Vertical, can_focus=True):
    """What has the keys: the charts are looked at, not gone into."""


class TrendsScreen(LogView):
    """Four charts, what stands at the cursor, and the time under them."""

    NAME = "trends"
    AUTO_FOCUS = "#trends-body"
    BINDINGS: ClassVar[list[BindingType]] = [*TRENDS_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._trends: Trends | None = None
        self._within: tuple[datetime, datetime] | None = None
        self._model: str | None = None
        self._cursor: int | None = None
        self._on_top = 0
        self.said = Static(id="trends-said")
        self.charts = (
            Chart("Latency ms", humanize.count),
            Chart("Throughput tok/s", humanize.integer),
            Chart("Per minute", humanize.count),
            Chart("Share of calls", humanize.percent),
        )
        self.axis = Static(id="trends-axis")

    def body(self) -> Iterable[Widget]:
        """A line of words, the charts, and the axis."""
        yield _TrendsBody(self.said, *self.charts, self.axis, id="trends-body")

    def reform(self) -> None:
        """On a small screen one chart at a time; another width has other slices."""
        self._turn_to(self._on_top)
        self.post_message(self.Asks(self))

    def _turn_to(self, on_top: int) -> None:
        self._on_top = on_top % len(self.charts)
        for n, chart in enumerate(self.charts):
            chart.display = not self.compact or n == self._on_top

    # -- what is shown

    @property
    def _slices(self) -> int:
        return max(PER_CELL, (self.size.width - LABEL - 1) * PER_CELL)

    @property
    def ask(self) -> TrendsQuery:
        """The course, in as many slices as there are columns of dots."""
        return TrendsQuery(self._slices, self._looked_at, self._model)

    @property
    def _filtered(self) -> tuple[datetime, datetime] | None:
        """The stretch of time to which all views are narrowed; None if there is none."""
        where = self.filterbar.where
        if where is None:
            return None
        from llmlog_tui.analysis.query.sql import time_range  # noqa: PLC0415 - imports polars

        return time_range(where)

    @property
    def _looked_at(self) -> tuple[datetime, datetime] | None:
        """The stretch of time on screen: that of the filter, else this view's own."""
        return self._filtered or self._within

    def show(self, overview: Overview, answer: object | None) -> None:
        """Show the course; until it is here, the last one stays."""
        del overview
        if answer is not None:
            self._trends = cast("Trends", answer)
        self._draw()

    def _draw(self) -> None:
        trends = self._trends
        if trends is None or trends.begin is None or trends.end is None:
            empty = _NO_CALLS if self._filtered else _EMPTY
            self.said.update(Content.styled(f" {empty}", "$text-muted"))
            for chart in self.charts:
                chart.hold((), {}, None)
            return
        figures, marks = trends.figures, trends_text.marks(trends)
        latency, speed, tokens, shares = self.charts
        blue, violet, green = "$text-primary", "$text-accent", "$text-success"
        slow = [
            worst if count else None
            for worst, count in zip(figures["worst"], figures["slow"], strict=True)
        ]
        lines = (
            ChartLine("p50", figures["p50"], green),
            ChartLine("p95", figures["p95"], blue),
            ChartLine("p99", figures["p99"], violet),
        )
        latency.hold(lines, marks, self._cursor, slow)
        speed.hold((ChartLine("p50", figures["tok/s"], blue),), marks, self._cursor)
        costs = ChartLine("cost", figures["cost"], violet, humanize.money)
        tokens.hold((ChartLine("tokens", figures["tokens"], blue), costs), marks, self._cursor)
        cut_off = ChartLine("cut off", figures["cut off"], "$text-warning")
        errors = ChartLine("errors", figures["errors"], "$text-error")
        shares.hold((cut_off, errors), marks, self._cursor)
        looked_at = trends_text.LookedAt(
            self._model, self._cursor, compact=self.compact, in_all_views=bool(self._filtered)
        )
        self.said.update(trends_text.words(trends, looked_at))
        cells = self._slices // PER_CELL
        self.axis.update(axis(cells, lambda cell: trends_text.time(trends, cell * PER_CELL)))

    # -- what the user does

    def bearings(self) -> object:
        """The time that is looked at, the model, the cursor."""
        return self._within, self._model, self._cursor

    def return_to(self, bearings: object) -> None:
        """Look at that time, that model, that cursor again."""
        self._within, self._model, self._cursor = cast("_Look", bearings)
        self.post_message(self.Asks(self))
        self._draw()

    @property
    def row(self) -> Hashable:
        """The slowest call at the cursor; where there is none, near it."""
        if self._trends is None or self._cursor is None:
            return None
        rows = self._trends.figures["worst_row"]
        here, there = self._cursor, (n for n, row in enumerate(rows) if row is not None)
        near = min(there, key=lambda n: abs(n - here), default=None)
        row = None if near is None else rows[near]
        return None if row is None else int(row)

    def action_cursor(self, cells: int) -> None:
        """Move the cursor by so many cells."""
        last = self._slices - PER_CELL
        here = self._cursor
        if here is None:
            here = last + PER_CELL if cells < 0 else -PER_CELL
        self._cursor = min(max(0, here + cells * PER_CELL), last)
        self._draw()

    def action_open(self) -> None:
        """Go to the alert at the cursor, else to the slowest call there."""
        if self._trends is None or self._cursor is None:
            self.hint("h and l move the cursor to what is to be opened.")
            return
        here = self._cursor // PER_CELL
        cells = ((self._trends.cell_of(mark.ts), mark.row) for mark in self._trends.marks)
        row = next((row for cell, row in cells if cell // PER_CELL == here), self.row)
        if isinstance(row, int):
            self.post_message(self.GoWanted("overview", row))
        else:
            self.hint("No call at the cursor.")

    def action_zoom_time(self, factor: float) -> None:
        """Look at less of the time around the cursor, or with a factor over 1 at more."""
        trends, looked_at = self._trends, self._looked_at
        if looked_at is None and trends is not None and trends.begin and trends.end:
            looked_at = trends.begin, trends.end
        if looked_at is None:
            return
        shown = _seconds(*looked_at)
        share = 0.5 if self._cursor is None else self._cursor / self._slices
        self._look_at(shown.scaled(factor, around=shown.begin + shown.length * share))

    def action_pan(self, share: float) -> None:
        """Look at an earlier or a later stretch, by a share of its length."""
        if self._looked_at is not None:
            self._look_at(_seconds(*self._looked_at).moved(share))

    @property
    def _span(self) -> Interval | None:
        """The time of all calls, or of all records where the filter leaves out some by time."""
        if self._filtered is not None and self.overview is not None:
            first, last = self.overview.frame["ts"].min(), self.overview.newest
        elif self._trends is not None:
            first, last = self._trends.first, self._trends.last
        else:
            return None
        return _seconds(first, last) if isinstance(first, datetime) and last is not None else None

    def _look_at(self, wanted: Interval) -> None:
        everything = self._span
        if everything is None:
            return
        if wanted.length < 1:
            self.hint("A second is as near as it gets.")
            return
        there = wanted.within(everything)
        begin, end = (datetime.fromtimestamp(seconds, UTC) for seconds in there)
        self._take(None if there == everything else (begin, end))

    def _take(self, within: tuple[datetime, datetime] | None) -> None:
        """Look at this stretch; where it is the filter's, all views do."""
        self._within = within
        if self._filtered is None:
            self.post_message(self.Asks(self))
        else:
            self._filter(within)

    def _filter(self, within: tuple[datetime, datetime] | None) -> None:
        from llmlog_tui.analysis.query.sql import in_time_range  # noqa: PLC0415 - imports polars

        self.post_message(self.FilterWanted(in_time_range(self.filterbar.where, within)))

    def action_all(self) -> None:
        """Look at all of the time."""
        self._take(None)

    def action_model(self) -> None:
        """Look at the next model, after the last one at all of them."""
        if self.overview is None:
            return
        models = sorted(model for model in self.overview.usual if model is not None)
        choices = [None, *models]
        at = choices.index(self._model) if self._model in choices else 0
        self._model = choices[(at + 1) % len(choices)]
        self.post_message(self.Asks(self))

    def action_range(self) -> None:
        """Narrow all views to the time on screen, or no more."""
        trends, filtered = self._trends, self._filtered
        if filtered is not None:
            self._within = filtered
            self._filter(None)
        elif trends is not None and trends.begin is not None and trends.end is not None:
            self._filter((trends.begin, trends.end))

    def action_view_as(self) -> None:
        """On a small screen, show the next chart."""
        self._turn_to(self._on_top + 1)

    def follow(self) -> None:
        """Look at all of the time, up to the newest call."""
        self._cursor = None
        self.action_all()


def _seconds(begin: datetime, end: datetime) -> Interval:
    return Interval(begin.timestamp(), end.timestamp())
