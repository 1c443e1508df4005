"""Of a folder's many files only the last written stay open, and none is lost by it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.log.conftest import append, raw_line
from tests.log.test_one_log import lines, steps

from llmlog_tui.log import follow, new_files, open_files
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.open_files import OpenFiles
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import Sources

FILES = 12


@pytest.fixture(autouse=True)
def _three_files_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "MAX_OPEN", 3)
    monkeypatch.setattr(follow, "REST_POLL_S", 0.0)
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions"
    folder.mkdir()
    for number in range(FILES):
        path = folder / f"{number:02d}.jsonl"
        path.write_bytes(lines(10 * number, 10 * number + 2))
        os.utime(path, (1_795_000_000 + number,) * 2)
    return folder


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    reader = Reader(Sources([str(folder)], must_exist=True))
    yield reader
    reader.close()


EXPECTED = [10 * number + each for number in range(FILES) for each in range(2)]


def open_in(folder: Path) -> set[str]:
    """The names of a folder's files that this process has open."""
    descriptors = Path("/proc/self/fd")
    found = set()
    for each in descriptors.iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            target = each.readlink()
            found |= {target.name} if target.parent == folder else set()
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="lists descriptors by /proc")
def test_the_files_written_last_stay_open(reader: Reader, folder: Path) -> None:
    assert sorted(steps(reader)) == EXPECTED
    assert open_in(folder) == {"09.jsonl", "10.jsonl", "11.jsonl"}


def test_a_closed_file_is_followed_when_it_grows(reader: Reader, folder: Path) -> None:
    steps(reader)
    append(folder / "00.jsonl", lines(2, 4))
    assert sorted(steps(reader)) == sorted([*EXPECTED, 2, 3])
    append(folder / "01.jsonl", lines(12, 13))
    append(folder / "00.jsonl", lines(4, 5))
    assert sorted(steps(reader)) == sorted([*EXPECTED, 2, 3, 4, 12])


def test_a_closed_file_that_is_moved_or_copied_is_not_read_again(
    reader: Reader, folder: Path
) -> None:
    steps(reader)
    (folder / "00.jsonl").rename(folder / "00.jsonl.1")
    shutil.copy(folder / "01.jsonl", folder / "copy.jsonl")
    assert sorted(steps(reader)) == EXPECTED
    append(folder / "copy.jsonl", lines(500, 501))
    assert sorted(steps(reader)) == [*EXPECTED, 500], "a copy that went on is read from there"


def test_a_closed_file_that_may_no_longer_be_looked_at_is_a_problem_until_it_may(
    reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(reader)
    looked_at = os.stat

    def denied(path: Any, **options: Any) -> os.stat_result:  # noqa: ANN401 - as os.stat
        if str(path).endswith("00.jsonl"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return looked_at(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", denied)
        reader.read_news()
        assert reader.problems == {folder / "00.jsonl": "Permission denied"}
    append(folder / "00.jsonl", lines(2, 3))
    assert sorted(steps(reader)) == sorted([*EXPECTED, 2])
    assert not reader.problems


@pytest.mark.parametrize("files", [FILES, 10 * FILES])
def test_of_a_folder_at_rest_only_the_open_files_are_polled_however_many_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    monkeypatch.setattr(follow, "REST_POLL_S", 3_600.0)
    monkeypatch.setattr(new_files, "SCAN_S", 3_600.0)
    for number in range(files):
        (tmp_path / f"{number}.jsonl").write_bytes(lines(number, number + 1))
    polled: list[Path] = []

    def read(follower: Follower) -> Block | None:
        polled.append(follower.path)
        return plain(follower)

    def is_at_rest(follower: Follower) -> bool:
        asked.append(follower.path)
        return rests(follower)

    asked: list[Path] = []
    plain, rests = Follower.read, Follower.is_at_rest
    monkeypatch.setattr(Follower, "read", read)
    monkeypatch.setattr(Follower, "is_at_rest", is_at_rest)
    with contextlib.closing(Reader(Sources([str(tmp_path)], must_exist=True))) as reader:
        reader.read_to_end()
        assert len(polled) <= 3 * files, "loading looks at each a few times"
        reader.loaded()
        polled.clear()
        reader.read_news()
        assert len(polled) == open_files.MAX_OPEN
        asked.clear()
        reader.read_news()
        assert len(asked) == open_files.MAX_OPEN, "the others were looked at before"


def test_a_line_of_a_closed_file_is_read_again(reader: Reader) -> None:
    steps(reader)
    frame = reader.snapshot().frame
    for step in (0, 21, 111):
        row = frame.row(frame["step"].index_of(step) or 0, named=True)
        raw = raw_line(reader, row["block"], row["line"])
        assert raw is not None
        assert f'"step": {step},'.encode() in raw


def test_a_file_that_is_not_read_to_its_end_stays_open(folder: Path) -> None:
    files = OpenFiles()
    followers = [Follower(path) for path in sorted(folder.iterdir())[:5]]
    append(followers[0].path, lines(700, 701)[:-1])
    for each in followers:
        while each.read():
            pass
        files.polled(each, has_more=True)
    resting = [each.resting is not None for each in followers]
    assert resting.count(True) == len(followers) - 3
    for each in followers:
        each.close()
