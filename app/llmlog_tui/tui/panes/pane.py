"""Base of the panes: a table with a title and two layouts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, Final, NamedTuple, Self

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.queries import Sort
from llmlog_tui.tui.widgets.column_layout import leading_items
from llmlog_tui.tui.widgets.row_source import CellSpan, Row, RowSource
from llmlog_tui.tui.widgets.table import LineTable

_CORNERS: Final = 4
"""Cells of the frame's top beside the title."""
TITLE_ITEMS: Final = (" · ", ", ")
"""Separators of a title's items; a narrow pane shows the leading items."""
BOOKMARK: Final = CellSpan("◆", "accent")
READING: Final = "Reading …"
"""Text of an empty pane until the first analysis is done."""


class CursorState(NamedTuple):
    """The key under a pane's cursor, the lines above it, and the sort."""

    key: Hashable
    lines_above: int
    sort: Sort | None = None


class Pane(LineTable):
    """A table with a title, made from one immutable value.

    `update(...)` sets the value and calls redraw(), which calls set_source() and set_title().
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--slow", "table--failed"}

    shows_records: ClassVar[bool] = False
    """Whether the keys of its rows are keys of records."""

    ROW_ACTIONS: ClassVar[frozenset[str]] = frozenset(
        ("select", "session", "group", "column", "pick", "sort", "zoom_time", "pan", "all")
    )
    """Actions that do nothing without rows."""

    COLUMN_ACTIONS: ClassVar[frozenset[str]] = frozenset(("pick", "sort"))
    """Actions that do nothing before a column is chosen."""

    compact: reactive[bool] = reactive(default=False, toggle_class="-compact")
    zoomed: reactive[bool] = reactive(default=False)
    """Whether it has the whole screen: its columns are as wide as their contents."""
    bookmarked: frozenset[int] = frozenset()

    def watch_compact(self) -> None:
        self._fit_contents()
        self.redraw()

    def watch_zoomed(self) -> None:
        self._fit_contents()
        self.redraw()

    def _fit_contents(self) -> None:
        self.fits_contents = self.zoomed and not self.compact  # a small screen has none to spare
        self._window = None

    def resized(self) -> None:
        super().resized()
        self.redraw()

    @abstractmethod
    def redraw(self) -> None:
        """Set source and titles from the current value, for the current size and layout."""

    def set_title(self, title: str, *subtitles: str) -> None:
        """Set the title, and the first subtitle that fits; both are sanitized.

        A narrow pane has the first items of the title.
        """
        room = self.size.width - _CORNERS
        if self.size.width:
            title = leading_items(title, room, TITLE_ITEMS)
        subtitle = next((text for text in subtitles if cell_len(text) <= room), "")
        titles = sanitize(title), "" if self.compact else sanitize(subtitle)
        if titles != self._titles:
            self._titles, self._is_setting_title = titles, True
            self.border_title, self.border_subtitle = map(Content, titles)
            self._is_setting_title = False

    _titles = "", ""
    _is_setting_title = False

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Refresh the pane; for a title only its line, where Textual refreshes all of them."""
        if self._is_setting_title:
            (left, top), (width, height) = self.content_offset, self.outer_size
            regions = tuple(Region(-left, y - top, width, 1) for y in (0, height - 1))
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    # -- keys

    def set_source(self, source: RowSource) -> None:
        """Show other rows; some keys work only while there are any."""
        had_rows = len(self.source) > 0
        super().set_source(source)
        if had_rows != (len(source) > 0):
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys of rows in an empty table, and of columns without a chosen one."""
        if action in self.ROW_ACTIONS and not len(self.source):
            return False
        if action in self.COLUMN_ACTIONS and self.column is None:
            return False
        return super().check_action(action, parameters)

    def action_column(self, by: int) -> None:
        super().action_column(by)
        self.refresh_bindings()

    # -- bookmarks, and the cursor's state

    def set_bookmarks(self, rows: frozenset[int]) -> None:
        """Mark the records with these keys in the gutter."""
        if self.shows_records and rows != self.bookmarked:
            self.bookmarked = rows
            self.redraw()

    def row_mark(self, index: int, row: Row) -> CellSpan:
        """Return the bookmark, which precedes other marks, or the row's mark."""
        if self.bookmarked and self.source.key(index) in self.bookmarked:
            return BOOKMARK
        return row.mark

    @property
    def cursor_state(self) -> CursorState:
        return CursorState(self.cursor_key, self._cursor - self._top)

    def restore_cursor(self, state: CursorState) -> bool:
        """Restore the cursor and scroll position; False if the row is gone."""
        if state.key is None or not self.move_to(state.key):
            return False
        self._scroll(self._cursor - state.lines_above)
        self.repaint()
        return True
