"""A stream leaves one record, with its time to first content and its end."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from openai.types.chat import ChatCompletionChunk
from tests.capture.conftest import (
    QUESTION,
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


def test_a_stream_is_timed_to_its_first_content_and_to_its_last_chunk(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    def tick() -> None:
        clock.advance(100)

    response = streamed(
        tick, chunk(""), tick, chunk("a"), tick, chunk("b"), last_chunk(), usage_chunk(), tick
    )
    chunks = list(ask(session.wrap(client_of(response)), stream=True))
    assert [part.choices[0].delta.content for part in chunks if part.choices][:3] == ["", "a", "b"]
    (record,) = memory.records()
    assert (record["ttft_ms"], record["latency_ms"]) == (200, 300)
    assert (record["stream"], record["stream_end"]) == (True, "complete")
    assert record["completion_tokens"] == 3
    assert record["tokens_per_sec"] == pytest.approx(10.0)
    assert record["finish_reason"] == "stop"


def test_a_stream_that_just_stops_is_truncated_though_nothing_was_raised(
    session: Session, memory: testing.Memory
) -> None:
    list(ask(session.wrap(client_of(streamed(chunk("a")))), stream=True))
    (record,) = memory.records()
    assert (record["status"], record["stream_end"]) == ("ok", "truncated")
    assert record["finish_reason"] is None


@pytest.mark.parametrize("content", ["none", "full"])
def test_an_empty_finish_reason_is_none(memory: testing.Memory, content: ContentPolicy) -> None:
    going_on = chunk(choices=[{"index": 0, "delta": {"content": "a"}, "finish_reason": ""}])
    for end, known in (([], ("truncated", None)), ([last_chunk()], ("complete", "stop"))):
        client = client_of(streamed(going_on, going_on, going_on, *end))
        list(ask(testing.session(memory, content=content).wrap(client), stream=True))
        record = memory.records()[-1]
        assert (record["stream_end"], record["finish_reason"]) == known


def test_a_closed_stream_is_recorded_when_it_is_closed(
    session: Session, memory: testing.Memory
) -> None:
    with ask(session.wrap(client_of(streamed(chunk("a"), last_chunk()))), stream=True) as stream:
        next(stream)
        assert memory.records() == []
    assert [record["stream_end"] for record in memory.records()] == ["closed"]


def test_breaking_out_of_a_stream_is_no_end_for_it_can_be_resumed(
    session: Session, memory: testing.Memory
) -> None:
    stream = ask(session.wrap(client_of(streamed(chunk("a"), last_chunk()))), stream=True)
    for _ in stream:
        break
    assert memory.records() == []
    assert len(list(stream)) == 1
    assert [record["stream_end"] for record in memory.records()] == ["complete"]


@pytest.mark.parametrize("chunks_read", [0, 1])
def test_a_stream_that_is_garbage_collected_unread_is_abandoned(
    session: Session, memory: testing.Memory, chunks_read: int
) -> None:
    stream = ask(session.wrap(client_of(streamed(chunk("a"), last_chunk()))), stream=True)
    for _ in range(chunks_read):
        next(stream)
    del stream
    gc.collect()
    assert [record["stream_end"] for record in memory.records()] == ["abandoned"]


def test_an_error_in_the_middle_of_a_stream_ends_it(
    session: Session, memory: testing.Memory
) -> None:
    stream = ask(session.wrap(client_of(streamed(chunk("a"), b"{not json"))), stream=True)
    next(stream)
    with pytest.raises(ValueError, match="Expecting property name"):
        next(stream)
    (record,) = memory.records()
    assert (record["status"], record["stream_end"]) == ("error", "error")
    assert record["error_type"] == "JSONDecodeError"


def test_a_recorded_stream_has_the_attributes_of_a_bare_one(session: Session) -> None:
    bare = ask(client_of(streamed(chunk("a"))), stream=True)
    seen = ask(session.wrap(client_of(streamed(chunk("a")))), stream=True)
    assert seen.__orig_class__ == bare.__orig_class__
    assert isinstance(seen, type(bare))


def test_a_stream_of_the_sdks_own_class_is_seen_as_its_bytes(
    session: Session, memory: testing.Memory
) -> None:
    client: Anything = session.wrap(client_of(streamed(chunk("a"), last_chunk())))
    body = {"model": "m", "messages": QUESTION, "stream": True}
    list(client.post("/chat/completions", cast_to=ChatCompletionChunk, body=body, stream=True))
    (record,) = memory.records()
    assert record["finish_reason"] == "stop"
