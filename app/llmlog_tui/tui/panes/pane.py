"""What all panes share: a table with a title, in a wide and in a compact form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.queries import Sort
from llmlog_tui.tui.widgets.row_source import CellSpan, Row
from llmlog_tui.tui.widgets.table import LineTable

_CORNERS: Final = 4
BOOKMARK: Final = CellSpan("◆", "accent")
READING: Final = "Reading …"
"""What an empty pane says until there are answers."""


class CursorState(NamedTuple):
    """The row under a pane's cursor, and how many lines it stands below the first on screen.

    `sort` is how the rows are sorted, where they can be.
    """

    key: Hashable
    lines_above: int
    sort: Sort | None = None


class Pane(LineTable):
    """A table that draws itself anew from what it was last given."""

    shows_records: ClassVar[bool] = False
    """Whether the keys of its rows are those of records."""

    compact: reactive[bool] = reactive(default=False, toggle_class="-compact")
    bookmarked: frozenset[int] = frozenset()

    def watch_compact(self) -> None:
        """Take the columns of the other form."""
        self.redraw()

    def on_resize(self) -> None:
        """Take the columns of another width."""
        super().on_resize()
        self.redraw()

    @abstractmethod
    def redraw(self) -> None:
        """Make a source, a title and a subtitle of what the pane holds."""

    def label(self, title: str, *subtitles: str) -> None:
        """Set what stands in the frame, the first subtitle that fits; values stay harmless."""
        room = self.size.width - _CORNERS
        subtitle = next((text for text in subtitles if cell_len(text) <= room), "")
        labels = sanitize(title), "" if self.compact else sanitize(subtitle)
        if labels != self._labels:  # to set them draws the whole pane
            self._labels = labels
            self.border_title, self.border_subtitle = map(Content, labels)

    _labels = "", ""

    # -- bookmarks, and the way back

    def take_bookmarks(self, rows: frozenset[int]) -> None:
        """Mark the records with these keys in the gutter."""
        if self.shows_records and rows != self.bookmarked:
            self.bookmarked = rows
            self.redraw()

    def mark_of(self, index: int, row: Row) -> CellSpan:
        """A bookmark comes before any other mark."""
        if self.bookmarked and self.source.key(index) in self.bookmarked:
            return BOOKMARK
        return row.mark

    @property
    def spot(self) -> CursorState:
        """Where the cursor is, to come back to."""
        return CursorState(self.cursor_key, self._cursor - self._top)

    def return_to(self, spot: CursorState) -> bool:
        """Bring the cursor and its row back to where they were; False if the row is gone."""
        if spot.key is None or not self.move_to(spot.key):
            return False
        self._scroll(self._cursor - spot.lines_above)
        self.repaint()
        return True
