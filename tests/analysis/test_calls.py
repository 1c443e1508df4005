"""Model calls: what is usual for them, and whether the slow ones were mostly reasoning."""

from __future__ import annotations

import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.calls.calls import (
    Baseline,
    SlowSummary,
    baselines,
    model_calls,
    slow_summary,
)


def test_tokens_per_sec_is_computed_where_it_is_missing(calls: Frame) -> None:
    found = calls(
        [
            {"latency_ms": 2_000, "completion_tokens": 300},
            {"latency_ms": 2_000, "completion_tokens": 300, "tokens_per_sec": 7.5},
            {"latency_ms": 0, "completion_tokens": 300},
            {"completion_tokens": 300},
            {"latency_ms": 2_000},
        ]
    )
    # 300 tokens in 2 s are 150 a second; in no time, at an unknown time and without tokens: none
    assert found["tokens_per_sec"].to_list() == [150.0, 7.5, None, None, None]


def test_tools_spans_and_foreign_events_are_no_model_calls(calls: Frame) -> None:
    events = ["chat_completion", "response", "embedding", "tool_call", "span", "deploy"]
    found = calls([{"event": event} for event in events])
    assert found["event"].to_list() == events[:3]


def test_usual_is_the_median_of_the_calls_that_did_not_fail(calls: Frame) -> None:
    found = baselines(
        calls(
            [
                {"model": "a", "latency_ms": 100, "tokens_per_sec": 10},
                {"model": "a", "latency_ms": 300, "tokens_per_sec": 40},
                {"model": "a", "latency_ms": 9_000, "tokens_per_sec": 1, "status": "error"},
                {"latency_ms": 50},
            ]
        )
    )
    assert found == {"a": Baseline(25.0, 200.0), None: Baseline(None, 50.0)}


def test_usual_has_the_first_token_and_the_prompt_too(calls: Frame) -> None:
    records = [{"ttft_ms": ttft, "prompt_tokens": given} for ttft, given in [(100, 5), (300, 8)]]
    assert baselines(calls(records)) == {None: Baseline(None, None, 200.0, 6.5)}


def test_the_verdict_counts_slow_calls_and_those_that_mostly_reasoned(calls: Frame) -> None:
    found = slow_summary(
        calls(
            [
                {"latency_ms": 500, "reasoning_tokens": 9, "completion_tokens": 10},
                {"latency_ms": 501, "reasoning_tokens": 5, "completion_tokens": 10},
                {"latency_ms": 900, "reasoning_tokens": 6, "completion_tokens": 10},
                {"reasoning_tokens": 9, "completion_tokens": 10},
                {"latency_ms": 900},
            ]
        ),
        500,
    )
    assert (found.slow, found.mostly_reasoning) == (3, 1)


def test_the_correlation_is_pearsons_over_calls_that_have_both(calls: Frame) -> None:
    # x = 0, 1, 2; y = 1, 3, 2: Sxy = 1, Sxx = 2, Syy = 2, so r = 1 / 2
    pairs = [(0, 1), (1, 3), (2, 2), (None, 90), (90, None)]
    records = [{"reasoning_tokens": x, "latency_ms": y} for x, y in pairs]
    assert slow_summary(calls(records), 500).correlation == pytest.approx(0.5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_there_is_no_correlation_without_variation(calls: Frame, count: int) -> None:
    records = [{"reasoning_tokens": 5, "latency_ms": 800}] * count
    assert slow_summary(calls(records), 500).correlation is None


def test_the_verdict_is_a_sentence() -> None:
    assert SlowSummary(52, 38, 0.912).sentence() == (
        "38 of 52 slow calls are mostly reasoning; "
        "r = 0.91 between reasoning tokens and latency of all calls"
    )
    assert "r = 0.00" in SlowSummary(3, 0, -0.001).sentence()
    assert SlowSummary(1, 1, None).sentence() == "1 of 1 slow call is mostly reasoning"
    assert SlowSummary(0, 0, 0.5).sentence() == ""


def test_a_title_counts_each_slow_call_for_its_first_reason(calls: Frame) -> None:
    mostly = {"reasoning_tokens": 9, "completion_tokens": 10}
    found = slow_summary(
        calls(
            [
                {"latency_ms": 600, "status": "error", "retries": 2},
                {"latency_ms": 600, "retries": 2, **mostly},
                {"latency_ms": 600, "retries": 0, **mostly},
                {"latency_ms": 600, **mostly},
                {"latency_ms": 600},
                {"latency_ms": 500, "retries": 1},
            ]
        ),
        500,
    )
    assert found.title(6) == "5 of 6 slow: 2 reasoning, 1 retry, 1 failed, 1 other"
    assert SlowSummary(2, 0, None).title(1_200) == "2 of 1,200 slow"
    assert SlowSummary(0, 0, None).title(6) == ""


def test_calls_stay_in_the_order_of_the_log(frame: Frame) -> None:
    records: list[Record] = [{"step": 2}, {"step": 0}, {"event": "span"}, {"step": 1}]
    assert model_calls(frame(records))["step"].to_list() == [2, 0, 1]
