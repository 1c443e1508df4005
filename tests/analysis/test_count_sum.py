"""Sums of token counts never wrap, however large a log says they are."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.calls.calls import MOSTLY_REASONING
from llmlog_tui.analysis.live.overview import overview
from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.analysis.reports.stats import stats
from llmlog_tui.analysis.reports.stats_in_parts import StatsInParts
from llmlog_tui.analysis.reports.trends import trends

HUGE = 2**62
MOST = 2**63 - 1
CALLS: list[Record] = [
    {
        "ts": f"2026-11-23T09:0{n}:00Z",
        "session_id": "s",
        "trace_id": f"t{n // 2}",
        "prompt_tokens": HUGE,
        "completion_tokens": HUGE,
        "cached_tokens": HUGE,
        "model": "m",
    }
    for n in range(4)
]


@pytest.mark.parametrize(
    ("counts", "total"),
    [([], None), ([None], None), ([1, None, 2], 3), ([HUGE] * 2, MOST), ([-HUGE] * 3, -MOST)],
)
def test_a_sum_is_at_most_the_largest_integer(counts: list[int | None], total: int | None) -> None:
    frame = pl.DataFrame({"n": pl.Series(counts, dtype=pl.Int64)})
    found = frame.select(count_sum(pl.col("n")))
    assert found.schema == {"n": pl.Int64()}
    assert found.item() == total


def test_traces_sessions_and_figures_have_no_wrapped_tokens(log: Log) -> None:
    view = overview(log(CALLS), 500.0)
    assert view.traces["tokens"].to_list() == [MOST, MOST]
    assert view.sessions.frame["tokens"].to_list() == [MOST]
    assert {kpi.name: kpi.value for kpi in view.kpis}["cached"] == 1.0
    shown = trends(view.calls, (), 1, 500.0)
    assert shown.figures["tokens"][0] is not None
    assert shown.figures["tokens"][0] > 0


def test_statistics_at_once_and_in_parts_have_no_wrapped_tokens(log: Log) -> None:
    frame = log(CALLS).frame
    parts = StatsInParts(over_ms=500.0, by="model")
    for at in range(4):
        parts.add(frame.slice(at, 1))
    for found in (stats(frame), parts.result()):
        assert (found.prompt_tokens, found.groups["completion_tokens"][0]) == (MOST, MOST)
        assert found.reasoning_tokens is None


def test_more_than_half_is_told_of_any_count() -> None:
    frame = pl.DataFrame({"reasoning_tokens": [HUGE, 5, 6], "completion_tokens": [HUGE, 10, 11]})
    assert frame.select(MOSTLY_REASONING).to_series().to_list() == [True, False, True]
