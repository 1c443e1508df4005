"""Bookmarks on disk: beside the log, never in it, and nothing in there is ever lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmlog_tui.config.bookmarks import BookmarkStore
from llmlog_tui.log.record_key import Bookmark, RecordKey
from llmlog_tui.log.sources import STDIN

RECORD: RecordKey = (("span_id", "a1"), ("step", 3))
OTHER: RecordKey = (("id", "i"),)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"{}\n")
    return path


@pytest.fixture
def beside(log: Path) -> Path:
    return log.with_name("calls.jsonl.bookmarks")


def read(log: Path) -> list[Bookmark]:
    """What somebody who opens the log now finds."""
    known, problems = BookmarkStore().read([log])
    assert problems == ()
    return list(known.values())


def test_a_bookmark_is_there_in_the_next_run_and_only_for_its_owner(
    log: Path, beside: Path
) -> None:
    bookmark = Bookmark(RECORD, what="gpt-5", note="naïve \ud83d\n", made="now")
    assert BookmarkStore().put(bookmark, log) == ""
    assert read(log) == [bookmark]
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert log.read_bytes() == b"{}\n", "the log is as it was"


def test_a_note_is_changed_and_a_bookmark_removed(log: Path) -> None:
    shelf = BookmarkStore()
    shelf.put(Bookmark(RECORD), log)
    shelf.put(Bookmark(OTHER), log)
    shelf.put(Bookmark(RECORD, note="why?"))
    assert [each.note for each in read(log)] == ["", "why?"]
    shelf.drop(OTHER)
    assert read(log) == [Bookmark(RECORD, note="why?")]


@pytest.mark.parametrize("part", ["calls.jsonl.1", "calls.jsonl.2.gz", "calls.jsonl-20261123.zst"])
def test_all_rotated_parts_of_a_log_have_the_same_bookmarks(log: Path, part: str) -> None:
    BookmarkStore().put(Bookmark(RECORD), log.with_name(part))
    assert read(log) == [Bookmark(RECORD)]


def test_each_of_several_logs_keeps_its_own(log: Path) -> None:
    another = log.with_name("other.jsonl")
    shelf = BookmarkStore()
    shelf.put(Bookmark(RECORD), log)
    shelf.put(Bookmark(OTHER), another)
    assert list(shelf.read([log, another])[0]) == [RECORD, OTHER]
    assert read(another) == [Bookmark(OTHER)]
    shelf.drop(OTHER)
    assert read(another) == []


def test_two_dashboards_lose_nothing_to_each_other(log: Path) -> None:
    one, two = BookmarkStore(), BookmarkStore()
    one.read([log])
    two.put(Bookmark(RECORD), log)
    one.put(Bookmark(OTHER), log)
    assert {each.record for each in read(log)} == {RECORD, OTHER}
    assert set(one.read([log])[0]) == {RECORD, OTHER}


@pytest.mark.parametrize(
    "bad", [b"not JSON", b"[1]", b"\xff\xfe", b"{}", b"[" * 100_000, b'{"record": {"id": 7}}']
)
def test_a_line_that_makes_no_sense_is_told_of_and_stays(
    log: Path, beside: Path, bad: bytes
) -> None:
    beside.write_bytes(bad)  # and not even with a line's end
    shelf = BookmarkStore()
    known, problems = shelf.read([log])
    assert known == {}
    assert problems == (
        "calls.jsonl.bookmarks: 1 line is no bookmark: nothing in there is overwritten",
    )
    shelf.put(Bookmark(RECORD), log)
    assert list(shelf.read([log])[0]) == [RECORD]
    assert beside.read_bytes().startswith(bad + b"\n")


def test_what_is_no_file_is_never_written_to(log: Path, beside: Path) -> None:
    os.mkfifo(beside)
    shelf = BookmarkStore()
    assert "is not a regular file; left unchanged" in shelf.read([log])[1][0]
    assert "is not a regular file" in shelf.put(Bookmark(RECORD), log)


def test_what_cannot_be_kept_lasts_for_this_run_and_why_is_said(tmp_path: Path) -> None:
    log = tmp_path / "gone" / "calls.jsonl"
    shelf = BookmarkStore()
    assert shelf.put(Bookmark(RECORD), log) == "calls.jsonl.bookmarks: No such file or directory"
    assert shelf.put(Bookmark(OTHER), STDIN) == "standard input has no file beside it"
    assert set(shelf.read([log, STDIN])[0]) == {RECORD, OTHER}
    shelf.drop(RECORD)
    assert set(shelf.read([log])[0]) == {OTHER}


def test_a_bookmark_that_cannot_be_removed_from_its_file_is_away_for_this_run(
    log: Path, beside: Path
) -> None:
    shelf = BookmarkStore()
    shelf.put(Bookmark(RECORD), log)
    shelf.read([log])
    aside = beside.rename(beside.with_name("aside"))
    beside.mkdir()
    assert "is not a regular file" in shelf.drop(RECORD)
    beside.rmdir()
    aside.rename(beside)
    assert shelf.read([log])[0] == {}
    assert read(log) == [Bookmark(RECORD)]
