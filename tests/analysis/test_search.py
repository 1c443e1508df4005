"""Search: what matches, in which order, and round the ends."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.calls import search as searching
from llmlog_tui.analysis.calls.search import Hit, LastMatches, search, step_of
from llmlog_tui.log.store import FRAME_SCHEMA

RECORDS: list[Record] = [
    {"trace_id": "aaaa", "request_id": "req_1", "model": "gpt-5-mini"},
    {"trace_id": "bbbb", "event": "tool_call", "tool_name": "search_docs"},
    {"trace_id": "bbbb", "request_id": "req_2", "model": "GPT-oss"},
    {"trace_id": "cccc", "error_type": "RateLimitError", "requested_model": "gpt-5-mini"},
]


def hits(log: Log, text: str, row: int | None, direction: int = 1) -> Hit | None:
    return search(log(RECORDS).frame, text, row, direction)


@pytest.mark.parametrize(
    ("text", "row"),
    [("req_2", 2), ("search_d", 1), ("ratelimit", 3), ("cccc", 3), ("gpt-OSS", 2)],
)
def test_ids_models_tools_and_errors_are_found_in_any_case(log: Log, text: str, row: int) -> None:
    assert hits(log, text, None, -1) == Hit(row, 1, 1)


def test_a_new_search_begins_with_the_newest(log: Log) -> None:
    assert hits(log, "gpt", None, -1) == Hit(3, 3, 3)


def test_the_next_match_follows_and_after_the_last_comes_the_first(log: Log) -> None:
    assert hits(log, "gpt", 0) == Hit(2, 2, 3)
    assert hits(log, "gpt", 1) == Hit(2, 2, 3)
    assert hits(log, "gpt", 3) == Hit(0, 1, 3)


def test_the_match_before_precedes_and_before_the_first_comes_the_last(log: Log) -> None:
    assert hits(log, "gpt", 3, -1) == Hit(2, 2, 3)
    assert hits(log, "gpt", 0, -1) == Hit(3, 3, 3)


def test_the_match_itself_is_counted_again_without_a_direction(log: Log) -> None:
    assert hits(log, "gpt", 2, 0) == Hit(2, 2, 3)
    assert hits(log, "gpt", 1, 0) is None
    assert hits(log, "nothing", 1, 0) is None


def test_records_that_were_found_otherwise_and_evicted_ones_are_in_the_same_order(log: Log) -> None:
    def found(row: int | None, direction: int) -> Hit | None:
        frame = log(RECORDS).frame
        return search(frame, "req_2", row, direction, found={0, 3}, older=2)

    assert found(None, -1) == Hit(3, 5, 5, in_field=False)
    assert found(3, -1) == Hit(2, 4, 5)
    assert found(0, -1) == Hit(-1, 2, 5, in_field=False)
    assert found(-1, -1) == Hit(-2, 1, 5, in_field=False)
    assert found(-2, -1) == Hit(3, 5, 5, in_field=False)
    assert found(-2, 1) == Hit(-1, 2, 5, in_field=False)
    assert found(-1, 1) == Hit(0, 3, 5, in_field=False)
    assert found(-1, 0) == Hit(-1, 2, 5, in_field=False)


def test_a_record_whose_field_and_content_have_the_text_is_a_hit_in_the_field(log: Log) -> None:
    assert search(log(RECORDS).frame, "req_2", None, -1, found={2}) == Hit(2, 1, 1, in_field=True)


def test_signs_of_patterns_stand_for_themselves(log: Log) -> None:
    assert hits(log, "gpt.5", None) is None
    assert hits(log, "(", None) is None


def test_a_log_without_records_has_no_matches(log: Log) -> None:
    assert search(log([]).frame, "x", None, 1) is None


def test_a_step_is_found_in_its_trace_alone(log: Log) -> None:
    steps = [{"trace_id": trace, "step": step} for trace in ("a", "b") for step in (0, 1)]
    frame = log(steps).frame
    assert step_of(frame, "b", 1) == Hit(3, 1, 1)
    assert step_of(frame, "b", 2) is None


def test_the_next_hit_of_a_text_needs_no_search_in_the_same_records(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[tuple[int, str]] = []
    unchanged = searching.in_fields

    def counting(frame: pl.DataFrame, text: str) -> pl.Series:
        looked_for.append((frame.height, text))
        return unchanged(frame, text)

    monkeypatch.setattr(searching, "in_fields", counting)
    frame, grown, matches = log(RECORDS).frame, log(RECORDS * 2).frame, LastMatches()
    assert search(frame, "gpt", None, -1, matches=matches) == Hit(3, 3, 3)
    assert search(frame, "gpt", 3, -1, matches=matches) == Hit(2, 2, 3)
    assert search(frame, "req_2", 3, 0, matches=matches) is None
    assert search(grown, "req_2", None, -1, matches=matches) == Hit(6, 2, 2)
    assert looked_for == [(4, "gpt"), (4, "req_2"), (8, "req_2")]


LETTERS = "aAkKiIsSzßſΣσς-12_\u212a\u0130\u0131\u0307éÉ."
TEXTS = st.none() | st.text(LETTERS, max_size=6)
LONG = "#" * 16  # as ids are: long texts are searched in another way than short ones


@given(
    ids=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12),
    model=st.sampled_from(["K", "\u212a", "\u0130i", "gpt"]),
    text=st.text(LETTERS, max_size=4),
)
def test_a_match_contains_the_text_in_any_case(
    ids: list[tuple[str | None, str | None]], model: str, text: str
) -> None:
    short, long = zip(*ids, strict=True)
    frame = pl.DataFrame(
        {name: pl.Series([None] * len(ids), dtype=dtype) for name, dtype in FRAME_SCHEMA.items()}
    ).with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        pl.Series("trace_id", short, pl.String),
        pl.Series("request_id", [each and LONG + each for each in long], pl.String),
        pl.Series("model", [None, *[model] * (len(ids) - 1)], pl.Categorical),
    )
    values = frame.select("trace_id", "request_id", "model").iter_rows()
    in_any_case = re.compile(re.escape(text), re.IGNORECASE)
    expected = [
        row
        for row, fields in enumerate(values)
        if any(value is not None and in_any_case.search(value) for value in fields)
    ]
    found = search(frame, text, None, -1)
    assert found == (Hit(expected[-1], len(expected), len(expected)) if expected else None)
