"""Every record has ids and a step, and they are never guessed."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.capture.conftest import QUESTION, Anything, async_client_of, client_of, completion

import llmlog
from llmlog import Session, testing

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import openai


@pytest.fixture
def client(session: Session) -> openai.OpenAI:
    return session.wrap(client_of(lambda _: httpx2.Response(200, json=completion())))


def ask(client: openai.OpenAI) -> Anything:
    return client.chat.completions.create(model="m", messages=QUESTION)


def test_calls_under_a_trace_count_their_steps_from_zero(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    with session.trace() as trace:
        for _ in range(3):
            ask(client)
    assert [r["step"] for r in memory.records()] == [0, 1, 2]
    assert {r["trace_id"] for r in memory.records()} == {trace.trace_id}
    assert {r["session_id"] for r in memory.records()} == {session.session_id}


def test_a_call_under_no_trace_is_a_trace_of_its_own(
    client: openai.OpenAI, memory: testing.Memory
) -> None:
    ask(client)
    ask(client)
    first, second = memory.records()
    assert (first["step"], second["step"]) == (0, 0)
    assert first["trace_id"] != second["trace_id"]


def test_a_trace_can_be_continued_where_it_was_left(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    with session.trace("run-1", first_step=7):
        ask(client)
    (record,) = memory.records()
    assert (record["trace_id"], record["step"]) == ("run-1", 7)


def test_a_bound_client_wins_over_the_trace_around_it(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    bound = session.trace("bound").wrap(client)
    with session.trace("around"):
        ask(bound)
        ask(client)
    assert [r["trace_id"] for r in memory.records()] == ["bound", "around"]


def test_default_ids_are_eight_hex_digits_and_spans_sixteen(memory: testing.Memory) -> None:
    session = llmlog.session(memory)
    with session.trace() as trace, trace.span("plan"):
        pass
    (record,) = memory.records()
    assert re.fullmatch("[0-9a-f]{8}", record["session_id"])
    assert re.fullmatch("[0-9a-f]{8}", record["trace_id"])
    assert re.fullmatch("[0-9a-f]{16}", record["span_id"])


@pytest.mark.parametrize("bad", ["", 7])
def test_an_id_cannot_be_empty_or_of_another_type(memory: testing.Memory, bad: Anything) -> None:
    with pytest.raises(ValueError, match="session_id"):
        llmlog.session(memory, bad)
    with pytest.raises(ValueError, match="trace_id"):
        llmlog.session(memory).trace(bad)


def test_records_written_inside_a_span_have_it_as_their_parent(
    session: Session, client: openai.OpenAI, memory: testing.Memory, clock: testing.Clock
) -> None:
    with session.trace() as trace:
        with trace.span("plan"):
            ask(client)
            clock.advance(40)
        ask(client)
    inner, span, outer = memory.records()
    assert (span["event"], span["name"]) == ("span", "plan")
    assert (span["step"], inner["step"], outer["step"]) == (0, 1, 2)
    assert inner["parent_span_id"] == span["span_id"]
    assert span["parent_span_id"] is None
    assert outer["parent_span_id"] is None
    assert span["latency_ms"] == 40


def test_tags_are_in_every_record(memory: testing.Memory) -> None:
    session = testing.session(memory, tags={"user_tier": "free"})
    session.trace().record(event="embedding")
    assert memory.records()[0]["extra"] == {"user_tier": "free"}


def test_another_sdk_can_be_recorded_with_the_same_checks(
    session: Session, memory: testing.Memory, clock: testing.Clock
) -> None:
    trace = session.trace("run-1")
    clock.advance(1500)
    trace.record(event="chat_completion", model="other-1", latency_ms=12)
    with pytest.raises(ValueError, match="no such field: colour"):
        trace.record(event="chat_completion", colour="red")
    with pytest.raises(ValueError, match="the trace itself sets step"):
        trace.record(event="chat_completion", step=9)
    (record,) = memory.records()
    assert (record["model"], record["latency_ms"], record["step"]) == ("other-1", 12, 0)
    assert record["ts"] == "2026-01-01T00:00:01.500000Z"


def test_tasks_keep_their_own_trace_across_awaits(session: Session, memory: testing.Memory) -> None:
    async def run() -> None:
        client = session.wrap(async_client_of(lambda _: httpx2.Response(200, json=completion())))

        async def agent(name: str) -> None:
            with session.trace(name):
                for _ in range(3):
                    await client.chat.completions.create(model="m", messages=QUESTION)

        await asyncio.gather(*(agent(f"run-{n}") for n in range(5)))

    asyncio.run(run())
    for name in (f"run-{n}" for n in range(5)):
        steps = [r["step"] for r in memory.records() if r["trace_id"] == name]
        assert steps == [0, 1, 2]


def test_steps_are_unique_when_threads_share_a_bound_client(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    bound = session.trace("run-1").wrap(client)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(bound), range(64)))
    assert sorted(r["step"] for r in memory.records()) == list(range(64))


def test_a_thread_under_a_trace_without_binding_is_warned_about_once(
    memory: testing.Memory,
) -> None:
    session = llmlog.session(memory)
    client = session.wrap(client_of(lambda _: httpx2.Response(200, json=completion())))

    def in_thread() -> None:
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        thread.join()

    with session.trace() as trace:
        with pytest.warns(llmlog.CaptureWarning, match="trace.wrap"):
            in_thread()
        in_thread()
    assert trace.trace_id not in {r["trace_id"] for r in memory.records()}


def test_a_trace_held_across_a_yield_and_left_elsewhere_does_no_harm(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    def generator() -> Generator[int]:
        with session.trace("inside"):
            yield 1

    steps = generator()
    thread = threading.Thread(target=next, args=(steps,))
    thread.start()
    thread.join()
    steps.close()
    ask(client)
    assert memory.records()[0]["trace_id"] != "inside"


def test_two_sessions_do_not_take_each_others_trace(
    session: Session, client: openai.OpenAI, memory: testing.Memory
) -> None:
    other = testing.session(testing.Memory())
    with session.trace("mine"), other.trace("theirs"):
        ask(client)
    assert memory.records()[0]["trace_id"] == "mine"


def test_grep_for_a_trace_id_returns_the_run_in_step_order(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "calls.jsonl"
    session = llmlog.session(path)
    client = session.wrap(client_of(lambda _: httpx2.Response(200, json=completion())))
    for name in ("7c1d4e8a", "other"):
        with session.trace(name) as trace:
            ask(client)
            with trace.tool("look"):
                pass
            ask(client)
    needle = '"trace_id": "7c1d4e8a"'
    lines = [line for line in path.read_text().splitlines() if needle in line]
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2]


def test_the_systems_clock_is_the_default(memory: testing.Memory) -> None:
    before = time.time()
    llmlog.session(memory).trace().record(event="embedding")
    moment = datetime.fromisoformat(memory.records()[0]["ts"]).timestamp()
    assert before - 0.001 <= moment <= time.time()


@pytest.mark.parametrize("step", [-1, True, 1.5, "0", None])
def test_a_step_is_an_integer_from_zero(session: Session, step: Anything) -> None:
    with pytest.raises(ValueError, match="integers from 0"):
        session.trace("run-1", first_step=step)
