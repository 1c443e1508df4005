"""A table for a million rows, with a cursor that can follow the newest row.

Rows are identified by key, so the cursor stays on its row when rows are added, removed or moved.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from llmlog_tui.tui.widgets.bindings import TABLE_BINDINGS
from llmlog_tui.tui.widgets.row_source import Column, RowSource
from llmlog_tui.tui.widgets.strip_cache import GUTTER
from llmlog_tui.tui.widgets.virtual_rows import VirtualRows

_WHEEL_ROWS = 3


class LineTable(VirtualRows, can_focus=True, inherit_bindings=False):
    """Rows under a heading, with a cursor; while `following`, it stays on the last row."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_BINDINGS]

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another row; not `by_user` if rows moved under it."""

        table: LineTable
        key: Hashable
        by_user: bool

        @property
        def control(self) -> LineTable:
            """Return the table, for `@on` selectors."""
            return self.table

    @dataclass
    class Selected(Message):
        """Enter, or a second click, on a row."""

        table: LineTable
        key: Hashable

        @property
        def control(self) -> LineTable:
            """Return the table, for `@on` selectors."""
            return self.table

    @dataclass
    class SortRequested(Message):
        """Sort the rows in another order."""

        table: LineTable

    @dataclass
    class ValuePicked(Message):
        """Show only rows with this value; without `holds`, only the others."""

        field: str
        value: object
        holds: bool

    def __init__(self, *, heading: bool = True, id: str | None = None) -> None:  # noqa: A002
        super().__init__(heading=heading, id=id)
        self.following = True
        self._key: Hashable = None

    # -- rows

    @property
    def source(self) -> RowSource:
        return self._source

    @property
    def cursor_key(self) -> Hashable:
        """Return the key of the row under the cursor; None without rows."""
        return self._key

    def set_source(self, source: RowSource) -> None:
        """Show other rows; the cursor stays on its row, or on the last while following."""
        before, lines_above = self._cursor, self._cursor - self._top
        if not source.continues(self._source):
            self._window = None  # else its rows on screen are drawn already
        self._source = source
        self._measure()
        last = len(source) - 1
        index = None if self.following or self._key is None else self._index_of_key(before)
        index = max(before, 0) if index is None else index
        self._cursor = last if self.following else min(index, last)
        if not self.following:
            self._scroll(self._cursor - lines_above)
        self._apply_cursor(by_user=False)

    def _index_of_key(self, before: int) -> int | None:
        """Return the index of the cursor's row, which was at `before`."""
        # Mostly it has not moved, which saves a search in a million rows.
        if before < len(self._source) and self._source.key(before) == self._key:
            return before
        return self._source.index(self._key)

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row with this key, without a message; False without one."""
        index = self._source.index(key)
        if index is None:
            return False
        self._cursor, self._key = index, key
        self.following = index == len(self._source) - 1
        self._scroll_to_cursor()
        self.repaint()
        return True

    def follow(self) -> None:
        """Go to the last row, and stay on the newest."""
        self.following = True
        self._cursor = len(self._source) - 1
        self._apply_cursor(by_user=False)

    def _apply_cursor(self, *, by_user: bool) -> None:
        """Scroll to the cursor, and post a message if its row has changed."""
        key = self._source.key(self._cursor) if self._cursor >= 0 else None
        self._scroll_to_cursor()
        self.repaint()
        if key != self._key:
            self._key = key
            if key is not None:
                self.post_message(self.Highlighted(self, key, by_user))

    # -- scrolling

    def _scroll(self, top: int) -> None:
        """Scroll this row to the top; call repaint() afterwards."""
        self.scroll_to(y=max(0, top), animate=False, immediate=True, force=True)

    def _scroll_to_cursor(self) -> None:
        if self._cursor < self._top:
            self._scroll(self._cursor)
        elif self._cursor >= self._top + self._height:
            self._scroll(self._cursor - self._height + 1)

    def on_resize(self) -> None:
        self.resized()

    def resized(self) -> None:
        """Keep the cursor in view, and the last row at the bottom while following."""
        self._window = None
        self._measure()
        self._scroll_to_cursor()
        if self.following:
            self._scroll(len(self._source) - self._height)
        self.repaint()

    # -- what the user does

    def action_move(self, rows: int) -> None:
        self._go(self._cursor + rows)

    def action_page(self, pages: float) -> None:
        self._go(self._cursor + round(pages * self._height))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._source) - 1)

    def action_select(self) -> None:
        if self._key is not None:
            self.post_message(self.Selected(self, self._key))

    def on_click(self, event: events.Click) -> None:
        self.clicked(event)

    def clicked(self, event: events.Click) -> None:
        """Move the cursor to the mouse; a second click selects the row."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._heading:
            at = self._column_at(offset.x)
            if at is not None and self._source.columns[at].field:
                self._column = at
                self.action_sort()
            return
        index = self._top + offset.y - self._heading
        if index < len(self._source):
            self._go(index)
            if event.chain > 1:
                self.action_select()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.wheel(event, _WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.wheel(event, -_WHEEL_ROWS)

    def wheel(self, event: events.MouseEvent, rows: int) -> None:
        """Scroll by rows, and keep the cursor in view."""
        event.stop()
        event.prevent_default()
        top = max(0, min(self._top + rows, len(self._source) - self._height))
        self._scroll(top)
        self._go(min(max(self._cursor, top), top + self._height - 1))

    def _go(self, index: int) -> None:
        last = len(self._source) - 1
        if last < 0:
            return
        self._cursor = min(max(0, index), last)
        self.following = self._cursor == last
        self._apply_cursor(by_user=True)

    # -- columns

    @property
    def column(self) -> Column | None:
        """Return the column under the column cursor; None without one."""
        columns = self._source.columns
        has = self._column is not None and self._column < len(columns)
        return columns[self._column] if has and self._column is not None else None

    def action_column(self, by: int) -> None:
        """Move the column cursor among the columns on screen that have a field."""
        widths = self._visible().widths
        shown = [n for n in range(len(widths)) if self._source.columns[n].field]
        if not shown:
            return
        here = self._column if self._column in shown else None
        at = shown.index(here) + by if here is not None else 0
        self._column = shown[min(max(0, at), len(shown) - 1)]
        self.repaint()

    def action_sort(self) -> None:
        """Sort by the column under the cursor; for tables that can."""

    def action_pick(self, which: str) -> None:
        """Show only rows with `this` value under the cursors, or only the `others`."""
        column = self.column
        if column is not None and column.field and self._cursor >= 0 and self._column is not None:
            field, value = self._source.field_value(self._cursor, self._column)
            self.post_message(self.ValuePicked(field, value, holds=which == "this"))

    def _column_at(self, x: int) -> int | None:
        widths = self._visible().widths
        end = GUTTER
        for n, width in enumerate(widths):
            end += width + 1
            if GUTTER <= x < end:
                return n
        return None
