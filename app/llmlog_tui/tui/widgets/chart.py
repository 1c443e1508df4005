"""A chart on a time axis, with round labels at both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from llmlog_tui import scale
from llmlog_tui.tui.widgets.plot import COLUMNS_PER_CELL, SAMPLES, Canvas, ChartLine

LABEL: Final = 9
"""Cells at the left for the labels of the axis."""

RIGHT_LABEL: Final = 8
"""Cells at the right for the labels of a second scale."""

_CELLS_PER_TIME_LABEL: Final = 10
_ROWS_WITH_MIDDLE: Final = 5
"""Minimum rows of a chart with a label between zero and the top."""

Form = Callable[[float | None], str]


class ChartContent(NamedTuple):
    """Series over one time axis, with marks and a cursor at slices of time.

    `marks` are slice -> glyph and colour. `right` cells at the right are for the labels of a series
    with its own scale. `note` is shown after the legend.
    """

    title: str
    form: Form
    lines: Sequence[ChartLine] = ()
    marks: Mapping[int, tuple[str, str]] = MappingProxyType({})
    cursor: int | None = None
    right: int = 0
    note: str = ""


class Chart(Widget, can_focus=False):
    """A chart that fills its space; `right` as in ChartContent."""

    def __init__(self, title: str, form: Form, *, right: int = 0) -> None:
        super().__init__(classes="chart")
        self._content = ChartContent(title, form, right=right)

    def set_title(self, title: str, form: Form) -> None:
        """Show another number; call update() afterwards."""
        self._content = self._content._replace(title=title, form=form)

    def update(
        self,
        lines: Sequence[ChartLine],
        marks: Mapping[int, tuple[str, str]],
        cursor: int | None,
        note: str = "",
    ) -> None:
        """Show series, marks (slice -> glyph, colour), and the cursor's slice."""
        self._content = self._content._replace(lines=lines, marks=marks, cursor=cursor, note=note)
        self.refresh()

    def render(self) -> Content:
        return Content("\n").join(draw_chart(self._content, self.size.width, self.size.height))


def slices_of(width: int, right: int = 0) -> int:
    """Return the slices of time of a chart `width` cells wide."""
    return max(COLUMNS_PER_CELL, (width - LABEL - 1 - right) * COLUMNS_PER_CELL)


def draw_chart(chart: ChartContent, width: int, height: int) -> list[Content]:
    """Return the lines of a chart: its heading, and one per row of cells."""
    rows, width_of_plot = height - 1, width - LABEL - 1 - chart.right
    if rows < 1 or width_of_plot < 1:
        return []
    left = [value for line in chart.lines if line.form is None for value in line.known]
    own = next((line for line in chart.lines if line.form is not None), None)
    top = scale.round_up(max(left, default=0.0))
    right_top = scale.round_up(max(own.known, default=0.0)) if own else 0.0
    canvas = Canvas(rows, width_of_plot)
    for line in chart.lines:
        canvas.draw(line, top if line.form is None else right_top)
    grid = canvas.cells()
    _overlay(chart, grid, width_of_plot)
    labels = _labels(chart.form, top if left else None, rows, LABEL - 1)
    right_labels = [""] * rows
    if own and own.form and chart.right:
        right_labels = _labels(own.form, right_top if own.known else None, rows, chart.right - 1)
    shown = [_heading(chart, width)]
    for label, right_label, cells in zip(labels, right_labels, grid, strict=True):
        shown.append(
            Content.assemble(
                (f"{label:>{LABEL - 1}} ", "$text-muted"),
                ("┤" if label else "│", "$border"),
                *cells,
                ("├" if right_label else "", "$border"),
                (right_label, own.tone if own else ""),
            )
        )
    return shown


def _heading(chart: ChartContent, width: int) -> Content:
    """Return the title and legend, with values at the cursor: `Latency ms  ⠶⠶ p50 430`.

    The title is padded, and the note added, if there is room.
    """
    parts: list[tuple[str, str]] = []
    for line in chart.lines:
        if line.name:
            parts.append((f"  {SAMPLES[line.stroke]} {line.name}", line.tone))
        if chart.cursor is not None and chart.cursor < len(line.values):
            value = line.values[chart.cursor]
            is_between = value is None and line.bridged
            parts.append(("" if is_between else f" {(line.form or chart.form)(value)}", "bold"))
    legend = Content.assemble(*parts)
    room = width - legend.cell_length - len(chart.note) - 4
    title = f" {chart.title:<{LABEL + 12}}" if room > LABEL + 12 else f" {chart.title}"
    note = f"   {chart.note}" if chart.note and cell_len(title) <= room else ""
    return Content.assemble((title, "bold"), *parts, (note, "$text-muted"))


def _overlay(chart: ChartContent, grid: list[list[tuple[str, str]]], width: int) -> None:
    """Draw marks at the top, with lines down, and the cursor's column, in blank cells."""
    for index, (glyph, tone) in chart.marks.items():
        x = index // COLUMNS_PER_CELL
        if x >= width:
            continue
        for row in grid[1:]:
            if row[x][0] == " ":
                row[x] = ("┊", tone)
        if cell_len(glyph) == 1:
            grid[0][x] = (glyph, tone)
    if chart.cursor is not None and chart.cursor // COLUMNS_PER_CELL < width:
        for row in grid:
            glyph, _ = row[chart.cursor // COLUMNS_PER_CELL]
            row[chart.cursor // COLUMNS_PER_CELL] = (
                "│" if glyph in " ┊" else glyph,
                "$text-primary bold",
            )


def _labels(form: Form, top: float | None, rows: int, width: int) -> list[str]:
    """Return a label per row: zero, the top, and on tall charts one between."""
    labels = [""] * rows
    if top is None:
        return labels
    if rows >= _ROWS_WITH_MIDDLE and _is_exact(form(top / 2), top / 2):
        labels[rows // 2] = form(top / 2)
    labels[-1] = "0"
    labels[0] = form(top)
    return [label if cell_len(label) <= width else "" for label in labels]


def _is_exact(label: str, value: float) -> bool:
    """Return whether a label has all digits of a round value: not `12%` of 0.125."""
    digits = "".join(filter(str.isdigit, label))
    return digits.strip("0") == f"{value:.6e}".partition("e")[0].replace(".", "").strip("0")


def time_axis(cells: int, begin: datetime, end: datetime) -> Content:
    """Return the time axis under charts `cells` wide, with labels at round times.

    Both times are in the time zone that is shown.
    """
    text, span = "", (end - begin).total_seconds()
    for when in scale.round_times(begin, end, max(1, cells // _CELLS_PER_TIME_LABEL)):
        label = scale.time_tick(when, begin, end)
        at = round((when - begin).total_seconds() / span * (cells - 1)) if span else 0
        if at >= len(text) and at + len(label) <= cells:
            text = f"{text:<{at}}{label} "
    return Content.styled(" " * (LABEL + 1) + text, "$text-muted")
