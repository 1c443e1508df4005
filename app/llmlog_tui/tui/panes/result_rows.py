"""Rows of a query's result: their values, or a bar for each of their numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from llmlog_tui import humanize, scale
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render.result_units import scale_form, value_text, with_unit
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, cell

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.query.result_chart import BarChart, Number

_MAX_WIDTH: Final = 40
"""Maximum cells of a column."""
_SAMPLED_ROWS: Final = 200
"""Rows that determine the widths of columns."""
_MIN_BAR: Final = 14
_GAP: Final = 2
"""Cells after a bar, between the end of its scale and the next title."""
_FULL, _HALF, _NEGATIVE = "█", "▌", "▒"


class ResultRows(RowSource):
    """The values of a result, from its column `first` on."""

    def __init__(self, frame: pl.DataFrame, first: int) -> None:
        self._frame = frame.select(frame.columns[first:])
        sample = self._frame.head(_SAMPLED_ROWS).rows()
        self.columns = [
            Column(
                sanitize(name, _MAX_WIDTH),
                min(_MAX_WIDTH, max([len(name), *(len(value_text(row[n])) for row in sample)])),
                "right" if dtype.is_numeric() else "left",
            )
            for n, (name, dtype) in enumerate(self._frame.schema.items())
        ]

    def __len__(self) -> int:
        return self._frame.height

    def key(self, index: int) -> Hashable:
        return index

    def index(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and key < len(self) else None

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        shown = self._frame[:, : len(widths)].slice(start, stop - start)
        return [Row([cell(value_text(value)) for value in row]) for row in shown.iter_rows()]


class BarRows(RowSource):
    """The names of a result's rows, with a value and a bar per number.

    Numbers begin with number `first`; `shown` of them fit into `room` cells. All rows share the
    scale of a number.
    """

    def __init__(self, chart: BarChart, first: int, room: int) -> None:
        self._chart = chart
        sample = chart.names[:_SAMPLED_ROWS]
        widest = max((cell_len(sanitize(name, _MAX_WIDTH)) for name in sample), default=0)
        name_width = min(_MAX_WIDTH, room * 2 // 5, max(widest, cell_len(chart.by)))
        self._numbers = list(zip(chart.numbers, chart.values, strict=True))[first:]
        widths = [_value_width(number, values) for number, values in self._numbers]
        fits, left = 0, room - name_width
        for width in widths:
            if fits and left < width + _MIN_BAR + 2:
                break
            left -= width + _MIN_BAR + 2
            fits += 1
        self._numbers = self._numbers[:fits]
        self.shown = fits
        spare = max(0, left) // max(1, fits)
        self._forms = [scale_form(number.unit) for number, _ in self._numbers]
        self._tops = [scale.round_up(number.top) for number, _ in self._numbers]
        self.columns = [Column(sanitize(chart.by, name_width), name_width)]
        for (number, _), width in zip(self._numbers, widths, strict=False):
            self.columns.append(Column(with_unit(number.name, number.unit), width, "right"))
            self.columns.append(Column("", _MIN_BAR + spare))

    def __len__(self) -> int:
        return len(self._chart.names)

    def key(self, index: int) -> Hashable:
        return index

    def index(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and key < len(self) else None

    def heading(self, column: int, width: int) -> str:
        """Return the column's title; over bars the scale: `0           2,000 ms`."""
        if column == 0 or column % 2:
            return super().heading(column, width)
        index = column // 2 - 1
        top = self._forms[index](self._tops[index])
        return f"0{top:>{width - 1 - _GAP}}"

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(index, widths) for index in range(start, min(stop, len(self)))]

    def _row(self, index: int, widths: Sequence[int]) -> Row:
        cells = [cell(self._chart.names[index])]
        for n, (_, values) in enumerate(self._numbers):
            value, bar = values[index], widths[2 * n + 2] - _GAP if 2 * n + 2 < len(widths) else 0
            cells.append(cell(value_text(_whole(value))))
            cells.append(_bar(value, self._tops[n], bar))
        return Row(cells)


def _value_width(number: Number, values: Sequence[float | None]) -> int:
    texts = [value_text(_whole(value)) for value in values[:_SAMPLED_ROWS]]
    title = with_unit(number.name, number.unit)
    return min(_MAX_WIDTH * 3 // 5, max(cell_len(text) for text in [title, *texts]))


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _bar(value: float | None, top: float, width: int) -> Cell:
    """Return a bar of half cells; that of a number below zero has another pattern."""
    if value is None or width < 1:
        return cell(humanize.UNKNOWN if value is None else "", "muted")
    halves = min(width * 2, round(abs(value) / top * width * 2))
    if value and not halves:
        halves = 1
    if value < 0:
        return cell(_NEGATIVE * max(1, halves // 2), "warning")
    return (CellSpan(_FULL * (halves // 2) + _HALF * (halves % 2), "primary"),)
