"""The course of calls over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from llmlog_tui.analysis.reports.trends import Mark, trends

BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)
DTYPES: dict[str, Any] = {
    "row": pl.Int64,
    "ts": pl.Datetime("us", "UTC"),
    "latency_ms": pl.Float64,
    "tokens_per_sec": pl.Float64,
    "status": pl.String,
    "finish_reason": pl.String,
    "event": pl.String,
    "stream_end": pl.String,
    "tool_args_ok": pl.Boolean,
    "max_tokens": pl.Int64,
    "total_tokens": pl.Int64,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "cost_usd": pl.Float64,
}


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def frame(calls: list[dict[str, Any]]) -> pl.DataFrame:
    usual = {"event": "chat_completion", "status": "ok", "finish_reason": "stop"}
    rows = [{**usual, "row": n, **call} for n, call in enumerate(calls)]
    return pl.DataFrame(rows, schema=DTYPES)


def sixteen() -> list[dict[str, Any]]:
    """Eight calls in the first five minutes, eight in the second, twice as slow; ten in all."""
    first = [{"ts": at(n / 2), "latency_ms": 100.0 * (n + 1)} for n in range(8)]
    second = [{"ts": at(6 + n / 2), "latency_ms": 200.0 * (n + 1)} for n in range(8)]
    last: list[dict[str, Any]] = [{"ts": at(10)}]
    return [*first, *second, *last]


def test_figures_are_those_of_adjacent_slices_with_enough_calls() -> None:
    found = trends(frame(sixteen()), (), 20, 500, min_calls=8)
    # Slices of half a minute: calls in the first 8 (4 minutes), none in 4, calls in the rest.
    assert found.figures["p50"] == [450] * 12 + [900] * 8
    assert found.figures["calls"] == [8 / 6] * 12 + [9 / 4] * 8, "a minute"
    assert found.figures["tok/s"] == [None] * 20


def test_a_pause_longer_than_the_calls_before_it_has_no_figures() -> None:
    calls = [{"ts": at(minute), "latency_ms": 5.0} for minute in (0, 1, 9, 10)]
    found = trends(frame(calls), (), 10, 500, min_calls=2)
    assert found.figures["p50"] == [5, 5, *[None] * 7, 5]


def test_what_is_too_little_for_a_group_of_its_own_belongs_to_the_last_one() -> None:
    calls = frame(sixteen())
    assert trends(calls, (), 20, 500, min_calls=9).figures["p50"] == [600] * 20
    assert trends(calls, (), 20, 500).figures["calls"] == [17 / 10] * 20, "fewer than a group has"


def test_the_slowest_call_and_how_many_were_slow_are_those_of_each_slice() -> None:
    found = trends(frame(sixteen()), (), 20, 500)
    # Slices of half a minute, a call in each of the first eight: 100 ms, 200 ms, ...
    assert found.figures["worst"][:9] == [100, 200, 300, 400, 500, 600, 700, 800, None]
    assert found.figures["slow"][:9] == [0, 0, 0, 0, 0, 1, 1, 1, None]
    assert found.figures["worst_row"][:8] == list(range(8))


def test_tokens_and_cost_are_per_minute_and_shares_are_shares() -> None:
    calls: list[dict[str, Any]] = [
        {"ts": at(0), "total_tokens": 600, "cost_usd": 0.2, "status": "error"},
        {"ts": at(2), "prompt_tokens": 100, "completion_tokens": 100, "finish_reason": "length"},
    ]
    found = trends(frame(calls), (), 4, 500).figures
    assert found["tokens"] == [400] * 4
    assert found["cost"] == [0.1] * 4
    assert found["errors"] == [0.5] * 4
    assert found["cut off"] == [0.5] * 4


def test_only_what_is_within_the_range_counts_and_marks_fall_into_their_slices() -> None:
    marks = [Mark(at(n), "latency", n, "") for n in (1, 6, 9)]
    found = trends(frame(sixteen()), marks, 8, 500, within=(at(6), at(10)))
    assert (found.begin, found.end) == (at(6), at(10))
    assert (found.first, found.last) == (at(0), at(10))
    assert [mark.row for mark in found.marks] == [6, 9]
    assert [found.cell_of(mark.ts) for mark in found.marks] == [0, 6]
    assert found.time_of(4) == at(8)
    assert found.figures["p50"] == [900] * 8
    assert found.min_calls == 20


@pytest.mark.parametrize("calls", [[], [{"ts": None, "latency_ms": 5.0}]])
def test_without_times_there_is_no_course(calls: list[dict[str, Any]]) -> None:
    found = trends(frame(calls), (), 4, 500)
    assert (found.begin, found.end, found.first, found.last) == (None, None, None, None)
    assert found.untimed == len(calls)
    assert found.figures["p50"] == [None] * 4
    assert found.time_of(0) is None


def test_calls_of_one_instant_are_a_second_long() -> None:
    found = trends(frame([{"ts": at(0), "latency_ms": 5.0}]), (), 2, 500)
    assert found.end == BEGIN + timedelta(seconds=1)
    assert found.figures["worst"] == [5, None]
