"""`--last` keeps the end of a log and lets go of the rest."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from llmlog_tui.log import follow, store
from llmlog_tui.log.load import load, read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "NEWEST_BYTES", 200)
    monkeypatch.setattr(follow, "BLOCK_BYTES", 400)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("1000000", Retention(records=1_000_000)),
        ("90s", Retention(span=timedelta(seconds=90))),
        ("30m", Retention(span=timedelta(minutes=30))),
        ("24h", Retention(span=timedelta(hours=24))),
        ("7d", Retention(span=timedelta(days=7))),
        ("0000000000012", Retention(records=12)),
    ],
)
def test_a_window_is_a_number_of_records_or_a_time(text: str, window: Retention) -> None:
    assert Retention.of(text) == window


def test_too_large_a_number_is_named_as_that() -> None:
    for text in ("9999999999", "99999999999h", "9" * 5_000):
        with pytest.raises(ValueError, match=f"{text}: too large, a number has 9 digits at most"):
            Retention.of(text)


def test_leading_zeros_do_not_count_however_many() -> None:
    assert Retention.of("0" * 5_000 + "7d") == Retention(span=timedelta(days=7))
    with pytest.raises(ValueError, match="neither a number of records nor a time like 24h"):
        Retention.of("0" * 5_000)


@pytest.mark.parametrize("text", ["", "0", "0h", "h", "-5", "1.5h", "24 h", "tomorrow", "١٢"])
def test_anything_else_is_one_clear_line(text: str) -> None:
    with pytest.raises(ValueError, match="neither a number of records nor a time like 24h"):
        Retention.of(text)


def lines(first: int, after: int) -> bytes:
    """One line a second."""
    return b"".join(
        b'{"event": "span", "ts": %d, "step": %d}\n' % (1e9 + n, n) for n in range(first, after)
    )


WINDOWS = pytest.mark.parametrize(
    "window", [Retention.of("50"), Retention(span=timedelta(seconds=49))]
)


@WINDOWS
def test_only_the_last_records_are_kept_and_all_are_counted(
    tmp_path: Path, window: Retention
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(0, 200) + b"bad\n")
    snapshot = load([path], window=window)
    assert snapshot.frame["step"].to_list() == list(range(150, 200))
    assert (snapshot.dropped, snapshot.counts.records, snapshot.counts.lines) == (150, 200, 201)


@WINDOWS
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_window_moves_on_with_what_arrives(
    tmp_path: Path, window: Retention, *, newest_first: bool
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(0, 200))
    reader = Reader([path], newest_first=newest_first, window=window)
    while reader.step():
        assert reader.snapshot().frame.height <= 50
    reader.loaded()
    for number in range(200, 330):
        with path.open("ab", buffering=0) as file:
            file.write(lines(number, number + 1))
        reader.step()
        snapshot = reader.snapshot()
        assert snapshot.frame["step"].to_list() == list(range(number - 49, number + 1))
        assert snapshot.dropped + snapshot.frame.height == snapshot.counts.records
    reader.close()


def test_records_without_time_go_with_those_around_them(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(0, 100) + b'{"event": "span", "step": 100}\n' + lines(101, 120))
    kept = load([path], window=Retention(span=timedelta(seconds=9))).frame["step"].to_list()
    assert kept == list(range(110, 120))


def undated(count: int) -> bytes:
    return b"".join(b'{"event": "span", "step": %d}\n' % -n for n in range(1, count + 1))


@pytest.mark.parametrize("newest_first", [False, True])
def test_records_without_time_stay_where_no_older_one_was_in_front_until_there_is(
    tmp_path: Path, *, newest_first: bool
) -> None:
    without, dated = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    without.write_bytes(undated(30))
    dated.write_bytes(lines(0, 10))
    window = Retention(span=timedelta(seconds=9))
    reader = Reader([without, dated], newest_first=newest_first, window=window)
    reader.read_to_end()
    reader.loaded()
    snapshot = reader.snapshot()
    assert sorted(snapshot.frame["step"]) == list(range(-30, 10))
    assert snapshot.dropped == 0
    with dated.open("ab") as file:
        file.write(lines(10, 11))
    reader.step()
    assert reader.snapshot().frame["step"].to_list() == list(range(1, 11))
    assert reader.snapshot().dropped == 31
    reader.close()


@pytest.mark.parametrize("newest_first", [False, True])
def test_records_without_time_in_front_hold_no_older_ones_in_memory(
    tmp_path: Path, *, newest_first: bool
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(undated(100))
    reader = Reader([path], newest_first=newest_first, window=Retention(span=timedelta(seconds=9)))
    reader.read_to_end()
    reader.loaded()
    assert reader.snapshot().frame.height == 100
    for number in range(100):
        with path.open("ab") as file:
            file.write(lines(number, number + 1))
        reader.step()
    assert reader.snapshot().frame["step"].to_list() == list(range(90, 100))
    reader.close()


@pytest.mark.parametrize("newest_first", [False, True])
def test_records_without_time_go_with_older_ones_that_went_before_them(
    tmp_path: Path, *, newest_first: bool
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(0, 50) + undated(100) + lines(100, 120))
    reader = Reader([path], newest_first=newest_first, window=Retention(span=timedelta(seconds=9)))
    reader.read_to_end()
    assert reader.snapshot().frame["step"].to_list() == list(range(110, 120))
    reader.close()


@pytest.mark.parametrize("odd", ["null", '"9999-12-01T00:00:00Z"'])
def test_the_window_moves_on_past_records_without_time_or_from_the_future(
    tmp_path: Path, odd: str
) -> None:
    path = tmp_path / "calls.jsonl"
    path.touch()
    reader = Reader([path], window=Retention(span=timedelta(seconds=9)))
    reader.loaded()
    for first in range(0, 200, 5):
        with path.open("ab", buffering=0) as file:
            file.write(
                b'{"event": "span", "ts": %s, "step": -1}\n' % odd.encode()
                + lines(first, first + 5)
            )
        reader.step()
    assert reader.snapshot().frame["step"].to_list() == [*range(190, 195), -1, *range(195, 200)]
    reader.close()


def test_a_log_all_of_the_future_has_its_window_too(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    ts = (
        f'{{"event": "span", "ts": "9000-01-01T00:{minute:02}:00Z", "step": {minute}}}\n'
        for minute in range(60)
    )
    path.write_text("".join(ts))
    kept = load([path], window=Retention(span=timedelta(minutes=2))).frame["step"].to_list()
    assert kept == [57, 58, 59]


def test_a_window_larger_than_the_log_keeps_it_all(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(0, 100))
    for window in (Retention.of("1000"), Retention.of("1d"), Retention.of("999999999d")):
        snapshot = load([path], window=window)
        assert (snapshot.frame.height, snapshot.dropped) == (100, 0)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("merged_rows", [1, 70, 1_000])
@pytest.mark.parametrize(
    ("window", "first"),
    [
        (Retention(records=30), 170),
        (Retention(records=120), 80),
        (Retention(span=timedelta(seconds=90)), 109),
    ],
)
def test_the_last_records_of_rotated_files_are_kept_whichever_is_read_first(  # noqa: PLR0913 - options by name
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    newest_first: bool,
    merged_rows: int,
    window: Retention,
    first: int,
) -> None:
    monkeypatch.setattr(store, "_MERGED_ROWS", merged_rows)
    for age in range(4):
        part = tmp_path / (f"calls.jsonl.{age}" if age else "calls.jsonl")
        part.write_bytes(lines(150 - 50 * age, 200 - 50 * age))
        os.utime(part, (1e9 - age, 1e9 - age))
    log = Sources([str(tmp_path)], must_exist=True)
    with closing(Reader(log, newest_first=newest_first, window=window)) as reader:
        kept = read_all(reader)
    assert kept.frame["step"].to_list() == list(range(first, 200))
    assert kept.counts.records == 200
    assert kept.dropped == first
