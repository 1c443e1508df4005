"""Which calls are slow, and why: every reason with its evidence, in order."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.conftest import Frame

from llmlog_tui.analysis.calls import (
    Usual,
    Verdict,
    model_calls,
    retry_wait_ms,
    usual,
    verdict,
    why_slow,
)

UNREMARKABLE: dict[str, Any] = {
    "status": "ok",
    "latency_ms": 2_000.0,
    "error_status": None,
    "error_type": None,
    "retries": 0,
    "server_ms": None,
    "stream": False,
    "ttft_ms": None,
    "reasoning_tokens": None,
    "prompt_tokens": 5_000,
    "completion_tokens": 100,
    "tokens_per_sec": 100.0,
}
USUAL = Usual(tokens_per_sec=100.0, latency_ms=600.0)


def why(usual: Usual | None = USUAL, over_ms: float = 1_500.0, **changes: object) -> str:
    return why_slow({**UNREMARKABLE, **changes}, usual, over_ms)


def test_a_call_is_slow_only_if_it_took_strictly_longer() -> None:
    assert why(over_ms=2_000.0) == ""
    assert why(over_ms=1_999.0) != ""


def test_a_call_without_latency_is_not_slow() -> None:
    assert why(latency_ms=None) == ""


def test_a_slow_call_without_a_reason_says_so() -> None:
    assert why() == "unexplained"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"error_status": 429, "error_type": "RateLimitError"}, "rate limited, 429"),
        ({"error_status": 503, "error_type": "InternalServerError"}, "failed, 503"),
        ({"error_type": "APITimeoutError"}, "failed, APITimeoutError"),
        ({}, "failed, no reason given"),
    ],
)
def test_a_failure_is_the_first_reason(changes: dict[str, object], reason: str) -> None:
    assert why(status="error", retries=2, reasoning_tokens=90, **changes) == reason


def test_a_retry_comes_before_reasoning_and_says_how_long_it_waited() -> None:
    # 2,000 ms to the end, of which the server worked 600: 1,400 ms went by before.
    assert why(retries=1, server_ms=600, reasoning_tokens=90) == "1 retry, ≈1.40 s waiting"
    assert why(retries=2, server_ms=600) == "2 retries, ≈1.40 s waiting"


def test_a_retry_of_unknown_or_no_wait_is_only_counted() -> None:
    assert why(retries=1) == "1 retry"
    assert why(retries=1, server_ms=2_500) == "1 retry"


def test_the_wait_of_a_stream_ends_at_its_first_token() -> None:
    stream = {**UNREMARKABLE, "stream": True, "retries": 1, "server_ms": 300, "ttft_ms": 1_000.0}
    assert retry_wait_ms(stream) == 700
    assert retry_wait_ms({**stream, "ttft_ms": None}) is None
    assert retry_wait_ms({**stream, "retries": 0}) is None


def test_reasoning_explains_a_call_when_it_is_more_than_half_of_the_output() -> None:
    assert why(reasoning_tokens=83) == "reasoning 83% of output"
    assert why(reasoning_tokens=51) == "reasoning 51% of output"
    assert why(reasoning_tokens=50) == "unexplained"


def test_reasoning_comes_before_long_output() -> None:
    assert why(reasoning_tokens=300, completion_tokens=400) == "reasoning 75% of output"


def test_output_is_long_if_it_is_slow_even_at_the_usual_speed() -> None:
    # At 100 tokens/s 150 tokens take 1,500 ms, which is not over 1,500.
    assert why(completion_tokens=151) == "long output, 151 tok"
    assert why(completion_tokens=150) == "unexplained"


def test_generation_is_slow_below_half_of_the_usual_speed() -> None:
    assert why(tokens_per_sec=49.0) == "slow generation, 49 tok/s, usual 100"
    assert why(tokens_per_sec=50.0) == "unexplained"


def test_slow_generation_is_said_before_long_output() -> None:
    assert why(tokens_per_sec=40.0, completion_tokens=900).startswith("slow generation")


def test_without_a_usual_speed_nothing_is_said_about_speed() -> None:
    assert why(usual=None, completion_tokens=900) == "unexplained"
    assert why(usual=Usual(None, None), tokens_per_sec=1.0) == "unexplained"


def test_the_first_token_explains_what_is_left() -> None:
    assert why(ttft_ms=1_001.0) == "first token after 1.00 s, 5,000 in"
    assert why(ttft_ms=1_000.0) == "unexplained"


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
    found = usual(
        calls(
            [
                {"model": "a", "latency_ms": 100, "tokens_per_sec": 10},
                {"model": "a", "latency_ms": 300, "tokens_per_sec": 40},
                {"model": "a", "latency_ms": 9_000, "tokens_per_sec": 1, "status": "error"},
                {"latency_ms": 50},
            ]
        )
    )
    assert found == {"a": Usual(25.0, 200.0), None: Usual(None, 50.0)}


def test_the_verdict_counts_slow_calls_and_those_that_mostly_reasoned(calls: Frame) -> None:
    found = verdict(
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
    assert verdict(calls(records), 500).correlation == pytest.approx(0.5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_there_is_no_correlation_without_variation(calls: Frame, count: int) -> None:
    records = [{"reasoning_tokens": 5, "latency_ms": 800}] * count
    assert verdict(calls(records), 500).correlation is None


def test_the_verdict_is_a_sentence() -> None:
    assert Verdict(52, 38, 0.912).sentence() == (
        "38 of 52 slow calls are mostly reasoning (r = 0.91)"
    )
    assert Verdict(1, 1, None).sentence() == "1 of 1 slow call is mostly reasoning"
    assert Verdict(0, 0, 0.5).sentence() == ""


def test_calls_stay_in_the_order_of_the_log(frame: Frame) -> None:
    records = [{"step": 2}, {"step": 0}, {"event": "span"}, {"step": 1}]
    assert model_calls(frame(records))["step"].to_list() == [2, 0, 1]
