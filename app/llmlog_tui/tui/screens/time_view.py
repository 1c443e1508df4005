"""Views of charts on one time axis: cursor, zoom, pan, time range."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.tui import workers
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.chart import RIGHT_LABEL, slices_of
from llmlog_tui.tui.widgets.plot import COLUMNS_PER_CELL

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.trends import Trends

TimeRange: TypeAlias = tuple[datetime, datetime]


class TimeView(LogView):
    """A view whose charts share a time axis; only those of `calls` are drawn here."""

    SHOWS_SPAN: ClassVar[bool] = True
    """Whether all of `span` is shown without a time range."""

    def __init__(self) -> None:
        super().__init__()
        self._within: TimeRange | None = None
        self._cursor: int | None = None
        self._listed: TimeRange | None = None  # the footer lists the keys of this one

    # -- overridden by views

    @property
    @abstractmethod
    def calls(self) -> Trends | None:
        """The series of calls on screen; None before the first."""

    @property
    @abstractmethod
    def span(self) -> Interval | None:
        """The longest time range that can be shown, in seconds."""

    @abstractmethod
    def _draw(self) -> None:
        """Draw the charts again."""

    # -- time range

    @property
    def _slices(self) -> int:
        return slices_of(self.size.width, RIGHT_LABEL)

    @property
    def _filtered(self) -> TimeRange | None:
        """Time range of the filter, which applies to all views."""
        where = self.filterbar.where
        return None if where is None else workers.analysis.time_range(where)

    @property
    def _time_range(self) -> TimeRange | None:
        """Time range on screen: that of the filter, or else this view's own."""
        return self._filtered or self._within

    @property
    def _interval(self) -> Interval | None:
        """The time range that is drawn, in seconds."""
        if self._time_range is not None:
            return seconds(*self._time_range)
        calls = self.calls
        if calls is None or calls.begin is None or calls.end is None:
            return None
        return seconds(calls.begin, calls.end)

    def _set_time_range(self, interval: Interval) -> None:
        span = self.span
        if span is None:
            return
        if interval.length < 1:
            self.hint("Minimum zoom: 1 s")
            return
        clamped = interval.clamp(span)
        begin, end = (datetime.fromtimestamp(second, UTC) for second in clamped)
        is_default = self.SHOWS_SPAN and clamped == span
        self._apply_time_range(None if is_default else (begin, end))

    def _apply_time_range(self, within: TimeRange | None) -> None:
        """Set the time range: in the filter if that has one, else here."""
        self._within = within
        self.refresh_bindings()
        if self._filtered is None:
            self.query_changed()
        else:
            self._filter(within)

    def _filter(self, within: TimeRange | None) -> None:
        where = workers.analysis.in_time_range(self.filterbar.where, within)
        self.post_message(self.FilterRequested(where))

    def update_overview(self, overview: Overview, result: object | None) -> None:
        super().update_overview(overview, result)
        if self._listed != self._time_range:  # a filter may have set it
            self._listed = self._time_range
            self.refresh_bindings()

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable panning where all of the time is shown."""
        if self._time_range is None and (action == "all" or (action == "pan" and self.SHOWS_SPAN)):
            return False
        return super().check_action(action, parameters)

    @property
    def cursor_key(self) -> Hashable:
        """Key of the slowest call at the cursor, or nearest to it."""
        if self.calls is None or self._cursor is None:
            return None
        rows = self.calls.figures["worst_row"]
        here, there = self._cursor, (n for n, row in enumerate(rows) if row is not None)
        near = min(there, key=lambda n: abs(n - here), default=None)
        row = None if near is None else rows[near]
        return None if row is None else int(row)

    def action_cursor(self, cells: int) -> None:
        """Move the cursor by a number of cells."""
        last = self._slices - COLUMNS_PER_CELL
        here = self._cursor
        if here is None:
            here = last + COLUMNS_PER_CELL if cells < 0 else -COLUMNS_PER_CELL
        self._cursor = min(max(0, here + cells * COLUMNS_PER_CELL), last)
        self._draw()

    def action_zoom_time(self, factor: float) -> None:
        """Scale the time range around the cursor; a factor below 1 zooms in."""
        shown = self._interval
        if shown is not None:
            share = 0.5 if self._cursor is None else self._cursor / self._slices
            self._set_time_range(shown.zoom(factor, around=shown.begin + shown.length * share))

    def action_pan(self, share: float) -> None:
        """Pan the time range by a share of its length."""
        shown = self._interval
        if shown is not None:
            self._set_time_range(shown.shift(share))

    def action_all(self) -> None:
        self._apply_time_range(None)

    def follow(self) -> None:
        self._cursor = None
        self.action_all()


def seconds(begin: datetime, end: datetime) -> Interval:
    return Interval(begin.timestamp(), end.timestamp())
