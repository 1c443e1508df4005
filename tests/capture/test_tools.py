"""Tool executions are recorded like model calls, with the requesting call as parent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.capture.conftest import QUESTION, Anything, client_of, completion

import llmlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmlog import Session, testing


def test_a_tool_execution_is_timed_and_takes_a_step(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    with session.trace("run-1") as trace, trace.tool("look", {"q": 1}) as run:
        clock.advance(30)
        run.result = "found"
    (record,) = memory.records()
    assert record["event"] == "tool_call"
    assert (record["tool_name"], record["tool_call_id"]) == ("look", None)
    assert (record["trace_id"], record["step"], record["latency_ms"]) == ("run-1", 0, 30)
    assert record["status"] == "ok"


def test_a_tool_that_fails_is_an_error_and_its_exception_propagates(
    session: Session, memory: testing.Memory
) -> None:
    with session.trace() as trace, pytest.raises(KeyError), trace.tool("look"):
        raise KeyError("secret")
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "KeyError")
    assert b"secret" not in memory.lines[0]


def test_a_decorated_function_is_recorded_each_time_it_runs(
    session: Session, memory: testing.Memory
) -> None:
    trace = session.trace()

    @trace.tool
    def look(query: str, *, deep: bool = False) -> str:
        """Look it up."""
        return query + ("!" if deep else "")

    assert (look("a"), look("b", deep=True)) == ("a", "b!")
    assert look.__doc__ == "Look it up."
    assert [r["tool_name"] for r in memory.records()] == ["look", "look"]
    assert [r["step"] for r in memory.records()] == [0, 1]


def test_a_decorated_coroutine_function_is_recorded_when_it_has_run(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    trace = session.trace()

    @trace.tool
    async def look(query: str) -> str:
        await asyncio.sleep(0)
        clock.advance(20)
        return query

    assert asyncio.run(look("a")) == "a"
    assert [r["latency_ms"] for r in memory.records()] == [20]


def test_a_generator_cannot_be_a_tool(session: Session) -> None:
    def look() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="look is a generator"):
        session.trace().tool(look)


def test_a_tool_a_model_asked_for_has_that_call_as_its_parent(
    session: Session, memory: testing.Memory
) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "tool_calls": [call]}
    asks = completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    with session.trace() as trace:
        client = session.wrap(client_of(httpx2.Response(200, json=asks)))
        client.chat.completions.create(model="m", messages=QUESTION)
        with trace.span("act"):
            for tool_call_id in ("call_1", "call_2", None):
                with trace.tool("look", tool_call_id=tool_call_id):
                    pass
    model, known, unknown, without, span = memory.records()
    assert known["parent_span_id"] == model["span_id"]
    assert unknown["parent_span_id"] == span["span_id"]
    assert without["parent_span_id"] == span["span_id"]


def test_calls_made_inside_a_tool_have_it_as_their_parent(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(httpx2.Response(200, json=completion())))
    with session.trace() as trace, trace.tool("summarise"):
        client.chat.completions.create(model="m", messages=QUESTION)
    model, tool = memory.records()
    assert model["parent_span_id"] == tool["span_id"]


@pytest.mark.parametrize("content", ["none", "full"])
def test_a_tool_that_does_not_take_its_arguments_is_recorded_as_failed(
    memory: testing.Memory, content: Anything
) -> None:
    trace = llmlog.session(memory, content=content).trace()

    @trace.tool
    def look(query: str) -> str:
        return query

    with pytest.raises(TypeError):
        look(city="Bern")  # type: ignore[call-arg]
    (record,) = memory.records()
    assert (record["tool_name"], record["error_type"]) == ("look", "TypeError")


def test_a_tool_without_a_signature_is_recorded_with_its_arguments(
    memory: testing.Memory,
) -> None:
    trace = llmlog.session(memory, content="full").trace()
    assert trace.tool(dict)(city="Bern") == {"city": "Bern"}
    assert memory.records()[0]["input"] == {"args": [], "kwargs": {"city": "Bern"}}


async def test_an_object_with_an_asynchronous_call_is_recorded_when_it_has_run(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    class Look:
        async def __call__(self) -> str:
            clock.advance(30)
            raise LookupError

    with pytest.raises(LookupError):
        await session.trace().tool(Look())()
    (record,) = memory.records()
    assert (record["latency_ms"], record["error_type"]) == (30, "LookupError")


def test_a_generator_that_is_closed_inside_a_span_or_tool_has_not_failed(
    session: Session, memory: testing.Memory
) -> None:
    def generate() -> Iterator[int]:
        with session.trace() as trace, trace.span("plan"), trace.tool("look"):
            yield 1

    generator = generate()
    next(generator)
    generator.close()  # type: ignore[attr-defined]
    assert [record["status"] for record in memory.records()] == ["ok", "ok"]
