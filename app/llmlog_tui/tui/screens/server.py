"""Server view: an inference server's queue, cache and throughput beside the calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, cast

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.tui.keys.views import SERVER_BINDINGS
from llmlog_tui.tui.queries import ServerQuery
from llmlog_tui.tui.render import server_text
from llmlog_tui.tui.render.server_text import NO_SERVER
from llmlog_tui.tui.render.trends_text import PER_CELL
from llmlog_tui.tui.screens.time_view import TimeRange, TimeView, seconds
from llmlog_tui.tui.widgets.chart import RIGHT_LABEL, Chart, time_axis
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.server_trends import ServerTrends
    from llmlog_tui.analysis.reports.trends import Trends

_MIN_ROWS: Final = 6
"""Minimum rows of a chart; others are shown by the next `v`."""
_CALLS: Final = 2
"""Index of the chart of calls."""
_CHART_ACTIONS: Final = frozenset(
    binding.action.partition("(")[0] for binding in SERVER_BINDINGS if isinstance(binding, Binding)
)
"""Actions of the view's keys."""
_QUEUED: Final = ("▲", "$text-warning")
"""Mark of a slow call while requests waited."""


class _ServerBody(Vertical, can_focus=True):
    """Has focus for all charts: none has a cursor of its own."""


class ServerState(NamedTuple):
    """Time range (None: all), server (None: the first), and the cursor's slice."""

    within: TimeRange | None
    url: str | None
    cursor: int | None


class ServerScreen(TimeView):
    """Charts of a server and of the calls on one time axis, or raw values."""

    NAME = "server"
    AUTO_FOCUS = "#server-body"
    BINDINGS: ClassVar[list[BindingType]] = [*SERVER_BINDINGS]
    SHOWS_SPAN = False  # without a range, the samples alone may be shown

    def __init__(self) -> None:
        super().__init__()
        self._trends: ServerTrends | None = None
        self._url: str | None = None
        self._urls: Sequence[str] = ()
        self._first_chart = 0
        self._as_values = False
        self.status = Static(id="server-status")
        self.charts = (
            Chart("Requests", humanize.count, right=RIGHT_LABEL),
            Chart("KV cache", humanize.percent, right=RIGHT_LABEL),
            Chart("Calls ms", humanize.count, right=RIGHT_LABEL),
            Chart("Waits ms", humanize.count, right=RIGHT_LABEL),
            Chart("Throughput tok/s", humanize.count, right=RIGHT_LABEL),
        )
        self.axis = Static(id="server-axis")
        self.values = TextPane(id="values")

    def body(self) -> Iterable[Widget]:
        yield _ServerBody(self.status, *self.charts, self.axis, self.values, id="server-body")

    def apply_layout(self) -> None:
        self._show_charts()
        self.query_changed()  # the number of slices depends on the width

    def _show_charts(self) -> None:
        """Show as many charts as have room, from the current one on, or the values."""
        last, has_charts = self._first_chart + self._room, self._has_charts
        for n, chart in enumerate(self.charts):
            chart.display = has_charts and self._first_chart <= n < last
        self.axis.display = has_charts
        self.values.display = not has_charts

    @property
    def _has_charts(self) -> bool:
        """Whether charts are shown: not if values were chosen, or of an unknown server."""
        if self._trends is None or self.overview is None or self._as_values:
            return False
        metrics, url = self.overview.server, self._trends.url
        poll = metrics.polls.get(url or "")
        return url in metrics.samples or (poll is not None and not poll.raw)

    @property
    def _room(self) -> int:
        """Number of charts that have room."""
        return max(1, (self.size.height - 4) // _MIN_ROWS)

    # -- data

    @property
    def calls(self) -> Trends | None:
        return None if self._trends is None else self._trends.calls

    @property
    def span(self) -> Interval | None:
        trends = self._trends
        if trends is None or trends.first is None or trends.last is None:
            return None
        return seconds(trends.first, trends.last)

    @property
    def current_query(self) -> ServerQuery:
        """The time series, with one slice per column of dots."""
        return ServerQuery(self._slices, self._time_range, self._url)

    def update_body(self, overview: Overview, result: object | None) -> None:
        if result is not None:  # until then, the last one is shown
            self._trends = cast("ServerTrends", result)
        self._draw()
        if overview.server.urls != self._urls:
            self._urls = overview.server.urls
            self.refresh_bindings()

    def _draw(self) -> None:
        trends, overview = self._trends, self.overview
        self._show_charts()
        self.values.can_focus = trends is not None and trends.url is not None
        if trends is None or overview is None or trends.url is None:
            first, *others = (Content.styled(line, "$text-muted") for line in NO_SERVER)
            self.status.update(Content(" ") + first)
            self.values.update("", others)
            return
        self.status.update(server_text.status(overview.server, trends.url, self.size.width))
        if self._has_charts:
            self._draw_charts(trends)
        else:
            self.values.update("values", server_text.values(overview.server.polls.get(trends.url)))

    def _draw_charts(self, trends: ServerTrends) -> None:
        queued = dict.fromkeys(server_text.first_of_episodes(trends.queued), _QUEUED)
        for chart, lines in zip(self.charts, server_text.lines(trends), strict=True):
            is_calls = chart is self.charts[_CALLS]
            note = server_text.NOTE if is_calls and queued else ""
            if not any(line.known for line in lines):
                note = server_text.NO_VALUES
            chart.update(lines, queued if is_calls else {}, self._cursor, note)
        begin, end = trends.calls.begin, trends.calls.end
        if begin is not None and end is not None:
            times = humanize.local(begin), humanize.local(end)
            self.axis.update(time_axis(self._slices // PER_CELL, *times))

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing: without a server, a second one, or charts."""
        urls = () if self.overview is None else self.overview.server.urls
        if action == "server":
            return len(urls) > 1
        if action in _CHART_ACTIONS and (not urls or (self._as_values and action != "view_as")):
            return False
        return super().check_action(action, parameters)

    def get_state(self) -> object:
        return ServerState(self._within, self._url, self._cursor)

    def restore_state(self, state: object) -> None:
        if isinstance(state, ServerState):
            self._within, self._url, self._cursor = state
            self.query_changed()
            self._draw()

    def action_open(self) -> None:
        """Go to the slowest call at the cursor."""
        row = self.cursor_key
        if isinstance(row, int):
            self.post_message(self.GoToRequested(row))
        else:
            self.hint("h and l move the cursor to a call to open.")

    def action_server(self) -> None:
        """Show the next server, after the last one the first."""
        urls = () if self.overview is None else self.overview.server.urls
        shown = self._trends.url if self._trends is not None else None
        at = urls.index(shown) if shown in urls else -1
        self._url, self._as_values = urls[(at + 1) % len(urls)], False
        self.query_changed()

    def action_view_as(self) -> None:
        """Show the charts that had no room, then all values, then the charts again."""
        self._first_chart += self._room
        if self._as_values:
            self._as_values, self._first_chart = False, 0
        elif self._first_chart >= len(self.charts):
            self._as_values, self._first_chart = True, 0
        self._draw()
        self.refresh_bindings()
