"""Rows drawn on demand: the source is asked only for the rows on screen.

Textual's DataTable keeps every cell. This ScrollView uses the Line API, and repaints only the
lines whose appearance has changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from textwrap import wrap
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.column_layout import content_widths, fit, fit_contents
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, NoRows, Row, RowSource, cell
from llmlog_tui.tui.widgets.strip_cache import GUTTER, LineState, StripCache

_MARGIN = 1
_TONES = (
    *("muted", "strong", "emphasis", "title", "code", "hit"),
    *("primary", "secondary", "accent", "success", "warning", "worst", "error"),
)
_POINTERS: Final[dict[tuple[bool, bool], CellSpan]] = {
    (at_cursor, has_focus): CellSpan("▌" if at_cursor else " ", "primary" if has_focus else "muted")
    for at_cursor in (False, True)
    for has_focus in (False, True)
}
"""(at the cursor, has the focus) -> first cell of a line."""

_TEXT: Final = (Column("", 0),)
"""Columns of a line below the rows: one, with text."""


class _VisibleRange(NamedTuple):
    """Rows on screen, from `start` up to `stop`, with the widths of table and columns."""

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
        *(f"table--{tone}" for tone in _TONES),
    }

    def __init__(self, *, heading: bool = True, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = ""
        """Text shown without rows."""
        self.fits_contents = False
        """Whether columns are as wide as their contents, instead of one filling the width."""
        self._contents: list[int] = []
        self._contents_of: tuple[Sequence[Column], int] = (), 0
        self._source: RowSource = NoRows()
        self._heading = int(heading)
        self._cursor = -1
        self._column: int | None = None
        self._window: _VisibleRange | None = None
        self._painting: _VisibleRange | None = None
        self._strips = StripCache(self._component)
        self._drawn: dict[int, LineState] = {}
        self._drawn_rows: dict[int, int] = {}  # by line, too: the index of its row
        self._drawn_widths: tuple[int, list[int]] = 0, []

    @property
    def room(self) -> int:
        """Return the cells that the columns share."""
        return max(0, self.size.width - GUTTER - _MARGIN)

    def get_line_filters(self) -> Sequence[LineFilter]:
        # The style sheet has no ANSI colours, which ANSIToTruecolor would look for in each line.
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
        """Set the virtual size."""
        lines = len(self._source) + self._heading
        # Assigning the reactive would lay out the whole screen.
        self.set_reactive(VirtualRows.virtual_size, Size(self.size.width, lines))

    def render_lines(self, crop: Region) -> list[Strip]:
        # All lines of one paint are of one visible range, which is determined once.
        self._painting = self._visible()
        try:
            return super().render_lines(crop)
        finally:
            self._painting = None

    def render_line(self, y: int) -> Strip:
        window = self._painting or self._visible()
        state, index = self._line_state(y, window, self.has_focus), y - self._heading
        self._drawn[y], self._drawn_rows[y] = state, window.start + index
        columns, widths = self._source.columns, window.widths
        if index >= len(window.rows):
            columns, widths = _TEXT, [window.width]
        line: Hashable = window.start + index if 0 <= index < len(window.rows) else (y,)
        return self._strips.draw(line, state, columns, widths, window.width)

    def repaint(self) -> None:
        """Refresh only the lines whose appearance changed."""
        window, has_focus = self._visible(), self.has_focus
        changed = {
            y: state
            for y in range(self.size.height)
            if (state := self._line_state(y, window, has_focus)) != self._drawn.get(y)
        }
        if not changed:
            return
        moved = self._moved_lines(changed, window)
        # Whole lines, with the frame's: the compositor would cut a part out of the strip.
        left, width = -self.content_offset.x, self.outer_size.width
        self.refresh(*(Region(left, y, width, 1) for y in changed))
        self._keep(moved, changed, window)

    def _moved_lines(
        self, changed: Mapping[int, LineState], window: _VisibleRange
    ) -> dict[int, Strip]:
        """Return the strips, frame included, of rows that have only moved to other lines."""
        top, cache = self.content_offset.y, self._styles_cache
        lines = {row: y for y, row in self._drawn_rows.items()}
        found = {}
        for y, state in changed.items():
            before = lines.get(window.start + y - self._heading)
            if y < self._heading or before is None or self._drawn.get(before) != state:
                continue
            strip = cache._cache.get(before + top)  # noqa: SLF001 - nothing else has them
            if strip is not None and not cache.is_dirty(before + top):
                found[y] = strip
        return found

    def _keep(
        self,
        moved: Mapping[int, Strip],
        changed: Mapping[int, LineState],
        window: _VisibleRange,
    ) -> None:
        """Mark lines as drawn with strips that _moved_lines() found."""
        # Drawing the frame of a line is most of the time of a paint.
        top, cache = self.content_offset.y, self._styles_cache
        for y, strip in moved.items():
            cache._cache[y + top] = strip  # noqa: SLF001 - as above
            cache._dirty_lines.discard(y + top)  # noqa: SLF001 - as above
            self._drawn[y] = changed[y]
            self._drawn_rows[y] = window.start + y - self._heading

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave it to repaint(): Textual would refresh all lines and the hidden scrollbar."""

    def _visible(self) -> _VisibleRange:
        start, stop = self._top, min(self._top + self._height, len(self._source))
        window = self._window
        if window is None:
            window = self._measured(start, stop)
        elif (window.start, window.stop) != (start, stop):
            window = self._moved(window, start, stop)
            if self.fits_contents and self._has_wider_contents(window):
                window = self._measured(start, stop)
        if window is not self._window:
            self._window = window
            self._strips.keep_only([*range(start, stop), *((y,) for y in range(self._heading))])
        return window

    def _measured(self, start: int, stop: int) -> _VisibleRange:
        """Return a range with the widths that its columns get now."""
        columns, width = self._source.columns, self.size.width
        widths = fit(columns, self.room)
        fits_contents = self.fits_contents and len(widths) == len(columns)
        if fits_contents and self._contents_of == (columns, width):  # mostly they are the same
            widths = fit_contents(columns, self._contents, self.room)
        window = _VisibleRange(start, stop, self._rows(start, stop, widths), width, widths)
        if fits_contents:
            self._has_wider_contents(window)
            widths = fit_contents(columns, self._contents, self.room)
            if widths != window.widths:  # some cells are drawn for their width
                window = window._replace(rows=self._rows(start, stop, widths), widths=widths)
        self._check_widths(width, widths)
        return window

    def _has_wider_contents(self, window: _VisibleRange) -> bool:
        """Measure the rows of `window`; return whether any is wider than the rows before.

        Widths never shrink while the columns stay, so that scrolling moves them rarely.
        """
        columns = self._source.columns
        if self._contents_of != (columns, window.width):
            self._contents_of = columns, window.width
            self._contents = [0 if column.flex else column.width for column in columns]
        before = self._contents
        self._contents = content_widths((row.cells for row in window.rows), before)
        return self._contents != before

    def _rows(self, start: int, stop: int, widths: list[int]) -> list[Row]:
        """Return rows of the source; columns without room have the width 0."""
        if not widths:
            return [Row(())] * max(0, stop - start)
        hidden = len(self._source.columns) - len(widths)
        return self._source.rows(start, stop, [*widths, *[0] * hidden])

    def _check_widths(self, width: int, widths: list[int]) -> None:
        """Invalidate drawn lines if they have other widths: a LineState has none."""
        if (width, widths) != self._drawn_widths:
            self._drawn_widths = width, widths
            self._strips.clear()
            self._drawn.clear()
            self._drawn_rows.clear()

    def _moved(self, window: _VisibleRange, start: int, stop: int) -> _VisibleRange:
        """Return another range, reusing the rows in both."""
        rows, widths = self._rows, window.widths
        first, last = max(start, window.start), min(stop, window.stop)
        if first >= last:
            return window._replace(start=start, stop=stop, rows=rows(start, stop, widths))
        both = window.rows[first - window.start : last - window.start]
        before = rows(start, first, widths) if start < first else []
        after = rows(last, stop, widths) if last < stop else []
        return window._replace(start=start, stop=stop, rows=[*before, *both, *after])

    def _line_state(
        self,
        y: int,
        window: _VisibleRange,
        has_focus: bool,  # noqa: FBT001 - as _POINTERS has it
    ) -> LineState:
        pointer, index = _POINTERS[False, has_focus], y - self._heading
        if index < 0:
            return LineState(Row(self._heading_cells(window.widths, has_focus)), pointer, "heading")
        if index >= len(window.rows):
            text = self._empty_line(index)
            return LineState(Row((cell(text, "muted"),) if text else ()), pointer, "")
        row = window.rows[index]
        mark = self.row_mark(window.start + index, row)
        if mark is not row.mark:
            row = row._replace(mark=mark)
        if window.start + index != self._cursor:
            return LineState(row, pointer, row.style_class)
        if has_focus and self._column is not None and self._column < len(row.cells):
            cells = list(row.cells)
            cells[self._column] = [CellSpan(span.text, "primary") for span in cells[self._column]]
            row = row._replace(cells=cells)
        return LineState(
            row, _POINTERS[True, has_focus], "cursor" if has_focus else "cursor-blurred"
        )

    def row_mark(self, index: int, row: Row) -> CellSpan:  # noqa: ARG002 - for tables that mark rows
        """Return the mark in the gutter of the row at `index`."""
        return row.mark

    def _empty_line(self, n: int) -> str:
        """Return a line of the text shown without rows."""
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

    def _component(self, name: str, partial: bool) -> Style:  # noqa: FBT001 - for StripCache
        return (
            self.get_component_rich_style(f"table--{name}", partial=partial)
            if name
            else self.rich_style
        )

    def notify_style_update(self) -> None:
        """Draw all lines again in another theme."""
        super().notify_style_update()
        self._strips.clear()
        self.refresh()
