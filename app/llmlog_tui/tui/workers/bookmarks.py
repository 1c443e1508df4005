"""Keeps the bookmarks: reads and writes them, and finds their records. For workers' threads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from llmlog_tui import humanize
from llmlog_tui.config.bookmarks import Bookmarks, BookmarkStore
from llmlog_tui.log.record_key import Bookmark, RecordKey, record_label
from llmlog_tui.log.sources import bookmarks_of
from llmlog_tui.tui.messages import BookmarkLocated, BookmarksChanged

if TYPE_CHECKING:
    from llmlog_tui.analysis.calls.bookmarks import Lines
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.messages import Post

_GONE: Final = "The file of this record is gone, and it has no id: nothing to know it again by."
_NONE: Final = "No bookmarks. m puts one on the record under the cursor."
_NONE_HERE: Final = "None of the bookmarked records is in what was read. ' lists them."


class BookmarkWorker:
    """Every method posts Bookmarked, or BookmarkFound; one at a time, whoever calls.

    `lines` reads records' lines. A record is looked for once in what was read, then only in what
    is new: a key, once found, stays.
    """

    def __init__(self, lines: Lines, post: Post) -> None:
        self._lines = lines
        self._post = post
        self._shelf = BookmarkStore()
        self._lock = Lock()
        self._rows: dict[RecordKey, int] = {}
        self._sought: frozenset[RecordKey] = frozenset()
        self._seen = 0
        self._dropped: dict[RecordKey, Bookmark] = {}
        self._told: set[str] = set()

    def look(self, overview: Overview) -> None:
        """Read the bookmarks anew, and find their records."""
        with self._lock:
            self._tell(overview)

    def toggle(self, overview: Overview, row: int) -> None:
        """Bookmark the record with this key; one that has a bookmark loses it."""
        from llmlog_tui.analysis.calls.bookmarks import record_key_of  # noqa: PLC0415 - imports polars

        with self._lock:
            known, _ = self._shelf.read(overview.snapshot.files)
            record = record_key_of(overview.snapshot.frame, row, self._lines)
            if record is None:
                self._tell(overview, problem=_GONE)
            elif record in known:
                self._drop(overview, known[record])
            else:
                self._put(overview, row, record)

    def _put(self, overview: Overview, row: int, record: RecordKey) -> None:
        log = Path(overview.place(row)[0])
        before = self._dropped.pop(record, None)
        what = record_label(overview.record(row))
        made = humanize.rfc3339(datetime.now(UTC)) or ""
        bookmark = before or Bookmark(record, what=what, made=made)
        why = self._shelf.put(bookmark, log)
        if why:
            self._tell(overview, problem=f"Bookmarked only until you quit. {why}")
        else:
            where = bookmarks_of(log).name
            self._tell(overview, f"Bookmarked in {where}. ' lists them, n there adds a note.")

    def drop(self, overview: Overview, bookmark: Bookmark) -> None:
        """Take a bookmark away."""
        with self._lock:
            self._drop(overview, bookmark)

    def _drop(self, overview: Overview, bookmark: Bookmark) -> None:
        self._dropped[bookmark.record] = bookmark
        why = self._shelf.drop(bookmark.record)
        note = " with its note" if bookmark.note else ""
        if why:
            self._tell(overview, problem=f"Bookmark removed only until you quit. {why}")
        else:
            self._tell(overview, f"Bookmark removed. m on the record brings it back{note}.")

    def annotate(self, overview: Overview, bookmark: Bookmark, note: str) -> None:
        """Put another note on a bookmarked record."""
        with self._lock:
            why = self._shelf.put(replace(bookmark, note=note))
            self._tell(overview, problem=f"Noted only until you quit. {why}" if why else "")

    def next(self, overview: Overview, row: int | None, direction: int) -> None:
        """Post BookmarkFound for the next bookmark behind the record with key `row`, or before."""
        from llmlog_tui.analysis.calls.bookmarks import adjacent_bookmark  # noqa: PLC0415 - imports polars

        with self._lock:
            known, _ = self._find(overview)
            rows = {self._rows[record]: record for record in known if record in self._rows}
            found = adjacent_bookmark(overview.snapshot.frame, rows, row, direction)
            if found is None:
                self._tell(overview, problem=_NONE_HERE if known else _NONE)
            else:
                note = known[rows[found.row]].note
                self._post(BookmarkLocated(found.row, found.nth, found.total, note))

    # -- both, under the lock

    def _find(self, overview: Overview) -> tuple[Bookmarks, tuple[str, ...]]:
        from llmlog_tui.analysis.calls.bookmarks import find_bookmarked  # noqa: PLC0415 - imports polars

        snapshot = overview.snapshot
        known, problems = self._shelf.read(snapshot.files)
        never = known.keys() - self._sought
        missing = known.keys() - never - self._rows.keys()
        if never:
            self._rows |= find_bookmarked(snapshot.frame, never, self._lines)
        if missing and snapshot.counts.records > self._seen:
            self._rows |= find_bookmarked(snapshot.frame, missing, self._lines, since=self._seen)
        self._sought = frozenset(known)
        self._seen = snapshot.counts.records
        return known, problems

    def _tell(self, overview: Overview, said: str = "", *, problem: str = "") -> None:
        known, problems = self._find(overview)
        news = tuple(each for each in problems if each not in self._told)
        self._told.update(news)
        in_order = sorted(known.values(), key=lambda each: str(each.of("ts") or each.made))
        rows = {record: row for record, row in self._rows.items() if record in known}
        self._post(
            BookmarksChanged(tuple(in_order), rows, said, (*news, *([problem] if problem else [])))
        )
