"""Calls against llmock, an independent server in its own process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openai
import pytest
from tests.capture.conftest import KEY, QUESTION, Anything, Llmock

if TYPE_CHECKING:
    from llmlog import Session, testing


@pytest.fixture
def client(session: Session, llmock: Llmock) -> openai.OpenAI:
    return session.wrap(openai.OpenAI(base_url=llmock.base_url, api_key=KEY))


def ask(client: openai.OpenAI, **options: Anything) -> Anything:
    return client.chat.completions.create(model="gpt-4o", messages=QUESTION, **options)


def test_a_call_is_recorded_with_its_tokens_and_rate_limits(
    client: openai.OpenAI, memory: testing.Memory
) -> None:
    answer = ask(client)
    (record,) = memory.records()
    assert record["id"] == answer.id
    assert record["completion_tokens"] == answer.usage.completion_tokens
    assert record["provider"] == "127.0.0.1"
    assert record["ratelimit_limit_requests"] == 100_000
    assert record["ratelimit_reset_requests_ms"] is not None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_an_http_error_is_recorded_with_its_status_and_class(
    client: openai.OpenAI,
    memory: testing.Memory,
    llmock: Llmock,
    status: int,
    error: type[Exception],
) -> None:
    llmock.script({"type": "fail", "status": status})
    with pytest.raises(error):
        ask(client.with_options(max_retries=0))
    (record,) = memory.records()
    assert (record["status"], record["error_status"]) == ("error", status)
    assert record["error_type"] == error.__name__
    assert record["retries"] == 0


def test_retries_are_counted_when_they_help_and_when_they_do_not(
    client: openai.OpenAI, memory: testing.Memory, llmock: Llmock
) -> None:
    llmock.script({"type": "fail", "status": 503, "times": 2, "retry_after": 0.001})
    ask(client)
    llmock.script({"type": "fail", "status": 503, "times": 3, "retry_after": 0.001})
    with pytest.raises(openai.InternalServerError):
        ask(client)
    assert [(r["status"], r["retries"]) for r in memory.records()] == [("ok", 2), ("error", 2)]


def test_a_stream_is_recorded_when_it_has_been_read(
    client: openai.OpenAI, memory: testing.Memory
) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    (record,) = memory.records()
    assert record["stream_end"] == "complete"
    assert record["completion_tokens"] == chunks[-1].usage.completion_tokens


def test_usage_can_be_asked_for_without_the_application_seeing_it(
    session: Session, memory: testing.Memory, llmock: Llmock
) -> None:
    bare = openai.OpenAI(base_url=llmock.base_url, api_key=KEY)
    expected = [bool(chunk.choices) for chunk in ask(bare, stream=True)]
    client = session.wrap(bare, stream_usage=True)
    assert [bool(chunk.choices) for chunk in ask(client, stream=True)] == expected
    (record,) = memory.records()
    assert record["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("disconnect", openai.APIConnectionError),
        ("malformed", json.JSONDecodeError),
        ("stall", openai.APITimeoutError),
    ],
)
def test_a_stream_that_breaks_is_recorded_with_its_exception(
    client: openai.OpenAI,
    memory: testing.Memory,
    llmock: Llmock,
    kind: str,
    raised: type[Exception],
) -> None:
    llmock.script({"type": "stream_fault", "kind": kind, "after_chunks": 2})
    stream = ask(client.with_options(timeout=0.3 if kind == "stall" else 30), stream=True)
    with pytest.raises(raised):
        list(stream)
    (record,) = memory.records()
    assert (record["stream_end"], record["error_type"]) == ("error", raised.__name__)


def test_a_stream_cut_off_in_silence_is_recorded_as_truncated(
    client: openai.OpenAI, memory: testing.Memory, llmock: Llmock
) -> None:
    llmock.script({"type": "stream_fault", "kind": "truncate", "after_chunks": 2})
    list(ask(client, stream=True))
    assert [record["stream_end"] for record in memory.records()] == ["truncated"]


def test_a_timeout_and_a_refused_connection_are_recorded(
    client: openai.OpenAI, memory: testing.Memory, llmock: Llmock
) -> None:
    llmock.script({"type": "delay", "seconds": 5})
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.05, max_retries=0))
    nobody = client.with_options(base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        ask(nobody)
    timeout, refused = memory.records()
    assert (timeout["error_type"], timeout.get("error_status")) == ("APITimeoutError", None)
    assert refused["error_type"] == "APIConnectionError"


def test_a_run_reads_as_model_call_then_tool_then_model_call(
    session: Session, client: openai.OpenAI, memory: testing.Memory, llmock: Llmock
) -> None:
    llmock.script({"type": "reply", "tool_calls": [{"name": "look", "arguments": {"q": "x"}}]})
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    with session.trace("run-1") as trace:
        wanted = ask(client, tools=tools).choices[0].message.tool_calls[0]
        with trace.tool(wanted.function.name, tool_call_id=wanted.id) as run:
            run.result = "found"
        ask(client)
    call, tool, answer = memory.records()
    assert [r["step"] for r in (call, tool, answer)] == [0, 1, 2]
    assert {r["trace_id"] for r in (call, tool, answer)} == {"run-1"}
    assert (call["tool_calls"], call["tool_args_ok"]) == (["look"], True)
    assert tool["parent_span_id"] == call["span_id"]
