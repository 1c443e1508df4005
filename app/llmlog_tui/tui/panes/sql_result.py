"""The result of an SQL query, in columns as wide as their values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.panes import RESULT_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell

if TYPE_CHECKING:
    import polars as pl

_MAX_WIDTH: Final = 40
"""Maximum cells of a column."""

_SAMPLED_ROWS: Final = 200
"""Rows that determine the widths of columns."""


class ResultPane(Pane):
    """The rows of a query's result; h and l scroll through its columns."""

    BINDINGS: ClassVar[list[BindingType]] = [*RESULT_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="result")
        self.following = False
        self.frame: pl.DataFrame | None = None
        self._first = 0
        self._took_s = 0.0
        self.empty = "The query's result appears here: Ctrl-R runs it."

    def update(self, frame: pl.DataFrame, took_s: float) -> None:
        """Show a result, and how long the query took."""
        self.frame, self._first = frame, 0
        self.following = False
        self._took_s = took_s
        self.redraw()
        if frame.height:
            self.move_to(0)

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
        self.set_source(_ResultRows(self.frame, self._first))
        rows = humanize.plural(self.frame.height, "row")
        columns = f"columns {self._first + 1} to {self.frame.width} of {self.frame.width}"
        self.set_title(
            f"Result · {rows} in {self._took_s * 1_000:,.0f} ms",
            columns if self._first else f"{self.frame.width} columns",
        )

    def action_roll(self, columns: int) -> None:
        """Scroll by columns."""
        if self.frame is not None:
            self._first = min(max(0, self._first + columns), self.frame.width - 1)
            self.redraw()


class _ResultRows(RowSource):
    def __init__(self, frame: pl.DataFrame, first: int) -> None:
        self._frame = frame.select(frame.columns[first:])
        sample = self._frame.head(_SAMPLED_ROWS).rows()
        self.columns = [
            Column(
                sanitize(name, _MAX_WIDTH),
                min(_MAX_WIDTH, max([len(name), *(len(_text(row[n])) for row in sample)])),
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
        return [Row([cell(_text(value)) for value in row]) for row in shown.iter_rows()]


def _text(value: object) -> str:
    if value is None:
        return humanize.UNKNOWN
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if type(value) is int else sanitize(str(value), 400)
