"""Spans as records: which span is a call, which of it is counted, and what each is joined to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.commands.conftest import Run, Written
from tests.formats import more_dialects
from tests.formats.otlp import (
    CHAT,
    CHILD,
    ROOT,
    TRACE,
    Json,
    attributes,
    converted,
    envelope,
    event,
    records,
    span,
)

from llmlog_tui.formats import otlp_tree
from llmlog_tui.formats.otlp_traces import METRICS, TRACES
from llmlog_tui.formats.shared_state import LIVE

USAGE = {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 100}


def steps(found: list[Json]) -> dict[str, int]:
    """The step of each record by its name."""
    return {each["span_id"]: each["step"] for each in found}


def test_the_span_of_another_application_is_a_call() -> None:
    about = {
        **CHAT, **USAGE, "gen_ai.provider.name": "openai", "gen_ai.conversation.id": "conv-1",
        "gen_ai.response.model": "gpt-5-2026", "gen_ai.response.finish_reasons": ["length"],
        "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5, "gen_ai.input.messages": "hush",
    }  # fmt: skip
    assert records(span(about, 0.5, 1.93)) == [{
        "ts": "2026-11-23T09:00:00.500000Z", "event": "chat_completion", "trace_id": TRACE,
        "span_id": CHILD, "status": "ok", "latency_ms": 1_430, "session_id": "conv-1", "step": 0,
        "model": "gpt-5-2026", "requested_model": "gpt-5", "provider": "api.openai.com",
        "finish_reason": "length", "prompt_tokens": 900, "completion_tokens": 100,
        "tokens_per_sec": 69.93, "ttft_ms": 250, "stream": True, "temperature": 0.5,
    }]  # fmt: skip


KINDS: list[tuple[Json, str, str]] = [
    ({"gen_ai.operation.name": "chat"}, "chat", "chat_completion"),
    ({"gen_ai.operation.name": "generate_content"}, "chat", "chat_completion"),
    ({"gen_ai.operation.name": "chat", "openai.api.type": "responses"}, "chat", "response"),
    ({"gen_ai.operation.name": "text_completion"}, "c", "completion"),
    ({"gen_ai.operation.name": "embeddings"}, "e", "embedding"),
    ({"gen_ai.operation.name": "embedding"}, "litellm_request", "embedding"),
    ({"gen_ai.operation.name": "execute_tool"}, "t", "tool_call"),
    ({"gen_ai.operation.name": "invoke_agent"}, "a", "span"),
    ({"llm.request.type": "completion"}, "litellm_request", "chat_completion"),
    ({"openinference.span.kind": "LLM"}, "ChatCompletion", "chat_completion"),
    ({"openinference.span.kind": "LLM"}, "Response", "response"),
    ({"openinference.span.kind": "EMBEDDING"}, "CreateEmbeddings", "embedding"),
    ({"openinference.span.kind": "TOOL"}, "search", "tool_call"),
    ({"openinference.span.kind": "CHAIN"}, "RunnableSequence", "span"),
    ({"langfuse.observation.type": "generation"}, "OpenAI-generation", "chat_completion"),
    ({"langfuse.observation.type": "tool"}, "search", "tool_call"),
    ({"langfuse.observation.type": "retriever"}, "search", "span"),
    ({"ai.operationId": "ai.generateText.doGenerate"}, "d", "chat_completion"),
    ({"ai.operationId": "ai.streamText.doStream"}, "d", "chat_completion"),
    ({"ai.operationId": "ai.embed.doEmbed"}, "d", "embedding"),
    ({"ai.operationId": "ai.toolCall"}, "d", "tool_call"),
    ({"ai.operationId": "ai.generateText"}, "d", "span"),
    ({"traceloop.span.kind": "tool"}, "search.tool", "tool_call"),
    ({"traceloop.span.kind": "workflow"}, "w", "span"),
    ({"gen_ai.tool.name": "search"}, "running tool", "tool_call"),
    ({"span.type": "llm_request"}, "claude_code.llm_request", "chat_completion"),
    ({}, "claude_code.tool", "tool_call"),
    ({"mlflow.spanType": '"CHAT_MODEL"'}, "m", "chat_completion"),
    ({"mlflow.spanType": '"CHAIN"'}, "m", "span"),
    ({"langsmith.span.kind": "llm"}, "ChatOpenAI", "chat_completion"),
    ({"gen_ai.operation.name": "chat.completions"}, "chat", "chat_completion"),
    ({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-5"}, "older", "chat_completion"),
    (
        {"openinference.span.kind": "LLM", "output.value": '{"object":"response"}'},
        "response",
        "response",
    ),
]


@pytest.mark.parametrize(("about", "name", "kind"), KINDS)
def test_each_dialect_says_what_a_span_is(about: Json, name: str, kind: str) -> None:
    call = span(CHAT, spanId="a" * 16)  # so that the trace is listed
    found = records(span(about, name=name), call)
    assert {each["span_id"]: each["event"] for each in found}.get(CHILD, "span") == kind


OPENINFERENCE = {
    "openinference.span.kind": "LLM", "llm.system": "openai", "llm.model_name": "gpt-5-2026",
    "llm.invocation_parameters": '{"model": "gpt-5", "max_completion_tokens": 50, "stream": true}',
    "llm.token_count.prompt": 120, "llm.token_count.completion": 34,
    "llm.token_count.prompt_details.cache_read": 64, "llm.finish_reason": "stop",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
    "output.value": '{"id": "chatcmpl-1", "system_fingerprint": "fp_1"}', "session.id": "s-1",
}  # fmt: skip
LANGFUSE = {
    "langfuse.observation.type": "generation", "session.id": "s-1",
    "langfuse.observation.model.name": "gpt-5-2026",
    "langfuse.observation.usage_details": '{"prompt_tokens": 120, "completion_tokens": 34, '
    '"prompt_tokens_details": {"cached_tokens": 64}}',
    "langfuse.observation.metadata.finish_reason": '"stop"',
    "langfuse.observation.model.parameters": '{"max_tokens": "Infinity", "temperature": 1}',
    "langfuse.observation.completion_start_time": '"2026-11-23T09:00:00.250000Z"',
}  # fmt: skip
VERCEL = {
    "ai.operationId": "ai.streamText.doStream", "ai.model.id": "gpt-5",
    "ai.model.provider": "openai.responses", "ai.telemetry.metadata.sessionId": "s-1",
    "ai.usage.inputTokens": 120, "ai.usage.outputTokens": 34, "ai.usage.cachedInputTokens": 64,
    "ai.response.finishReason": "tool-calls", "ai.response.msToFirstChunk": 249.6,
    "ai.response.toolCalls": '[{"toolName": "search"}]', "ai.settings.maxOutputTokens": 50,
}  # fmt: skip
LITELLM = {
    "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "llm.is_streaming": "False",
    "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 34,
    "gen_ai.response.finish_reasons": '["stop"]',
    "metadata.usage_object": "{'prompt_tokens_details': {'cached_tokens': 64}}",
    "hidden_params": '{"api_base": "http://127.0.0.1:9471/v1"}',
}  # fmt: skip
OPENLLMETRY = {
    "gen_ai.operation.name": "chat", "gen_ai.is_streaming": True,
    "gen_ai.openai.api_base": "https://api.groq.com/openai/v1/", "gen_ai.provider.name": "openai",
    "gen_ai.usage.prompt_tokens": 120, "gen_ai.usage.reasoning_tokens": 12,
    "gen_ai.response.finish_reasons": ["tool_call"],
    "traceloop.association.properties.session_id": "s-1",
}  # fmt: skip
STRANDS = {
    "gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents",
    "gen_ai.server.time_to_first_token": 250, "gen_ai.usage.cache_read_input_tokens": 64,
    "gen_ai.usage.input_tokens": 120,
}  # fmt: skip
CLAUDE = {
    "span.type": "llm_request", "model": "claude-opus-5", "input_tokens": 50, "output_tokens": 34,
    "cache_read_tokens": 64, "cache_creation_tokens": 6, "attempt": 2, "ttft_ms": 250,
    "stop_reason": "end_turn", "request_id": "req_1", "session.id": "s-1",
}  # fmt: skip
MLFLOW = {
    "mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"gpt-5"',
    "mlflow.chat.tokenUsage": '{"input_tokens": 120, "output_tokens": 34, "total_tokens": 154}',
    "mlflow.trace.session": '"s-1"',
}  # fmt: skip
OLDER = {
    "llm.request.type": "chat", "llm.request.model": "gpt-5", "gen_ai.usage.prompt_tokens": 120,
    "gen_ai.completion.0.finish_reason": "tool_calls",
    "gen_ai.completion.0.tool_calls.0.name": "search",
}  # fmt: skip

DIALECTS: dict[str, tuple[Json, Json]] = {
    "OpenInference": (
        OPENINFERENCE,
        {"id": "chatcmpl-1", "system_fingerprint": "fp_1", "requested_model": "gpt-5",
         "model": "gpt-5-2026", "max_tokens": 50, "stream": True, "prompt_tokens": 120,
         "completion_tokens": 34, "cached_tokens": 64, "finish_reason": "stop",
         "tool_calls": ["search"], "provider": "api.openai.com", "session_id": "s-1"},
    ),
    "Langfuse": (
        LANGFUSE,
        {"model": "gpt-5-2026", "prompt_tokens": 120, "completion_tokens": 34, "stream": True,
         "cached_tokens": 64, "finish_reason": "stop", "ttft_ms": 250, "session_id": "s-1",
         "provider": "api.openai.com", "max_tokens": None, "temperature": None},
    ),
    "Vercel": (
        VERCEL,
        {"event": "response", "requested_model": "gpt-5", "provider": "api.openai.com",
         "prompt_tokens": 120, "completion_tokens": 34, "cached_tokens": 64, "max_tokens": 50,
         "finish_reason": "tool_calls", "ttft_ms": 250, "stream": True, "session_id": "s-1",
         "tool_calls": ["search"]},
    ),
    "LiteLLM": (
        LITELLM,
        {"cached_tokens": 64, "finish_reason": "stop", "stream": False,
         "provider": "api.openai.com"},
    ),
    "OpenLLMetry": (
        OPENLLMETRY,
        {"provider": "api.groq.com", "prompt_tokens": 120, "reasoning_tokens": 12,
         "finish_reason": "tool_calls", "stream": True, "session_id": "s-1"},
    ),
    "Strands": (STRANDS, {"provider": None, "ttft_ms": 250, "cached_tokens": 64}),
    "MLflow": (
        MLFLOW,
        {"model": "gpt-5", "prompt_tokens": 120, "total_tokens": 154, "session_id": "s-1"},
    ),
    "OpenLLMetry, older": (
        OLDER,
        {"requested_model": "gpt-5", "finish_reason": "tool_calls", "tool_calls": ["search"],
         "prompt_tokens": 120},
    ),
    "Claude Code": (
        CLAUDE,
        {"prompt_tokens": 120, "cached_tokens": 64, "cache_write_tokens": 6, "retries": 1,
         "ttft_ms": 250, "finish_reason": "stop", "request_id": "req_1", "model": "claude-opus-5",
         "provider": "api.anthropic.com"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", more_dialects.FIELDS)
def test_further_dialects_fill_the_fields_of_the_record(dialect: str) -> None:
    about, expected = more_dialects.FIELDS[dialect]
    (found,) = records(span(about, name="call"))
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("dialect", more_dialects.CONTENT)
def test_further_dialects_show_their_content(dialect: str) -> None:
    fields, expected = more_dialects.CONTENT[dialect]
    item = envelope(span(fields["attributes"], events=fields.get("events", [])))
    (record,) = converted([item])
    assert TRACES.content(item, record) == expected
    assert record.keys().isdisjoint(expected)


def test_a_tool_asked_for_in_an_event_is_named() -> None:
    said = [{"message": {"tool_calls": [{"function": {"name": "search"}}]}}]
    completion = event("gen_ai.content.completion", gen_ai__completion=json.dumps(said))
    (found,) = records(span(CHAT, events=[completion]))
    assert found["tool_calls"] == ["search"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_fills_the_fields_of_the_record(dialect: str) -> None:
    about, expected = DIALECTS[dialect]
    (found,) = records(span(about))
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("chunk", "ttft"), [("gen_ai.content.completion.chunk", 250), ("something else", None)]
)
def test_the_first_chunk_may_be_an_event_of_the_span(chunk: str, ttft: int | None) -> None:
    (found,) = records(span(CHAT, events=[event(chunk, 0.25), event(chunk, 0.5)]))
    assert found.get("ttft_ms") == ttft


def test_the_finish_reason_of_a_choice_event_counts() -> None:
    choice = event("gen_ai.choice", finish_reason="end_turn", message="hush")
    (found,) = records(span(CHAT, events=[choice]))
    assert found["finish_reason"] == "stop"


def test_a_printed_number_of_tokens_with_too_many_digits_is_no_number() -> None:
    printed = {"metadata.usage_object": f"{{'cached_tokens': {'9' * 5_000}}}"}
    (found,) = records(span(LITELLM | printed))
    assert (found["prompt_tokens"], found.get("cached_tokens")) == (120, None)


def test_usage_that_counts_the_cache_apart_is_added_up() -> None:
    apart = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 64}
    (found,) = records(span(CHAT | apart))
    assert (found["prompt_tokens"], found["cached_tokens"]) == (74, 64)


# ---- failures


def test_what_failed_is_an_error_with_its_kind_and_status_but_not_its_text() -> None:
    failed = {"code": 2, "message": "Error code: 429 - slow down"}
    kind = event("exception", exception__type="openai.RateLimitError")
    (found,) = records(span(CHAT, status=failed, events=[kind]))
    assert (found["status"], found["error_type"], found["error_status"]) == (
        "error", "RateLimitError", 429,
    )  # fmt: skip
    assert "error_message" not in found


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"langfuse.observation.type": "generation", "langfuse.observation.level": "ERROR"}, "g"),
        ({"success": "false"}, "claude_code.llm_request"),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.status": "error"}, "t"),
    ],
)
def test_some_dialects_say_in_an_attribute_that_a_call_failed(about: Json, name: str) -> None:
    (found,) = records(span(about, name=name))
    assert found["status"] == "error"


# ---- what counts


def test_steps_are_in_the_order_of_starts_and_records_in_that_of_ends() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent"}, 0, 9, spanId=ROOT, name="invoke_agent")
    first = span(CHAT, 1, 2, parentSpanId=ROOT)
    found = records(first, agent)
    assert [(each["step"], each["event"], each.get("name")) for each in found] == [
        (1, "chat_completion", None),
        (0, "span", "invoke_agent"),
    ]
    assert found[0]["parent_span_id"] == ROOT


def test_a_trace_without_a_call_or_tool_has_no_records() -> None:
    other = span({"gen_ai.operation.name": "invoke_agent"}, traceId="f" * 32)
    found = records(span(CHAT), other, span({"http.method": "GET"}, traceId="e" * 32))
    assert [each["trace_id"] for each in found] == [TRACE]


def test_spans_of_other_libraries_are_left_out_unless_a_record_is_below_them() -> None:
    app = span(None, 0, 9, spanId=ROOT, name="handle question")
    query = span({"db.system": "sqlite"}, 1, 2, spanId="b" * 16, parentSpanId=ROOT)
    call = span(CHAT, 3, 4, parentSpanId=ROOT)
    assert steps(records(query, call, app)) == {ROOT: 0, CHILD: 1}


def test_a_call_around_a_call_is_a_span_without_its_tokens() -> None:
    outer = span(CHAT | USAGE, 0, 9, spanId=ROOT, name="litellm_request")
    between = span(None, 1, 8, spanId="b" * 16, parentSpanId=ROOT)
    inner = span(CHAT | USAGE, 2, 3, parentSpanId="b" * 16)
    found = {each["span_id"]: each for each in records(inner, between, outer)}
    assert [found[each]["event"] for each in (ROOT, CHILD)] == ["span", "chat_completion"]
    assert found[ROOT]["name"] == "litellm_request"
    assert "prompt_tokens" not in found[ROOT]


@pytest.mark.parametrize("first", ["inner", "outer"])
def test_a_call_around_a_call_counts_once_even_when_they_come_apart(first: str) -> None:
    outer = envelope(span(CHAT, 0, 9, spanId=ROOT))
    inner = envelope(span(CHAT, 1, 2, parentSpanId=ROOT))
    converter = TRACES.converter({})
    found = []
    for item in (inner, outer) if first == "inner" else (outer, inner):
        found += [*converter.feed(0, item), *converter.flush()]
    assert sorted(each.record["event"] for each in found) == ["chat_completion", "span"]


def test_a_session_is_inherited_from_the_span_around() -> None:
    agent = span({"gen_ai.conversation.id": "s-1"}, 0, 9, spanId=ROOT)
    found = records(span(CHAT, 1, 2, parentSpanId=ROOT), agent)
    assert [each["session_id"] for each in found] == ["s-1", "s-1"]


# ---- streams of logfire


def logfire(kind: str, **about: object) -> Json:
    return CHAT | {"logfire.span_type": kind} | about


def test_a_stream_of_logfires_is_one_call_of_two_spans() -> None:
    opened = span(logfire("span"), 0, 0.1, parentSpanId=ROOT)
    log = logfire("log", duration=0.5) | USAGE | {"gen_ai.response.finish_reasons": '["stop"]'}
    ended = span(log, 0.7, 0.7, spanId="c" * 16, parentSpanId=ROOT)
    (found,) = records(opened, ended)
    assert (found["span_id"], found["latency_ms"], found["completion_tokens"]) == (CHILD, 500, 100)
    assert (found["ts"], found["finish_reason"], found["stream"]) == (
        "2026-11-23T09:00:00.200000Z", "stop", True,
    )  # fmt: skip


def test_of_two_streams_each_log_goes_to_the_one_opened_last_before_it() -> None:
    opened = [span(logfire("span"), at, at + 0.1, spanId=f"{at}" * 16) for at in (1, 3)]
    usage = {"gen_ai.usage.output_tokens": 7}
    log = span(logfire("log", duration=0.5) | usage, 2, 2, spanId="c" * 16, traceId="d" * 32)
    found = {each["span_id"]: each for each in records(*opened, log)}
    assert found["1" * 16]["completion_tokens"] == 7
    assert found["3" * 16]["event"] == "span", "a stream that has not ended is no call yet"


def test_a_log_that_comes_after_its_stream_was_given_out_is_the_call() -> None:
    converter = TRACES.converter({})
    opened = envelope(span(logfire("span"), 0, 0.1, parentSpanId=ROOT))
    log = logfire("log", duration=0.5) | USAGE
    ended = envelope(span(log, 0.7, 0.7, spanId="c" * 16, parentSpanId=ROOT))
    found = [*converter.feed(0, opened), *converter.flush()]
    found += [*converter.feed(1, ended), *converter.flush()]
    assert [each.record["event"] for each in found if each.record["event"] != "span"] == [
        "chat_completion"
    ]


def test_a_span_that_logfire_sends_at_its_start_is_skipped() -> None:
    pending = span(logfire("pending_span"), spanId="c" * 16, parentSpanId=CHILD)
    assert [each["span_id"] for each in records(pending, span(CHAT))] == [CHILD]


# ---- spans that come again


@pytest.mark.parametrize("apart", [False, True])
def test_a_span_that_is_sent_twice_counts_once(apart: bool) -> None:  # noqa: FBT001
    converter = TRACES.converter({})
    found = []
    for line in range(3):
        root = span(None, 0, 9, spanId=ROOT)
        found += converter.feed(line, envelope(root, span(CHAT, parentSpanId=ROOT)))
        found += converter.flush() if apart else []
    found += converter.flush()
    assert steps([each.record for each in found]) == {ROOT: 0, CHILD: 1}
    assert len(found) == 2


def test_a_span_in_two_files_of_a_log_counts_once() -> None:
    log: Json = {}
    both = [TRACES.converter(log) for _ in range(2)]
    for converter in both:
        assert converter.feed(0, envelope(span(CHAT | USAGE))) == []
    assert [len(converter.flush()) for converter in both] == [1, 0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 2), (1, 0, 2)])
def test_of_copies_of_a_span_the_last_complete_one_counts(order: tuple[int, ...]) -> None:
    copies = [
        span(CHAT, endTimeUnixNano="0"),
        span(CHAT | {"gen_ai.usage.output_tokens": 1}, 0, 1),
        span(CHAT | {"gen_ai.usage.output_tokens": 2}, 0, 2),
    ]
    (found,) = records(*(copies[each] for each in order))
    last = max(order)
    assert (found["completion_tokens"], found["latency_ms"]) == (last, last * 1_000)


def test_a_span_without_an_end_waits_for_it_while_its_file_may_grow() -> None:
    log: Json = {LIVE: True}
    converter = TRACES.converter(log)
    running = envelope(span(CHAT, endTimeUnixNano="0"), span(CHAT, spanId="c" * 16))
    assert converter.feed(0, running) == []
    assert [each.record["span_id"] for each in converter.flush()] == ["c" * 16]
    ended = [*converter.feed(1, envelope(span(CHAT))), *converter.flush()]
    assert [each.record["latency_ms"] for each in ended] == [1_000]

    converter = TRACES.converter(log)
    converter.feed(2, envelope(span(CHAT, spanId="d" * 16, endTimeUnixNano="0")))
    assert converter.flush() == []
    log[LIVE] = False
    assert ["latency_ms" in each.record for each in converter.flush()] == [False]


def test_a_stream_of_logfires_that_is_sent_twice_counts_once() -> None:
    opened = span(logfire("span"), 0, 0.1, parentSpanId=ROOT)
    log = logfire("log", duration=0.5) | USAGE
    ended = span(log, 0.7, 0.7, spanId="c" * 16, parentSpanId=ROOT)
    (found,) = records(opened, ended, opened, ended)
    assert (found["latency_ms"], found["completion_tokens"]) == (500, 100)
    (found,) = converted([envelope(opened, ended), envelope(opened), envelope(ended)])
    assert (found["latency_ms"], found["completion_tokens"]) == (500, 100)


# ---- order and liveness


@given(st.permutations(range(6)))
def test_steps_are_right_in_whatever_order_the_spans_come(order: list[int]) -> None:
    spans = [span(CHAT, at, at + 1, spanId=f"{at}" * 16, parentSpanId=ROOT) for at in range(1, 6)]
    spans.insert(0, span(None, 0, 9, spanId=ROOT))
    found = steps(converted(envelope(spans[each]) for each in order))
    assert found == {ROOT: 0} | {f"{at}" * 16: at for at in range(1, 6)}


def test_a_trace_is_given_out_when_its_root_is_in_and_others_are_spoken_of() -> None:
    converter = TRACES.converter({})
    assert converter.feed(0, envelope(span(CHAT, parentSpanId=ROOT))) == []
    assert converter.feed(1, envelope(span(None, 0, 9, spanId=ROOT))) == []
    others = [envelope(span(CHAT, traceId=f"{at:032x}", parentSpanId=ROOT)) for at in range(1, 99)]
    found = [each for line, item in enumerate(others, 2) for each in converter.feed(line, item)]
    assert {each.record["trace_id"] for each in found} == {TRACE}
    assert [each.line for each in found] == [0, 1]


@given(st.permutations(range(6)), st.integers(1, 5))
def test_steps_are_corrected_when_a_span_comes_after_ones_that_began_later(
    order: list[int], size: int
) -> None:
    spans = [span(CHAT, at, at + 1, spanId=f"{at}" * 16, parentSpanId=ROOT) for at in range(1, 6)]
    spans.insert(0, span({"session.id": "s-1"}, 0, 9, spanId=ROOT))
    converter = TRACES.converter({})
    known: dict[str, Json] = {}
    for line, first in enumerate(range(0, 6, size)):
        some = envelope(*(spans[each] for each in order[first : first + size]))
        for found in (*converter.feed(line, some), *converter.flush()):
            known[found.record["span_id"]] = found.record
        for (_, span_id), fields in converter.corrections.items():
            known[span_id].update(fields)
        converter.corrections.clear()
    assert steps(list(known.values())) == {ROOT: 0} | {f"{at}" * 16: at for at in range(1, 6)}
    assert {each["session_id"] for each in known.values()} == {"s-1"}


def test_spans_held_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_tree, "MAX_HELD", 10)
    converter = TRACES.converter({})
    spans = [span(CHAT, traceId=f"{at:032x}", parentSpanId=ROOT) for at in range(1, 31)]
    assert len(converter.feed(0, envelope(*spans))) == 20
    nothing = [span({"http.method": "GET"}, traceId=f"{at:032x}") for at in range(50, 90)]
    converter.feed(1, envelope(*nothing))
    assert len(converter.flush()) <= 10


# ---- envelopes


def snake(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON with keys as protobuf names its fields."""
    if isinstance(value, list):
        return [snake(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in value}
    return {names[key]: snake(each) for key, each in value.items()}


CONSOLE = {
    "name": "chat gpt-5", "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{CHILD}"},
    "parent_id": f"0x{ROOT}", "start_time": "2026-11-23T09:00:00.000000Z",
    "end_time": "2026-11-23T09:00:01.000000Z", "status": {"status_code": "UNSET"},
    "attributes": CHAT, "events": [],
}  # fmt: skip
BASE64: Json = {"traceId": "W47/95gDgQPSabYzgT/GDA==", "spanId": "7uGbfsPBsXM=", "parentSpanId": ""}


@pytest.mark.parametrize(
    "item",
    [
        envelope(span(CHAT)),
        snake(envelope(span(CHAT))),
        {"batches": envelope(span(CHAT))["resourceSpans"]},
        {"trace": envelope(span(CHAT))},
        {"resourceSpans": [{"instrumentationLibrarySpans": [{"spans": [span(CHAT)]}]}]},
        envelope(span(CHAT, **BASE64)),
        envelope(span(CHAT, traceId=TRACE.upper())),
        CONSOLE,
    ],
    ids=["collector", "snake_case", "Tempo", "Tempo 2", "library", "base64", "upper", "console"],
)
def test_every_envelope_is_known_and_holds_the_same_call(item: Json) -> None:
    assert TRACES.detect([item])
    (found,) = converted([item])
    assert (found["trace_id"], found["span_id"]) == (TRACE, CHILD)
    assert (found["ts"], found["latency_ms"]) == ("2026-11-23T09:00:00.000000Z", 1_000)


def test_a_failure_may_be_a_name_instead_of_a_number() -> None:
    (found,) = records(span(CHAT, status={"code": "STATUS_CODE_ERROR"}))
    assert found["status"] == "error"


@pytest.mark.parametrize(
    "item", [{"event": "chat_completion", "trace_id": "7c1d4e8a"}, {"batches": [1]}, {"trace": {}}]
)
def test_other_objects_are_no_spans(item: Json) -> None:
    assert not TRACES.detect([item])


def test_metrics_are_known_and_hold_no_calls() -> None:
    metrics: Json = {"resourceMetrics": [{"scopeMetrics": []}]}
    assert METRICS.detect([metrics])
    assert not METRICS.detect([metrics, envelope(span(CHAT))])
    assert (METRICS.calls, converted([metrics])) == (False, [])


@pytest.mark.parametrize(
    "bad", [{"spanId": CHILD}, {"traceId": None, "spanId": CHILD}, {"traceId": "0" * 32}, 7, None]
)
def test_one_bad_span_costs_itself(bad: Any) -> None:  # noqa: ANN401 - any JSON
    converter = TRACES.converter({})
    converter.feed(0, envelope(span(CHAT), bad, span(CHAT, spanId="c" * 16)))
    assert len(converter.flush()) == 2
    assert converter.lost == {"bad span": 1}


def test_a_bad_part_of_a_span_costs_itself() -> None:
    odd = [*attributes(CHAT), {"value": {}}, 7, {"key": "a"}, {"key": "b", "value": {"x": 1}}]
    (found,) = records(span(attributes=odd, startTimeUnixNano="soon", events=[3], status=[]))
    assert "ts" not in found
    assert found["requested_model"] == "gpt-5"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [*CHAT, *OPENINFERENCE, *LANGFUSE, *VERCEL, *CLAUDE, "duration", "logfire.span_type",
     "llmlog.event", "llmlog.step", "llmlog.trace_id", "llmlog.latency_ms", "llmlog.span_id"]
)  # fmt: skip
PARTS = st.dictionaries(
    st.sampled_from([*span(), "events", "status", "parentSpanId"]), json_values, max_size=4
)


@given(st.lists(st.tuples(st.dictionaries(NAMES, json_values), PARTS), max_size=4))
def test_no_values_of_a_span_are_too_odd(spans: list[tuple[Json, Json]]) -> None:
    hostile = [
        {**span(), "attributes": [{"key": key, "value": of} for key, of in about.items()], **parts}
        for about, parts in spans
    ]
    plain = [{**CONSOLE, "attributes": about} for about, _ in spans]
    item = envelope(*hostile)
    for record in converted([item, *plain]):
        TRACES.content(item, record)


@given(json_values)
def test_no_object_is_too_odd_to_be_looked_at(value: object) -> None:
    for name in ("resourceSpans", "batches", "trace", "context", "resourceMetrics"):
        item = {name: value, "start_time": value}
        TRACES.detect([item])
        converted([item])


# ---- content


def test_content_is_shown_on_request_and_is_in_no_record() -> None:
    messages = {
        "gen_ai.input.messages": '[{"role": "user"}]',
        "gen_ai.output.messages": '[{"role": "assistant", "parts": []}]',
    }
    failed = {"code": 2, "message": "no\nTraceback"}
    item = envelope(span(CHAT | messages, status=failed))
    (record,) = converted([item])
    assert record.keys().isdisjoint({"input", "output", "error_message"})
    assert TRACES.content(item, record) == {
        "input": [{"role": "user"}],
        "output": [{"role": "assistant", "parts": []}],
        "error_message": "no",
    }


@pytest.mark.parametrize(
    ("about", "content"),
    [
        (
            {"llm.input_messages.0.message.role": "user",
             "llm.input_messages.0.message.content": "hi", "output.value": "42"},
            {"input": [{"role": "user", "content": "hi"}], "output": "42"},
        ),
        (
            {"gen_ai.prompt.0.role": "user", "gen_ai.completion.0.content": "ho"},
            {"input": [{"role": "user"}], "output": [{"content": "ho"}]},
        ),
        (
            {"ai.prompt.messages": '["hi"]', "ai.response.text": "ho"},
            {"input": ["hi"], "output": {"text": "ho"}},
        ),
        (
            {"gen_ai.tool.call.arguments": '{"q": 1}', "gen_ai.tool.call.result": "42"},
            {"input": {"q": 1}, "output": "42"},
        ),
    ],
)  # fmt: skip
def test_each_dialect_has_its_content_elsewhere(about: Json, content: Json) -> None:
    item = envelope(span(CHAT | about))
    (record,) = converted([item])
    assert TRACES.content(item, record) == content


def test_messages_may_be_events_of_the_span() -> None:
    said = [event("gen_ai.user.message", content="hi"), event("gen_ai.choice", message="ho")]
    item = envelope(span(CHAT, events=said))
    assert TRACES.content(item, converted([item])[0]) == {
        "input": [{"role": "user", "content": "hi"}],
        "output": [{"role": "assistant", "message": "ho"}],
    }


# ---- files, as the command exports them


def test_the_sample_comes_back_as_it_went(llmlog: Run, sample: Path, tmp_path: Path) -> None:
    spans, back = tmp_path / "out.otlp.jsonl", tmp_path / "back.jsonl"
    llmlog("export", sample, "--to", spans)
    done = llmlog("export", spans, "--to", back)
    told = f"{spans}: OTLP traces\n{back}: 965 records written\n"
    assert (done.code, done.err) == (0, told)
    went = [json.loads(each) for each in sample.read_bytes().splitlines()]
    came = [json.loads(each) for each in back.read_bytes().splitlines()]
    by_step = {(each["trace_id"], each["step"]): each for each in came}
    for record in went:
        assert by_step[record["trace_id"], record["step"]] == record


def test_ids_that_no_span_can_have_come_back_joined(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    log = written(
        {"session_id": "s", "trace_id": "my run", "step": step, "span_id": name,
         "parent_span_id": parent, "event": "span", "name": name}
        for step, name, parent in ((0, "outer", None), (1, "inner", "outer"))
    )  # fmt: skip
    spans, back = tmp_path / "out.otlp.jsonl", tmp_path / "back.jsonl"
    llmlog("export", log, "--to", spans)
    llmlog("export", spans, "--to", back)
    *_, outer, inner = llmlog("trace", "my run", back).out.splitlines()
    assert (outer.split()[:2], inner.split()[:3]) == (["0", "outer"], ["1", "└", "inner"])


@pytest.mark.parametrize("to", ["out.csv", "out.otlp.jsonl", "out.jsonl"])
def test_spans_are_exported_as_any_log_is(llmlog: Run, tmp_path: Path, to: str) -> None:
    spans, out = tmp_path / "in.otlp.jsonl", tmp_path / to
    spans.write_text(json.dumps(envelope(span(CHAT), span(CHAT, spanId="2" * 16))) + "\n")
    done = llmlog("export", spans, "--to", out, "--where", "step = 0")
    assert (done.code, done.err) == (
        0,
        f"{spans}: OTLP traces\n{out}: 1 record written\n",
    )
    assert len(out.read_bytes().splitlines()) == (2 if to.endswith(".csv") else 1)
