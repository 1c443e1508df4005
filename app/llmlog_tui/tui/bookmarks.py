"""The App as far as it keeps bookmarks: asks the keeper, and shows what is marked and listed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens
from llmlog_tui.tui.messages import AnalysisDone, BookmarkLocated, BookmarksChanged
from llmlog_tui.tui.navigation import Jumps
from llmlog_tui.tui.workers.bookmarks import BookmarkWorker

if TYPE_CHECKING:
    from llmlog_tui.log.record_key import Bookmark, RecordKey
    from llmlog_tui.tui.screens import BookmarksDialog, LogView

_WHO = "keeper of bookmarks"


class Bookmarking(Jumps):
    """Those that inherit own the `keeper`."""

    _keeper: BookmarkWorker
    _bookmarks: tuple[Bookmark, ...] = ()
    _bookmarked: Mapping[RecordKey, int] = MappingProxyType({})
    _looked_in: tuple[Path, ...] = ()
    _is_looking = False

    # -- what the workers say

    def on_analysis_done(self, message: AnalysisDone) -> None:
        """Records came: look for those with a bookmark that were not among them before."""
        files = message.overview.snapshot.files
        is_missing = len(self._bookmarked) < len(self._bookmarks)
        if (files != self._looked_in or is_missing) and not self._is_looking:
            self._looked_in, self._is_looking = files, True
            self.work(_WHO, partial(self._keeper.look, message.overview))

    def on_bookmarks_changed(self, message: BookmarksChanged) -> None:
        """Bookmarks were read, or changed."""
        self._bookmarks, self._bookmarked = message.bookmarks, message.rows
        self._is_looking = False
        for view in {*self._views, self.view}:
            self._show_bookmarks(view)
        if isinstance(self.screen, screens.BookmarksDialog):
            self.screen.hold(self._bookmarks, self._bookmarked)
        if message.said:
            self.view.hint(sanitize(message.said))
        for problem in message.problems:
            self.notify(sanitize(problem), severity="warning", markup=False)

    def on_bookmark_located(self, message: BookmarkLocated) -> None:
        """The next bookmark: go there."""
        note = f": {sanitize(message.note, 200)}" if message.note else ""
        self.view.hint(f"Bookmark {message.nth:,} of {message.total:,}{note}")
        self.go_to_row(message.row)

    def on_log_view_asks(self, message: LogView.Asks) -> None:
        """A view was opened: mark what is bookmarked."""
        self._show_bookmarks(message.view)

    def _show_bookmarks(self, view: LogView) -> None:
        rows = self._bookmarked
        noted = {rows[each.record]: each.note for each in self._bookmarks if each.record in rows}
        view.take_bookmarks(noted)

    # -- what the user does

    def action_bookmark(self) -> None:
        """Bookmark the record at the cursor, or take its bookmark away."""
        row, overview = self.view.at_hand, self._overview
        if overview is not None and isinstance(row, int):
            self.work(_WHO, partial(self._keeper.toggle, overview, row))
        else:
            self.view.hint("No record under the cursor to bookmark.")

    def action_next_bookmark(self, direction: int) -> None:
        """Go to the next bookmarked record, or with -1 to the one before."""
        row, overview = self.view.at_hand, self._overview
        if overview is not None:
            here = row if isinstance(row, int) else None
            self.work(_WHO, partial(self._keeper.next, overview, here, direction))

    def action_bookmarks(self) -> None:
        """List the bookmarks, as their files have them now."""
        if self._overview is not None:
            newest = self._overview.newest
            dialog = screens.BookmarksDialog(self._bookmarks, self._bookmarked, newest)
            self.push_screen(dialog, self._chosen)
            self.work(_WHO, partial(self._keeper.look, self._overview))

    def _chosen(self, bookmark: Bookmark | None) -> None:
        row = None if bookmark is None else self._bookmarked.get(bookmark.record)
        if row is not None:
            self.go_to_row(row)

    def on_bookmarks_dialog_note_wanted(self, message: BookmarksDialog.NoteWanted) -> None:
        """Another note is to be put on a bookmark."""
        if self._overview is not None:
            note = partial(self._keeper.annotate, self._overview, message.bookmark, message.note)
            self.work(_WHO, note)

    def on_bookmarks_dialog_removed(self, message: BookmarksDialog.Removed) -> None:
        """A bookmark is to be taken away."""
        if self._overview is not None:
            self.work(_WHO, partial(self._keeper.drop, self._overview, message.bookmark))
