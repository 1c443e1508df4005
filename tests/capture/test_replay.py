"""A recorded log, replayed as a client: an agent's tests run without a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest
from tests.capture.conftest import (
    QUESTION,
    Anything,
    ask,
    client_of,
    completion,
)
from tests.capture.messages_api import TOOL_USE, anthropic_client, message

import llmlog
from llmlog import testing

if TYPE_CHECKING:
    from pathlib import Path

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
ASKS_TOOL = {"role": "assistant", "content": None, "tool_calls": [CALL]}
OTHER: list[Any] = [{"role": "user", "content": "And now?"}]
MESSAGE: dict[str, Any] = {"model": "claude", "max_tokens": 9, "messages": QUESTION}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def recorded(log: Path, *answers: httpx2.Response) -> openai.OpenAI:
    """Return a client that answers so, recorded with its content."""
    each = iter(answers)
    return llmlog.session(log, content="full").wrap(client_of(lambda _: next(each)))


def record(log: Path, answer: dict[str, Any], messages: Anything = QUESTION) -> Anything:
    client = recorded(log, httpx2.Response(200, json=answer))
    return client.chat.completions.create(model="m", messages=messages)


def test_a_call_is_answered_as_it_was(log: Path) -> None:
    given = record(log, completion(service_tier="default"))
    replayed = ask(testing.replay(log))
    for name in ("id", "model", "system_fingerprint", "service_tier"):
        assert getattr(replayed, name) == getattr(given, name)
    assert replayed.choices[0].message == given.choices[0].message
    assert replayed.choices[0].finish_reason == "stop"
    assert replayed.usage.total_tokens == 21


def test_each_input_has_its_own_answer_in_any_order_and_as_often_as_asked(log: Path) -> None:
    record(log, completion(id="first"))
    record(log, completion(id="second"))
    record(log, completion(id="other"), OTHER)
    client = testing.replay(log)
    create = client.chat.completions.create
    inputs = (OTHER, QUESTION, QUESTION, QUESTION, OTHER)
    ids = [create(model="m", messages=messages).id for messages in inputs]
    assert ids == ["other", "first", "second", "second", "other"]


def test_in_order_the_input_is_of_no_account(log: Path) -> None:
    record(log, completion(id="first"))
    record(log, completion(id="second"), OTHER)
    create = testing.replay(log, in_order=True).chat.completions.create
    anything: list[Any] = [{"role": "user", "content": "at 10:31"}]
    assert [create(model="m", messages=anything).id for _ in range(2)] == ["first", "second"]
    with pytest.raises(openai.BadRequestError, match="no call is left"):
        create(model="m", messages=anything)


def test_an_input_that_was_not_recorded_is_refused(log: Path) -> None:
    record(log, completion())
    with pytest.raises(openai.BadRequestError, match="its input was not recorded"):
        testing.replay(log).chat.completions.create(model="m", messages=OTHER)


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_call_can_be_replayed_as_a_stream(
    log: Path, memory: testing.Memory, *, include_usage: bool
) -> None:
    choice = {"index": 0, "message": ASKS_TOOL, "finish_reason": "tool_calls"}
    record(log, completion(choices=[choice]))
    client = testing.session(memory, content="full").wrap(testing.replay(log))
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    list(ask(client, stream=True, **options))
    (seen,) = memory.records()
    assert (seen["stream_end"], seen["finish_reason"]) == ("complete", "tool_calls")
    assert seen["output"]["tool_calls"] == [CALL]
    assert seen["total_tokens"] == (21 if include_usage else None)


def test_a_stream_helper_reads_what_is_replayed(log: Path) -> None:
    record(log, completion())
    with testing.replay(log).chat.completions.stream(model="m", messages=QUESTION) as stream:
        assert stream.get_final_completion().choices[0].message.content == "hi"


async def test_an_asynchronous_client_is_replayed(log: Path) -> None:
    record(log, completion())
    client = testing.replay(log, openai.AsyncOpenAI)
    assert (await client.chat.completions.create(model="m", messages=QUESTION)).id == "chatcmpl-1"


def test_an_http_error_is_raised_again(log: Path) -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit", "code": "rate_limit_exceeded"}}
    with pytest.raises(openai.RateLimitError):
        ask(recorded(log, httpx2.Response(429, json=error)))
    with pytest.raises(openai.RateLimitError, match="slow down") as raised:
        ask(testing.replay(log))
    assert raised.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (httpx2.ReadTimeout, openai.APITimeoutError),
        (httpx2.ConnectError, openai.APIConnectionError),
    ],
)
def test_a_lost_connection_is_raised_again(
    log: Path, lost: type[httpx2.TransportError], expected: type[Exception]
) -> None:
    def lose(request: httpx2.Request) -> httpx2.Response:
        raise lost("lost", request=request)

    client = llmlog.session(log, content="full").wrap(client_of(lose))
    with pytest.raises(expected):
        ask(client)
    with pytest.raises(openai.APIConnectionError) as raised:
        ask(testing.replay(log))
    assert type(raised.value) is expected


def test_a_response_is_replayed_whole_and_as_a_stream(log: Path) -> None:
    part = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed"}
    answer = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m-1", "error": None,
        "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{**item, "content": [part]}], "parallel_tool_calls": True, "tools": [],
        "tool_choice": "auto",
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
                  "input_tokens_details": {"cached_tokens": 1},
                  "output_tokens_details": {"reasoning_tokens": 1}},
    }  # fmt: skip
    given = recorded(log, httpx2.Response(200, json=answer)).responses.create(model="m", input="hi")
    client = testing.replay(log)
    replayed = client.responses.create(model="m", input="hi")
    assert (replayed.output, replayed.status) == (given.output, "incomplete")
    assert replayed.incomplete_details == given.incomplete_details
    assert replayed.usage is not None
    assert replayed.usage.total_tokens == 5
    with client.responses.stream(model="m", input="hi") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert deltas == ["hi"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_of_anthropics_is_replayed(log: Path, *, stream: bool) -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    content = [thinking, {"type": "text", "text": "hi"}, TOOL_USE]
    bare = anthropic_client(
        httpx2.Response(200, json=message(content=content, stop_reason="tool_use"))
    )
    given = llmlog.session(log, content="full").wrap(bare).messages.create(**MESSAGE)
    client = testing.replay(log, anthropic.Anthropic)
    if stream:
        with client.messages.stream(**MESSAGE) as events:
            replayed: Any = events.get_final_message()
    else:
        replayed = client.messages.create(**MESSAGE)
    assert [block.to_dict() for block in replayed.content] == content
    assert replayed.stop_reason == "tool_use"
    for name in ("input_tokens", "cache_read_input_tokens", "output_tokens"):
        assert getattr(replayed.usage, name) == getattr(given.usage, name)


async def test_an_asynchronous_client_of_anthropics_is_replayed(log: Path) -> None:
    bare = anthropic_client(httpx2.Response(200, json=message()))
    llmlog.session(log, content="full").wrap(bare).messages.create(**MESSAGE)
    client = testing.replay(log, anthropic.AsyncAnthropic)
    assert (await client.messages.create(**MESSAGE)).id == "msg_1"


def test_what_is_replayed_can_be_recorded_again(log: Path, memory: testing.Memory) -> None:
    record(log, completion())
    ask(testing.session(memory, content="full").wrap(testing.replay(log)))
    (again,), before = memory.records(), json.loads(log.read_bytes())
    for name in ("model", "id", "finish_reason", "prompt_tokens", "input", "output"):
        assert again[name] == before[name]


def test_a_log_in_several_files_with_other_lines_is_replayed(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    record(one, completion(id="first"))
    record(two, completion(id="other"), OTHER)
    with one.open("ab") as file:
        file.write(b'not JSON\n[1]\n{"event": "tool_call", "input": {}, "output": 1}\n')
    client = testing.replay([one, two])
    assert client.chat.completions.create(model="m", messages=OTHER).id == "other"


def test_other_requests_and_answers_that_were_not_recorded_are_refused(log: Path) -> None:
    record(log, completion())
    client = testing.replay(log)
    with pytest.raises(openai.NotFoundError, match="is no call that can be replayed"):
        client.models.list()
    with pytest.raises(openai.BadRequestError, match="its input was not recorded"):
        client.embeddings.create(model="m", input="hi")


def test_a_log_without_content_says_so(log: Path) -> None:
    ask(llmlog.session(log).wrap(client_of(httpx2.Response(200, json=completion()))))
    with pytest.raises(
        ValueError, match='its 1 calls are without content; record with content="full"'
    ):
        testing.replay(log)
    log.write_bytes(b"")
    with pytest.raises(ValueError, match="it holds no calls"):
        testing.replay(log)
