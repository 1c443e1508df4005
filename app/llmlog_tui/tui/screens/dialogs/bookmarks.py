"""The list of bookmarks: go to one, put a note on it, take it away."""

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
from llmlog_tui.tui.widgets.safe_input import INERT
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
_AWAY: Final = "(not here) "


class NoteInput(Input):
    """Where a note is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*NOTE_BINDINGS]

    class Closed(Message):
        """The note stays as it was."""

    def action_close(self) -> None:
        """Change nothing."""
        self.post_message(self.Closed())


class BookmarksDialog(ModalScreen["Bookmark | None"]):
    """Its answer is the bookmark that one wants to go to; its record has a key in `rows`."""

    BINDINGS: ClassVar[list[BindingType]] = [*BOOKMARKS_BINDINGS]

    @dataclass
    class NoteWanted(Message):
        """A bookmark is to have this note."""

        bookmark: Bookmark
        note: str

    @dataclass
    class Removed(Message):
        """A bookmark is to be taken away."""

        bookmark: Bookmark

    def __init__(
        self,
        bookmarks: Sequence[Bookmark],
        rows: Mapping[RecordKey, int],
        newest: datetime | None,
    ) -> None:
        super().__init__()
        self._bookmarks, self._rows, self._newest = bookmarks, rows, newest
        self._noted: Bookmark | None = None
        self.table = LineTable(id="bookmarks-list")
        self.table.following = False
        self.table.empty = _EMPTY
        note = "a note; Enter keeps it"
        self.typed = NoteInput(placeholder=note, compact=True, highlighter=INERT)
        self.typed.display = False

    def compose(self) -> ComposeResult:
        """The list, and the line for a note under it."""
        frame = Vertical(self.table, self.typed)
        frame.border_subtitle = "Enter goes there · n note · x remove · Esc back"
        yield frame

    def hold(self, bookmarks: Sequence[Bookmark], rows: Mapping[RecordKey, int]) -> None:
        """Show these; the cursor stays on its bookmark."""
        self._bookmarks, self._rows = bookmarks, rows
        self.query_one(Vertical).border_title = f"Bookmarks · {len(bookmarks):,}"
        self.table.following = False
        columns = _COMPACT if self.app.size.width < COMPACT_WIDTH else _WIDE
        self.table.show(_BookmarkRows(bookmarks, rows, self._newest, columns))

    def on_resize(self) -> None:
        """Take the columns of another width."""
        self.hold(self._bookmarks, self._rows)

    @property
    def bookmark(self) -> Bookmark | None:
        """The bookmark under the cursor."""
        key = self.table.cursor_key
        return next((each for each in self._bookmarks if each.record == key), None)

    @on(LineTable.Selected)
    def action_go(self) -> None:
        """Go to the record of the bookmark under the cursor."""
        bookmark = self.bookmark
        if bookmark is not None and bookmark.record in self._rows:
            self.dismiss(bookmark)
        elif bookmark is not None:
            self.notify(
                "Its record is not in what was read: pruned, or in another file.", timeout=3
            )

    def action_note(self) -> None:
        """Type a note for the bookmark under the cursor."""
        self._noted = self.bookmark
        if self._noted is not None:
            self.typed.value = self._noted.note
            self.typed.display = True
            self.typed.focus()

    @on(Input.Submitted)
    def _note(self, event: Input.Submitted) -> None:
        event.stop()
        if self._noted is not None:
            self.post_message(self.NoteWanted(self._noted, event.value.strip()))
        self._close_note()

    @on(NoteInput.Closed)
    def _close_note(self) -> None:
        self.typed.display = False
        self.table.focus()

    def action_remove(self) -> None:
        """Take the bookmark under the cursor away."""
        if self.bookmark is not None:
            self.post_message(self.Removed(self.bookmark))

    def action_back(self) -> None:
        """Go nowhere."""
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
        ts, trace, step = (bookmark.of(name) for name in ("ts", "trace_id", "step"))
        when = datetime.fromisoformat(str(ts)) if ts else None
        return Row(
            (
                cell(humanize.time_label(when, self._newest, widths[0]), "muted"),
                cell(humanize.short_id(str(trace) if trace else None)),
                cell(humanize.UNKNOWN if step is None else str(step), "muted"),
                cell(bookmark.what or humanize.UNKNOWN, "" if is_here else "muted"),
                (*cell("" if is_here else _AWAY, "muted"), *cell(bookmark.note)),
            )
        )
