"""The result of an SQL query: a table, bars by name, or charts over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.panes import RESULT_BINDINGS, RESULT_CHART_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.result_rows import BarRows, ResultRows
from llmlog_tui.tui.render.result_units import scale_form, value_text, with_unit
from llmlog_tui.tui.widgets.chart import Chart, slices_of, time_axis
from llmlog_tui.tui.widgets.plot import COLUMNS_PER_CELL, ChartLine, Stroke

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.query.result_chart import BarChart, Number, TimeChart

_MAX_CHARTS: Final = 3
_MIN_CHART_ROWS: Final = 6
"""Minimum rows of a chart, with its title."""

_GROUPS: Final[tuple[tuple[Stroke, str], ...]] = (
    ("thick", "$text-primary"),
    ("line", "$text-accent"),
    ("dashed", "$text-success"),
    ("dotted", "$text-secondary"),
)
"""Stroke and colour of each series of a chart."""


_SAMPLE_CELLS, _VALUE_CELLS = 5, 9
"""Cells of a series' stroke in the legend, and of its value at the cursor."""
_MIN_NAME: Final = 6
"""Minimum cells of a series' name."""


class ResultPane(Pane):
    """The rows of a query's result; h and l scroll through its columns."""

    BINDINGS: ClassVar[list[BindingType]] = [*RESULT_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="result")
        self.following = False
        self.frame: pl.DataFrame | None = None
        self._bars: BarChart | None = None
        self._first = 0
        self._took_s = 0.0
        self.empty = "The query's result appears here: Ctrl-R runs it."

    def update(self, frame: pl.DataFrame, took_s: float) -> None:
        """Show a result, and how long the query took."""
        self.frame, self._first = frame, 0
        self._bars = None
        self.following = False
        self._took_s = took_s
        self.redraw()
        if frame.height:
            self.move_to(0)

    def show_bars(self, bars: BarChart | None) -> None:
        """Show a bar per row and number; the table, if it is None."""
        if bars is not self._bars:
            self._bars, self._first = bars, 0
            self.redraw()

    def current_row(self) -> dict[str, object]:
        """Return the values of the row under the cursor, by column; empty without one."""
        index = self.cursor_key
        if self.frame is None or not isinstance(index, int) or index >= self.frame.height:
            return {}
        return self.frame.row(index, named=True)

    def redraw(self) -> None:
        if self.frame is None:
            self.set_title("Result")
            return
        self.empty = "No rows."
        rows = humanize.plural(self.frame.height, "row")
        took = f"Result · {rows} in {self._took_s * 1_000:,.0f} ms"
        if self._bars is not None:
            source, total = BarRows(self._bars, self._first, self.room), len(self._bars.numbers)
            self.set_source(source)
            shown = [each.name for each in self._bars.numbers][self._first :][: source.shown]
            self.set_title(
                f"{took} · {', '.join(shown)} by {self._bars.by}",
                f"{source.shown} of {humanize.plural(total, 'number')}",
            )
            return
        self.set_source(ResultRows(self.frame, self._first))
        columns = f"columns {self._first + 1} to {self.frame.width} of {self.frame.width}"
        self.set_title(
            took, columns if self._first else humanize.plural(self.frame.width, "column")
        )

    def action_roll(self, columns: int) -> None:
        """Scroll by columns, or by numbers with bars."""
        if self.frame is not None:
            width = self.frame.width if self._bars is None else len(self._bars.numbers)
            self._first = min(max(0, self._first + columns), width - 1)
            self.redraw()


class ResultCharts(Vertical, can_focus=True):
    """A chart per number of a result with times, on one time axis."""

    BINDINGS: ClassVar[list[BindingType]] = [*RESULT_CHART_BINDINGS]
    compact: reactive[bool] = reactive(default=False, toggle_class="-compact")

    def __init__(self) -> None:
        super().__init__(id="result-chart")
        self.charts = tuple(Chart("", humanize.count_label) for _ in range(_MAX_CHARTS))
        self.axis = Static(classes="time-axis")
        self._frame: pl.DataFrame | None = None
        self._chart: TimeChart | None = None
        self._first = 0
        self._cursor: int | None = None
        self._has_medians = False

    def compose(self) -> ComposeResult:
        yield from self.charts
        yield self.axis

    def on_resize(self) -> None:
        self.redraw()

    def update(self, frame: pl.DataFrame | None, chart: TimeChart | None) -> None:
        """Show the charts of a result."""
        if chart is not self._chart:
            self._frame, self._chart, self._first, self._cursor = frame, chart, 0, None
            self.redraw()

    @property
    def _slices(self) -> int:
        return slices_of(self.size.width)

    def _row(self) -> int | None:
        """Return the index of the row at the cursor."""
        if self._chart is None or self._cursor is None:
            return None
        stops = self._chart.stops(self._slices)
        near = min(stops, key=lambda at: abs(at - (self._cursor or 0)))
        return stops[near]

    def current_row(self) -> dict[str, object]:
        """Return the values of the row at the cursor, by column; empty without one."""
        row = self._row()
        return {} if row is None or self._frame is None else self._frame.row(row, named=True)

    def redraw(self) -> None:
        """Draw the charts that fit, for the current size."""
        chart = self._chart
        if chart is None or not self.size.width:
            return
        shown = chart.numbers[self._first : self._first + self._room]
        for n, widget in enumerate(self.charts):
            widget.display = n < len(shown)
            if n < len(shown):
                self._draw(widget, chart, shown[n])
        cells = self._slices // COLUMNS_PER_CELL
        self.axis.update(time_axis(cells, chart.begin, chart.end))
        self.border_title = Content(self._title(chart))
        total = len(chart.numbers)
        numbers = f"{self._first + 1} to {self._first + len(shown)} of {total} numbers"
        self.border_subtitle = Content("UTC" if len(shown) == total else f"{numbers} · UTC")

    @property
    def _room(self) -> int:
        """Number of charts that have room."""
        return max(1, min(_MAX_CHARTS, (self.size.height - 1) // _MIN_CHART_ROWS))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable scrolling where all charts have room."""
        if action == "roll":
            return self._chart is not None and len(self._chart.numbers) > self._room
        return super().check_action(action, parameters)

    def _draw(self, widget: Chart, chart: TimeChart, number: Number) -> None:
        title = with_unit(number.name, number.unit)
        widget.set_title(title, scale_form(number.unit))
        found = chart.series(number, self._slices)
        of_values = 0 if self._cursor is None else _VALUE_CELLS
        room = self.size.width - len(title) - 2 - len(found) * (_SAMPLE_CELLS + of_values)
        names = _fit([sanitize(series.group, max(1, room)) for series in found], room)
        lines = [
            ChartLine(
                name,
                series.values,
                tone,
                stroke="points" if series.points else stroke,
                points=series.points,
                bridged=True,
            )
            for name, series, (stroke, tone) in zip(names, found, _GROUPS, strict=False)
        ]
        self._has_medians = any(series.is_median for series in found)
        widget.update(lines, {}, self._cursor)

    def _title(self, chart: TimeChart) -> str:
        """Return a title: the columns, or the values of the row at the cursor."""
        row = self.current_row()
        if row:
            when = row[chart.by]
            shown = f"{when:%Y-%m-%d %H:%M:%S}" if isinstance(when, datetime) else str(when)
            values = (f"{number.name} {value_text(row[number.name])}" for number in chart.numbers)
            group = [value_text(row[chart.group_by])] if chart.group_by else []
            return sanitize(f"Result · {' · '.join([shown, *group, *values])}", self.size.width)
        groups = f" and {chart.group_by}" if chart.group_by else ""
        total = len(chart.groups) + chart.left_out
        left_out = f", {len(chart.groups)} of {total}" if chart.left_out else ""
        medians = "medians " if self._has_medians else ""
        return sanitize(f"Result · {medians}by {chart.by}{groups}{left_out}", self.size.width)

    def action_cursor(self, by: int) -> None:
        """Move the cursor to the next row in time, or the previous one."""
        if self._chart is None:
            return
        stops = list(self._chart.stops(self._slices))
        here = self._cursor
        if here is None:
            at = 0 if by > 0 else len(stops) - 1
        else:
            near = min(range(len(stops)), key=lambda n: abs(stops[n] - here))
            at = min(max(0, near + by), len(stops) - 1)
        self._cursor = stops[at]
        self.redraw()

    def action_roll(self, charts: int) -> None:
        """Scroll to the charts of other numbers."""
        if self._chart is not None:
            self._first = min(max(0, self._first + charts), len(self._chart.numbers) - 1)
            self.redraw()


def _fit(names: Sequence[str], room: int) -> list[str]:
    """Cut the longest names until all fit into `room` cells."""
    lengths = [cell_len(name) for name in names]
    longest = max(lengths, default=0)
    while longest > _MIN_NAME and sum(min(length, longest) for length in lengths) > room:
        longest -= 1
    return [
        name if length <= longest else f"{set_cell_size(name, longest - 1)}…"
        for name, length in zip(names, lengths, strict=True)
    ]
