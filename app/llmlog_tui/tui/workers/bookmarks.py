"""Read and write bookmarks, and find their records. Called in threads, posts messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.bookmarks import (
    Lines,
    adjacent_bookmark,
    find_bookmarked,
    record_key_of,
)
from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.config.bookmarks import Bookmarks, BookmarkStore
from llmlog_tui.log.record_key import Bookmark, RecordKey, record_label
from llmlog_tui.log.sources import bookmarks_of
from llmlog_tui.tui.messages import BookmarkLocated, BookmarksChanged, Post

_NO_KEY: Final = "No bookmark: the file of this record is gone, and the record has no id."
_NONE: Final = "No bookmarks. m puts one on the record under the cursor."
_NONE_HERE: Final = "No bookmarked record has been read. ' lists the bookmarks."


class BookmarkWorker:
    """Posts BookmarksChanged or BookmarkLocated from every method; serialised by a lock.

    `lines` reads records' lines. A record is searched for once in all records, then only in new
    ones; found keys are kept.
    """

    def __init__(self, lines: Lines, post: Post) -> None:
        self._lines = lines
        self._post = post
        self._store = BookmarkStore()
        self._lock = Lock()
        self._rows: dict[RecordKey, int] = {}
        self._searched: frozenset[RecordKey] = frozenset()
        self._records = 0
        self._removed: dict[RecordKey, Bookmark] = {}
        self._reported: set[str] = set()

    def refresh(self, overview: Overview) -> None:
        """Read the bookmarks from their files, and find their records."""
        with self._lock:
            self._report(overview)

    def toggle(self, overview: Overview, row: int) -> None:
        """Bookmark the record with this key, or remove its bookmark."""
        with self._lock:
            known, _ = self._store.read(overview.snapshot.files)
            record = record_key_of(overview.snapshot.frame, row, self._lines)
            if record is None:
                self._report(overview, problem=_NO_KEY)
            elif record in known:
                self._remove(overview, known[record])
            else:
                self._put(overview, row, record)

    def _put(self, overview: Overview, row: int, record: RecordKey) -> None:
        log = Path(overview.location(row)[0])
        removed = self._removed.pop(record, None)
        what = record_label(overview.record(row))
        made = humanize.rfc3339(datetime.now(UTC)) or ""
        bookmark = removed or Bookmark(record, what=what, made=made)
        why = self._store.put(bookmark, log)
        if why:
            self._report(overview, problem=f"Bookmarked only until you quit. {why}")
        else:
            where = bookmarks_of(log).name
            self._report(overview, f"Bookmarked in {where}. ' lists them, n there adds a note.")

    def remove(self, overview: Overview, bookmark: Bookmark) -> None:
        with self._lock:
            self._remove(overview, bookmark)

    def _remove(self, overview: Overview, bookmark: Bookmark) -> None:
        self._removed[bookmark.record] = bookmark
        why = self._store.drop(bookmark.record)
        note = " with its note" if bookmark.note else ""
        if why:
            self._report(overview, problem=f"Bookmark removed only until you quit. {why}")
        else:
            self._report(overview, f"Bookmark removed. m on the record brings it back{note}.")

    def annotate(self, overview: Overview, bookmark: Bookmark, note: str) -> None:
        """Replace the note of a bookmark."""
        with self._lock:
            why = self._store.put(replace(bookmark, note=note))
            self._report(overview, problem=f"Noted only until you quit. {why}" if why else "")

    def next(self, overview: Overview, row: int | None, direction: int) -> None:
        """Post BookmarkLocated for the next bookmark after the record with key `row`, or before."""
        with self._lock:
            known, _ = self._find(overview)
            rows = {self._rows[record]: record for record in known if record in self._rows}
            found = adjacent_bookmark(overview.snapshot.frame, rows, row, direction)
            if found is None:
                self._report(overview, problem=_NONE_HERE if known else _NONE)
            else:
                note = known[rows[found.row]].note
                self._post(BookmarkLocated(found.row, found.nth, found.total, note))

    # -- called with the lock

    def _find(self, overview: Overview) -> tuple[Bookmarks, tuple[str, ...]]:
        snapshot = overview.snapshot
        known, problems = self._store.read(snapshot.files)
        new = known.keys() - self._searched
        missing = known.keys() - new - self._rows.keys()
        if new:
            self._rows |= find_bookmarked(snapshot.frame, new, self._lines)
        if missing and snapshot.counts.records > self._records:
            self._rows |= find_bookmarked(snapshot.frame, missing, self._lines, since=self._records)
        self._searched = frozenset(known)
        self._records = snapshot.counts.records
        return known, problems

    def _report(self, overview: Overview, notice: str = "", *, problem: str = "") -> None:
        known, problems = self._find(overview)
        new = [each for each in problems if each not in self._reported]
        self._reported.update(new)
        in_order = sorted(known.values(), key=lambda each: str(each.get("ts") or each.made))
        rows = {record: row for record, row in self._rows.items() if record in known}
        problems = (*new, *([problem] if problem else []))
        self._post(BookmarksChanged(tuple(in_order), rows, notice, problems))
