"""An archive that is being read sees the parts that are written meanwhile, each record once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.log.test_archive import archive, line, lines

from llmlog_tui.log import new_files
from llmlog_tui.log.archive_manifest import MANIFEST, Manifest
from llmlog_tui.log.load import read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import Sources


@pytest.fixture(autouse=True)
def _scans_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)
    monkeypatch.setattr(new_files, "FAST_SCAN_S", 1e9)


def reader_of(*names: Path, window: Retention = EVERYTHING) -> Reader:
    sources = Sources([str(name) for name in names], must_exist=False)
    return Reader(sources, newest_first=True, window=window)


def load(reader: Reader) -> None:
    while reader.step():
        pass
    reader.loaded()


def follow(reader: Reader) -> list[int]:
    """Read what is new; return the numbers of all records, in order."""
    while reader.read_news():
        pass
    return [int(span, 16) for span in reader.snapshot().frame["span_id"]]


def numbers_of_lines(reader: Reader) -> Iterator[int]:
    for each in reader.lines(reader.snapshot().frame):
        assert each is not None
        yield int(json.loads(each)["span_id"], 16)


@pytest.mark.parametrize("raw", [False, True])
def test_records_archived_later_come_once_and_earlier_lines_are_read_from_the_larger_part(
    log: Path, folder: Path, *, raw: bool
) -> None:
    log.write_bytes(lines(range(5)))
    archive(folder, log, raw=raw)
    with closing(reader_of(folder)) as reader:
        load(reader)
        for begin, end, day in ((5, 8, 1), (8, 11, 2), (11, 13, 1)):
            with log.open("ab") as file:
                file.write(lines(range(begin, end), day))
            archive(folder, log, raw=raw)
            assert follow(reader) == list(range(end))
        assert len(list(folder.glob("*.parquet"))) == 2, "small parts were replaced"
        assert list(numbers_of_lines(reader)) == list(range(13))
        assert reader.snapshot().live_from == 5
        assert not reader.problems


def test_a_part_that_is_replaced_before_it_was_read_is_read_from_the_larger_one(
    log: Path, folder: Path
) -> None:
    log.write_bytes(lines(range(3), 1) + lines(range(3, 6), 2))
    archive(folder, log)
    with closing(reader_of(folder)) as reader:
        assert reader.step(), "the newest part"
        with log.open("ab") as file:
            file.write(lines([6], 1))
        archive(folder, log)
        load(reader)
        assert sorted(follow(reader)) == list(range(7))
        assert sorted(numbers_of_lines(reader)) == list(range(7))
        assert not reader.problems


def test_manifests_that_were_missed_lose_no_record(log: Path, folder: Path) -> None:
    log.write_bytes(lines([0]))
    archive(folder, log)
    with closing(reader_of(folder)) as reader:
        load(reader)
        for number in range(1, 5):
            with log.open("ab") as file:
                file.write(line(number))
            archive(folder, log)
        other = log.with_name("other.jsonl")
        other.write_bytes(lines([7, 8]))
        archive(folder, other)
        assert follow(reader) == [0, 1, 2, 3, 4, 7, 8]


def test_an_archive_without_records_is_waited_for(log: Path, folder: Path) -> None:
    log.write_bytes(b"")
    archive(folder, log)
    with closing(reader_of(folder)) as reader:
        load(reader)
        log.write_bytes(lines(range(3)))
        archive(folder, log)
        assert follow(reader) == [0, 1, 2]


def test_an_archive_that_is_deleted_and_made_again_is_a_problem_and_then_new_records(
    log: Path, folder: Path
) -> None:
    log.write_bytes(lines(range(3)))
    archive(folder, log)
    with closing(reader_of(folder)) as reader:
        load(reader)
        shutil.rmtree(folder)
        assert follow(reader) == [0, 1, 2]
        assert "No such file" in reader.problems[folder]
        log.write_bytes(lines([9], 4) + lines(range(5), 2))
        archive(folder, log)
        assert sorted(follow(reader)) == sorted([0, 1, 2, 9, 0, 1, 2, 3, 4])
        assert not reader.problems
        (first, *_, last) = reader.lines(reader.snapshot().frame)
        assert first is None, "of the archive that is gone"
        assert last is not None


def test_beside_its_live_log_an_archive_adds_nothing_that_was_read_there(
    log: Path, folder: Path
) -> None:
    log.write_bytes(lines(range(3)))
    archive(folder, log)
    with closing(reader_of(folder, log)) as reader:
        load(reader)
        with log.open("ab") as file:
            file.write(lines(range(3, 6)))
        archive(folder, log)
        assert sorted(follow(reader)) == list(range(6))


def test_the_manifest_is_read_when_it_has_changed_only(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(lines(range(3)))
    archive(folder, log)
    with closing(reader_of(folder)) as reader:
        load(reader)
        read: list[Path] = []
        of_folder = Manifest.read

        def noted(folder: Path) -> Manifest:
            read.append(folder)
            return of_folder(folder)

        monkeypatch.setattr(Manifest, "read", noted)
        for _ in range(5):
            follow(reader)
        assert read == []
        (folder / MANIFEST).touch()
        follow(reader)
        assert read == [folder]


@pytest.mark.parametrize("window", [Retention(records=5), Retention.of("36h")])
def test_a_window_tells_how_many_records_are_outside(
    log: Path, folder: Path, window: Retention
) -> None:
    log.write_bytes(lines(range(10), 1) + lines(range(10, 20), 2) + lines(range(20, 30), 3))
    archive(folder, log)
    sources = Sources([str(folder)], must_exist=True)
    with closing(Reader(sources, newest_first=True, window=window)) as reader:
        snapshot = read_all(reader)
        is_by_number = window.records is not None
        assert reader.rows_outside == (25 if is_by_number else 10)
        assert snapshot.counts.records == (10 if is_by_number else 20)
