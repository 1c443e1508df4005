"""Calls of the anthropic package: one record each, in the terms of OpenAI's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import pytest
from tests.capture.conftest import KEY, QUESTION, Anything, Blocks
from tests.capture.messages_api import (
    TOOL_USE,
    USAGE,
    anthropic_client,
    block,
    end,
    message,
    start,
    streamed_message,
    text,
)

from llmlog import testing
from llmlog._sdk.messages import MessageAccumulator

if TYPE_CHECKING:
    from llmlog import Session

ASK: dict[str, Any] = {"model": "claude", "max_tokens": 64, "messages": QUESTION}
THINKING = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "hm, "},
    {"type": "thinking_delta", "thinking": "yes"},
    {"type": "signature_delta", "signature": "c2ln"},
)
ARGUMENTS = [
    {"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"q":', " [1, 2]}")
]
ASKS_TOOL = block(1, {**TOOL_USE, "input": {}}, *ARGUMENTS)


def answered(session: Session, answer: httpx2.Response, **options: Anything) -> Anything:
    client: Any = session.wrap(anthropic_client(answer))
    result = client.messages.create(**{**ASK, **options})
    return list(result) if options.get("stream") else result


def test_a_message_is_recorded_with_its_ids_tokens_and_limits(
    session: Session, memory: testing.Memory
) -> None:
    headers = {
        "request-id": "req_1",
        "anthropic-ratelimit-requests-remaining": "9",
        "anthropic-ratelimit-tokens-limit": "1000",
    }
    answer = httpx2.Response(200, json=message(), headers=headers)
    answered(session, answer, extra_body={"top_p": 0.5}, output_config={"effort": "low"})
    (record,) = memory.records()
    assert record["event"] == "chat_completion"
    assert (record["model"], record["requested_model"]) == ("claude-2026", "claude")
    assert (record["id"], record["request_id"]) == ("msg_1", "req_1")
    assert (record["provider"], record["finish_reason"]) == ("api.anthropic.com", "stop")
    assert (record["max_tokens"], record["top_p"]) == (64, 0.5)
    assert (record["reasoning_effort"], record["service_tier"]) == ("low", "standard")
    assert record["ratelimit_remaining_requests"] == 9
    assert record["ratelimit_limit_tokens"] == 1000


@pytest.mark.parametrize("stream", [False, True])
def test_the_prompt_includes_the_cache_and_the_completion_the_thinking(
    session: Session, memory: testing.Memory, *, stream: bool
) -> None:
    whole = httpx2.Response(200, json=message())
    events = streamed_message(start(), *text(0, "hi"), *end())
    answered(session, events if stream else whole, stream=stream)
    (record,) = memory.records()
    assert (record["prompt_tokens"], record["completion_tokens"]) == (10 + 100 + 5, 20)
    assert (record["cached_tokens"], record["cache_write_tokens"]) == (100, 5)
    assert (record["reasoning_tokens"], record["total_tokens"]) == (7, 135)


def test_a_stream_is_timed_to_its_first_content(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    def later() -> None:
        clock.advance(30)

    first, *rest = text(0, "h", "i")
    answered(
        session,
        streamed_message(start(), later, first, later, *rest, later, *end()),
        stream=True,
    )
    (record,) = memory.records()
    assert (record["ttft_ms"], record["latency_ms"]) == (60, 90)
    assert (record["stream_end"], record["finish_reason"]) == ("complete", "stop")
    assert (record["model"], record["id"]) == ("claude-2026", "msg_1")


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_that_a_message_asks_for_has_it_as_its_parent(
    session: Session, memory: testing.Memory, *, stream: bool
) -> None:
    whole = httpx2.Response(200, json=message(content=[TOOL_USE], stop_reason="tool_use"))
    events = streamed_message(start(), *THINKING, *ASKS_TOOL, *end("tool_use"))
    with session.trace() as trace:
        answered(session, events if stream else whole, stream=stream)
        with trace.tool("look", tool_call_id="toolu_1"):
            pass
    call, tool = memory.records()
    assert (call["finish_reason"], call["tool_calls"]) == ("tool_calls", ["look"])
    assert call["tool_args_ok"] is True
    assert tool["parent_span_id"] == call["span_id"]


def test_a_tools_arguments_that_break_off_are_no_json(
    session: Session, memory: testing.Memory
) -> None:
    cut = block(0, {**TOOL_USE, "input": {}}, *ARGUMENTS[:2])
    answered(session, streamed_message(start(), *cut, *end("max_tokens")), stream=True)
    (record,) = memory.records()
    assert (record["finish_reason"], record["tool_args_ok"]) == ("length", False)


def test_the_content_is_the_system_prompt_the_messages_and_the_blocks(
    memory: testing.Memory,
) -> None:
    session = testing.session(memory, content="full")
    answer = httpx2.Response(200, json=message(content=[TOOL_USE]))
    answered(session, answer, system="Be kind.")
    events = streamed_message(start(), *THINKING, *ASKS_TOOL, *text(2, "h", "i"), *end())
    answered(session, events, stream=True)
    whole, streamed = memory.records()
    assert whole["input"] == [{"role": "system", "content": "Be kind."}, *QUESTION]
    assert len(whole["prefix_hashes"]) == 2
    assert whole["output"] == {"role": "assistant", "content": [TOOL_USE]}
    assert streamed["input"] == QUESTION
    assert streamed["output"]["content"] == [
        {"type": "thinking", "thinking": "hm, yes", "signature": "c2ln"},
        {**TOOL_USE, "input": {"q": [1, 2]}},
        {"type": "text", "text": "hi"},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_policy_no_content_is_written(
    session: Session, memory: testing.Memory, *, stream: bool
) -> None:
    whole = httpx2.Response(200, json=message())
    events = streamed_message(start(), *text(0, "hi"), *end())
    answered(session, events if stream else whole, stream=stream, system="Be kind.")
    assert not memory.records()[0].keys() & {"input", "output", "prefix_hashes"}


def test_citations_are_kept_with_the_text_they_belong_to() -> None:
    accumulator = MessageAccumulator(keeps_content=True)
    cited: list[Anything] = [
        {"type": "text_delta", "text": "hi"},
        {"type": "citations_delta", "citation": {"type": "char_location", "document_index": 0}},
        {"type": "citations_delta", "citation": {"type": "char_location", "document_index": 1}},
    ]
    for event in (start(), *block(0, {"type": "text", "text": "", "citations": None}, *cited)):
        accumulator.feed(event, 0)
    (content,) = accumulator.output()["content"]
    assert content["text"] == "hi"
    assert [citation["document_index"] for citation in content["citations"]] == [0, 1]


def test_a_message_without_content_is_an_answer(session: Session, memory: testing.Memory) -> None:
    answered(session, httpx2.Response(200, json=message(content=[])))
    assert memory.records()[0]["status"] == "ok"


def test_a_refusal_is_a_content_filters(session: Session, memory: testing.Memory) -> None:
    answered(session, httpx2.Response(200, json=message(stop_reason="refusal")))
    assert memory.records()[0]["finish_reason"] == "content_filter"


def test_an_error_is_recorded_with_its_status_and_category(
    session: Session, memory: testing.Memory
) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "secret"}}
    headers = {"request-id": "req_1"}
    with pytest.raises(anthropic.APIStatusError):
        answered(session, httpx2.Response(529, json=body, headers=headers))
    (record,) = memory.records()
    assert (record["status"], record["error_status"]) == ("error", 529)
    assert (record["error_code"], record["request_id"]) == ("overloaded_error", "req_1")
    assert b"secret" not in memory.lines[0]


def test_an_error_in_the_middle_of_a_stream_has_no_http_status(
    session: Session, memory: testing.Memory
) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(anthropic.APIStatusError):
        answered(session, streamed_message(start(), *text(0, "hi"), error), stream=True)
    (record,) = memory.records()
    assert (record["status"], record["stream_end"]) == ("error", "error")
    assert (record.get("error_status"), record["error_code"]) == (None, "overloaded_error")
    assert record["prompt_tokens"] == 115


def test_an_error_in_the_middle_of_lines_that_are_not_parsed_is_recorded_too(
    session: Session, memory: testing.Memory
) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    client: Any = session.wrap(anthropic_client(streamed_message(start(), error)))
    with client.messages.with_streaming_response.create(stream=True, **ASK) as response:
        list(response.iter_lines())
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "overloaded_error")
    assert record["stream_end"] == "error"


def test_a_message_in_place_of_a_stream_is_read(session: Session, memory: testing.Memory) -> None:
    body = Blocks(json.dumps(message()).encode())
    client: Any = session.wrap(anthropic_client(httpx2.Response(200, stream=body)))
    with client.messages.with_streaming_response.create(stream=True, **ASK) as response:
        response.read()
    (record,) = memory.records()
    assert (record["id"], record["finish_reason"]) == ("msg_1", "stop")
    assert record["completion_tokens"] == 20


def test_counting_tokens_and_listing_models_are_no_calls(
    session: Session, memory: testing.Memory
) -> None:
    client: Any = session.wrap(
        anthropic_client(lambda _: httpx2.Response(200, json={"input_tokens": 3, "data": []}))
    )
    assert client.messages.count_tokens(model="claude", messages=QUESTION).input_tokens == 3
    client.models.list()
    assert memory.records() == []


def test_a_recorded_request_and_answer_are_those_of_the_bare_client(session: Session) -> None:
    sent = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        headers = {k: v for k, v in request.headers.items() if k != "idempotency-key"}
        sent.append((str(request.url), request.content, sorted(headers.items())))
        return httpx2.Response(200, json=message())

    bare = anthropic_client(answer)
    recorded: Any = session.wrap(bare, stream_usage=True)
    assert isinstance(recorded, anthropic.Anthropic)
    assert type(recorded).__name__ == "Anthropic"
    for client in (bare, recorded):
        client.messages.create(**ASK)
        client.beta.messages.create(**ASK)
        list(client.messages.create(stream=True, **ASK))
    assert sent[:3] == sent[3:]
    assert type(recorded.messages.create(**ASK)) is anthropic.types.Message


def test_a_copy_of_a_client_is_recorded(session: Session, memory: testing.Memory) -> None:
    client: Any = session.wrap(anthropic_client(httpx2.Response(200, json=message())))
    client.with_options(timeout=3).messages.create(**ASK)
    assert len(memory.records()) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("content", ["none", "full"])
def test_a_client_with_middleware_is_recorded(
    memory: testing.Memory, content: Anything, *, stream: bool
) -> None:
    seen = []

    def middleware(request: Anything, call_next: Anything) -> Anything:
        seen.append(request)
        return call_next(request)

    answer = streamed_message(start(), *text(0, "hi"), *end()) if stream else message()
    response = answer if stream else httpx2.Response(200, json=answer)
    bare = anthropic_client(response, middleware=[middleware])  # type: ignore[arg-type]
    client: Any = testing.session(memory, content=content).wrap(bare)
    result = client.messages.create(stream=stream, **ASK)
    if stream:
        list(result)
    (record,) = memory.records()
    assert (len(seen), record["retries"], record["completion_tokens"]) == (1, 0, 20)
    if content == "full":
        assert record["output"]["content"] == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize("content", ["none", "full"])
def test_an_answer_of_middleware_in_place_of_the_servers_is_recorded(
    memory: testing.Memory, content: Anything
) -> None:
    cached = anthropic.types.Message.model_validate(message())
    bare = anthropic_client(httpx2.Response(500), middleware=[lambda _request, _next: cached])
    client: Any = testing.session(memory, content=content).wrap(bare)
    assert client.messages.create(**ASK) is cached
    (record,) = memory.records()
    assert (record["id"], record["completion_tokens"]) == ("msg_1", 20)


def test_a_client_of_another_platform_is_recorded_without_its_token(
    memory: testing.Memory,
) -> None:
    token = "ya29-" + "a1B2" * 6
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, json=message(content=[{"type": "text", "text": token}]))
    )
    http_client = httpx2.Client(transport=transport)
    bare = anthropic.AnthropicVertex(
        region="eu", project_id="p", access_token=token, http_client=http_client
    )
    client: Any = testing.session(memory, content="full").wrap(bare)
    client.messages.create(**ASK)
    client.with_options(timeout=3).beta.messages.create(**ASK)
    bare.messages.create(**ASK)
    records = memory.records()
    assert [(r["requested_model"], r["id"]) for r in records] == [("claude", "msg_1")] * 2
    assert token.encode() not in memory.lines[0]


def test_no_key_is_written(memory: testing.Memory) -> None:
    answer = httpx2.Response(200, json=message(content=[{"type": "text", "text": f"it is {KEY}"}]))
    answered(testing.session(memory, content="full"), answer)
    assert KEY.encode() not in memory.lines[0]
    assert b"[redacted:api_key]" in memory.lines[0]


def test_parsed_output_is_recorded(session: Session, memory: testing.Memory) -> None:
    answer = message(content=[{"type": "text", "text": json.dumps({"name": "Bern"})}])
    client: Any = session.wrap(anthropic_client(httpx2.Response(200, json=answer)))

    from tests.capture.ways.conftest import City  # noqa: PLC0415 - a conftest of another folder

    parsed = client.messages.parse(output_format=City, **ASK).parsed_output
    assert parsed == City(name="Bern")
    assert memory.records()[0]["completion_tokens"] == USAGE["output_tokens"]
