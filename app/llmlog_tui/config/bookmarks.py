"""Bookmarks on disk: beside each log a small file, to which every change is appended as a line.

Nothing in it is ever rewritten, so that two dashboards lose nothing to each other, and a line that
makes no sense stays where it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from llmlog_tui.log.record_key import Bookmark, RecordKey, parse_record_key
from llmlog_tui.log.sources import STDIN, bookmarks_of

Bookmarks = dict[RecordKey, Bookmark]

_MOST_BYTES: Final = 2**24
_LONGEST: Final = 2_000
_TEXTS: Final = ("what", "note", "made")


class BookmarkStore:
    """The bookmarks of the logs that are open.

    What cannot be kept in a file is kept here, as long as this lasts.
    """

    def __init__(self) -> None:
        self._here: dict[RecordKey, Bookmark | None] = {}
        self._files: dict[RecordKey, Path] = {}

    def read(self, logs: Iterable[Path]) -> tuple[Bookmarks, tuple[str, ...]]:
        """All bookmarks as the files have them now, and in a line each what cannot be read."""
        known: Bookmarks = {}
        problems = []
        for path in dict.fromkeys(bookmarks_of(log) for log in logs if log != STDIN):
            found, problem = _read(path)
            known |= found
            self._files |= dict.fromkeys(found, path)
            problems += [problem] if problem else []
        for identity, bookmark in self._here.items():
            known.pop(identity, None)
            if bookmark is not None:
                known[identity] = bookmark
        return known, tuple(problems)

    def put(self, bookmark: Bookmark, log: Path | None = None) -> str:
        """Add a bookmark on a record of a log, or change one that is there.

        Why it cannot be kept; empty if it is.
        """
        texts = {name: getattr(bookmark, name)[:_LONGEST] for name in _TEXTS}
        return self._change(bookmark.record, texts, log)

    def drop(self, record: RecordKey) -> str:
        """Forget the bookmark on a record. Why that cannot be kept; empty if it is."""
        return self._change(record, {"removed": True}, None)

    def _change(self, record: RecordKey, change: Mapping[str, Any], log: Path | None) -> str:
        path = self._files.get(record)
        if path is None and log is not None and log != STDIN:
            path = bookmarks_of(log)
        if path is None:
            self._here[record] = _bookmark(record, change)
            return "standard input has no file beside it"
        try:
            _append(path, json.dumps({"record": dict(record), **change}))
        except OSError as error:
            self._here[record] = _bookmark(record, change)
            return f"{path.name}: {error.strerror}"
        self._here.pop(record, None)
        self._files[record] = path
        return ""


def _append(path: Path, line: str) -> None:
    """One line, in one write; whatever stands there without a line's end gets one first."""
    if path.exists() and not path.is_file():
        raise OSError(0, "is not a regular file")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (f"\n{line}\n" if is_torn else f"{line}\n").encode())
    finally:
        os.close(descriptor)


def _read(path: Path) -> tuple[Bookmarks, str]:
    """The bookmarks of one file, and what is wrong with it."""
    if not path.exists():
        return {}, ""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return {}, f"{path.name}: is no file of bookmarks, and stays as it is"
        lines = path.read_bytes().splitlines()
    except OSError as error:
        return {}, f"{path.name}: {error.strerror}"
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
    """What a line says of a record; None if that it has no bookmark any more."""
    if change.get("removed"):
        return None
    texts = {name: str(change.get(name) or "")[:_LONGEST] for name in _TEXTS}
    return Bookmark(record, **texts)
