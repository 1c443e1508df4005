"""Bookmarks on the screen: marks in the panes, the list, going to the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens, workers
from llmlog_tui.tui.messages import BookmarkLocated, BookmarksChanged

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.record_key import Bookmark, RecordKey
    from llmlog_tui.tui.app import LogApp
    from llmlog_tui.tui.screens import LogView
    from llmlog_tui.tui.workers.bookmarks import BookmarkWorker


class BookmarkController:
    """Runs the BookmarkWorker's methods in threads, and shows the bookmarks it posts."""

    def __init__(self, app: LogApp) -> None:
        self._app = app
        self._bookmarks: tuple[Bookmark, ...] = ()
        self._rows: Mapping[RecordKey, int] = MappingProxyType({})
        self._searched_files: tuple[Path, ...] = ()
        self._is_searching = False

    @cached_property
    def _worker(self) -> BookmarkWorker:
        app = self._app
        return workers.bookmarks.BookmarkWorker(app.reader.lines_of, app.post_message)

    def _run(self, work: Callable[[], None]) -> None:
        self._app.jobs.run_in_thread("Bookmarks", work)

    def find_records(self, overview: Overview) -> None:
        """Search new records for bookmarked ones that were not found before."""
        files = overview.snapshot.files
        is_missing = len(self._rows) < len(self._bookmarks)
        if (files != self._searched_files or is_missing) and not self._is_searching:
            self._searched_files, self._is_searching = files, True
            self._run(partial(self._worker.refresh, overview))

    def update(self, message: BookmarksChanged) -> None:
        """Show bookmarks that were read or changed."""
        app = self._app
        self._bookmarks, self._rows = message.bookmarks, message.rows
        self._is_searching = False
        for view in {*app.views, app.view}:
            self.update_view(view)
        if isinstance(app.screen, screens.BookmarksDialog):
            app.screen.update_list(self._bookmarks, self._rows)
        if message.notice:
            app.view.hint(sanitize(message.notice))
        for problem in message.problems:
            app.notify(sanitize(problem), severity="warning", markup=False)

    def update_view(self, view: LogView) -> None:
        """Mark the bookmarked records in a view."""
        rows = self._rows
        notes = {rows[each.record]: each.note for each in self._bookmarks if each.record in rows}
        view.update_bookmarks(notes)

    def go_to(self, message: BookmarkLocated) -> None:
        note = f": {sanitize(message.note, 200)}" if message.note else ""
        self._app.view.hint(f"Bookmark {message.nth:,} of {message.total:,}{note}")
        self._app.navigator.go_to_record(message.row)

    # -- actions

    def toggle(self) -> None:
        """Bookmark the current record, or remove its bookmark."""
        row, overview = self._app.view.target_key, self._app.overview
        if overview is not None and overview.has(row) and isinstance(row, int):
            self._run(partial(self._worker.toggle, overview, row))
        elif row is not None and overview is not None:
            self._app.view.hint(self._app.view.EVICTED)
        else:
            self._app.view.hint("No record under the cursor to bookmark.")

    def find_next(self, direction: int) -> None:
        """Go to the next bookmarked record, or with -1 to the previous one."""
        row, overview = self._app.view.target_key, self._app.overview
        if overview is not None:
            here = row if isinstance(row, int) else None
            self._run(partial(self._worker.next, overview, here, direction))

    def open_list(self) -> None:
        """Open the list of bookmarks, and read them from their files."""
        overview = self._app.overview
        if overview is not None:
            dialog = screens.BookmarksDialog(self._bookmarks, self._rows, overview.newest)
            self._app.push_screen(dialog, self._go_to_chosen)
            self._run(partial(self._worker.refresh, overview))

    def _go_to_chosen(self, bookmark: Bookmark | None) -> None:
        row = None if bookmark is None else self._rows.get(bookmark.record)
        if row is not None:
            self._app.navigator.go_to_record(row)

    def annotate(self, bookmark: Bookmark, note: str) -> None:
        if self._app.overview is not None:
            self._run(partial(self._worker.annotate, self._app.overview, bookmark, note))

    def remove(self, bookmark: Bookmark) -> None:
        if self._app.overview is not None:
            self._run(partial(self._worker.remove, self._app.overview, bookmark))
