"""Bookmarks on disk: an append-only file beside each log, with one line per change.

It is never rewritten, so that concurrent dashboards lose no changes, and invalid lines are kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from llmlog_tui.config.small_file import SmallFileError, read_small
from llmlog_tui.errors import reason
from llmlog_tui.log.record_key import Bookmark, RecordKey, parse_record_key
from llmlog_tui.log.sources import STDIN, bookmarks_of, make_folder_beside
from llmlog_tui.private_file import open_append

Bookmarks = dict[RecordKey, Bookmark]

_MAX_BYTES: Final = 2**24
_MAX_CHARS: Final = 2_000
_TEXTS: Final = ("what", "note", "made")


class BookmarkStore:
    """The bookmarks of the open logs; without a writable file they are kept in memory."""

    def __init__(self) -> None:
        self._unsaved: dict[RecordKey, Bookmark | None] = {}
        self._files: dict[RecordKey, Path] = {}

    def read(self, logs: Iterable[Path]) -> tuple[Bookmarks, tuple[str, ...]]:
        known: Bookmarks = {}
        problems = []
        for path in dict.fromkeys(bookmarks_of(log) for log in logs if log != STDIN):
            found, problem = _read(path)
            known |= found
            self._files |= dict.fromkeys(found, path)
            problems += [problem] if problem else []
        for record, bookmark in self._unsaved.items():
            known.pop(record, None)
            if bookmark is not None:
                known[record] = bookmark
        return known, tuple(problems)

    def put(self, bookmark: Bookmark, log: Path | None = None) -> str:
        """Add or change a bookmark; return why it cannot be saved, empty if it was."""
        texts = {name: getattr(bookmark, name)[:_MAX_CHARS] for name in _TEXTS}
        return self._change(bookmark.record, texts, log)

    def drop(self, record: RecordKey) -> str:
        return self._change(record, {"removed": True}, None)

    def _change(self, record: RecordKey, change: Mapping[str, Any], log: Path | None) -> str:
        path = self._files.get(record)
        if path is None and log is not None and log != STDIN:
            path = bookmarks_of(log)
        if path is None:
            self._unsaved[record] = _bookmark(record, change)
            return "standard input has no file beside it"
        try:
            if log is not None:
                make_folder_beside(log)
            _append(path, json.dumps({"record": dict(record), **change}))
        except OSError as error:
            self._unsaved[record] = _bookmark(record, change)
            return f"{path.name}: {reason(error)}"
        self._unsaved.pop(record, None)
        self._files[record] = path
        return ""


def _append(path: Path, line: str) -> None:
    """Append a line in one write, after a newline if the last line lacks one."""
    if path.exists() and not path.is_file():
        raise OSError(0, "is not a regular file")
    descriptor = open_append(path)
    try:
        size = os.fstat(descriptor).st_size
        # A writer may have died in the middle of a line.
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (f"\n{line}\n" if is_torn else f"{line}\n").encode())
    finally:
        os.close(descriptor)


def _read(path: Path) -> tuple[Bookmarks, str]:
    if not path.exists():
        return {}, ""
    try:
        lines = read_small(path, _MAX_BYTES).splitlines()
    except SmallFileError as error:
        return {}, f"{path.name}: {error}; left unchanged"
    known: Bookmarks = {}
    bad = 0
    for line in filter(None, lines):
        change = _parsed(line)
        record = None if change is None else parse_record_key(change.get("record"))
        if change is None or record is None:
            bad += 1
            continue
        bookmark = _bookmark(record, change)
        known.pop(record, None)
        if bookmark is not None:
            known[record] = bookmark
    lines_are = "1 line is no bookmark" if bad == 1 else f"{bad:,} lines are no bookmarks"
    return known, f"{path.name}: {lines_are}: nothing in there is overwritten" if bad else ""


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        change = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return change if isinstance(change, dict) else None


def _bookmark(record: RecordKey, change: Mapping[str, Any]) -> Bookmark | None:
    if change.get("removed"):
        return None
    texts = {name: str(change.get(name) or "")[:_MAX_CHARS] for name in _TEXTS}
    return Bookmark(record, **texts)
