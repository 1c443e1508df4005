"""The figures over time; the others are held against DuckDB's in tests/commands."""

from __future__ import annotations

from tests.analysis.conftest import Frame

from llmlog_tui.analysis.reports.stats import TIMES, over_time


def test_the_time_from_the_first_call_to_the_last_is_cut_into_equal_parts(calls: Frame) -> None:
    # 0 s to 60 s: the second at 30 s is the first of the 31st part, the last is in the last.
    seconds = [(0, 100), (0.5, 300), (30, None), (60, 700)]
    records = [{"ts": 1_795_424_400 + at, "latency_ms": ms} for at, ms in seconds]
    found = over_time(calls([*records, {"latency_ms": 9_000}, {**records[3], "status": "error"}]))
    assert found.height == TIMES
    busy = {nth: row for nth, row in enumerate(found.rows()) if row[0]}
    assert busy == {0: (2, 0, 290.0), 29: (1, 0, None), 59: (2, 1, 700.0)}


def test_calls_that_started_at_once_are_one_part(calls: Frame) -> None:
    assert over_time(calls([{"ts": 5, "latency_ms": 40}] * 3)).rows() == [(3, 0, 40.0)]


def test_calls_without_ts_are_at_no_time(calls: Frame) -> None:
    assert over_time(calls([{"latency_ms": 40}])).height == 0
