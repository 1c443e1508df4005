"""A line chart on a time axis, in braille: 2 by 4 dots per cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

LABEL: Final = 9
"""Cells at the left for the labels of the axis."""

_CELLS_PER_TIME_LABEL: Final = 16
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK: Final = 0x2800
_ROWS, _COLUMNS = 4, 2


class ChartLine(NamedTuple):
    """A line of a chart: its colour, and a value or None per slice.

    A line with its own `form` has its own scale, up to its maximum.
    """

    name: str
    values: Sequence[float | None]
    tone: str
    form: Callable[[float | None], str] | None = None


class Chart(Widget, can_focus=False):
    """Lines over one time axis, with marks and a cursor at slices of time."""

    def __init__(self, title: str, form: Callable[[float | None], str]) -> None:
        super().__init__(classes="chart")
        self.title, self._form = title, form
        self._lines: Sequence[ChartLine] = ()
        self._marks: Mapping[int, tuple[str, str]] = {}
        self._dots: Sequence[float | None] = ()
        self._cursor: int | None = None

    def update(
        self,
        lines: Sequence[ChartLine],
        marks: Mapping[int, tuple[str, str]],
        cursor: int | None,
        dots: Sequence[float | None] = (),
    ) -> None:
        """Show lines, marks (slice -> glyph, colour), the cursor's slice, and single values."""
        self._lines, self._marks, self._cursor, self._dots = lines, marks, cursor, dots
        self.refresh()

    def render(self) -> Content:
        rows, width = self.size.height - 1, self.size.width - LABEL - 1
        if rows < 1 or width < 1:
            return Content("")
        shared = [line.values for line in self._lines if line.form is None]
        most = max(_known(*shared, self._dots), default=0.0)
        grid = self._plot(rows, width, most)
        shown = [self._heading()]
        for y, cells in enumerate(grid):
            label = self._form(most) if y == 0 else self._form(0.0) if y == rows - 1 else ""
            axis = "┤" if label else "│"
            shown.append(
                Content.assemble(
                    (f"{label:>{LABEL - 1}} ", "$text-muted"), (axis, "$border"), *cells
                )
            )
        return Content("\n").join(shown)

    def _heading(self) -> Content:
        """Return the title with the values at the cursor: `Latency ms   p50 430  p95 1,430`."""
        parts: list[tuple[str, str]] = [(f" {self.title:<{LABEL + 12}}", "bold")]
        for line in self._lines:
            parts.append((f"  {line.name} ", line.tone))
            if self._cursor is not None and self._cursor < len(line.values):
                value = line.values[self._cursor]
                parts.append(((line.form or self._form)(value), "bold"))
        return Content.assemble(*parts)

    def _plot(self, rows: int, width: int, most: float) -> list[list[tuple[str, str]]]:
        """Return a glyph and its colour for each row and cell."""
        bits = [[0] * width for _ in range(rows)]
        tones = [[""] * width for _ in range(rows)]
        height = rows * _ROWS
        for line in self._lines:
            top = most if line.form is None else max(_known(line.values), default=0.0)
            last: tuple[int, int] | None = None  # None after a gap: nothing to connect to
            for x, value in enumerate(line.values[: width * _COLUMNS]):
                if value is None:
                    last = None
                    continue
                y = _height_of(value, top, height)
                for at_y in _between(last[1], y) if last is not None else (y,):
                    _set(bits, tones, (x, at_y), line.tone)
                last = x, y
        for x, dot in enumerate(self._dots[: width * _COLUMNS]):
            if dot is not None:
                _set(bits, tones, (x, _height_of(dot, most, height)), "$text-warning")
        grid = [
            [
                (chr(_BLANK + bit) if bit else " ", tone)
                for bit, tone in zip(row, colours, strict=True)
            ]
            for row, colours in zip(bits, tones, strict=True)
        ]
        self._overlay(grid, width)
        return grid

    def _overlay(self, grid: list[list[tuple[str, str]]], width: int) -> None:
        """Draw marks at the top, with lines down, and the cursor's column, in blank cells."""
        for cell, (glyph, tone) in self._marks.items():
            x = cell // _COLUMNS
            if x >= width:
                continue
            for row in grid[1:]:
                if row[x][0] == " ":
                    row[x] = ("┊", tone)
            if cell_len(glyph) == 1:
                grid[0][x] = (glyph, tone)
        if self._cursor is not None and self._cursor // _COLUMNS < width:
            for row in grid:
                glyph, _ = row[self._cursor // _COLUMNS]
                row[self._cursor // _COLUMNS] = (
                    "│" if glyph in " ┊" else glyph,
                    "$text-primary bold",
                )


def axis(cells: int, time_at: Callable[[int], str]) -> Content:
    """Return the time axis under charts: `time_at` labels a cell every 16 of them."""
    text = ""
    for cell in range(0, max(1, cells - len(time_at(0))), _CELLS_PER_TIME_LABEL):
        text = f"{text:<{cell}}{time_at(cell)}"
    return Content.styled(" " * (LABEL + 1) + text, "$text-muted")


def _known(*values: Sequence[float | None]) -> list[float]:
    return [value for each in values for value in each if value is not None]


def _height_of(value: float, most: float, height: int) -> int:
    """Return dots from the top."""
    share = value / most if most else 0.0
    return min(height - 1, max(0, round((1 - share) * (height - 1))))


def _between(one: int, other: int) -> range:
    # A steep line would have gaps if only the heights at its ends were drawn.
    if one == other:
        return range(other, other + 1)
    return range(one + 1, other + 1) if other > one else range(other, one)


def _set(bits: list[list[int]], tones: list[list[str]], at: tuple[int, int], tone: str) -> None:
    x, y = at
    bits[y // _ROWS][x // _COLUMNS] |= _DOTS[y % _ROWS][x % _COLUMNS]
    tones[y // _ROWS][x // _COLUMNS] = tone
