"""By what a record is known again, and which bookmarked one comes next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import polars as pl
import pytest
from tests.analysis.conftest import Log

from llmlog_tui.analysis.calls.bookmarks import (
    BookmarkNeighbor,
    adjacent_bookmark,
    find_bookmarked,
    record_key_of,
)
from llmlog_tui.log.record_key import RecordKey, parse_record_key

TS = "2026-11-23T09:00:00.000001Z"


def lines(texts: list[bytes], frame: pl.DataFrame) -> Mapping[int, bytes]:
    """A reader of lines for logs of which every line is a record."""
    return {row: texts[row] for row in frame["row"]}


def no_lines(frame: pl.DataFrame) -> Mapping[int, bytes]:
    """Files that are gone."""
    del frame
    return {}


def known(frame: pl.DataFrame, row: int) -> RecordKey:
    found = record_key_of(frame, row, no_lines)
    assert found is not None
    return found


def test_a_record_is_known_by_its_ids_its_time_and_its_place_in_the_run(log: Log) -> None:
    frame = log([{"span_id": "a1", "id": "i", "trace_id": "t", "ts": TS, "step": 3}]).frame
    assert dict(known(frame, 0)) == {
        "span_id": "a1",
        "id": "i",
        "trace_id": "t",
        "ts": TS,
        "step": 3,
        "event": "chat_completion",
    }
    assert known(frame, 0)[0] == ("span_id", "a1"), "the most telling first"


@pytest.mark.parametrize("field", ["span_id", "id", "request_id", "trace_id"])
def test_it_is_found_wherever_it_stands_in_a_log(log: Log, field: str) -> None:
    wanted = {field: "x", "ts": TS, "step": 1}
    mine = known(log([wanted]).frame, 0)
    others = [{field: "y", "step": n} for n in range(5)]
    frame = log([*others, wanted, *others]).frame
    assert find_bookmarked(frame, [mine], no_lines) == {mine: 5}


def test_records_that_share_an_id_are_told_apart_by_the_rest(log: Log) -> None:
    """A server that gives every answer the same id is not rare."""
    same = [{"id": "cmpl", "trace_id": "t", "step": n} for n in range(3)]
    frame = log(same).frame
    assert find_bookmarked(frame, [known(frame, 1)], no_lines) == {known(frame, 1): 1}


def test_of_records_that_are_alike_in_everything_it_is_the_first(log: Log) -> None:
    frame = log([{"id": "i"}, {"id": "i"}]).frame
    assert find_bookmarked(frame, [known(frame, 1)], no_lines) == {known(frame, 1): 0}


def test_one_that_is_gone_is_not_found(log: Log) -> None:
    mine = known(log([{"id": "pruned"}]).frame, 0)
    assert find_bookmarked(log([{"id": "other"}]).frame, [mine], no_lines) == {}


def test_one_without_ids_is_known_by_its_line(log: Log) -> None:
    texts = [b'{"latency_ms": 1}', b'{"latency_ms": 2}\r', b'{"latency_ms": 3}']
    frame = log([{"latency_ms": n} for n in (1, 2, 3)]).frame
    read = partial(lines, texts)
    mine = record_key_of(frame, 1, read)
    assert mine is not None
    assert find_bookmarked(frame, [mine], read) == {mine: 1}
    assert find_bookmarked(frame, [mine], partial(lines, [b"", texts[1].rstrip(b"\r"), b""])) == {
        mine: 1
    }


def test_one_without_ids_whose_file_is_gone_cannot_be_known_again(log: Log) -> None:
    assert record_key_of(log([{"latency_ms": 1}]).frame, 0, no_lines) is None


def test_only_new_records_are_looked_at_where_that_is_asked(log: Log) -> None:
    frame = log([{"id": "i"}, {"id": "j"}]).frame
    wanted = [known(frame, 0), known(frame, 1)]
    assert find_bookmarked(frame, wanted, no_lines, since=1) == {wanted[1]: 1}


def test_an_identity_is_read_back_as_it_was_written(log: Log) -> None:
    mine = known(log([{"span_id": "a", "trace_id": "t", "ts": TS, "step": 0}]).frame, 0)
    assert parse_record_key(dict(mine)) == mine


@pytest.mark.parametrize(
    "found",
    [
        *(None, [], {}, {"id": 1}, {"step": "1"}, {"step": 2**63}, {"step": True}, {"other": "x"}),
        *({"ts": "yesterday"}, {"ts": "2026-11-23T09:00:00"}),
    ],
)
def test_what_cannot_be_an_identity_is_none(found: object) -> None:
    assert parse_record_key(found) is None


@pytest.mark.parametrize(
    ("row", "direction", "found"),
    [
        (0, 1, BookmarkNeighbor(1, 1, 2)),
        (1, 1, BookmarkNeighbor(3, 2, 2)),
        (3, 1, BookmarkNeighbor(1, 1, 2)),
        (4, -1, BookmarkNeighbor(3, 2, 2)),
        (3, -1, BookmarkNeighbor(1, 1, 2)),
        (1, -1, BookmarkNeighbor(3, 2, 2)),
        (None, 1, BookmarkNeighbor(1, 1, 2)),
        (None, -1, BookmarkNeighbor(3, 2, 2)),
    ],
)
def test_the_next_bookmark_is_that_behind_the_cursor_and_round(
    log: Log, row: int | None, direction: int, found: BookmarkNeighbor
) -> None:
    frame = log([{"step": n} for n in range(5)]).frame
    assert adjacent_bookmark(frame, [3, 1], row, direction) == found


def test_without_bookmarks_there_is_no_next_one(log: Log) -> None:
    frame = log([{"step": 0}]).frame
    assert adjacent_bookmark(frame, [], 0, 1) is None
    assert adjacent_bookmark(frame, [7], 0, 1) is None, "nor where none of them was read"
