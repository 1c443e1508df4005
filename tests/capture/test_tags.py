"""Tags of a session, a trace, a client, a call and a tool meet in `extra`; none is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.capture.conftest import (
    Anything,
    ask,
    async_client_of,
    chunk,
    client_of,
    completion,
    last_chunk,
    streamed,
)

import llmlog
from llmlog import Session, testing

if TYPE_CHECKING:
    import openai

API_KEY = "sk-proj-" + "a1B2" * 8


@pytest.fixture
def session(memory: testing.Memory) -> Session:
    return testing.session(memory, tags={"tier": "free", "layer": "session"})


@pytest.fixture
def bare() -> openai.OpenAI:
    return client_of(lambda _: httpx2.Response(200, json=completion()))


def extras(memory: testing.Memory) -> list[Anything]:
    return [record.get("extra") for record in memory.records()]


def test_a_trace_has_a_name_in_each_of_its_records(
    session: Session, memory: testing.Memory, bare: openai.OpenAI
) -> None:
    with session.trace(name="refund-agent") as trace:
        ask(session.wrap(bare))
        with trace.tool("look"), trace.span("plan"):
            pass
        trace.record(event="embedding")
    ask(session.wrap(bare))
    names = [record.get("trace_name") for record in memory.records()]
    assert names == ["refund-agent"] * 4 + [None]


def test_a_record_may_bring_a_name_of_its_own(session: Session, memory: testing.Memory) -> None:
    session.trace(name="refund-agent").record(event="embedding", trace_name="index")
    assert memory.records()[0]["trace_name"] == "index"


@pytest.mark.parametrize("name", [None, ""])
def test_a_trace_without_a_name_has_no_such_field(
    session: Session, memory: testing.Memory, name: str | None
) -> None:
    session.trace(name=name).record(event="embedding")
    assert b"trace_name" not in memory.lines[0]


def test_the_innermost_tags_count_and_the_others_are_kept(
    session: Session, memory: testing.Memory, bare: openai.OpenAI
) -> None:
    with session.trace(tags={"layer": "trace", "run": 7}) as trace:
        client = session.wrap(bare, tags={"layer": "client", "model_route": "a"})
        ask(client)
        with trace.tagged(layer="call", prompt_version="v3"):
            ask(client)
            with trace.tool("look", tags={"layer": "tool", "shard": 2}):
                pass
        ask(client)
    of_client = {"tier": "free", "layer": "client", "run": 7, "model_route": "a"}
    of_call = of_client | {"layer": "call", "prompt_version": "v3"}
    of_tool = {"tier": "free", "layer": "tool", "run": 7, "prompt_version": "v3", "shard": 2}
    assert extras(memory) == [of_client, of_call, of_tool, of_client]


def test_tags_inside_tags_add_up(session: Session, memory: testing.Memory) -> None:
    trace = session.trace()
    with trace.tagged({"user-id": 1}, layer="outer"), trace.tagged(layer="inner"):
        trace.record(event="embedding", extra={"rows": 3})
    expected = {"tier": "free", "layer": "inner", "user-id": 1, "rows": 3}
    assert extras(memory) == [expected]


def test_the_tags_of_one_trace_are_not_those_of_another(
    session: Session, memory: testing.Memory
) -> None:
    with session.trace().tagged(layer="one"):
        session.trace().record(event="embedding")
    assert extras(memory) == [{"tier": "free", "layer": "session"}]


def test_a_bound_client_has_its_traces_tags_in_any_thread(
    session: Session, memory: testing.Memory, bare: openai.OpenAI
) -> None:
    client = session.trace(tags={"run": 7}).wrap(bare, tags={"worker": "w1"})
    thread = threading.Thread(target=ask, args=(client,))
    thread.start()
    thread.join()
    assert extras(memory) == [{"tier": "free", "layer": "session", "run": 7, "worker": "w1"}]


def test_a_copy_of_a_client_keeps_its_tags(memory: testing.Memory, bare: openai.OpenAI) -> None:
    client = testing.session(memory).wrap(bare, tags={"worker": "w1"})
    ask(client.with_options(timeout=3))
    assert extras(memory) == [{"worker": "w1"}]


def test_a_stream_has_the_tags_of_its_beginning(memory: testing.Memory) -> None:
    trace = testing.session(memory).trace()
    client = trace.wrap(client_of(streamed(chunk("hi"), last_chunk())))
    with trace.tagged(prompt_version="v3"):
        stream = ask(client, stream=True)
    with trace.tagged(prompt_version="v4"):
        list(stream)
    assert extras(memory) == [{"prompt_version": "v3"}]


async def test_an_asynchronous_call_has_the_tags_around_it(memory: testing.Memory) -> None:
    trace = testing.session(memory).trace()
    client = trace.wrap(async_client_of(httpx2.Response(200, json=completion())))
    with trace.tagged(prompt_version="v3"):
        await client.chat.completions.create(model="m", messages=[])
    assert extras(memory) == [{"prompt_version": "v3"}]


def test_tags_change_nothing_in_a_request(session: Session) -> None:
    bodies = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append((request.content, sorted(request.headers.items())))
        return httpx2.Response(200, json=completion())

    bare = client_of(answer)
    ask(bare)
    trace = session.trace(name="refund-agent", tags={"run": 7})
    with trace.tagged(prompt_version="v3"):
        ask(trace.wrap(bare, tags={"worker": "w1"}))
    assert bodies[0] == bodies[1]


def test_a_tool_can_be_tagged_until_it_ends(session: Session, memory: testing.Memory) -> None:
    with session.trace().tool("look", tags={"shard": 2}) as run:
        run.tags["hits"] = 3
    assert extras(memory) == [{"tier": "free", "layer": "session", "shard": 2, "hits": 3}]


def test_a_function_is_a_tool_with_tags(session: Session, memory: testing.Memory) -> None:
    def look() -> str:
        return "found"

    assert session.trace().tool(look, tags={"shard": 2})() == "found"
    assert extras(memory) == [{"tier": "free", "layer": "session", "shard": 2}]


def test_a_span_has_its_own_tags(session: Session, memory: testing.Memory) -> None:
    with session.trace().span("plan", tags={"depth": 1}):
        pass
    assert extras(memory)[0]["depth"] == 1


def test_tags_are_as_they_were_when_given(memory: testing.Memory) -> None:
    tags: dict[str, Anything] = {"nested": {"a": 1}}
    trace = testing.session(memory).trace(tags=tags)
    tags["nested"]["a"] = 2
    trace.record(event="embedding")
    assert extras(memory) == [{"nested": {"a": 1}}]


def test_no_secret_is_written_with_tags_or_a_name(memory: testing.Memory) -> None:
    trace = testing.session(memory).trace(name=f"run {API_KEY}", tags={"a": API_KEY})
    with trace.tagged(b=API_KEY), trace.tool("look", tags={"c": API_KEY}):
        trace.record(event="embedding", extra={"d": API_KEY})
    assert API_KEY.encode() not in b"".join(memory.lines)
    assert extras(memory)[0]["d"].startswith("[redacted:")


def test_personal_data_in_tags_and_names_is_redacted_as_content_is(
    memory: testing.Memory,
) -> None:
    for policy in ("none", "hash", "full", "redacted"):
        session = llmlog.session(memory, content=policy)
        trace = session.trace(name="run for bob@example.com", tags={"mail": "bob@example.com"})
        trace.record(event="embedding")
    *as_given, redacted = memory.records()
    assert [each["extra"]["mail"] for each in as_given] == ["bob@example.com"] * 3
    assert redacted["extra"] == {"mail": "[redacted:email]"}
    assert redacted["trace_name"] == "run for [redacted:email]"


def test_tags_that_are_no_mapping_are_a_fault_and_not_an_exception(
    memory: testing.Memory, bare: openai.OpenAI
) -> None:
    session = llmlog.session(memory)
    wrong: Anything = 5
    with pytest.warns(llmlog.CaptureWarning, match="TypeError"):
        ask(session.trace(tags=wrong).wrap(bare))
    assert session.faults == 1
    assert extras(memory) == [None]


def test_the_extra_of_a_record_is_a_mapping(session: Session) -> None:
    with pytest.raises(ValueError, match="extra is a mapping of tags, not 5"):
        session.trace().record(event="embedding", extra=5)


def test_a_record_without_tags_has_no_extra(memory: testing.Memory) -> None:
    trace = testing.session(memory).trace()
    with trace.tool("look"):
        trace.record(event="embedding", extra={})
    assert extras(memory) == [None, None]
