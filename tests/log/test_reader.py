"""Files in, snapshots out: counts that add up, one order, keys that stay, raw lines on demand."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from tests.log.conftest import append, raw_line

from llmlog_tui.log.follow import Follower
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.load import load
from llmlog_tui.log.parse import parse
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import IS_CALL, decategorize
from llmlog_tui.log.sources import SourceError, Sources
from llmlog_tui.log.store import FRAME_SCHEMA, Snapshot, SourceLocation


def line(step: int, second: int | None = None) -> bytes:
    ts = "null" if second is None else f'"2026-11-23T12:00:{second:02}Z"'
    return b'{"event": "span", "ts": %s, "trace_id": "t", "step": %d}\n' % (ts.encode(), step)


def steps(snapshot: Snapshot) -> list[int]:
    return snapshot.frame["step"].to_list()


def read_all(reader: Reader) -> Snapshot:
    while reader.step():
        pass
    return reader.snapshot()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]


def test_records_and_skipped_and_blanks_are_the_lines(files: list[Path]) -> None:
    files[0].write_bytes(
        b"\n" + line(0) + b"bad\n" + line(1) + b'{"event": "span", "step": "x"}\n[]\n{"torn'
    )
    files[1].write_bytes(b"bad\n\r\n" + line(2))
    counts = load(files).counts
    assert (counts.lines, counts.records, counts.blanks) == (10, 4, 2)
    assert counts.skipped == {"not_json": 2, "not_object": 1, "torn": 1}
    assert counts.nulled == {"step": 1}
    assert counts.first_skipped == {
        "not_json": SourceLocation(files[0], 3),
        "not_object": SourceLocation(files[0], 6),
        "torn": SourceLocation(files[0], 7),
    }
    assert counts.first_nulled == {"step": SourceLocation(files[0], 5)}


def test_lines_are_counted_on_over_blocks(files: list[Path]) -> None:
    files[0].write_bytes(line(0) * 3)
    reader = Reader(files[:1])
    read_all(reader)
    append(files[0], line(1) + b"bad\n")
    append(files[0], b"bad\n")
    assert read_all(reader).counts.first_skipped == {"not_json": SourceLocation(files[0], 5)}
    reader.close()


def test_a_line_too_long_to_hold_is_skipped_and_counted_with_its_place(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.line_splitter.MAX_LINE_BYTES", 200)
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 100)
    files[0].write_bytes(line(0) + b'{"x": "' + b"x" * 900 + b'"}\n' + line(1) + b"bad\n" + line(2))
    snapshot = load(files[:1])
    assert steps(snapshot) == [0, 1, 2]
    assert snapshot.counts.lines == 5
    assert snapshot.counts.skipped == {"too_long": 1, "not_json": 1}
    assert snapshot.counts.first_skipped == {
        "too_long": SourceLocation(files[0], 2),
        "not_json": SourceLocation(files[0], 4),
    }


def test_a_bom_at_the_start_of_a_file_is_no_fault(files: list[Path]) -> None:
    files[0].write_bytes(b"\xef\xbb\xbf" + line(0))
    snapshot = load(files[:1])
    assert steps(snapshot) == [0]
    assert snapshot.counts.records == snapshot.counts.lines == 1


def test_one_file_keeps_its_order_whatever_its_times(files: list[Path]) -> None:
    files[0].write_bytes(line(0, 5) + line(1, 3) + line(2) + line(3, 4))
    assert steps(load(files[:1])) == [0, 1, 2, 3]


def test_several_files_are_merged_by_time_as_they_are_loaded(files: list[Path]) -> None:
    files[0].write_bytes(line(0, 1) + line(2, 5) + line(4, 9))
    files[1].write_bytes(line(1, 3) + line(3, 7))
    snapshot = load(files)
    assert steps(snapshot) == [0, 1, 2, 3, 4]
    assert snapshot.frame["file"].to_list() == [0, 1, 0, 1, 0]
    assert snapshot.files == tuple(files)


def test_a_record_without_time_stays_behind_the_one_before_it(files: list[Path]) -> None:
    files[0].write_bytes(line(0) + line(1, 1) + line(2) + line(5, 9))
    files[1].write_bytes(line(3, 2) + line(4))
    assert steps(load(files)) == [0, 1, 2, 3, 4, 5]


def test_what_arrives_live_is_appended_and_never_put_in_between(files: list[Path]) -> None:
    files[0].write_bytes(line(0, 1) + line(1, 9))
    files[1].write_bytes(line(2, 30))
    reader = Reader(files)
    read_all(reader)
    reader.loaded()
    append(files[1], line(3, 2))
    append(files[0], line(4, 3))
    snapshot = read_all(reader)
    assert steps(snapshot)[:3] == [0, 1, 2]
    assert sorted(steps(snapshot)[3:]) == [3, 4]
    reader.close()


def test_a_snapshot_never_changes_and_a_row_keeps_its_key(files: list[Path]) -> None:
    files[0].write_bytes(line(0, 1) + line(1, 9))
    files[1].write_bytes(line(2, 5))
    reader = Reader(files)
    before = read_all(reader)
    keys = dict(before.frame.select("step", "row").iter_rows())
    reader.loaded()
    append(files[0], line(3))
    after = read_all(reader)
    assert steps(before) == [0, 1, 2]
    assert before.counts.records == 3
    assert dict(after.frame.select("step", "row").iter_rows()) == keys | {3: 3}
    reader.close()


def test_the_frame_has_its_columns_whether_or_not_there_is_a_record(files: list[Path]) -> None:
    files[0].touch()
    files[1].write_bytes(line(0))
    assert dict(Snapshot.empty(files).frame.schema) == FRAME_SCHEMA
    assert dict(load(files[:1]).frame.schema) == FRAME_SCHEMA
    assert dict(load(files).frame.schema) == FRAME_SCHEMA


def test_text_of_few_values_is_categorical_and_plain_when_asked_for(files: list[Path]) -> None:
    files[0].write_bytes(b'{"model": "a", "id": "x"}\n{"model": 5}\n{"total_tokens": 1}\nbad\n')
    files[1].write_bytes(b'{"request_model": "b", "tool_name": "t", "step": "1"}\n')
    frame = load(files).frame
    text = decategorize(frame)
    assert {frame.schema[name] for name in ("event", "status", "model", "requested_model")} == {
        pl.Categorical()
    }
    assert pl.Categorical not in text.dtypes
    assert text.select("event", "status", "model", "requested_model", "id").rows() == [
        ("chat_completion", "ok", "a", None, "x"),
        ("chat_completion", "ok", "5", None, None),
        ("chat_completion", "ok", None, None, None),
        ("tool_call", "ok", None, "b", None),
    ]
    assert frame.filter(IS_CALL, pl.col("model") == "a").height == 1


def test_many_small_blocks_make_one_frame(files: list[Path]) -> None:
    files[0].touch()
    reader = Reader(files[:1])
    for step in range(150):
        append(files[0], line(step))
        assert reader.step()
        assert reader.snapshot().counts.records == step + 1
    assert steps(reader.snapshot()) == list(range(150))
    reader.close()


@pytest.mark.parametrize("beside", [b"", b"bad\n\n", b"\xef\xbb\xbf"])
def test_lines_of_new_records_are_at_hand_although_their_file_is_written_over(
    files: list[Path], beside: bytes
) -> None:
    files[0].write_bytes(line(0))
    reader, seen = Reader(files[:1]), list[bytes | None]()
    read_all(reader)

    def write_over(frame: pl.DataFrame) -> None:
        files[0].write_bytes(b"another file")
        seen.extend(reader.lines(frame.filter(pl.col("step") != 2), LineForm.RECORD))

    reader.on_records = write_over
    append(files[0], beside + line(1) + line(2) + line(3))
    read_all(reader)
    assert seen == [line(1).strip(), line(3).strip()]


def test_the_raw_line_of_a_row_is_read_back_from_its_file(files: list[Path]) -> None:
    files[0].write_bytes(b"\xef\xbb\xbf" + line(0, 1) + b"\n\nbad\n" + line(1, 9))
    files[1].write_bytes(line(2, 5))
    reader = Reader(files)
    read_all(reader)
    reader.loaded()
    append(files[0], line(3) + b'{"event": "span", "x": "the rest stays in the file"}\n')
    frame = read_all(reader).frame
    raw = [
        raw_line(reader, block, number) for block, number in frame.select("block", "line").rows()
    ]
    assert raw == [
        b"\xef\xbb\xbf" + line(0, 1).strip(),
        line(2, 5).strip(),
        line(1, 9).strip(),
        line(3).strip(),
        b'{"event": "span", "x": "the rest stays in the file"}',
    ]
    reader.close()


@pytest.mark.parametrize("event", ["chat_completion", None])
def test_a_first_line_of_any_length_is_a_record_as_it_is_written(
    files: list[Path], event: str | None
) -> None:
    call = {"event": event, "trace_id": "t", "model": "m", "step": 0, "output": "x" * 200_000}
    files[0].write_text(json.dumps(call) + "\n")
    reader = Reader(files[:1])
    frame = read_all(reader).frame
    (block,) = frame["block"]
    assert not reader.is_converted(block)
    assert [json.loads(each or b"") for each in reader.lines(frame, LineForm.RECORD)] == [call]


def test_a_raw_line_that_is_gone_is_none_and_not_somebody_elses(files: list[Path]) -> None:
    files[0].write_bytes(line(0) + line(1))
    reader = Reader(files[:1])
    block, number = read_all(reader).frame.select("block", "line").row(1)
    os.truncate(files[0], 0)
    append(files[0], line(7) + line(8) + line(9))
    assert raw_line(reader, block, number) is None
    read_all(reader)
    assert raw_line(reader, block, number) is None
    reader.close()


def test_progress_is_bytes_read_of_bytes_there(files: list[Path]) -> None:
    files[0].write_bytes(line(0))
    files[1].write_bytes(line(1) * 2)
    reader = Reader(files)
    assert reader.progress() == (0, 3 * len(line(0)))
    assert reader.waiting_for() == []
    read_all(reader)
    assert reader.waiting_for() == []
    assert reader.progress() == (3 * len(line(0)), 3 * len(line(0)))
    reader.close()


def test_a_file_that_is_not_there_yet_is_waited_for(files: list[Path]) -> None:
    files[0].write_bytes(line(0))
    reader = Reader(files)
    assert steps(read_all(reader)) == [0]
    assert reader.waiting_for() == [files[1]]
    files[1].write_bytes(line(1))
    assert steps(read_all(reader)) == [0, 1]
    assert reader.waiting_for() == []
    reader.close()


def test_a_file_that_cannot_be_read_is_a_problem_until_it_can(files: list[Path]) -> None:
    files[0].mkdir()
    files[1].write_bytes(line(1))
    reader = Reader(files)
    assert steps(read_all(reader)) == [1]
    assert reader.problems == {files[0]: "is not a regular file"}
    files[0].rmdir()
    files[0].write_bytes(line(0))
    assert steps(read_all(reader)) == [1, 0]
    assert reader.problems == {}
    reader.close()


def test_loading_what_cannot_be_read_is_one_clear_line(files: list[Path]) -> None:
    with pytest.raises(SourceError, match=r"a\.jsonl: No such file"):
        load(files[:1])
    files[0].mkdir()
    with pytest.raises(SourceError, match=r"a\.jsonl: is not a regular file"):
        load(files[:1])


def test_a_log_of_many_blocks_is_the_log_parsed_at_once(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 256)
    data = b"".join(line(step) + b"bad\n" * (step % 7 == 0) for step in range(60))
    files[0].write_bytes(data)
    snapshot = load(files[:1])
    parsed = parse(data)
    assert steps(snapshot) == parsed.frame["step"].to_list()
    assert snapshot.counts.skipped == parsed.skipped.counts
    assert snapshot.counts.first_skipped["not_json"].line == parsed.skipped.first["not_json"] + 1


def test_a_record_knows_its_line_in_its_file(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.line_splitter.MAX_LINE_BYTES", 500)
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 600)
    monkeypatch.setattr("llmlog_tui.log.store._RANGE_BYTES", 200)
    too_long = b'{"event": "span", "step": "' + b"x" * 2_000 + b'"}\n'
    files[0].write_bytes(line(2) + b"\nbad\n" + line(4) * 30 + too_long + line(35) * 3)
    files[1].write_bytes(b"".join(line(number) for number in range(1, 40)))
    reader = Reader(files)
    frame = read_all(reader).frame
    found = list(zip(frame["file"], reader.line_numbers(frame), strict=True))
    assert found == [
        (0, 1), *((0, number) for number in range(4, 34)), (0, 35), (0, 36), (0, 37),
        *((1, number) for number in range(1, 40)),
    ]  # fmt: skip
    assert frame["block"].n_unique() > 4


def test_each_of_many_files_is_looked_at_a_few_times_to_load_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: Counter[Path] = Counter()

    class Counted(Follower):
        def read(self) -> Block | None:
            looks[self.path] += 1
            return super().read()

    monkeypatch.setattr("llmlog_tui.log.open_sources.Follower", Counted)
    files = [tmp_path / f"{number}.jsonl" for number in range(50)]
    for number, file in enumerate(files):
        file.write_bytes(line(number))
    assert steps(load(files)) == list(range(50))
    assert looks.total() <= 5 * len(files)


def test_a_busy_writer_does_not_keep_a_reader_from_its_end(files: list[Path]) -> None:
    files[0].write_bytes(line(0))
    files[1].write_bytes(line(100))
    reader = Reader(files)
    step = reader.step

    def busy_step() -> bool:
        append(files[0], line(1) * 50)
        return step()

    reader.step = busy_step  # type: ignore[method-assign]
    reader.read_to_end()
    assert {0, 100} <= set(steps(reader.snapshot()))
    reader.finish()
    assert reader.snapshot().frame.height < 1_000


def following(files: list[Path]) -> Reader:
    """Return a live reader of files with a record each."""
    for file in files:
        file.write_bytes(line(0))
    reader = Reader(files)
    read_all(reader)
    reader.loaded()
    return reader


def test_news_are_read_once_from_each_file_even_if_lines_keep_coming(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = following(files)
    read = Follower.read

    def written_to_meanwhile(follower: Follower) -> Block | None:
        block = read(follower)
        if block is not None:
            append(follower.path, line(9))
        return block

    for file in files:
        append(file, line(1) + line(2))
    monkeypatch.setattr(Follower, "read", written_to_meanwhile)
    assert reader.read_news()
    assert sorted(steps(reader.snapshot())) == [0, 0, 1, 1, 2, 2]
    monkeypatch.setattr(Follower, "read", read)
    assert reader.read_news()
    assert sorted(steps(reader.snapshot())) == [0, 0, 1, 1, 2, 2, 9, 9]
    assert not reader.read_news()
    reader.close()


def test_news_of_a_folder_are_its_new_files_too_while_an_old_one_grows(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.new_files.SCAN_S", 0.0)
    files[0].write_bytes(line(0))
    reader = Reader(Sources([str(files[0].parent)], must_exist=True))
    read_all(reader)
    reader.loaded()
    append(files[0], line(1))
    files[1].write_bytes(line(2))
    while reader.read_news():
        append(files[0], line(1)) if len(reader.files) == 1 else None
    assert set(steps(reader.snapshot())) == {0, 1, 2}
    reader.close()


def test_it_is_known_without_reading_whether_the_file_read_last_has_grown(
    files: list[Path],
) -> None:
    reader = following(files)
    assert not reader.has_unread
    append(files[0], line(1))
    assert reader.read_news()
    append(files[0], line(2))
    assert reader.has_unread
    assert reader.has_unread, "it was not read"
    assert reader.read_news()
    assert not reader.has_unread
    reader.close()
    nothing = Reader([])
    assert not nothing.has_unread
    nothing.close()
