"""A big log shows its end at once, and fills in the rest in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.log.conftest import append, raw_line

from llmlog_tui.log import follow
from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.store import FRAME_SCHEMA, Snapshot, SourceLocation


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "NEWEST_BYTES", 200)
    monkeypatch.setattr(follow, "BLOCK_BYTES", 300)


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    path.write_bytes(lines(0, 200))
    reader = Reader([path], newest_first=True)
    yield reader
    reader.close()


def lines(first: int, after: int) -> bytes:
    return b"".join(
        b'{"event": "span", "ts": %d, "step": %d}\n' % (1e9 + n, n) for n in range(first, after)
    )


def steps(snapshot: Snapshot) -> list[int]:
    return snapshot.frame["step"].to_list()


def read_all(reader: Reader) -> list[Snapshot]:
    """A snapshot after every step."""
    snapshots = []
    while reader.step():
        snapshots.append(reader.snapshot())
    return snapshots


def test_the_first_snapshot_has_the_newest_records(reader: Reader) -> None:
    assert reader.step()
    first = reader.snapshot()
    assert steps(first) == list(range(200 - len(steps(first)), 200))
    assert 0 < len(steps(first)) < 20
    assert first.is_loading


def test_the_rest_fills_in_before_them_in_order(reader: Reader) -> None:
    snapshots = read_all(reader)
    newest = len(steps(snapshots[0]))
    for snapshot in snapshots:
        older = steps(snapshot)[:-newest]
        assert older == list(range(len(older)))
        assert steps(snapshot)[-newest:] == list(range(200 - newest, 200))
        assert snapshot.is_loading
    assert steps(snapshots[-1]) == list(range(200))
    assert len(snapshots) > 5


def test_a_row_keeps_its_key_while_others_come_before_it(reader: Reader) -> None:
    keys: dict[int, int] = {}
    for snapshot in read_all(reader):
        now = dict(snapshot.frame.select("step", "row").iter_rows())
        assert now | keys == now
        keys = now
    assert len(set(keys.values())) == 200


def test_it_is_loading_until_all_is_read_and_then_knows_what_is_live(
    reader: Reader, path: Path
) -> None:
    read_all(reader)
    reader.loaded()
    loaded = reader.snapshot()
    assert (loaded.is_loading, loaded.live_from) == (False, 200)
    append(path, lines(200, 203))
    live = read_all(reader)[-1]
    assert steps(live) == list(range(203))
    is_live = live.frame.filter(live.frame["row"] >= live.live_from)
    assert is_live["step"].to_list() == [200, 201, 202]


def test_what_arrives_while_loading_comes_last(reader: Reader, path: Path) -> None:
    reader.step()
    append(path, lines(200, 205))
    assert steps(read_all(reader)[-1]) == list(range(205))


def test_rotation_while_loading_loses_nothing(reader: Reader, path: Path) -> None:
    reader.step()
    path.rename(path.with_suffix(".1"))
    append(path, lines(200, 205))
    assert steps(read_all(reader)[-1]) == list(range(205))


def test_places_are_right_when_all_is_loaded(path: Path) -> None:
    data = lines(0, 100) + b"bad\n" + lines(100, 198) + b"[]\n" + lines(198, 200)
    path.write_bytes(data)
    reader = Reader([path], newest_first=True)
    last = read_all(reader)[-1]
    assert last.counts.first_skipped == {
        "not_json": SourceLocation(path, 101),
        "not_object": SourceLocation(path, 200),
    }
    assert last.counts.lines == 202
    reader.close()


def test_raw_lines_are_found_wherever_they_are(reader: Reader) -> None:
    last = read_all(reader)[-1]
    for step, block, line in last.frame.select("step", "block", "line").iter_rows():
        assert raw_line(reader, block, line) == lines(step, step + 1).strip()


def test_loaded_newest_first_or_not_the_frame_is_the_same(reader: Reader, path: Path) -> None:
    last = read_all(reader)[-1]
    plain = load([path])
    columns = [name for name in FRAME_SCHEMA if name not in {"row", "block", "line"}]
    assert last.frame.select(columns).equals(plain.frame.select(columns))
    assert last.counts == plain.counts


def test_of_several_files_the_newest_of_each_come_first_and_all_are_merged_in_the_end(
    path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    path.write_bytes(lines(0, 100))
    other.write_bytes(lines(100, 200))
    reader = Reader([other, path], newest_first=True)
    reader.step()
    reader.step()
    assert {99, 199} <= set(steps(reader.snapshot()))
    read_all(reader)
    reader.loaded()
    assert steps(reader.snapshot()) == list(range(200))
    reader.close()


def test_closing_in_the_middle_of_loading_is_fine(reader: Reader) -> None:
    reader.step()
    reader.close()
    assert raw_line(reader, 0, 0) is None
