"""Trends view: latency, throughput, tokens, cost and failures over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar, cast

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.tui import workers
from llmlog_tui.tui.keys.views import TRENDS_BINDINGS
from llmlog_tui.tui.queries import TrendsQuery
from llmlog_tui.tui.render import trends_text
from llmlog_tui.tui.render.trends_text import PER_CELL
from llmlog_tui.tui.screens.time_view import TimeRange, TimeView, seconds
from llmlog_tui.tui.widgets.chart import RIGHT_LABEL, Chart, time_axis

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.trends import Trends

_Value = TypeVar("_Value")
_MODEL: Final = "model"
_NO_CALLS: Final = "No calls in this time range. H and L pan to earlier and later ones, 0 to all."
_EMPTY: Final = "No calls with a time (ts) yet: charts appear here with the first ones."


class _TrendsBody(Vertical, can_focus=True):
    """Has focus for all charts: none has a cursor of its own."""


class TrendsState(NamedTuple):
    """Time range (None: all), field and its value (None: all), and the cursor's slice."""

    within: TimeRange | None
    field: str
    value: str | None
    cursor: int | None


class TrendsScreen(TimeView):
    """Four charts on one time axis, and the values at the cursor."""

    NAME = "trends"
    AUTO_FOCUS = "#trends-body"
    RECORD_ACTIONS = frozenset(
        binding.action.partition("(")[0]
        for binding in TRENDS_BINDINGS
        if binding.action != "field"  # which tells how a log gets tags
    )
    BINDINGS: ClassVar[list[BindingType]] = [*TRENDS_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._trends: Trends | None = None
        self._field = _MODEL
        self._value: str | None = None
        self._chart = 0
        self._has_calls = False
        self.summary = Static(id="trends-said")
        self.charts = (
            Chart("Latency ms", humanize.count, right=RIGHT_LABEL),
            Chart("Throughput tok/s", humanize.count_label, right=RIGHT_LABEL),
            Chart("Per minute", humanize.count_label, right=RIGHT_LABEL),
            Chart("Share of calls", humanize.percent, right=RIGHT_LABEL),
        )
        self.axis = Static(id="trends-axis")

    def body(self) -> Iterable[Widget]:
        yield _TrendsBody(self.summary, *self.charts, self.axis, id="trends-body")

    def apply_layout(self) -> None:
        self._show_chart(self._chart)
        self.refresh_bindings()
        self.query_changed()  # the number of slices depends on the width

    def _show_chart(self, index: int) -> None:
        """Show one chart in the compact form, all of them in the wide one."""
        self._chart = index % len(self.charts)
        for n, chart in enumerate(self.charts):
            chart.display = not self.compact or n == self._chart

    # -- data

    @property
    def calls(self) -> Trends | None:
        return self._trends

    @property
    def current_query(self) -> TrendsQuery:
        """The time series, with one slice per column of dots."""
        return TrendsQuery(self._slices, self._time_range, self._field, self._value)

    def update_body(self, overview: Overview, result: object | None) -> None:
        if bool(overview.all_calls) != self._has_calls:
            self._has_calls = bool(overview.all_calls)
            self.refresh_bindings()
        if result is not None:  # until then, the last one is shown
            self._trends = cast("Trends", result)
        self._draw()

    def _cursor_in(self, trends: Trends) -> int | None:
        """Return the cursor's slice; the last one, if these trends have fewer slices."""
        # They are of another width until the result of the current query is there.
        last = len(trends.figures["calls"]) - 1
        return None if self._cursor is None or last < 0 else min(self._cursor, last)

    def _draw(self) -> None:
        trends = self._trends
        if trends is None or trends.begin is None or trends.end is None:
            reason = _NO_CALLS if self._filtered else _EMPTY
            empty = "" if trends is None else reason  # None: not computed yet
            self.summary.update(Content.styled(f" {empty}", "$text-muted"))
            for chart in self.charts:
                chart.update((), {}, None)
            return
        marks, cursor = trends_text.marks(trends), self._cursor_in(trends)
        for chart, lines in zip(self.charts, trends_text.lines(trends), strict=True):
            chart.update(lines, marks, cursor, trends_text.note(trends))
        shown = trends_text.TrendsSelection(
            self._field,
            self._value,
            cursor,
            compact=self.compact,
            in_all_views=bool(self._filtered),
        )
        self.summary.update(trends_text.summary(trends, shown))
        cells = self._slices // PER_CELL
        begin, end = humanize.local(trends.begin), humanize.local(trends.end)
        self.axis.update(time_axis(cells, begin, end))

    # -- actions

    @property
    def is_empty(self) -> bool:
        return self.overview is None or not self.overview.all_calls

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing: without calls, or where all charts have room."""
        if action == "view_as" and not self.compact:
            return False
        return super().check_action(action, parameters)

    def get_state(self) -> object:
        return TrendsState(self._within, self._field, self._value, self._cursor)

    def restore_state(self, state: object) -> None:
        if isinstance(state, TrendsState):
            self._within, self._field, self._value, self._cursor = state
            self.query_changed()
            self._draw()

    def action_open(self) -> None:
        """Go to the alert at the cursor, else to the slowest call there."""
        if self._trends is None or self._cursor is None:
            self.hint("h and l move the cursor to a call or an alert to open.")
            return
        here = self._cursor // PER_CELL
        cells = ((self._trends.cell_of(mark.ts), mark.row) for mark in self._trends.marks)
        row = next((row for cell, row in cells if cell // PER_CELL == here), self.cursor_key)
        if isinstance(row, int):
            self.post_message(self.GoToRequested(row))
        else:
            self.hint("No call at the cursor.")

    @property
    def span(self) -> Interval | None:
        """Time range of all calls, or of all records under a time filter."""
        if self._filtered is not None and self.overview is not None:
            first, last = self.overview.frame["ts"].min(), self.overview.newest
        elif self._trends is not None:
            first, last = self._trends.first, self._trends.last
        else:
            return None
        return seconds(first, last) if isinstance(first, datetime) and last is not None else None

    def action_model(self) -> None:
        """Show the next model, or value of a tag; after the last one, all calls."""
        if self.overview is None:
            return
        if self._field == _MODEL:
            values = workers.analysis.models(self.overview.frame)
        else:
            values = workers.analysis.common_values(self.overview.frame, self._field)
        self._value = _after(self._value, [None, *values])
        self.query_changed()

    def action_field(self) -> None:
        """Let `M` cycle through the next tag; after the last one, through models."""
        if self.overview is None:
            return
        if not self.overview.tags:
            self.hint("The log has no tags: session(tags=…) writes them.")
            return
        self._field, self._value = _after(self._field, [_MODEL, *self.overview.tags]), None
        self.query_changed()

    def action_range(self) -> None:
        """Toggle filtering all views to the time range on screen."""
        trends, filtered = self._trends, self._filtered
        if filtered is not None:
            self._within = filtered
            self._filter(None)
        elif trends is not None and trends.begin is not None and trends.end is not None:
            self._filter((trends.begin, trends.end))

    def action_view_as(self) -> None:
        """Show the next chart, in the compact form."""
        self._show_chart(self._chart + 1)


def _after(value: _Value, values: Sequence[_Value]) -> _Value:
    """Return the next value; the first after the last or an unknown one."""
    index = values.index(value) if value in values else -1
    return values[(index + 1) % len(values)]
