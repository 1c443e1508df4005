"""An archive read part by part has the records, and the order, of one read whole."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.log import archive_writer
from llmlog_tui.log.archive_stream import ArchiveStream
from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.log.load import load
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import Sources

Seconds = st.none() | st.integers(0, 4 * 86_400).map(lambda second: second - second % 20_000)


def written(path: Path, seconds: list[int | None]) -> Path:
    """Write a log with one record at each of these seconds of November 2026; None: without a ts."""
    records = [
        {
            **({} if at is None else {"ts": 1_793_491_200 + at}),
            "event": "chat_completion",
            "span_id": f"{path.stem}{number}",
            "latency_ms": number,
            "extra": {"tier": "gold"} if number % 3 else {"turn": number},
        }
        for number, at in enumerate(seconds)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def archived(folder: Path, rows: int, *logs: Path) -> list[Path]:
    """Archive logs in steps of that many records; return the parts."""
    with (
        patch.object(archive_writer, "MAX_ROWS", rows),
        patch.object(archive_writer, "SMALL_BYTES", 0),
        ArchiveWriter(folder, raw=False) as writer,
    ):
        for log in logs:
            writer.add(log)
            writer.commit()
    return Sources([str(folder)], must_exist=True).files()


def comparable(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("block", "row").with_columns(pl.col(pl.Categorical).cast(pl.String))


@settings(max_examples=examples(40), deadline=None)
@given(logs=st.lists(st.lists(Seconds, min_size=1, max_size=12), min_size=1, max_size=4))
def test_the_order_is_the_one_of_all_parts_together(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int | None]]
) -> None:
    home = tmp_path_factory.mktemp("stream")
    files = [written(home / f"log{at}-.jsonl", seconds) for at, seconds in enumerate(logs)]
    parts = archived(home / "archive", 1, *files)
    stream = ArchiveStream(parts, COLUMNS)
    stream.unify_tags()
    frame = pl.concat(list(stream.frames()))
    assert stream.records == frame.height == sum(map(len, logs))
    assert frame["row"].to_list() == list(range(frame.height))
    whole = load(Sources([str(home / "archive")], must_exist=True)).frame
    assert comparable(frame).equals(comparable(whole))


WINDOWS = [*map(Retention, (1, 3, 10, 99)), *map(Retention.of, ("1s", "9h", "40h", "90d"))]


@settings(max_examples=examples(40), deadline=None)
@given(
    logs=st.lists(st.lists(Seconds, min_size=1, max_size=9), min_size=2, max_size=4),
    window=st.sampled_from(WINDOWS),
)
def test_a_window_has_the_last_records_of_all(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int | None]], window: Retention
) -> None:
    home = tmp_path_factory.mktemp("stream")
    files = [written(home / f"log{at}-.jsonl", seconds) for at, seconds in enumerate(logs)]
    parts = archived(home / "archive", 1, *files)
    if len(parts) > 1:
        frames = ArchiveStream(parts, ("span_id",), window=window).frames()
        found = [span for frame in frames for span in frame["span_id"]]
        whole = load(Sources([str(home / "archive")], must_exist=True), window=window).frame
        assert found == whole["span_id"].to_list()


@settings(max_examples=examples(40), deadline=None)
@given(
    logs=st.lists(st.lists(Seconds, min_size=1, max_size=9), min_size=1, max_size=3),
    kept=st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
@example(logs=[[None, 20_000, 0], [0]], kept=[1, 0, 0])
def test_an_archive_and_its_live_logs_are_one_log(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int | None]], kept: list[int]
) -> None:
    home = tmp_path_factory.mktemp("stream")
    files = [written(home / f"log{at}-.jsonl", seconds) for at, seconds in enumerate(logs)]
    lines = [file.read_bytes().splitlines(keepends=True) for file in files]
    for file, of_log, first in zip(files, lines, kept, strict=False):
        file.write_bytes(b"".join(of_log[:first]))
    parts = archived(home / "archive", 1, *files)
    for file, of_log in zip(files, lines, strict=True):
        file.write_bytes(b"".join(of_log))
    names = [*parts, *files]
    frames = ArchiveStream(names, ("span_id",), others=load(files).frame).frames()
    found = [span for frame in frames for span in frame["span_id"]]
    whole = load(Sources([str(home / "archive"), *map(str, files)], must_exist=True)).frame
    assert found == whole["span_id"].to_list()
    assert len(found) == sum(map(len, logs))


@settings(max_examples=examples(40), deadline=None)
@given(seconds=st.lists(Seconds, min_size=1, max_size=16), rows=st.sampled_from([1, 3, 99]))
@example(seconds=[90_000, 0, 90_000, None, 0, 90_000], rows=1)
@example(seconds=[None, 90_000, 0, None], rows=99)
def test_an_archive_of_mixed_days_is_its_log_by_time_and_else_in_the_order_of_its_lines(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[int | None], rows: int
) -> None:
    home = tmp_path_factory.mktemp("mixed")
    log = written(home / "calls.jsonl", seconds)
    parts = archived(home / "archive", rows, log)
    of_log = load([log]).frame
    if len(parts) > 1:
        # A record without a ts is with the one before it, and those before any ts are first.
        of_log = of_log.sort(pl.col("ts").forward_fill(), nulls_last=False, maintain_order=True)
    of_archive = load(Sources([str(home / "archive")], must_exist=True)).frame
    assert of_archive["span_id"].to_list() == of_log["span_id"].to_list()


def test_parts_that_do_not_overlap_are_in_memory_one_after_the_other(tmp_path: Path) -> None:
    log = written(
        tmp_path / "calls.jsonl", [86_400 * day + second for day in range(9) for second in range(5)]
    )
    stream = ArchiveStream(archived(tmp_path / "archive", 1, log), ("latency_ms",))
    assert [frame.height for frame in stream.frames()] == [5] * 9


def test_an_archive_of_one_part_is_in_the_order_of_its_log(tmp_path: Path) -> None:
    log = written(tmp_path / "calls.jsonl", [5, 4, 3] * 8_000)
    (part,) = archived(tmp_path / "archive", 2**20, log)
    order = load([log]).frame["latency_ms"]
    assert order.equals(load(Sources([str(part.parent)], must_exist=True)).frame["latency_ms"])
    (frame,) = ArchiveStream([part], ("latency_ms",)).frames()
    assert order.equals(frame["latency_ms"])
