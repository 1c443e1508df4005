"""The server's series on the time axis of the calls, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from tests.analysis.conftest import Frame

from llmlog_tui.analysis.reports.server_trends import ServerTrends, server_trends
from llmlog_tui.server.metrics import NO_METRICS, ServerMetrics, merged
from llmlog_tui.server.sample import Sample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A, B = "http://a:8000/metrics", "http://b:8000/metrics"
SLICES = 10


def at(seconds: float, url: str = A, **values: Any) -> Sample:  # noqa: ANN401 - any quantity
    return Sample(NOON + timedelta(seconds=seconds), url, "vLLM", **values)


@pytest.fixture
def two_calls(calls: Frame) -> pl.DataFrame:
    """Calls of 900 ms at 5 s and of 100 ms at 85 s."""
    return calls(
        [
            {"ts": "2026-11-23T12:00:05Z", "model": "m", "latency_ms": 900, "cost_usd": None},
            {"ts": "2026-11-23T12:01:25Z", "model": "m", "latency_ms": 100, "cost_usd": None},
        ]
    ).with_columns(cost_usd=pl.lit(None, pl.Float64))


def trends_of(
    metrics: ServerMetrics,
    calls: pl.DataFrame,
    url: str | None = None,
    **options: Any,  # noqa: ANN401 - any
) -> ServerTrends:
    return server_trends(metrics, url, calls, SLICES, 500.0, **options)


def test_both_have_the_time_of_the_samples_and_a_slow_call_in_a_queue_is_marked(
    two_calls: pl.DataFrame,
) -> None:
    metrics = merged([at(0, waiting=3, kv_cache=0.5), at(100, waiting=0)])
    found = trends_of(metrics, two_calls)
    assert (found.url, found.first, found.last) == (A, NOON, NOON + timedelta(seconds=100))
    assert (found.calls.begin, found.calls.end) == (found.first, found.last)
    assert found.figures["waiting"] == [3, *[None] * 8, 0]  # a sample counts for ten seconds
    assert found.figures["kv_cache"] == [0.5, *[None] * 9]
    assert found.queued == (0,)


def test_a_slice_has_the_largest_of_its_samples_and_a_sample_lasts_until_the_next(
    two_calls: pl.DataFrame,
) -> None:
    within = (NOON + timedelta(seconds=10), NOON + timedelta(seconds=20))
    metrics = merged([at(8, waiting=7), at(12, waiting=1), at(15, waiting=2), at(15.5, waiting=9)])
    found = trends_of(metrics, two_calls, within=within)
    assert found.figures["waiting"] == [7, 7, 1, 1, 1, 9, 9, 9, 9, 9]


def test_each_server_has_its_own_series(two_calls: pl.DataFrame) -> None:
    metrics = merged([at(0, waiting=1), at(10, B, waiting=2)])
    assert trends_of(metrics, two_calls, B).figures["waiting"][0] == 2
    assert trends_of(metrics, two_calls, "http://gone").url == A


def test_calls_before_the_samples_are_shown_unless_the_samples_are_a_small_part(
    two_calls: pl.DataFrame,
) -> None:
    few = trends_of(merged([at(100, waiting=1), at(101, waiting=2)]), two_calls)
    assert few.calls.begin == NOON + timedelta(seconds=100)
    many = trends_of(merged([at(100, waiting=1), at(111, waiting=2)]), two_calls)
    assert (many.calls.begin, many.calls.end) == (NOON + timedelta(seconds=5), many.last)
    assert few.first == many.first == NOON + timedelta(seconds=5)


def test_without_samples_the_time_is_that_of_the_calls(two_calls: pl.DataFrame) -> None:
    found = trends_of(NO_METRICS, two_calls)
    assert (found.url, found.queued) == (None, ())
    assert found.first == NOON + timedelta(seconds=5)
    empty = trends_of(NO_METRICS, two_calls.clear())
    assert (empty.first, empty.calls.begin) == (None, None)


def test_a_range_at_the_end_of_the_calendar_has_no_values(two_calls: pl.DataFrame) -> None:
    late = datetime.max.replace(tzinfo=UTC)
    within = (late - timedelta(seconds=10), late)
    found = trends_of(merged([at(0, waiting=1)]), two_calls, within=within)
    assert found.figures["waiting"][5] is None
