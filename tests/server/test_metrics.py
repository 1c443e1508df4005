"""What a server did while a call ran, and the numbers between two readings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llmlog_tui.server.exposition import Histogram, Reading
from llmlog_tui.server.metrics import MAX_SAMPLES, NO_METRICS, ServerMoment, merged
from llmlog_tui.server.sample import Sample, sample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GPU, OTHER = "http://10.0.0.7:8000/metrics", "http://10.0.0.8:8000/metrics"


def at(seconds: float, url: str = GPU, **values: Any) -> Sample:  # noqa: ANN401 - any quantity
    return Sample(NOON + timedelta(seconds=seconds), url, "vLLM", **values)


def test_rates_are_of_the_time_between_two_readings() -> None:
    before = Reading("vLLM", counters={"generation_tokens": 1_000.0, "preemptions": 3.0})
    now = Reading("vLLM", {"waiting": 2.0}, {"generation_tokens": 1_500.0, "preemptions": 5.0})
    found = sample(GPU, NOON, now, before, 2.0)
    assert (found.tokens_per_sec, found.preemptions, found.waiting) == (250.0, 2.0, 2.0)
    first = sample(GPU, NOON, now, None, 0.0)
    assert (first.tokens_per_sec, first.preemptions, first.waiting) == (None, None, 2.0)


def test_counters_of_a_restarted_server_count_from_zero() -> None:
    before, now = (Reading(counters={"generation_tokens": value}) for value in (9_000.0, 100.0))
    assert sample(GPU, NOON, now, before, 2.0).tokens_per_sec == 50.0


def test_percentiles_are_of_the_requests_since_the_reading_before() -> None:
    before = Reading(histograms={"queue": Histogram({1.0: 4.0, 3.0: 4.0}, 2.0, 4.0)})
    now = Reading(histograms={"queue": Histogram({1.0: 4.0, 3.0: 8.0}, 10.0, 8.0)})
    found = sample(GPU, NOON, now, before, 2.0)
    assert (found.queue_p50_ms, found.queue_mean_ms) == (2_000.0, 2_000.0)
    assert found.ttft_p95_ms is None


def test_a_moment_has_the_worst_of_the_samples_during_the_call() -> None:
    metrics = merged(
        [
            at(0, waiting=20),
            at(2, waiting=1, running=8, kv_cache=0.5, preemptions=1, queue_mean_ms=100),
            at(4, waiting=11, running=6, kv_cache=0.97, preemptions=2, queue_mean_ms=900),
            at(6, waiting=30),
        ]
    )
    found = metrics.moment("10.0.0.7", NOON + timedelta(seconds=1), 4_000)
    assert found == ServerMoment(8, 11, 0.97, 3, 900)


def test_a_short_call_has_the_nearest_sample_if_that_is_near() -> None:
    metrics = merged([at(0, waiting=1), at(60, waiting=7)])

    def waiting(seconds: float) -> float | None:
        found = metrics.moment("10.0.0.7", NOON + timedelta(seconds=seconds), 50)
        return None if found is None else found.waiting

    assert [waiting(each) for each in (-9, -11, 5, 30, 55, 69, 71)] == [
        1,
        None,
        1,
        None,
        7,
        7,
        None,
    ]


@pytest.mark.parametrize(
    ("provider", "waiting"),
    [
        ("10.0.0.7", 1),
        ("10.0.0.8", 2),
        ("api.openai.com", None),
        ("8.8.8.8", None),
        ("localhost", 3),  # a tunnel or a proxy to either
        ("127.0.0.1", 3),
        (None, 3),
    ],
)
def test_the_host_of_a_call_decides_whose_queue_it_was(
    provider: str | None, waiting: float | None
) -> None:
    metrics = merged([at(0, waiting=1), at(0, OTHER, waiting=2)])
    found = metrics.moment(provider, NOON, 100)
    assert (found and found.waiting) == waiting


@pytest.mark.parametrize("latency", [None, 0, 1e300])
def test_any_latency_has_a_moment(latency: float | None) -> None:
    assert merged([at(0, waiting=1)]).moment(None, NOON, latency) is not None
    assert merged([at(0, waiting=1)]).moment(None, None, latency) is None
    assert NO_METRICS.moment(None, NOON, latency) is None


def test_a_call_at_the_end_of_time_is_no_crash() -> None:
    late = datetime.max.replace(tzinfo=UTC)
    assert merged([at(0, waiting=1)]).moment(None, late, 5_000) is None
    assert merged([at(0, waiting=1)]).moment(None, datetime.min.replace(tzinfo=UTC), 5) is None


def test_the_oldest_samples_are_dropped() -> None:
    metrics = merged(at(n) for n in range(MAX_SAMPLES))
    newer = metrics.with_sample(at(MAX_SAMPLES, waiting=1))
    assert len(newer.samples[GPU]) == MAX_SAMPLES
    assert newer.samples[GPU][-1].waiting == 1
    assert newer.with_sample(at(0)) is newer  # a clock that was set back
