"""List of bookmarks: go to one, edit its note, remove it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from llmlog_tui import humanize
from llmlog_tui.tui.keys.dialogs import BOOKMARKS_BINDINGS, NOTE_BINDINGS
from llmlog_tui.tui.screens.log_view import COMPACT_WIDTH
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell
from llmlog_tui.tui.widgets.safe_input import SAFE_HIGHLIGHTER
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.log.record_key import Bookmark, RecordKey

_WIDE: Final = (
    Column("when", 12),
    Column("trace", 8),
    Column("st", 3, "right"),
    Column("what", 18),
    Column("note", 20, flex=True),
)
_COMPACT: Final = (Column("when", 8), *_WIDE[1:])
_EMPTY: Final = (
    "No bookmarks. m puts one on the record under the cursor; they are kept beside the log."
)
_NOT_HERE: Final = "(not here) "


class NoteInput(Input):
    """Input for a note."""

    BINDINGS: ClassVar[list[BindingType]] = [*NOTE_BINDINGS]

    class Closed(Message):
        """The note was not changed."""

    def action_close(self) -> None:
        self.post_message(self.Closed())


class BookmarksDialog(ModalScreen["Bookmark | None"]):
    """Returns the bookmark to go to; `rows` has the keys of records that were read."""

    BINDINGS: ClassVar[list[BindingType]] = [*BOOKMARKS_BINDINGS]

    @dataclass
    class NoteChanged(Message):
        """Save this note."""

        bookmark: Bookmark
        note: str

    @dataclass
    class RemoveRequested(Message):
        """Remove a bookmark."""

        bookmark: Bookmark

    def __init__(
        self,
        bookmarks: Sequence[Bookmark],
        rows: Mapping[RecordKey, int],
        newest: datetime | None,
    ) -> None:
        super().__init__()
        self._bookmarks, self._rows, self._newest = bookmarks, rows, newest
        self._annotated: Bookmark | None = None
        self.table = LineTable(id="bookmarks-list")
        self.table.following = False
        self.table.empty = _EMPTY
        note = "a note; Enter saves it"
        self.note_input = NoteInput(placeholder=note, compact=True, highlighter=SAFE_HIGHLIGHTER)
        self.note_input.display = False

    def compose(self) -> ComposeResult:
        yield Vertical(self.table, self.note_input)

    def update_list(self, bookmarks: Sequence[Bookmark], rows: Mapping[RecordKey, int]) -> None:
        """Show other bookmarks; the cursor stays on its bookmark."""
        self._bookmarks, self._rows = bookmarks, rows
        frame = self.query_one(Vertical)
        frame.border_title = f"Bookmarks · {len(bookmarks):,}"
        of_one = "Enter goes there · n note · x remove · " if bookmarks else ""
        frame.border_subtitle = f"{of_one}Esc back"
        self.table.following = False
        columns = _COMPACT if self.app.size.width < COMPACT_WIDTH else _WIDE
        self.table.set_source(_BookmarkRows(bookmarks, rows, self._newest, columns))

    def on_resize(self) -> None:
        self.update_list(self._bookmarks, self._rows)

    @property
    def bookmark(self) -> Bookmark | None:
        key = self.table.cursor_key
        return next((each for each in self._bookmarks if each.record == key), None)

    @on(LineTable.Selected)
    def action_go(self) -> None:
        """Go to the record of the bookmark under the cursor."""
        bookmark = self.bookmark
        if bookmark is not None and bookmark.record in self._rows:
            self.dismiss(bookmark)
        elif bookmark is not None:
            self.notify("Its record was not read: pruned, or in another file.", timeout=3)

    def action_note(self) -> None:
        """Edit the note of the bookmark under the cursor."""
        self._annotated = self.bookmark
        if self._annotated is not None:
            self.note_input.value = self._annotated.note
            self.note_input.display = True
            self.note_input.focus()

    @on(Input.Submitted)
    def _note(self, event: Input.Submitted) -> None:
        event.stop()
        if self._annotated is not None:
            self.post_message(self.NoteChanged(self._annotated, event.value.strip()))
        self._close_note()

    @on(NoteInput.Closed)
    def _close_note(self) -> None:
        self.note_input.display = False
        self.table.focus()

    def action_remove(self) -> None:
        """Remove the bookmark under the cursor."""
        if self.bookmark is not None:
            self.post_message(self.RemoveRequested(self.bookmark))

    def action_back(self) -> None:
        self.dismiss(None)


class _BookmarkRows(RowSource):
    def __init__(
        self,
        bookmarks: Sequence[Bookmark],
        rows: Mapping[RecordKey, int],
        newest: datetime | None,
        columns: Sequence[Column],
    ) -> None:
        self._bookmarks, self._rows, self._newest = bookmarks, rows, newest
        self.columns = columns

    def __len__(self) -> int:
        return len(self._bookmarks)

    def key(self, index: int) -> Hashable:
        return self._bookmarks[index].record

    def index(self, key: Hashable) -> int | None:
        found = (n for n, each in enumerate(self._bookmarks) if each.record == key)
        return next(found, None)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(bookmark, widths) for bookmark in self._bookmarks[start:stop]]

    def _row(self, bookmark: Bookmark, widths: Sequence[int]) -> Row:
        is_here = bookmark.record in self._rows
        ts, trace, step = (bookmark.get(name) for name in ("ts", "trace_id", "step"))
        when = datetime.fromisoformat(str(ts)) if ts else None
        return Row(
            (
                cell(humanize.time_label(when, self._newest, widths[0]), "muted"),
                cell(humanize.short_id(str(trace) if trace else None)),
                cell(humanize.step_number(step), "muted"),
                cell(bookmark.what or humanize.UNKNOWN, "" if is_here else "muted"),
                (*cell("" if is_here else _NOT_HERE, "muted"), *cell(bookmark.note)),
            )
        )
