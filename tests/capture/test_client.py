"""A wrapped client behaves like the bare one, and writes one record per model call."""

from __future__ import annotations

import enum
from typing import Any

import httpx2
import openai
import pytest
from tests.capture.conftest import (
    KEY,
    QUESTION,
    Anything,
    client_of,
    completion,
)

import llmlog
from llmlog import Session, testing


def ask(client: openai.OpenAI, **options: Anything) -> Anything:
    return client.chat.completions.create(model="m", messages=QUESTION, **options)


def test_a_call_leaves_one_record_with_everything_the_api_hands_back(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        clock.advance(240)
        return httpx2.Response(
            200,
            json=completion(
                usage={
                    "prompt_tokens": 18,
                    "completion_tokens": 30,
                    "total_tokens": 48,
                    "completion_tokens_details": {"reasoning_tokens": 25},
                    "prompt_tokens_details": {"cached_tokens": 16},
                }
            ),
            headers={
                "x-request-id": "req_1",
                "openai-processing-ms": "200",
                "x-ratelimit-limit-requests": "100",
                "x-ratelimit-remaining-requests": "99",
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-reset-tokens": "17ms",
            },
        )

    client = session.wrap(client_of(answer))
    result = ask(client, max_completion_tokens=64)
    assert result.choices[0].message.content == "hi"
    (record,) = memory.records()
    assert record == {
        "v": 1,
        "ts": "2026-01-01T00:00:00.000000Z",
        "event": "chat_completion",
        "session_id": session.session_id,
        "trace_id": record["trace_id"],
        "step": 0,
        "span_id": record["span_id"],
        "parent_span_id": None,
        "status": "ok",
        "latency_ms": 240,
        "model": "m-2026",
        "requested_model": "m",
        "provider": "api.openai.com",
        "id": "chatcmpl-1",
        "request_id": "req_1",
        "finish_reason": "stop",
        "prompt_tokens": 18,
        "completion_tokens": 30,
        "total_tokens": 48,
        "reasoning_tokens": 25,
        "cached_tokens": 16,
        "cache_write_tokens": None,
        "reported_cost_usd": None,
        "service_tier": None,
        "max_tokens": 64,
        "tokens_per_sec": 125.0,
        "temperature": None,
        "top_p": None,
        "seed": None,
        "reasoning_effort": None,
        "stream": False,
        "ttft_ms": None,
        "stream_end": None,
        "server_ms": 200,
        "retries": 0,
        "system_fingerprint": "fp_1",
        "ratelimit_limit_requests": 100,
        "ratelimit_remaining_requests": 99,
        "ratelimit_reset_requests_ms": 360_000,
        "ratelimit_reset_tokens_ms": 17,
        "tool_calls": None,
        "tool_args_ok": None,
    }


def test_the_wrapped_client_is_of_the_same_class_and_shares_the_connections(
    session: Session,
) -> None:
    bare = client_of(httpx2.Response(200, json=completion()))
    wrapped = session.wrap(bare)
    assert isinstance(wrapped, openai.OpenAI)
    assert type(wrapped).__name__ == "OpenAI"
    assert wrapped._client is bare._client  # noqa: SLF001 - the connection pool


def test_the_request_on_the_wire_is_that_of_the_bare_client(session: Session) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=completion())

    bare = client_of(answer)
    ask(bare)
    ask(session.wrap(bare))
    assert seen[0].headers == seen[1].headers
    assert seen[0].content == seen[1].content


def test_the_bare_client_stays_unrecorded_even_after_its_resources_were_used(
    session: Session, memory: testing.Memory
) -> None:
    bare = client_of(httpx2.Response(200, json=completion()))
    ask(bare)
    ask(session.wrap(bare))
    ask(bare)
    assert len(memory.records()) == 1


def test_a_copy_with_other_options_is_recorded_too(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(httpx2.Response(200, json=completion())))
    ask(client.with_options(timeout=3))
    ask(client.copy(max_retries=1))
    assert len(memory.records()) == 2


def test_wrapping_a_wrapped_client_rebinds_it_and_records_once(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(httpx2.Response(200, json=completion())))
    trace = session.trace("run-1")
    ask(trace.wrap(session.wrap(client)))
    assert [record["trace_id"] for record in memory.records()] == ["run-1"]


def test_subclasses_such_as_azure_are_recorded_too(
    session: Session, memory: testing.Memory
) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion()))
    azure = openai.AzureOpenAI(
        api_key=KEY,
        api_version="2026-01-01",
        azure_endpoint="https://example.openai.azure.com",
        http_client=httpx2.Client(transport=transport),
    )
    client = session.wrap(azure)
    assert isinstance(client, openai.AzureOpenAI)
    ask(client)
    (record,) = memory.records()
    assert record["provider"] == "example.openai.azure.com"


def test_a_request_that_is_no_model_call_leaves_no_record(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(httpx2.Response(200, json={"object": "list", "data": []})))
    client.models.list()
    assert memory.records() == []


def test_a_request_made_for_the_key_of_a_call_is_not_taken_for_the_call(
    session: Session, memory: testing.Memory
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/models"):
            return httpx2.Response(200, json={"data": []}, headers={"x-request-id": "models"})
        return httpx2.Response(200, json=completion(), headers={"x-request-id": "chat"})

    def key() -> str:
        other.models.list()
        return KEY

    other = session.wrap(client_of(answer))
    ask(session.wrap(client_of(answer, api_key=key)))
    (record,) = memory.records()
    assert record["request_id"] == "chat"
    assert KEY.encode() not in memory.lines[0]


def test_only_clients_of_the_sdks_can_be_wrapped(session: Session) -> None:
    with pytest.raises(TypeError, match="only clients of openai and anthropic"):
        session.wrap(object())


@pytest.mark.parametrize("field", ["id", "model", "usage", "choices", "system_fingerprint"])
@pytest.mark.parametrize("absent", [None, ...])
def test_a_field_a_server_leaves_out_or_nulls_is_null(
    session: Session, memory: testing.Memory, field: str, absent: object
) -> None:
    client = session.wrap(client_of(httpx2.Response(200, json=completion(**{field: absent}))))
    ask(client)
    (record,) = memory.records()
    nulled = {"usage": "total_tokens", "choices": "finish_reason"}.get(field, field)
    assert record[nulled] is None
    # An answer without choices is none, though its HTTP status was a success.
    assert record["status"] == ("error" if field == "choices" else "ok")


@pytest.mark.parametrize("outside_64_bits", [2**70, -(2**70)])
def test_fields_of_the_wrong_type_are_null(
    session: Session, memory: testing.Memory, outside_64_bits: int
) -> None:
    usage = {"prompt_tokens": "18", "completion_tokens": [3], "total_tokens": outside_64_bits}
    odd = completion(model=7, id=["x"], usage=usage)
    ask(session.wrap(client_of(httpx2.Response(200, json=odd))))
    (record,) = memory.records()
    fields = ("model", "id", "prompt_tokens", "completion_tokens", "total_tokens")
    assert [record[name] for name in fields] == [None] * 5


def test_tool_calls_are_named_and_their_arguments_checked(
    session: Session, memory: testing.Memory
) -> None:
    def with_arguments(*arguments: str) -> httpx2.Response:
        calls = [
            {"id": f"c{n}", "type": "function", "function": {"name": "look", "arguments": text}}
            for n, text in enumerate(arguments)
        ]
        message = {"role": "assistant", "tool_calls": calls}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return httpx2.Response(200, json=completion(choices=[choice]))

    for arguments in (['{"q": 1}', "{}"], ['{"q": 1}', '{"q": ']):
        ask(session.wrap(client_of(with_arguments(*arguments))))
    good, bad = memory.records()
    assert good["tool_calls"] == bad["tool_calls"] == ["look", "look"]
    assert (good["tool_args_ok"], bad["tool_args_ok"]) == (True, False)


def test_a_model_named_by_an_enumeration_is_recorded_by_its_value(
    session: Session, memory: testing.Memory
) -> None:
    client: Any = session.wrap(client_of(httpx2.Response(200, json=completion())))
    client.chat.completions.create(model=Model.SMALL, messages=QUESTION)
    assert memory.records()[0]["requested_model"] == "gpt-5-mini"


class Model(enum.StrEnum):
    SMALL = "gpt-5-mini"


def test_an_error_is_recorded_and_reaches_the_caller(
    session: Session, memory: testing.Memory
) -> None:
    body = {"error": {"message": "secret prompt text", "code": "model_not_found"}}
    response = httpx2.Response(404, json=body, headers={"x-request-id": "req_9"})
    with pytest.raises(openai.NotFoundError):
        ask(session.wrap(client_of(response)))
    (record,) = memory.records()
    assert record["status"] == "error"
    assert record["error_type"] == "NotFoundError"
    assert record["error_status"] == 404
    assert record["error_code"] == "model_not_found"
    assert record["request_id"] == "req_9"
    assert b"secret prompt text" not in memory.lines[0]


def test_the_tokens_of_an_answer_that_the_sdk_rejects_are_recorded(
    session: Session, memory: testing.Memory
) -> None:
    message = {"role": "assistant", "content": '{"city": '}
    cut = completion(choices=[{"index": 0, "message": message, "finish_reason": "length"}])
    client = session.wrap(client_of(httpx2.Response(200, json=cut)))
    schema: Any = {
        "type": "json_schema",
        "json_schema": {"name": "c", "schema": {}, "strict": True},
    }
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="m", messages=QUESTION, response_format=schema)
    (record,) = memory.records()
    assert record["error_type"] == "LengthFinishReasonError"
    assert record["finish_reason"] == "length"
    assert record["completion_tokens"] == 3


def test_with_the_switch_off_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch, memory: testing.Memory
) -> None:
    monkeypatch.setenv("LLMLOG_DISABLED", "1")
    session = llmlog.session(memory)
    bare = client_of(httpx2.Response(200, json=completion()))
    with session.trace() as trace, trace.tool("look"), trace.span("plan"):
        assert session.wrap(bare) is bare
        trace.record(event="embedding")
    assert memory.lines == []


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"temperature": 0, "top_p": 0.9, "seed": 7}, {"temperature": 0, "top_p": 0.9, "seed": 7}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ({"extra_body": {"temperature": "hot", "seed": True}}, {"temperature": None, "seed": None}),
    ],
)
def test_the_options_asked_for_are_recorded_if_they_have_their_type(
    session: Session, memory: testing.Memory, asked: Anything, fields: dict[str, object]
) -> None:
    ask(session.wrap(client_of(httpx2.Response(200, json=completion()))), **asked)
    (record,) = memory.records()
    assert {name: record[name] for name in fields} == fields


def test_the_service_tier_is_the_one_that_answered(
    session: Session, memory: testing.Memory
) -> None:
    response = httpx2.Response(200, json=completion(service_tier="default"))
    ask(session.wrap(client_of(response)), service_tier="flex")
    assert memory.records()[0]["service_tier"] == "default"


def test_the_responses_api_names_its_effort_inside_reasoning(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(httpx2.Response(500, json={})))
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="m", input="Hi", reasoning={"effort": "high"})
    assert memory.records()[0]["reasoning_effort"] == "high"
