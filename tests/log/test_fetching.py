"""Records from outside the window of an archive are put in front of it, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.log.test_archive import archive

from llmlog_tui.log import fetching
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import parse
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import SourceError, Sources
from llmlog_tui.log.store import Store


def line(number: int, day: int, trace: str) -> bytes:
    record = {
        "ts": f"2026-11-{day:02}T12:00:{number:02}Z",
        "event": "chat_completion",
        "trace_id": trace,
        "step": number,
        "id": f"call-{day}-{number}",
        "model": "m",
        "latency_ms": 5,
    }
    return json.dumps(record).encode() + b"\n"


@contextmanager
def loaded(names: Sources, records: int) -> Iterator[Reader]:
    """Read the newest records of a log; later ones are live."""
    window = Retention(records=records)
    with closing(Reader(names, newest_first=True, window=window)) as reader:
        while reader.step():
            pass
        reader.loaded()
        yield reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A window of the last of five days; one trace has records on the second and the fourth."""
    log, folder = tmp_path / "calls.jsonl", tmp_path / "archive"
    lines = []
    for day in range(1, 6):
        for number in range(10):
            is_long = day in {2, 4} and number in {3, 7}
            lines.append(line(number, day, "the-long-trace" if is_long else f"trace-{day}"))
    log.write_bytes(b"".join(lines))
    archive(folder, log, raw=True)
    names = Sources([str(folder)], must_exist=True)
    with loaded(names, 6) as reader:
        yield reader


def ids(reader: Reader) -> list[str]:
    return reader.snapshot().frame["id"].to_list()


WINDOW = [f"call-5-{number}" for number in range(4, 10)]
OF_TRACE = ["call-2-3", "call-2-7", "call-4-3", "call-4-7"]


def test_the_records_with_an_id_are_in_front_in_the_order_of_time(reader: Reader) -> None:
    assert ids(reader) == WINDOW
    assert reader.rows_outside == 44
    steps = list(reader.fetch("call-4-3"))
    assert (steps[-1].found, steps[-1].done, steps[-1].total) == (4, 10, 10)
    snapshot = reader.snapshot()
    assert ids(reader) == [*OF_TRACE, *WINDOW]
    assert reader.rows_outside == 40
    assert (snapshot.fetched, snapshot.revision > 0) == (4, True)
    assert list(reader.fetch("the-long"))[-1].found == 0
    assert list(reader.fetch("nothing-like-it"))[-1].found == 0
    found = [json.loads(each or b"{}")["id"] for each in reader.lines(snapshot.frame)]
    assert found == [*OF_TRACE, *WINDOW]
    assert reader.line_numbers(snapshot.frame).to_list()[:4] == [4, 8, 4, 8]


def test_they_stay_when_the_window_advances(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.new_files.SCAN_S", 0.0)
    list(reader.fetch("the-long-trace"))
    with (tmp_path / "calls.jsonl").open("ab") as file:
        file.write(b"".join(line(number, 6, "trace-6") for number in range(5)))
    archive(tmp_path / "archive", tmp_path / "calls.jsonl", raw=True)
    while reader.read_news():
        pass
    assert ids(reader) == [*OF_TRACE, "call-5-9", *(f"call-6-{number}" for number in range(5))]
    assert reader.snapshot().live_from == 10


def test_a_look_up_that_is_given_up_keeps_what_it_found(reader: Reader) -> None:
    steps = reader.fetch("the-long-trace")
    while next(steps).found == 0:
        pass
    assert ids(reader) == ["call-4-3", "call-4-7", *WINDOW]


def test_too_many_records_are_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_FETCHED", 5)
    with pytest.raises(SourceError, match="5 records or more have this id"):
        list(reader.fetch("trace-"))


@pytest.mark.parametrize("rows", [2, 3, 2**14])
def test_records_of_the_part_at_the_beginning_of_the_window_are_found_too(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("llmlog_tui.log.archive_part._BLOCK_ROWS", rows)
    outside = reader.rows_outside
    assert list(reader.fetch("call-5-1"))[-1].found == 4, "its trace, but not the records in memory"
    assert ids(reader) == [f"call-5-{number}" for number in range(10)]
    assert reader.rows_outside == outside - 4
    assert list(reader.fetch("call-5-2"))[-1].found == 0
    frame = reader.snapshot().frame
    assert reader.line_numbers(frame).to_list() == list(range(1, 11))
    found = [json.loads(each or b"{}")["id"] for each in reader.lines(frame)]
    assert found == ids(reader)


def test_rows_of_a_part_are_told_from_the_offsets_of_a_large_log_beside_it() -> None:
    store = Store([Path("2026-11-05.000001.parquet"), Path("calls.jsonl")])
    for file, offset in ((0, 70), (1, 2**32 + 5)):
        data = line(0, 5, "trace") + line(1, 5, "trace")
        store.add(file, Block(data, offset, 0), parse(data))
    assert store.rows_of(0).to_list() == [70, 71]


@pytest.mark.usefixtures("reader")
def test_records_that_another_file_has_are_not_read_from_the_part(tmp_path: Path) -> None:
    names = Sources([str(tmp_path / "archive"), str(tmp_path / "calls.jsonl")], must_exist=True)
    with loaded(names, 6) as both:
        assert list(both.fetch("call-5-1"))[-1].found == 0
        assert ids(both) == WINDOW


def test_the_steps_before_one_are_of_that_trace_alone_and_counted_once(tmp_path: Path) -> None:
    log, folder = tmp_path / "calls.jsonl", tmp_path / "archive"
    of_day = {2: "run-1", 3: "run-10", 4: "run-1", 5: "run-11"}
    lines = [line(3, 1, "run-1")]
    for day, trace in of_day.items():
        lines += [line(number, day, trace) for number in (0, 1, 1, 2)]
    log.write_bytes(b"".join([*lines, line(4, 6, "run-1")]))
    archive(folder, log, raw=True)
    names = Sources([str(folder)], must_exist=True)
    with loaded(names, 1) as reader:
        found = [step.found for step in reader.fetch("run-1", before=4)]
    assert found == [0, 0, 3, 3, 3, 4], "the newest part is first, and step 3 is in the oldest"
