"""Gateways and exports: a sample of each source, and the numbers it says, worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.formats.converting import by, records, values, within

from llmlog_tui.formats import Format, FormatWithoutCalls, Item
from llmlog_tui.formats.bedrock import BEDROCK
from llmlog_tui.formats.claude_code import CLAUDE_CODE
from llmlog_tui.formats.codex import CODEX, CODEX_EXEC
from llmlog_tui.formats.gemini_cli import GEMINI_CLI
from llmlog_tui.formats.helicone import HELICONE
from llmlog_tui.formats.inspect_ai import INSPECT_AI
from llmlog_tui.formats.langfuse import LANGFUSE
from llmlog_tui.formats.langsmith import LANGSMITH
from llmlog_tui.formats.litellm import LITELLM
from llmlog_tui.formats.mini_swe_agent import MINI_SWE_AGENT
from llmlog_tui.formats.mlflow import MLFLOW
from llmlog_tui.formats.model_responses import MODEL_RESPONSES, OPENAI_BATCH
from llmlog_tui.formats.openrouter import OPENROUTER
from llmlog_tui.formats.portkey import PORTKEY
from llmlog_tui.formats.weave import WEAVE
from llmlog_tui.formats.without_calls import LLAMA_CPP, SWE_AGENT, VLLM

SAMPLES: dict[str, Format] = {
    "bedrock.jsonl": BEDROCK,
    "helicone.jsonl": HELICONE,
    "inspect_ai.json": INSPECT_AI,
    "langfuse.jsonl": LANGFUSE,
    "langsmith.jsonl": LANGSMITH,
    "litellm.jsonl": LITELLM,
    "mini_swe_agent.traj.json": MINI_SWE_AGENT,
    "mlflow.jsonl": MLFLOW,
    "model_responses.jsonl": MODEL_RESPONSES,
    "openai_batch.jsonl": OPENAI_BATCH,
    "openrouter.csv": OPENROUTER,
    "portkey.jsonl": PORTKEY,
    "weave.jsonl": WEAVE,
}
OTHERS: tuple[Format, ...] = (CLAUDE_CODE, CODEX, CODEX_EXEC, GEMINI_CLI, SWE_AGENT)
START = "2026-10-05T14:00:00.000000Z"
CONTENT = {"input", "output", "error_message", "prefix_hashes"}


def sample(name: str) -> list[Item]:
    """The objects of a sample, as the reader gives them to a format."""
    path = Path(__file__).parent / "samples" / name
    text = path.read_text()
    if path.suffix == ".csv":
        rows = csv.DictReader(text.splitlines())
        return [{column: value for column, value in row.items() if value} for row in rows]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return [json.loads(text)]


def found_in(name: str, key: str = "span_id") -> dict[Any, dict[str, Any]]:
    return by(key, records(SAMPLES[name], *sample(name)))


def content_of(name: str, **wanted: object) -> dict[str, Any]:
    """What is said of the one record with these fields, from the object it is read back from."""
    format_, items = SAMPLES[name], sample(name)
    converter = format_.converter({})
    found = [each for line, item in enumerate(items) for each in converter.feed(line, item)]
    (one,) = (
        each for each in (*found, *converter.flush()) if wanted.items() <= each.record.items()
    )
    return format_.content(items[one.line], one.record)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_object_of_a_sample_is_known_and_by_its_own_format_only(name: str) -> None:
    for item in sample(name):
        known = [each.name for each in (*SAMPLES.values(), *OTHERS) if each.detect([item])]
        assert known == [SAMPLES[name].name]


@pytest.mark.parametrize("name", SAMPLES)
def test_content_never_comes_with_a_record(name: str) -> None:
    for record in records(SAMPLES[name], *sample(name)):
        assert not CONTENT & record.keys()
        assert None not in record.values()


def test_litellm_payloads_are_calls_with_what_the_proxy_knows() -> None:
    found = found_in("litellm.jsonl")
    within(
        found["call-1"],
        event="chat_completion",
        ts="2026-10-05T14:00:00.250000Z",
        trace_id="conversation-1",
        latency_ms=1_250,
        model="gpt-4o-2024-08-06",
        requested_model="fast",
        provider="eu.api.openai.com",
        request_id="req-1",
        server_ms=900,
        cached_tokens=8,
        reasoning_tokens=3,
        max_tokens=64,
        temperature=0.5,
        seed=7,
        reported_cost_usd=0.002,
        tokens_per_sec=9.6,
        finish_reason="tool_calls",
        tool_calls=["add"],
        tool_args_ok=False,
        extra={"request_tags": ["team-a"], "user_api_key_alias": "key-a"},
    )
    assert not {"session_id", "ttft_ms", "stream", "timing"} & found["call-1"].keys()
    within(found["call-3"], status="error", error_type="Timeout", error_status=408)
    assert not {"prompt_tokens", "reported_cost_usd"} & found["call-3"].keys()
    assert [found[f"call-{n}"]["event"] for n in (4, 5)] == ["embedding", "span"]


def test_a_litellm_stream_that_is_logged_twice_is_one_call_and_the_last_payload_counts() -> None:
    stream = found_in("litellm.jsonl")["call-2"]
    within(stream, stream=True, ttft_ms=500, latency_ms=2_000, completion_tokens=20)
    log: dict[str, Any] = {}
    assert len(records(LITELLM, *sample("litellm.jsonl"), log=log)) == 5
    assert records(LITELLM, *sample("litellm.jsonl"), log=log) == []


def test_many_litellm_streams_at_once_wait_in_bounded_number() -> None:
    stream = sample("litellm.jsonl")[1]
    converter = LITELLM.converter({})
    at_once = [
        each
        for number in range(100)
        for each in converter.feed(number, {**stream, "litellm_call_id": f"s{number}"})
    ]
    assert len(at_once) == 68
    assert len(list(converter.flush())) == 32


@pytest.mark.parametrize(
    "name",
    [
        *("bedrock.jsonl", "helicone.jsonl", "langfuse.jsonl", "langsmith.jsonl", "litellm.jsonl"),
        *("openrouter.csv", "portkey.jsonl", "weave.jsonl"),
    ],
)
def test_rows_of_two_exports_that_overlap_count_once(name: str) -> None:
    assert len(records(SAMPLES[name], *sample(name), *sample(name))) == len(found_in(name))
    log: dict[str, Any] = {}
    both = [records(SAMPLES[name], *sample(name), log=log) for _ in range(2)]
    assert [len(each) for each in both] == [len(found_in(name)), 0]


def test_a_row_exported_while_it_ran_is_replaced_by_the_one_with_its_end() -> None:
    row: Item = {"id": "o-1", "type": "GENERATION", "startTime": START, "model": "gpt-5"}
    ended = row | {"endTime": "2026-10-05T14:00:02Z", "usageDetails": {"input": 7, "output": 1}}
    for first, second in ((row, ended), (ended, row)):
        (found,) = records(LANGFUSE, first, second)
        within(found, latency_ms=2_000, prompt_tokens=7)
    (found,) = records(LANGFUSE, row)
    within(found, ts=START, model="gpt-5")


def test_langfuse_adds_up_usage_by_type_and_reads_json_in_text() -> None:
    found = found_in("langfuse.jsonl")
    within(
        found["o1"],
        session_id="s1",
        trace_id="t1",
        parent_span_id="o0",
        latency_ms=2_500,
        ttft_ms=750,
        prompt_tokens=60,
        cached_tokens=20,
        completion_tokens=40,
        reasoning_tokens=10,
        total_tokens=100,
        max_tokens=99,
        temperature=0.2,
        finish_reason="stop",
        provider="api.openai.com",
    )
    within(found["o2"], status="error", error_type="RateLimitError", error_status=429)
    assert "prompt_tokens" not in found["o2"]
    within(found["o3"], event="tool_call", tool_name="lookup", latency_ms=20)
    within(found["o0"], event="span", name="agent", latency_ms=3_000)


def test_langsmith_runs_have_their_conversation_and_not_their_project_as_session() -> None:
    found = found_in("langsmith.jsonl")
    within(
        found["r1"],
        ts=START,
        session_id="chat-1",
        parent_span_id="r0",
        latency_ms=1_250,
        ttft_ms=250,
        model="gpt-4o",
        provider="api.openai.com",
        prompt_tokens=25,
        cached_tokens=15,
        reasoning_tokens=2,
        tool_calls=["find"],
        temperature=0.1,
    )
    within(found["r2"], event="tool_call", tool_name="find", error_type="ValueError")
    within(found["r0"], event="span", name="Chain")
    assert all("session_id" not in found[run] for run in ("r2", "r0"))
    assert "prompt_tokens" not in found["r0"]


def test_batch_rows_are_calls_without_latency_and_failed_ones_say_why() -> None:
    found = found_in("openai_batch.jsonl")
    within(
        found["chatcmpl-1"],
        ts=START,
        request_id="req-1",
        service_tier="flex",
        finish_reason="length",
        prompt_tokens=11,
        extra={"custom_id": "row 1"},
    )
    assert "latency_ms" not in found["chatcmpl-1"]
    within(found["b2"], status="error", error_status=429, error_code="rate_limit_exceeded")
    within(found["b3"], status="error", error_type="batch_expired")


def test_bare_responses_are_calls_of_each_kind_of_api() -> None:
    found = found_in("model_responses.jsonl", "id")
    within(
        found["resp-1"],
        event="response",
        finish_reason="length",
        max_tokens=16,
        reasoning_effort="low",
        prompt_tokens=7,
        cached_tokens=4,
        reasoning_tokens=9,
    )
    within(found["resp-2"], finish_reason="tool_calls", tool_calls=["add"], tool_args_ok=True)
    within(found["msg-1"], prompt_tokens=100, cached_tokens=90, finish_reason="stop")
    within(found["msg-1"], provider="api.anthropic.com")
    within(found[None], event="embedding", prompt_tokens=5)


def test_bedrock_counts_cached_tokens_apart_and_they_are_added() -> None:
    found = found_in("bedrock.jsonl")
    within(
        found["q1"],
        provider="aws.bedrock",
        latency_ms=700,
        prompt_tokens=280,
        cached_tokens=200,
        cache_write_tokens=30,
        total_tokens=300,
        finish_reason="tool_calls",
        tool_calls=["search"],
        max_tokens=128,
        stream=False,
    )
    within(found["q2"], stream=True, latency_ms=420, ttft_ms=150, prompt_tokens=5)
    within(found["q3"], status="error", error_type="ThrottlingException")


def test_helicone_requests() -> None:
    found = found_in("helicone.jsonl")
    within(
        found["h1"],
        session_id="s1",
        latency_ms=880,
        ttft_ms=120,
        model="gpt-4o-2024-08-06",
        requested_model="gpt-4o",
        provider="api.openai.com",
        cached_tokens=32,
        reported_cost_usd=0.0007,
        stream=True,
        finish_reason="stop",
    )
    assert "error_status" not in found["h1"]
    within(found["h2"], status="error", error_status=500, error_type="server_error")


def test_portkey_logs() -> None:
    found = found_in("portkey.jsonl")
    within(
        found["p1"],
        session_id="s1",
        trace_id="t1",
        latency_ms=940,
        provider="api.anthropic.com",
        prompt_tokens=70,
        completion_tokens=14,
        total_tokens=84,
        status="ok",
    )
    within(found["p2"], status="error", error_status=429)


def test_openrouter_rows_are_texts_with_a_time_in_utc() -> None:
    found = found_in("openrouter.csv")
    within(
        found["g1"],
        ts=START,
        provider="openrouter.ai",
        model="anthropic/claude-sonnet-4",
        latency_ms=2_100,
        ttft_ms=300,
        prompt_tokens=80,
        stream=True,
        reported_cost_usd=0.0025,
        extra={"app_name": "my app", "provider_name": "Anthropic"},
    )
    assert "reasoning_tokens" not in found["g1"]
    within(found["g2"], status="error", stream=False, reasoning_tokens=0)
    assert sample("openrouter.csv")[0].keys() >= OPENROUTER.csv_header


def test_mlflow_spans_are_calls_and_one_around_a_call_is_none() -> None:
    found = found_in("mlflow.jsonl")
    assert {span: record["event"] for span, record in found.items()} == {
        "a": "span",
        "b": "span",
        "c": "chat_completion",
        "d": "tool_call",
    }
    within(
        found["c"],
        session_id="s1",
        trace_id="tr-9",
        trace_name="refund",
        parent_span_id="b",
        latency_ms=1_400,
        model="gpt-4o-2024-08-06",
        prompt_tokens=9,
        temperature=0.4,
        finish_reason="stop",
    )
    within(found["d"], status="error", error_type="IndexError", tool_name="search")
    assert "prompt_tokens" not in found["b"]


def test_weave_calls_of_an_sdk_are_model_calls_and_functions_around_them_are_spans() -> None:
    found = found_in("weave.jsonl")
    within(
        found["w1"],
        event="chat_completion",
        session_id="s1",
        parent_span_id="w0",
        latency_ms=1_100,
        model="gpt-4o-2024-08-06",
        requested_model="gpt-4o",
        prompt_tokens=21,
        max_tokens=40,
    )
    within(found["w2"], event="embedding", error_type="AuthenticationError", error_status=401)
    within(found["w0"], event="span", name="answer_question")
    within(found["w3"], event="tool_call", tool_name="lookup")
    assert "prompt_tokens" not in found["w0"]


def test_a_trajectory_of_mini_swe_agent_is_one_trace() -> None:
    found = records(MINI_SWE_AGENT, *sample("mini_swe_agent.traj.json"))
    assert values(found, "id", "trace_id", "step") == [
        ("chatcmpl-1", "chatcmpl-1", 0),
        ("chatcmpl-2", "chatcmpl-1", 1),
    ]
    within(found[0], ts=START, cached_tokens=256, tool_calls=["bash"])
    within(found[1], ts="2026-10-05T14:00:11.500000Z", prompt_tokens=700)


def test_inspect_samples_are_traces_of_calls_and_tools_in_order() -> None:
    found = found_in("inspect_ai.json")
    within(
        found["ev1"],
        session_id="e1",
        trace_id="sample-1",
        trace_name="arithmetic",
        step=0,
        latency_ms=2_400,
        provider="api.anthropic.com",
        prompt_tokens=110,
        cached_tokens=100,
        completion_tokens=6,
        retries=1,
        temperature=0.0,
        tool_calls=["add"],
    )
    within(found["ev2"], event="tool_call", tool_name="add", tool_call_id="c1", step=1)
    within(found["ev2"], status="error", error_type="timeout", latency_ms=30)
    within(found["ev3"], step=2, latency_ms=500, error_type="RateLimitError", error_status=429)
    assert "ev4" not in found


@pytest.mark.parametrize(
    ("name", "span", "content"),
    [
        ("litellm.jsonl", "call-3", {"error_message": "litellm.Timeout: slow"}),
        ("langfuse.jsonl", "o3", {"input": {"q": 1}, "output": "found"}),
        ("langsmith.jsonl", "r2", {"error_message": "ValueError('nothing')"}),
        ("mlflow.jsonl", "d", {"error_message": "no index"}),
        (
            "weave.jsonl",
            "w1",
            {
                "input": [{"role": "user", "content": "x"}],
                "output": {"role": "assistant", "content": "y"},
            },
        ),
        (
            "inspect_ai.json",
            "ev2",
            {"input": {"a": 2}, "output": "4", "error_message": "slow"},
        ),
        ("openai_batch.jsonl", "b2", {"error_message": "too many"}),
        ("bedrock.jsonl", "q3", {}),
    ],
)
def test_content_is_that_of_the_records_own_row(
    name: str, span: str, content: dict[str, object]
) -> None:
    assert content_of(name, span_id=span) == content


def test_logs_without_calls_are_known_and_say_what_to_do() -> None:
    assert SWE_AGENT.detect([{"environment": "x", "trajectory": [], "info": {}}])
    assert not SWE_AGENT.detect([{"trajectory": "x"}])
    assert VLLM.detect_text(
        ["INFO 10-05 14:00:10 [loggers.py:1] Engine 000: Avg prompt throughput: 1.0 tokens/s, x"]
    )
    assert LLAMA_CPP.detect_text(["prompt eval time =     120.00 ms /    12 tokens (x)"])
    for each in (SWE_AGENT, VLLM, LLAMA_CPP, CODEX_EXEC):
        assert isinstance(each, FormatWithoutCalls)
        assert not each.calls
        assert each.name
        assert each.hint
        assert not each.detect_text(["2026-10-05 14:00:00 INFO started", "{}"])
