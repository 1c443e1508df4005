"""The newest session of thousands is shown first, and the order of reading changes no answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from tests.bench import make_sessions
from tests.log.conftest import raw_line

from llmlog_tui.log import peek, reader
from llmlog_tui.log.compressed import beginning_of
from llmlog_tui.log.load import load, read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.reading_order import newest_first
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.sources import Sources
from llmlog_tui.log.store import Snapshot

_FILE_BYTES = 2_000
FORK_LAST, FORK_INSIDE = 51, 53
"""Sessions of trees whose fork, the session with number 50, is the newest one or is not."""


def test_the_file_written_to_last_comes_first_and_a_missing_one_before_it() -> None:
    assert newest_first(["a", "b", "c"], [1.0, 3.0, math.inf]) == [2, 1, 0]


def test_a_session_is_as_new_as_its_subagents_and_comes_before_them() -> None:
    names = ["p/one.jsonl", "p/one/subagents/agent-1.jsonl", "p/one/agent-2.jsonl", "p/two.jsonl"]
    assert newest_first(names, [1.0, 9.0, 8.0, 5.0]) == [0, 1, 2, 3]
    assert newest_first(names, [1.0, 2.0, 3.0, 5.0]) == [3, 0, 2, 1]


def test_files_written_to_at_the_same_time_keep_their_order() -> None:
    assert newest_first(["a", "b", "c"], [1.0, 1.0, 1.0]) == [0, 1, 2]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Sources]:
    """Make a tree of so many small sessions."""

    def made(tool: str, sessions: int) -> Sources:
        monkeypatch.setattr(make_sessions, "_FILE_BYTES", _FILE_BYTES)
        make_sessions.TOOLS[tool](tmp_path, sessions * _FILE_BYTES / 1e6)
        return Sources([str(tmp_path)], must_exist=True)

    return made


def loaded(sources: Sources) -> tuple[Snapshot, list[str]]:
    """Read as the dashboard does; the snapshot, and each record with its line."""
    with closing(Reader(sources, newest_first=True)) as found:
        while found.step():
            pass
        found.loaded()
        return found.snapshot(), lines_of(found)


def lines_of(found: Reader) -> list[str]:
    """Every record with its own line and file, in an order that does not depend on reading."""
    frame = found.snapshot().frame
    lines = [raw_line(found, *place) for place in frame.select("block", "line").iter_rows()]
    fields = decategorize(frame.drop("row", "block", "line")).rows()
    return sorted(f"{record} {line!r}" for record, line in zip(fields, lines, strict=True))


@pytest.mark.parametrize(
    ("tool", "sessions"),
    [("claude", FORK_LAST), ("claude", FORK_INSIDE), ("codex", 20), ("gemini", 20)],
)
def test_answers_are_the_same_whether_all_beginnings_are_read_first_or_the_newest_file_is(
    tree: Callable[[str, int], Sources],
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    sessions: int,
) -> None:
    sources = tree(tool, sessions)
    monkeypatch.setattr(reader, "MANY_FILES", 10**6)
    before, lines_before = loaded(sources)
    monkeypatch.setattr(reader, "MANY_FILES", 1)
    snapshot, lines = loaded(sources)
    assert lines == lines_before
    assert snapshot.counts == before.counts
    assert snapshot.frame.height > 100
    with closing(Reader(sources)) as plain:
        read_all(plain)
        assert lines_of(plain) == lines
    assert times(snapshot) == times(load(sources))


def times(snapshot: Snapshot) -> list[object]:
    return snapshot.frame["ts"].to_list()


def test_the_newest_session_is_there_before_the_beginning_of_any_other_file_was_read(
    tree: Callable[[str, int], Sources], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tree("claude", FORK_INSIDE)
    monkeypatch.setattr(reader, "MANY_FILES", 2)
    looked_at: list[Path] = []

    def noted(path: Path, size: int) -> bytes:
        looked_at.append(path)
        return beginning_of(path, size)

    monkeypatch.setattr(peek, "beginning_of", noted)
    with closing(Reader(sources, newest_first=True)) as found:
        assert found.step()
        frame = found.snapshot().frame
        assert frame["trace_id"].str.starts_with(make_sessions.NEWEST).any()
        assert frame["file"].n_unique() == 1
        assert len(looked_at) == 1
        assert found.step()
        assert set(looked_at) == set(found.files)


def test_a_fork_that_was_shown_first_is_read_again_and_counts_for_its_origin(
    tree: Callable[[str, int], Sources], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tree("claude", FORK_LAST)
    monkeypatch.setattr(reader, "MANY_FILES", 2)
    with closing(Reader(sources, newest_first=True)) as found:
        found.step()
        shown = found.snapshot().frame
        while found.step():
            pass
        found.loaded()
        frame = found.snapshot().frame
    again = frame.filter(pl.col("span_id") == shown["span_id"][0])
    assert again.height == 1
    assert shown["trace_id"].str.starts_with(make_sessions.NEWEST).any()
    assert again["session_id"][0] != shown["session_id"][0]


@pytest.mark.parametrize("many_files", [2, 10**6])
def test_a_newest_session_that_is_a_fork_is_there_for_good_once_its_origin_was_read(
    tree: Callable[[str, int], Sources], monkeypatch: pytest.MonkeyPatch, many_files: int
) -> None:
    sources = tree("claude", FORK_LAST)
    monkeypatch.setattr(reader, "MANY_FILES", many_files)
    has_newest: list[bool] = []
    with closing(Reader(sources, newest_first=True)) as found:
        while found.step():
            traces = found.snapshot().frame["trace_id"]
            has_newest.append(traces.str.starts_with(make_sessions.NEWEST).any())
        origin_and_fork = 2
        shown_first = int(many_files == 2)
        assert has_newest[:shown_first] == [True] * shown_first
        assert all(has_newest[shown_first + origin_and_fork - 1 :])
        assert len(has_newest) >= len(sources.files()) > 10 * origin_and_fork


def test_files_that_are_there_are_not_waited_for_and_all_their_bytes_are_to_be_read(
    tree: Callable[[str, int], Sources], tmp_path: Path
) -> None:
    sources = tree("claude", 5)
    total = sum(file.stat().st_size for file in sources.files())
    named = [*sources.files(), tmp_path / "none.jsonl"]
    with closing(Reader(named, newest_first=True)) as found:
        assert found.progress() == (0, total)
        found.step()
        read, there = found.progress()
        assert 0 < read < there == total
        assert set(found.waiting_for()) <= {named[-1]}
        while found.step():
            pass
        assert found.progress() == (total, total)
        assert found.waiting_for() == [named[-1]]
