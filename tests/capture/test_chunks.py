"""The chunks of a stream add up to one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.capture.conftest import (
    Anything,
    ask,
    chunk,
    client_of,
    last_chunk,
    streamed,
    usage_chunk,
)

from llmlog import testing

if TYPE_CHECKING:
    from llmlog import Session
    from llmlog._content import ContentPolicy


def test_tool_calls_of_a_stream_are_put_together_from_its_chunks(
    session: Session, memory: testing.Memory
) -> None:
    def part(**call: object) -> dict[str, Any]:
        delta = {"tool_calls": [{"index": 0, **call}]}
        return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])

    response = streamed(
        part(id="call_1", type="function", function={"name": "look", "arguments": '{"q"'}),
        part(function={"arguments": ": 1}"}),
        last_chunk("tool_calls"),
    )
    list(ask(session.wrap(client_of(response)), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look"], True)


def test_tool_calls_between_pieces_of_text_are_seen(
    session: Session, memory: testing.Memory
) -> None:
    def part(**call: object) -> dict[str, Any]:
        delta = {"tool_calls": [{"index": 0, **call}]}
        return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])

    start = part(id="call_1", type="function", function={"name": "look", "arguments": "{"})
    rest = part(function={"arguments": "}"})
    response = streamed(chunk("a"), start, chunk("b"), rest, last_chunk("tool_calls"))
    list(ask(session.wrap(client_of(response)), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look"], True)


def test_fields_the_first_chunk_leaves_empty_are_taken_from_a_later_one(
    session: Session, memory: testing.Memory
) -> None:
    # As AzureOpenAI does, whose first chunk is about content filters.
    first = chunk(id="", model="", system_fingerprint=None, choices=[])
    list(ask(session.wrap(client_of(streamed(first, chunk("a"), last_chunk()))), stream=True))
    (record,) = memory.records()
    assert (record["id"], record["model"]) == ("chatcmpl-1", "m-2026")
    assert record["system_fingerprint"] == "fp_1"


@pytest.mark.parametrize("content", ["none", "hash", "full"])
def test_fields_the_first_chunk_leaves_empty_are_known_if_the_stream_breaks_off(
    memory: testing.Memory, content: ContentPolicy
) -> None:
    first = chunk("a", id="", model="", system_fingerprint=None)
    client = client_of(streamed(first, *(chunk("b") for _ in range(5))))
    list(ask(testing.session(memory, content=content).wrap(client), stream=True))
    (record,) = memory.records()
    assert (record["id"], record["model"]) == ("chatcmpl-1", "m-2026")
    assert record["system_fingerprint"] == "fp_1"


@pytest.mark.parametrize("content", ["none", "full"])
@pytest.mark.parametrize("end", [[], [last_chunk()]], ids=["broken off", "ended"])
def test_the_last_of_several_token_counts_in_a_stream_wins(
    memory: testing.Memory, content: ContentPolicy, end: list[Anything]
) -> None:
    parts = [chunk("a") | {"usage": {"completion_tokens": number}} for number in range(1, 5)]
    ends = [part | {"usage": {"completion_tokens": 4}} for part in end]
    client = client_of(streamed(*parts, *ends))
    list(ask(testing.session(memory, content=content).wrap(client), stream=True))
    assert memory.records()[0]["completion_tokens"] == 4


def test_fields_only_the_last_chunk_has_are_taken_from_it(
    session: Session, memory: testing.Memory
) -> None:
    silent = chunk("a", system_fingerprint=None)
    list(ask(session.wrap(client_of(streamed(silent, silent, last_chunk()))), stream=True))
    (record,) = memory.records()
    assert (record["system_fingerprint"], record["finish_reason"]) == ("fp_1", "stop")


def test_the_finish_reason_is_that_of_the_first_choice(
    session: Session, memory: testing.Memory
) -> None:
    def part(index: int, reason: str | None) -> dict[str, Any]:
        delta = {"content": "a"}
        return chunk(choices=[{"index": index, "delta": delta, "finish_reason": reason}])

    chunks = [part(0, None), part(1, None), part(1, "length"), part(0, "stop"), part(2, "length")]
    list(ask(session.wrap(client_of(streamed(*chunks))), stream=True, n=3))
    (record,) = memory.records()
    assert (record["stream_end"], record["finish_reason"]) == ("complete", "stop")


def test_a_last_chunk_with_tool_calls_or_usage_is_read_whole(
    session: Session, memory: testing.Memory
) -> None:
    call = {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": "{}"}}
    last = last_chunk() | {"usage": usage_chunk()["usage"]}
    last["choices"][0]["delta"] = {"tool_calls": [call]}
    list(ask(session.wrap(client_of(streamed(chunk("a"), chunk("b"), last))), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["completion_tokens"]) == (["look"], 3)
    assert record["finish_reason"] == "stop"


def test_chunks_without_choices_or_delta_change_nothing(
    session: Session, memory: testing.Memory
) -> None:
    odd = [chunk(choices=None), chunk(choices=[None]), chunk(choices=[{"delta": None}])]
    response = streamed(chunk("a"), *odd, chunk("b"), last_chunk(), usage_chunk())
    assert len(list(ask(session.wrap(client_of(response)), stream=True))) == 7
    (record,) = memory.records()
    assert (record["stream_end"], record["completion_tokens"]) == ("complete", 3)


def delta(**parts: object) -> dict[str, Any]:
    return chunk(choices=[{"index": 0, "delta": parts, "finish_reason": None}])


@pytest.mark.parametrize("content", ["none", "full"])
def test_a_legacy_function_call_is_a_tool_call(
    memory: testing.Memory, content: ContentPolicy
) -> None:
    parts = [{"name": "look", "arguments": ""}, {"arguments": '{"q"'}, {"arguments": ": 1}"}]
    response = streamed(*(delta(function_call=part) for part in parts), last_chunk("function_call"))
    list(ask(testing.session(memory, content=content).wrap(client_of(response)), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look"], True)


def test_a_function_call_that_ends_a_text_is_a_tool_call(
    session: Session, memory: testing.Memory
) -> None:
    call = {"name": "look", "arguments": "{}"}
    end = chunk(choices=[{"index": 0, "delta": {"function_call": call}, "finish_reason": "stop"}])
    list(ask(session.wrap(client_of(streamed(chunk("a"), chunk("b"), end))), stream=True))
    assert memory.records()[0]["tool_calls"] == ["look"]


@pytest.mark.parametrize("content", ["none", "full"])
def test_tokens_that_are_counted_with_the_last_text_are_known(
    memory: testing.Memory, content: ContentPolicy
) -> None:
    counted = chunk("b", usage={"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})
    end = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    response = streamed(chunk("a"), counted, end)
    list(ask(testing.session(memory, content=content).wrap(client_of(response)), stream=True))
    assert memory.records()[0]["completion_tokens"] == 7


@pytest.mark.parametrize("has_ids", [True, False])
def test_parts_without_an_index_go_to_the_call_of_their_choice(
    session: Session, memory: testing.Memory, *, has_ids: bool
) -> None:
    parts: list[dict[str, Any]] = [
        {"index": choice, "delta": {"tool_calls": [call]}, "finish_reason": None}
        for part in ('{"q"', ": 1}")
        for choice in (0, 1)
        for call in [{"id": f"c{choice}", "function": {"name": "look", "arguments": part}}]
    ]
    if not has_ids:
        for part in parts[2:]:
            del part["delta"]["tool_calls"][0]["id"]
    chunks = [chunk(choices=[part]) for part in parts]
    list(ask(session.wrap(client_of(streamed(*chunks, last_chunk("tool_calls")))), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look", "look"], True)


@pytest.mark.parametrize("together", [True, False])
def test_tool_calls_without_an_index_are_distinguished_by_their_ids(
    session: Session, memory: testing.Memory, *, together: bool
) -> None:
    calls = [{"id": f"c{n}", "function": {"name": "look", "arguments": "{}"}} for n in range(2)]
    parts = [delta(tool_calls=calls)] if together else [delta(tool_calls=[call]) for call in calls]
    list(ask(session.wrap(client_of(streamed(*parts, last_chunk("tool_calls")))), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look", "look"], True)


def test_parts_without_index_and_id_continue_the_last_tool_call(
    session: Session, memory: testing.Memory
) -> None:
    parts = [
        {"id": "c1", "function": {"name": "look", "arguments": "{"}},
        {"function": {"arguments": "}"}},
    ]
    chunks = [delta(tool_calls=[part]) for part in parts]
    list(ask(session.wrap(client_of(streamed(*chunks, last_chunk("tool_calls")))), stream=True))
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look"], True)


def test_sound_is_content(session: Session, memory: testing.Memory) -> None:
    sound = {"id": "a1", "transcript": "he"}
    list(ask(session.wrap(client_of(streamed(delta(audio=sound), last_chunk()))), stream=True))
    assert memory.records()[0]["ttft_ms"] == 0


def test_a_response_that_ends_in_an_error_event_has_failed(memory: testing.Memory) -> None:
    begun = {"id": "resp_1", "model": "m-2026", "status": "in_progress", "output": []}
    chunks = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_text.delta", "delta": "hi"},
        {"type": "error", "code": "server_error", "message": "no", "param": None},
    ]
    client = testing.session(memory, content="full").wrap(client_of(streamed(*chunks)))
    list(client.responses.create(model="m", input="Say hi.", stream=True))
    (record,) = memory.records()
    assert (record["status"], record["error_code"]) == ("error", "server_error")
    assert (record["stream_end"], record["id"]) == ("complete", "resp_1")
    assert record["output"][0]["content"][0]["text"] == "hi"
