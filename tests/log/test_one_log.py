"""A glob or a folder is one log: no line of it twice, whatever names its parts take."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from tests.log.conftest import append

from llmlog_tui.log import new_files
from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import Sources


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)


def lines(first: int, after: int) -> bytes:
    """Lines longer than a head, so that no two logs begin alike."""
    return b"".join(
        b'{"event": "span", "step": %d, "x": "%s"}\n' % (n, b"x" * 300) for n in range(first, after)
    )


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    reader = Reader(Sources([str(path.parent)], must_exist=False))
    yield reader
    reader.close()


def steps(reader: Reader) -> list[int]:
    while reader.step():
        pass
    return reader.snapshot().frame["step"].to_list()


def test_a_new_file_is_found_while_reading(reader: Reader, path: Path) -> None:
    assert steps(reader) == []
    path.write_bytes(lines(0, 2))
    assert steps(reader) == [0, 1]
    path.with_name("other.jsonl").write_bytes(lines(7, 9))
    assert steps(reader) == [0, 1, 7, 8]
    snapshot = reader.snapshot()
    assert snapshot.files == reader.files == (path, path.with_name("other.jsonl"))
    assert snapshot.frame["file"].to_list() == [0, 0, 1, 1]


def test_a_part_that_was_renamed_is_not_read_again(reader: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 2))
    assert steps(reader) == [0, 1]
    append(path, lines(2, 3))
    path.rename(path.with_name("calls.jsonl.1"))
    path.write_bytes(lines(3, 4))
    assert steps(reader) == [0, 1, 2, 3]
    append(path.with_name("calls.jsonl.1"), lines(4, 5))
    assert steps(reader) == [0, 1, 2, 3, 4]


def test_a_set_that_moves_on_by_one_is_not_read_again(reader: Reader, path: Path) -> None:
    expected: list[int] = []
    for number in range(8):
        for age in range(number, 0, -1):
            old = path.with_name(f"calls.jsonl.{age}")
            if old.exists():
                old.rename(path.with_name(f"calls.jsonl.{age + 1}"))
        if path.exists():
            path.rename(path.with_name("calls.jsonl.1"))
        path.write_bytes(lines(2 * number, 2 * number + 1))
        assert steps(reader) == [*expected, 2 * number]
        append(path, lines(2 * number + 1, 2 * number + 2))
        expected = list(range(2 * number + 2))
        assert steps(reader) == expected


def test_a_part_that_was_compressed_is_not_read_again(reader: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 2))
    assert steps(reader) == [0, 1]
    path.rename(path.with_name("calls.jsonl.1"))
    path.write_bytes(lines(2, 3))
    assert steps(reader) == [0, 1, 2]
    path.with_name("calls.jsonl.1.gz").write_bytes(gzip.compress(lines(0, 2)))
    assert steps(reader) == [0, 1, 2]
    path.with_name("calls.jsonl.1").unlink()
    path.with_name("calls.jsonl.1.gz").rename(path.with_name("calls.jsonl.2.gz"))
    assert steps(reader) == [0, 1, 2]


def test_lines_only_a_copy_has_are_read_from_the_copy(reader: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 2))
    assert steps(reader) == [0, 1]
    append(path, lines(2, 4))  # not seen before the truncation
    shutil.copyfile(path, path.with_name("calls.jsonl.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    append(path, lines(4, 5))
    assert sorted(steps(reader)) == [0, 1, 2, 3, 4]


def test_a_copy_of_a_big_file_is_not_read_again_where_the_newest_come_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.NEWEST_BYTES", 400)
    path.write_bytes(lines(0, 9))
    reader = Reader(Sources([str(path.parent)], must_exist=False), newest_first=True)
    assert sorted(steps(reader)) == list(range(9))
    append(path, lines(9, 10))  # not seen before the truncation
    shutil.copyfile(path, path.with_name("calls.jsonl.1"))
    path.write_bytes(lines(10, 11))
    assert sorted(steps(reader)) == list(range(11))
    reader.close()


def test_a_copy_in_the_making_is_no_new_log(reader: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 4))
    assert steps(reader) == [0, 1, 2, 3]
    copy = path.with_name("calls.jsonl.1")
    for size in (0, 100, 400, len(lines(0, 4))):
        copy.write_bytes(lines(0, 4)[:size])
        assert steps(reader) == [0, 1, 2, 3]
    append(copy, lines(4, 5))
    assert steps(reader) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("calls.jsonl.1.gz", gzip.compress(lines(0, 4))),
        ("calls.jsonl.1.gz", gzip.compress(lines(0, 4), 0)),  # a part of which is a part of a line
        ("calls.jsonl.1.zst", zstandard.compress(lines(0, 4))),
    ],
    ids=["gzip", "stored", "zstd"],
)
def test_a_part_that_is_still_being_compressed_is_no_new_log(
    reader: Reader, path: Path, name: str, packed: bytes
) -> None:
    path.write_bytes(lines(0, 4))
    assert steps(reader) == [0, 1, 2, 3]
    part = path.with_name(name)
    for size in (0, 5, 15, 25, 100, 400, len(packed)):
        part.write_bytes(packed[:size])
        assert steps(reader) == [0, 1, 2, 3]
    os.utime(part, (1, 1))  # as the log it was made of
    assert steps(reader) == [0, 1, 2, 3]
    assert not reader.problems


def test_a_part_that_is_known_may_be_touched(reader: Reader, path: Path) -> None:
    path.with_name("calls.jsonl.1.gz").write_bytes(gzip.compress(lines(0, 2)))
    assert steps(reader) == [0, 1]
    path.with_name("calls.jsonl.1.gz").rename(path.with_name("calls.jsonl.2.gz"))
    assert steps(reader) == [0, 1]
    os.utime(path.with_name("calls.jsonl.2.gz"), (1, 1))
    assert steps(reader) == [0, 1]


def test_a_log_and_its_compressed_copy_are_loaded_once(path: Path) -> None:
    path.with_name("calls.jsonl.2.gz").write_bytes(gzip.compress(lines(0, 2)))
    path.with_name("calls.jsonl.1.gz").write_bytes(gzip.compress(lines(2, 4)))
    path.with_name("calls.jsonl.1").write_bytes(lines(2, 4))
    path.write_bytes(lines(4, 5)[:-1])
    snapshot = load(Sources([str(path.parent)], must_exist=True))
    assert sorted(snapshot.frame["step"].to_list()) == [0, 1, 2, 3, 4]


def test_a_short_log_that_ends_without_a_newline_is_loaded(path: Path) -> None:
    path.write_bytes(b'{"event": "span", "step": 5}')
    snapshot = load(Sources([str(path.parent)], must_exist=True))
    assert snapshot.frame["step"].to_list() == [5]


def test_files_named_one_by_one_are_each_a_log_of_their_own(path: Path) -> None:
    other = path.with_name("copy.jsonl")
    path.write_bytes(lines(0, 2))
    other.write_bytes(lines(0, 2))
    assert load([path, other]).counts.records == 4
    names = Sources([str(path), str(other)], must_exist=True)
    assert load(names).counts.records == 4


def test_parts_may_go_and_a_log_is_gone_when_all_of_it_is(reader: Reader, path: Path) -> None:
    append(path, lines(0, 2))
    append(path.with_name("calls.jsonl.1"), lines(2, 4))
    while reader.step():
        pass
    path.with_name("calls.jsonl.1").unlink()
    reader.step()
    assert reader.gone() == []
    path.unlink()
    reader.step()
    assert set(reader.gone()) == {path, path.with_name("calls.jsonl.1")}


def test_a_folder_may_go_and_come_again(reader: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 1))
    assert steps(reader) == [0]
    shutil.rmtree(path.parent)
    assert steps(reader) == [0]
    assert (reader.gone(), reader.problems) == ([path], {})
    path.parent.mkdir()
    path.write_bytes(lines(1, 2))
    assert steps(reader) == [0, 1]
    assert (reader.files, reader.gone(), reader.problems) == ((path,), [], {})


def test_a_folder_that_may_not_be_looked_into_is_a_problem_until_it_may(
    reader: Reader, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(lines(0, 1))
    assert steps(reader) == [0]

    def denied(folder: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", denied)
        append(path, lines(1, 2))
        path.with_name("other.jsonl").write_bytes(lines(7, 8))
        assert steps(reader) == [0, 1]
        assert reader.problems == {path.parent: "Permission denied"}
    assert steps(reader) == [0, 1, 7]
    assert reader.problems == {}
