"""Why a call was slow: every reason with its evidence, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmlog_tui.analysis.calls.calls import Baseline
from llmlog_tui.analysis.calls.slow_reason import latency_breakdown, retry_wait_ms, slow_reason
from llmlog_tui.server.metrics import ServerMoment

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
USUAL = Baseline(tokens_per_sec=100.0, latency_ms=600.0)


def why(usual: Baseline | None = USUAL, over_ms: float = 1_500.0, **changes: object) -> str:
    return slow_reason({**UNREMARKABLE, **changes}, usual, over_ms)


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
    failed = {**UNREMARKABLE, "status": "error", "retries": 2, "reasoning_tokens": 90, **changes}
    assert slow_reason(failed, USUAL, 1_500.0) == reason


def test_a_retry_comes_before_reasoning_and_says_how_long_it_waited() -> None:
    # 2,000 ms to the end, of which the server worked 600: 1,400 ms went by before.
    assert why(retries=1, server_ms=600, reasoning_tokens=90) == "1 retry, ~1.4 s waiting"
    assert why(retries=2, server_ms=600) == "2 retries, ~1.4 s waiting"


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
    assert why(completion_tokens=151) == "151 out usually take 1.5 s"
    assert why(completion_tokens=150) == "unexplained"


def test_output_that_came_far_faster_than_usual_says_how_fast() -> None:
    assert why(completion_tokens=151, tokens_per_sec=200.0) == "151 out usually take 1.5 s"
    assert why(completion_tokens=151, tokens_per_sec=201.0) == "151 out at 201 tok/s"


def test_generation_is_slow_below_half_of_the_usual_speed() -> None:
    assert why(tokens_per_sec=49.0) == "49 tok/s, usual 100"
    assert why(tokens_per_sec=50.0) == "unexplained"


def test_output_is_not_called_long_if_it_came_slowly() -> None:
    assert why(tokens_per_sec=40.0, completion_tokens=900) == "40 tok/s, usual 100"


def test_without_a_usual_speed_nothing_is_said_about_speed() -> None:
    assert why(usual=None, completion_tokens=900) == "unexplained"
    assert why(usual=Baseline(None, None), tokens_per_sec=1.0) == "unexplained"


def test_the_server_is_slow_if_it_took_twice_the_usual_and_twice_what_its_tokens_need() -> None:
    # Usual are 600 ms and 100 tok/s, so 100 tokens need 1,000 ms.
    assert why(server_ms=2_001, latency_ms=2_200.0) == "server 2.0 s of 2.2 s"
    assert why(server_ms=2_000, latency_ms=2_200.0) == "unexplained"
    assert why(server_ms=1_201, completion_tokens=1) == "server 1.2 s of 2.0 s"
    assert why(server_ms=1_200, completion_tokens=1) == "unexplained"


def test_a_slow_server_is_said_before_reasoning_only_if_reasoning_does_not_explain_it() -> None:
    assert why(server_ms=3_900, latency_ms=4_200.0, reasoning_tokens=80) == "server 3.9 s of 4.2 s"
    long: dict[str, Any] = {"completion_tokens": 300, "reasoning_tokens": 240}
    assert why(server_ms=3_900, latency_ms=4_200.0, **long) == "reasoning 80% of output"


def test_the_server_of_a_stream_is_slow_if_it_took_twice_the_usual_first_token() -> None:
    stream: dict[str, Any] = {"stream": True, "ttft_ms": 1_500.0, "latency_ms": 2_000.0}
    known = Baseline(100.0, 600.0, ttft_ms=700.0)
    assert why(known, server_ms=1_401, **stream) == "server 1.4 s of 2.0 s"
    assert why(known, server_ms=1_400, **stream) == "slow first token, 1.5 s"


def test_without_what_is_usual_the_server_is_not_blamed() -> None:
    assert why(None, server_ms=1_900) == "unexplained"


def test_the_first_token_explains_what_is_left() -> None:
    assert why(ttft_ms=1_001.0) == "slow first token, 1.0 s"
    assert why(ttft_ms=1_000.0) == "unexplained"


def test_a_prompt_is_long_beyond_twice_the_usual() -> None:
    known = Baseline(100.0, 600.0, prompt_tokens=2_000)
    assert why(known, ttft_ms=1_500.0, prompt_tokens=4_001) == "4,001 in, first token 1.5 s"
    assert why(known, ttft_ms=1_500.0, prompt_tokens=4_000) == "slow first token, 1.5 s"


def test_a_late_first_token_is_not_slow_generation() -> None:
    late: dict[str, Any] = {"stream": True, "ttft_ms": 1_500.0, "tokens_per_sec": 40.0}
    assert why(**late) == "slow first token, 1.5 s"


def test_what_the_server_did_not_work_was_spent_on_our_side() -> None:
    assert why(server_ms=999) == "our side 1.0 s of 2.0 s"
    assert why(server_ms=1_000) == "unexplained"
    assert why(server_ms=200, tokens_per_sec=10.0) == "our side 1.8 s of 2.0 s"


def test_a_stream_waited_on_our_side_if_its_server_was_quick() -> None:
    stream: dict[str, Any] = {"stream": True, "ttft_ms": 1_500.0}
    assert why(server_ms=400, **stream) == "our side 1.1 s of 2.0 s"


def parts(**changes: object) -> tuple[float | None, float | None, float | None]:
    found = latency_breakdown({**UNREMARKABLE, **changes})
    return found.server_ms, found.retry_wait_ms, found.rest_ms


def test_the_time_of_a_call_is_the_servers_the_retries_and_the_rest() -> None:
    assert parts(server_ms=1_500) == (1_500, 0, 500)
    assert parts(server_ms=600, retries=1) == (600, 1_400, 0)
    stream = {"stream": True, "ttft_ms": 1_000.0}
    assert parts(server_ms=300, retries=1, **stream) == (300, 700, 1_000)
    assert parts(server_ms=300, **stream) == (300, 0, 1_700)


def test_no_part_is_longer_than_the_whole() -> None:
    assert parts(server_ms=2_500) == (2_000, 0, 0)


def test_parts_that_no_field_tells_are_unknown() -> None:
    assert parts() == (None, 0, None)
    assert parts(retries=None) == (None, None, None)
    assert parts(retries=1) == (None, None, None)
    assert parts(server_ms=5, latency_ms=None) == (5, 0, None)


QUEUED = ServerMoment(running=8, waiting=11, kv_cache=0.97, preemptions=2, queue_ms=None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "server queue, 11 waiting"),
        ({"stream": True, "ttft_ms": 1_500.0}, "server queue, 11 waiting"),
        ({"server_ms": 1_900.0}, "server queue, 11 waiting"),
        ({"tokens_per_sec": 22.0}, "server queue, 11 waiting"),
        # What explains the time without a queue stays.
        ({"retries": 1}, "1 retry"),
        ({"reasoning_tokens": 90}, "reasoning 90% of output"),
        ({"server_ms": 300.0}, "our side 1.7 s of 2.0 s"),
        ({"stream": True, "ttft_ms": 300.0, "tokens_per_sec": 22.0}, "22 tok/s, usual 100"),
        ({"stream": True, "ttft_ms": 1_500.0, "prompt_tokens": 90_000}, "90.0k in, first token"),
    ],
)
def test_the_servers_queue_explains_what_it_can(changes: dict[str, object], reason: str) -> None:
    usual = Baseline(tokens_per_sec=100.0, latency_ms=600.0, prompt_tokens=5_000)
    found = slow_reason({**UNREMARKABLE, **changes}, usual, 1_500.0, QUEUED)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (None, "unexplained"),
        (replace(QUEUED, waiting=0), "unexplained"),
        (replace(QUEUED, waiting=None), "unexplained"),
        (replace(QUEUED, queue_ms=399.0), "unexplained"),  # under a fifth of 2 s
        (replace(QUEUED, queue_ms=400.0), "server queue, 11 waiting, ~400 ms"),
    ],
)
def test_an_empty_or_fast_queue_explains_nothing(server: ServerMoment | None, reason: str) -> None:
    assert slow_reason(UNREMARKABLE, USUAL, 1_500.0, server) == reason


def test_a_speed_that_a_short_queue_did_not_lower_is_the_reason() -> None:
    slow = {**UNREMARKABLE, "tokens_per_sec": 22.0}
    short, long = replace(QUEUED, queue_ms=399.0), replace(QUEUED, queue_ms=1_600.0)
    assert slow_reason(slow, USUAL, 1_500.0, short) == "22 tok/s, usual 100"
    assert slow_reason(slow, USUAL, 1_500.0, long) == "server queue, 11 waiting, ~1.6 s"
