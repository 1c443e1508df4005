"""One record in detail."""

from __future__ import annotations

from typing import Any

import pytest

from llmlog_tui.analysis.calls.calls import Baseline
from llmlog_tui.analysis.calls.detail import detail

CALL: dict[str, Any] = {
    "event": "chat_completion",
    "status": "ok",
    "latency_ms": 2_000.0,
    "ttft_ms": None,
    "server_ms": None,
    "stream": False,
    "retries": 0,
    "finish_reason": "stop",
    "completion_tokens": 100,
    "reasoning_tokens": 0,
    "prompt_tokens": 50,
    "max_tokens": None,
    "tokens_per_sec": None,
    "tool_calls": None,
    "tool_args_ok": None,
    "stream_end": None,
    "error_status": None,
    "error_type": None,
}


def test_a_streams_latency_is_first_token_and_answer() -> None:
    found = detail({**CALL, "stream": True, "ttft_ms": 500.0}, None, 500)
    assert (found.waited_ms, found.first_ms, found.answer_ms) == (0, 500, 1_500)


def test_a_retried_streams_latency_begins_with_the_wait() -> None:
    # The first token came after 900 ms, of which the server says it took 200.
    retried = {**CALL, "stream": True, "ttft_ms": 900.0, "server_ms": 200.0, "retries": 1}
    found = detail(retried, None, 500)
    assert (found.waited_ms, found.first_ms, found.answer_ms) == (700, 200, 1_100)
    assert found.why_slow == "1 retry, ~700 ms waiting"


def test_anything_else_is_all_answer_and_a_call_without_latency_has_no_parts() -> None:
    found = detail(CALL, Baseline(50.0, 800.0), 500)
    assert (found.waited_ms, found.first_ms, found.answer_ms) == (0, 0, 2_000)
    assert found.record["tokens_per_sec"] == 50, "100 tokens in 2 s"
    assert found.why_slow == "100 out usually take 2.0 s"
    unknown = detail({**CALL, "latency_ms": None}, None, 500)
    assert (unknown.waited_ms, unknown.first_ms, unknown.answer_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, ""),
        (
            {"finish_reason": "length", "max_tokens": 100, "reasoning_tokens": 60},
            "finish_reason length, limit 100; 40 tokens were left for the answer",
        ),
        (
            {"finish_reason": "length", "max_tokens": 100, "reasoning_tokens": 100},
            "finish_reason length, limit 100; reasoning used all 100 tokens, up to the limit",
        ),
        ({"max_tokens": 100}, "hidden: 100 tokens are the limit"),
        ({"tool_args_ok": False, "tool_calls": ["f"]}, "broken tool arguments"),
        ({"stream_end": "truncated"}, "the stream broke off"),
    ],
)
def test_what_was_cut_off_says_how(fields: dict[str, Any], sentence: str) -> None:
    assert detail({**CALL, **fields}, None, 500).cut_off == sentence


def test_a_tool_is_neither_slow_nor_cut_off() -> None:
    tool = {**CALL, "event": "tool_call", "finish_reason": None, "max_tokens": 100}
    found = detail(tool, None, 500)
    assert (found.is_call, found.why_slow, found.cut_off) == (False, "", "")
