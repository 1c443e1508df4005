"""What is said of a call wherever it is shown: why it was slow, how it was cut off, and when."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written

CALL: dict[str, Any] = {
    "ts": "2026-11-23T23:30:00Z", "session_id": "session", "trace_id": "trace-1", "step": 0,
    "model": "m", "finish_reason": "stop", "completion_tokens": 100, "latency_ms": 400,
}  # fmt: skip
USUAL = [{**CALL, "trace_id": f"usual-{n}", "server_ms": 300} for n in range(5)]


def last_line(llmlog: Run, log: Path) -> str:
    return llmlog("trace", "trace-1", log).out.splitlines()[-1]


def test_a_trace_says_why_a_step_was_slow(llmlog: Run, written: Written) -> None:
    # 100 tokens at the usual 250 tok/s take 400 ms: a server that says 3.9 s was slow.
    log = written([*USUAL, {**CALL, "latency_ms": 4_200, "server_ms": 3_900}])
    assert last_line(llmlog, log).endswith("4,200  server 3.9 s of 4.2 s")


def test_a_retry_is_said_once(llmlog: Run, written: Written) -> None:
    log = written([*USUAL, {**CALL, "latency_ms": 4_400, "server_ms": 300, "retries": 2}])
    assert last_line(llmlog, log).endswith("4,400  2 retries, ~4.1 s waiting")


def test_a_quick_retry_is_said_too(llmlog: Run, written: Written) -> None:
    assert last_line(llmlog, written([{**CALL, "retries": 2}])).endswith("400  ↻ 2 retries")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"finish_reason": "length", "max_tokens": 100, "reasoning_tokens": 60},
            "┤ finish_reason length, limit 100; 40 tokens were left for the answer",
        ),
        ({"max_tokens": 100}, "┤ hidden: 100 tokens are the limit"),
        ({"tool_args_ok": False}, "┤ broken tool arguments"),
        ({"reasoning_tokens": 100}, "┤ reasoning used all 100 tokens"),
        ({"finish_reason": "content_filter"}, "┤ stopped by the content filter"),
    ],
)
def test_a_trace_says_how_an_answer_was_cut_off_and_why_it_is_empty(
    llmlog: Run, written: Written, fields: dict[str, object], said: str
) -> None:
    assert last_line(llmlog, written([{**CALL, **fields}])).endswith(said)


def test_a_list_says_what_was_cut_off_without_saying_so(llmlog: Run, written: Written) -> None:
    log = written([{**CALL, "max_tokens": 100}, {**CALL, "finish_reason": "length"}, CALL])
    _, hidden, openly, whole = llmlog("find", "trace-1", log).out.splitlines()
    assert hidden.endswith("100  ┤ hidden: 100 tokens are the limit")
    assert openly.endswith("100  ┤ length")
    assert whole.endswith("100")


def test_what_is_found_says_where_its_time_went(llmlog: Run, written: Written) -> None:
    slow = {**CALL, "latency_ms": 4_400, "server_ms": 300, "retries": 2, "max_tokens": 100}
    lines = llmlog("find", "trace-1", written([*USUAL, slow])).out.splitlines()
    assert [line.split("  ", 1) for line in lines if line.startswith("(")] == [
        ["(time)", f"{'':<22}  server 300 ms, retry wait 4.10 s, rest 0 ms"],
        ["(why slow)", f"{'':<18}  2 retries, ~4.1 s waiting"],
        ["(cut off)", f"{'':<19}  hidden: 100 tokens are the limit"],
    ]


def test_a_tool_is_found_without_a_split(llmlog: Run, written: Written) -> None:
    found = llmlog("find", "trace-1", written([{**CALL, "event": "tool_call", "tool_name": "t"}]))
    assert "(time)" not in found.out


def test_the_verdict_is_a_sentence_with_the_correlation_of_all_calls(
    llmlog: Run, written: Written
) -> None:
    # Reasoning 0, 51, 100 against 1, 2.02, 3 s: r is 1. Two of three reasoned more than half.
    log = written(
        {**CALL, "reasoning_tokens": tokens, "latency_ms": ms}
        for tokens, ms in ((0, 1_000), (51, 2_020), (100, 3_000))
    )
    assert llmlog("slow", log).out.splitlines()[0] == (
        "2 of 3 slow calls are mostly reasoning; "
        "r = 1.00 between reasoning tokens and latency of all calls"
    )
    # Of the one that is slow, there would be none.
    assert llmlog("slow", log, "--over", "2500").out.splitlines()[0] == (
        "1 of 1 slow call is mostly reasoning; "
        "r = 1.00 between reasoning tokens and latency of all calls"
    )


def test_slow_does_not_call_quick_what_nobody_timed(llmlog: Run, written: Written) -> None:
    assert llmlog("slow", written([CALL, {**CALL, "latency_ms": None}])).out == (
        "no call took over 500 ms; the latency of 1 call is unknown\n"
    )


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"finish_reason": "length"}, "finish_reason, stop in A, length in B"),
        ({"model": "n"}, "model, m in A, n in B"),
        ({"finish_reason": None}, "finish_reason, stop in A, – in B"),
        ({"status": "error"}, "only B failed, ok in A, error in B"),
    ],
)
def test_a_diff_says_what_either_run_had_where_they_part(
    llmlog: Run, written: Written, fields: dict[str, object], where: str
) -> None:
    log = written([CALL, {**CALL, "trace_id": "trace-2", **fields}])
    out = llmlog("diff", "trace-1", "trace-2", log).out
    assert out.splitlines()[-2] == f"first divergence at step 0: {where}"


def test_the_cost_of_a_diff_has_its_sign_first(llmlog: Run, written: Written) -> None:
    # gpt-5 at api.openai.com: $10 a million tokens out, so 100 are $0.0010 and 50 half of it.
    of = {**CALL, "provider": "api.openai.com", "model": "gpt-5", "prompt_tokens": 0}
    log = written([of, {**of, "trace_id": "trace-2", "completion_tokens": 50}])
    assert "cost -$0.0005" in llmlog("diff", "trace-1", "trace-2", log).out
    assert "cost +$0.0005" in llmlog("diff", "trace-2", "trace-1", log).out


def test_runs_are_listed_with_units(llmlog: Run, written: Written) -> None:
    of = {**CALL, "provider": "api.openai.com", "model": "gpt-5", "prompt_tokens": 28_749}
    log = written([{**of, "latency_ms": 1_430}, {**of, "prompt_tokens": None, "step": 1}])
    _, run = llmlog("traces", log).out.splitlines()
    # 28,749 in at $1.25 and 100 out at $10 a million: $0.0369; the other call is not priced.
    assert run.split() == [
        "trace-1", "–", "session", "2026-11-23", "23:30:00", "2", "1.43", "s", "28.8k", "0.0369+",
        "gpt-5",
    ]  # fmt: skip


TOKYO = "2026-11-24 08:30:00"


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["slow", "--over", "1"], "time UTC"),
        (["find", "trace-1"], "time UTC"),
        (["traces"], "began UTC"),
        (["trace", "trace-1"], "UTC"),
        (["session", "session"], "UTC"),
        (["tail", "--no-follow"], "time UTC"),
    ],
)
def test_times_are_local_and_utc_on_demand(
    llmlog: Run, written: Written, monkeypatch: pytest.MonkeyPatch, words: list[str], title: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    log = written([CALL, {**CALL, "step": 1}])
    local, utc = llmlog(*words, log).out, llmlog(*words, log, "--utc").out
    assert TOKYO in local
    assert "UTC" not in local
    assert "2026-11-23 23:30:00" in utc
    assert title in utc
    assert TOKYO in llmlog(*words, log).out, "only that command was in UTC"
