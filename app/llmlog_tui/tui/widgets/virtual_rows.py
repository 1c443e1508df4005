"""Lines drawn on demand: a view asks its source for the rows on screen, and for no others.

Stock tables keep every cell; this one is a ScrollView with the Line API, and of what is on screen
it draws only the lines anew that look another way.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from textwrap import wrap
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.column_layout import fit
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, NoRows, Row, RowSource, cell
from llmlog_tui.tui.widgets.strip_cache import GUTTER, LineState, StripCache

_MARGIN = 1
_TONES = (
    *("muted", "strong", "primary", "secondary", "accent"),
    *("success", "warning", "worst", "error"),
)
_POINTERS: Final[dict[tuple[bool, bool], CellSpan]] = {
    (at_cursor, has_focus): CellSpan("▌" if at_cursor else " ", "primary" if has_focus else "muted")
    for at_cursor in (False, True)
    for has_focus in (False, True)
}
"""What stands in the first cell: at the cursor or not, with the keys or not."""

_TEXT: Final = (Column("", 0),)
"""The columns of a line without a row: one, with text."""


class _VisibleRange(NamedTuple):
    """The rows on screen: from `start` up to `stop`, for a table and columns of these widths."""

    start: int
    stop: int
    rows: list[Row]
    width: int
    widths: list[int]


class VirtualRows(ScrollView):
    """The rows of a source under a heading, one of them at the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--cursor",
        "table--cursor-blurred",
        "table--slow",
        "table--failed",
        *(f"table--{tone}" for tone in _TONES),
    }

    def __init__(self, *, heading: bool = True, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = ""
        """What stands in a table without rows: what would appear there, and how."""
        self._source: RowSource = NoRows()
        self._heading = int(heading)
        self._cursor = -1
        self._column: int | None = None
        self._window: _VisibleRange | None = None
        self._painting: _VisibleRange | None = None
        self._strips = StripCache(self._component)
        self._drawn: dict[int, LineState] = {}
        self._form: tuple[int, list[int]] = 0, []

    @property
    def room(self) -> int:
        """How many cells the columns share."""
        return max(0, self.size.width - GUTTER - _MARGIN)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """But for the one that replaces a terminal's own colours: the style sheet has none."""
        return [
            each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)
        ]

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - self._heading)

    def _measure(self) -> None:
        """Say how many lines there are; that is no reason to lay out the whole screen."""
        lines = len(self._source) + self._heading
        self.set_reactive(VirtualRows.virtual_size, Size(self.size.width, lines))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the table in its frame; which rows those are is asked once for all."""
        self._painting = self._visible()
        try:
            return super().render_lines(crop)
        finally:
            self._painting = None

    def render_line(self, y: int) -> Strip:
        """One line of the table as it stands on screen."""
        window = self._painting or self._visible()
        look, at = self._look(y, window, self.has_focus), y - self._heading
        self._drawn[y] = look
        columns, widths = self._source.columns, window.widths
        if at >= len(window.rows):
            columns, widths = _TEXT, [window.width]
        line: Hashable = window.start + at if 0 <= at < len(window.rows) else (y,)
        return self._strips.draw(line, look, columns, widths, window.width)

    def repaint(self) -> None:
        """Draw the lines anew that are to look other than they were drawn.

        With their part of the frame: what is sent of a line is cut out of it, unless it is all.
        """
        window, has_focus = self._visible(), self.has_focus
        left, width = -self.content_offset.x, self.outer_size.width
        lines = (
            Region(left, y, width, 1)
            for y in range(self.size.height)
            if self._look(y, window, has_focus) != self._drawn.get(y)
        )
        if regions := [*lines]:
            self.refresh(*regions)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave it to repaint(): Textual would have each line drawn, and a bar that is hidden."""

    def _visible(self) -> _VisibleRange:
        start, stop = self._top, min(self._top + self._height, len(self._source))
        window = self._window
        if window is None:
            width, widths = self.size.width, fit(self._source.columns, self.room)
            self._take_form(width, widths)
            window = _VisibleRange(start, stop, self._rows(start, stop, widths), width, widths)
        elif (window.start, window.stop) != (start, stop):
            window = self._moved(window, start, stop)
        if window is not self._window:
            self._window = window
            self._strips.keep([*range(start, stop), *((y,) for y in range(self._heading))])
        return window

    def _rows(self, start: int, stop: int, widths: list[int]) -> list[Row]:
        """These rows; columns for which there is no room have no width."""
        if not widths:
            return [Row(())] * max(0, stop - start)
        left_out = len(self._source.columns) - len(widths)
        return self._source.rows(start, stop, [*widths, *[0] * left_out])

    def _take_form(self, width: int, widths: list[int]) -> None:
        """Forget what was drawn in another width: a line that looks the same is another there."""
        if (width, widths) != self._form:
            self._form = width, widths
            self._strips.forget()
            self._drawn.clear()

    def _moved(self, window: _VisibleRange, start: int, stop: int) -> _VisibleRange:
        """The window elsewhere; the rows that are in both need not be made again."""
        rows, widths = self._rows, window.widths
        first, last = max(start, window.start), min(stop, window.stop)
        if first >= last:
            return window._replace(start=start, stop=stop, rows=rows(start, stop, widths))
        both = window.rows[first - window.start : last - window.start]
        before = rows(start, first, widths) if start < first else []
        after = rows(last, stop, widths) if last < stop else []
        return window._replace(start=start, stop=stop, rows=[*before, *both, *after])

    def _look(self, y: int, window: _VisibleRange, has_focus: bool) -> LineState:  # noqa: FBT001
        """What a line of the table is to look like."""
        pointer, at = _POINTERS[False, has_focus], y - self._heading
        if at < 0:
            return LineState(Row(self._heading_cells(window.widths, has_focus)), pointer, "heading")
        if at >= len(window.rows):
            text = self._empty_line(at)
            return LineState(Row((cell(text, "muted"),) if text else ()), pointer, "")
        row = window.rows[at]
        mark = self.mark_of(window.start + at, row)
        if mark is not row.mark:
            row = row._replace(mark=mark)
        if window.start + at != self._cursor:
            return LineState(row, pointer, row.ground)
        if has_focus and self._column is not None and self._column < len(row.cells):
            cells = list(row.cells)
            cells[self._column] = [CellSpan(span.text, "primary") for span in cells[self._column]]
            row = row._replace(cells=cells)
        return LineState(
            row, _POINTERS[True, has_focus], "cursor" if has_focus else "cursor-blurred"
        )

    def mark_of(self, index: int, row: Row) -> CellSpan:  # noqa: ARG002 - for tables that mark rows
        """What stands in the gutter of the row at `index`."""
        return row.mark

    def _empty_line(self, n: int) -> str:
        """A line of what stands in a table without rows."""
        if len(self._source):
            return ""
        lines = wrap(sanitize(self.empty), max(1, self.size.width - 2 * GUTTER))
        return lines[n] if n < len(lines) else ""

    def _heading_cells(self, widths: list[int], has_focus: bool) -> list[Cell]:  # noqa: FBT001
        marked = self._column if has_focus else None
        return [
            cell(self._source.heading(n, width), "primary" if n == marked else "")
            for n, width in enumerate(widths)
        ]

    def _component(self, name: str, partial: bool) -> Style:  # noqa: FBT001 - for Strips
        return (
            self.get_component_rich_style(f"table--{name}", partial=partial)
            if name
            else self.rich_style
        )

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        self._strips.forget()
        self.refresh()
