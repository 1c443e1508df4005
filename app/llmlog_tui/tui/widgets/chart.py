"""A chart on a time axis, with round labels at both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

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


class Chart(Widget, can_focus=False):
    """Series over one time axis, with marks and a cursor at slices of time.

    `right` cells at the right are for the labels of a series with its own scale.
    """

    def __init__(self, title: str, form: Form, *, right: int = 0) -> None:
        super().__init__(classes="chart")
        self.title, self.form, self.right = title, form, right
        self.note = ""
        """Text after the legend."""
        self._lines: Sequence[ChartLine] = ()
        self._marks: Mapping[int, tuple[str, str]] = {}
        self._cursor: int | None = None

    def update(
        self,
        lines: Sequence[ChartLine],
        marks: Mapping[int, tuple[str, str]],
        cursor: int | None,
        note: str = "",
    ) -> None:
        """Show series, marks (slice -> glyph, colour), and the cursor's slice."""
        self._lines, self._marks, self._cursor, self.note = lines, marks, cursor, note
        self.refresh()

    def render(self) -> Content:
        rows, width = self.size.height - 1, self.size.width - LABEL - 1 - self.right
        if rows < 1 or width < 1:
            return Content("")
        left = [value for line in self._lines if line.form is None for value in line.known]
        own = next((line for line in self._lines if line.form is not None), None)
        top = scale.round_up(max(left, default=0.0))
        right_top = scale.round_up(max(own.known, default=0.0)) if own else 0.0
        canvas = Canvas(rows, width)
        for line in self._lines:
            canvas.draw(line, top if line.form is None else right_top)
        grid = canvas.cells()
        self._overlay(grid, width)
        labels = _labels(self.form, top if left else None, rows, LABEL - 1)
        right_labels = [""] * rows
        if own and own.form and self.right:
            right_labels = _labels(own.form, right_top if own.known else None, rows, self.right - 1)
        shown = [self._heading()]
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
        return Content("\n").join(shown)

    def _heading(self) -> Content:
        """Return the title and legend, with values at the cursor: `Latency ms  ⠶⠶ p50 430`.

        The title is padded, and the note added, if there is room.
        """
        parts: list[tuple[str, str]] = []
        for line in self._lines:
            if line.name:
                parts.append((f"  {SAMPLES[line.stroke]} {line.name}", line.tone))
            if self._cursor is not None and self._cursor < len(line.values):
                value = line.values[self._cursor]
                is_between = value is None and line.bridged
                parts.append(("" if is_between else f" {(line.form or self.form)(value)}", "bold"))
        legend = Content.assemble(*parts)
        room = self.size.width - legend.cell_length - len(self.note) - 4
        title = f" {self.title:<{LABEL + 12}}" if room > LABEL + 12 else f" {self.title}"
        note = f"   {self.note}" if self.note and cell_len(title) <= room else ""
        return Content.assemble((title, "bold"), *parts, (note, "$text-muted"))

    def _overlay(self, grid: list[list[tuple[str, str]]], width: int) -> None:
        """Draw marks at the top, with lines down, and the cursor's column, in blank cells."""
        for index, (glyph, tone) in self._marks.items():
            x = index // COLUMNS_PER_CELL
            if x >= width:
                continue
            for row in grid[1:]:
                if row[x][0] == " ":
                    row[x] = ("┊", tone)
            if cell_len(glyph) == 1:
                grid[0][x] = (glyph, tone)
        if self._cursor is not None and self._cursor // COLUMNS_PER_CELL < width:
            for row in grid:
                glyph, _ = row[self._cursor // COLUMNS_PER_CELL]
                row[self._cursor // COLUMNS_PER_CELL] = (
                    "│" if glyph in " ┊" else glyph,
                    "$text-primary bold",
                )


def _labels(form: Form, top: float | None, rows: int, width: int) -> list[str]:
    """Return a label per row: zero, the top, and on tall charts one between."""
    labels = [""] * rows
    if top is None:
        return labels
    if rows >= _ROWS_WITH_MIDDLE:
        labels[rows // 2] = form(top / 2)
    labels[-1] = "0"
    labels[0] = form(top)
    return [label if cell_len(label) <= width else "" for label in labels]


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
