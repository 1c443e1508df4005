"""With `starts=True`, a line is written as a call or tool begins: it can be seen in flight."""

from __future__ import annotations

import httpx2
import pytest
from tests.capture.conftest import (
    Anything,
    ask,
    chunk,
    client_of,
    completion,
    last_chunk,
    streamed,
)

import llmlog
from llmlog import Session, testing

IDS = ("session_id", "trace_id", "step", "span_id", "parent_span_id", "ts", "trace_name", "extra")


@pytest.fixture
def session(memory: testing.Memory, clock: testing.Clock) -> Session:
    return testing.session(memory, clock=clock, starts=True, tags={"tier": "free"})


def same_ids(start: dict[str, Anything], record: dict[str, Anything]) -> bool:
    return [start.get(name) for name in IDS] == [record.get(name) for name in IDS]


def test_a_call_is_announced_before_its_request_is_sent(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    seen = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        seen.extend(memory.records())
        clock.advance(70)
        return httpx2.Response(200, json=completion())

    trace = session.trace(name="refund-agent")
    with trace.span("plan"):
        ask(trace.wrap(client_of(answer)), max_tokens=9)
    (start,) = seen
    record = memory.records()[1]
    assert start["event"] == "start"
    assert (start["requested_model"], start["provider"]) == ("m", "api.openai.com")
    assert (start["max_tokens"], start["stream"]) == (9, False)
    assert (start["status"], start["latency_ms"]) == (None, None)
    assert (record["event"], record["latency_ms"]) == ("chat_completion", 70)
    assert record["parent_span_id"]
    assert same_ids(start, record)


def test_a_stream_is_announced_once(session: Session, memory: testing.Memory) -> None:
    client = session.wrap(client_of(streamed(chunk("hi"), last_chunk())))
    list(ask(client, stream=True))
    start, record = memory.records()
    assert (start["event"], start["stream"]) == ("start", True)
    assert same_ids(start, record)


def test_a_tool_is_announced_before_it_runs(session: Session, memory: testing.Memory) -> None:
    with session.trace().tool("look", {"q": 1}, tool_call_id="call_1", tags={"shard": 2}):
        (start,) = memory.records()
    assert (start["event"], start["tool_name"], start["tool_call_id"]) == (
        "start",
        "look",
        "call_1",
    )
    assert start["extra"] == {"tier": "free", "shard": 2}
    assert same_ids(start, memory.records()[1])


def test_a_span_is_not_announced(session: Session, memory: testing.Memory) -> None:
    with session.trace().span("plan"):
        assert memory.records() == []


def test_an_announcement_holds_no_content(memory: testing.Memory) -> None:
    session = testing.session(memory, starts=True, content="full")
    ask(session.wrap(client_of(httpx2.Response(200, json=completion()))))
    with session.trace().tool("look", {"q": 1}):
        pass
    for start in memory.records()[::2]:
        assert start["event"] == "start"
        assert not start.keys() & {"input", "output", "prefix_hashes"}


def test_a_call_that_fails_was_announced_too(session: Session, memory: testing.Memory) -> None:
    client = session.wrap(client_of(httpx2.Response(500, json={})))
    with pytest.raises(Exception, match="500"):
        ask(client)
    assert [record["event"] for record in memory.records()] == ["start", "chat_completion"]


def test_without_starts_nothing_is_announced(memory: testing.Memory) -> None:
    client = testing.session(memory).wrap(client_of(httpx2.Response(200, json=completion())))
    ask(client)
    assert [record["event"] for record in memory.records()] == ["chat_completion"]


def test_a_line_lost_at_the_start_does_not_lose_the_record() -> None:
    lines: list[bytes] = []

    def target(line: bytes) -> None:
        if b'"start"' in line:
            raise OSError
        lines.append(line)

    session = llmlog.session(target, starts=True)
    with pytest.warns(llmlog.CaptureWarning, match="OSError"):
        ask(session.wrap(client_of(httpx2.Response(200, json=completion()))))
    assert (len(lines), session.faults) == (1, 1)


def test_a_poll_for_a_response_in_the_background_is_no_beginning(
    session: Session, memory: testing.Memory
) -> None:
    answers = iter(
        [
            {"id": "resp_1", "object": "response", "status": "queued", "output": []},
            {"id": "resp_1", "object": "response", "status": "completed", "output": [{}]},
        ]
    )
    client = session.wrap(client_of(lambda _: httpx2.Response(200, json=next(answers))))
    client.responses.create(model="m", input="hi", background=True)
    client.responses.retrieve("resp_1")
    assert [record["event"] for record in memory.records()] == ["start", "response"]
