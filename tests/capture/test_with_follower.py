"""Four writers, rotation or pruning, and a follower: every record exactly once."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.capture.test_files import expected, finish, old_line, start_writers

import llmlog
from llmlog_tui.log import new_files
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 4
EACH = 500


def drain(reader: Reader) -> None:
    while reader.step():
        pass


def followed(reader: Reader) -> list[tuple[str, int]]:
    """Return the follower's records, without those written before the test."""
    frame = reader.snapshot().frame.drop_nulls("trace_id")
    return sorted(zip(frame["trace_id"].cast(str).to_list(), frame["step"].to_list(), strict=True))


def running(processes: list[Any]) -> bool:
    return any(process.poll() is None for process in processes)


@pytest.mark.parametrize("name", ["calls.jsonl*", "."], ids=["glob", "folder"])
def test_a_follower_has_every_record_once_while_four_writers_rotate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)
    path = tmp_path / "calls.jsonl"
    with closing(Reader(Sources([str(tmp_path / name)], must_exist=False))) as reader:
        processes = start_writers(path, writers=WRITERS, each=EACH, rotate=50_000)
        while running(processes):
            drain(reader)
        finish(processes)
        reader.step()
        drain(reader)
        reader.finish()
        assert len(list(tmp_path.iterdir())) > 5
        assert followed(reader) == expected(writers=WRITERS, each=EACH)


def prune_while_followed(path: Path, processes: list[Any], reader: Reader) -> int:
    """Return how often pruning removed records, following until all writers are done."""
    rounds = 0
    while running(processes):
        drain(reader)
        rounds += llmlog.prune(path, timedelta(0)) > 0
    finish(processes)
    drain(reader)
    reader.finish()
    return rounds


def test_a_follower_has_every_record_once_while_four_writers_are_pruned(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(old_line(40, step) for step in range(100)))
    with closing(Reader([path])) as reader:
        processes = start_writers(path, writers=WRITERS, each=EACH)
        assert prune_while_followed(path, processes, reader) > 1
        assert followed(reader) == expected(writers=WRITERS, each=EACH)


def test_a_follower_has_no_record_twice_after_a_prune(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(old_line(40, step) for step in range(100)))
    with closing(Reader([path])) as reader:
        finish(start_writers(path, writers=WRITERS, each=50))
        drain(reader)
        assert llmlog.prune(path, timedelta(days=30)) == 100
        finish(start_writers(path, writers=1, each=1))
        drain(reader)
        reader.finish()
        assert followed(reader) == sorted([*expected(writers=WRITERS, each=50), ("writer-0", 0)])
