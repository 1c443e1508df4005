"""A trace or span ends in the context it was entered in, and captures no foreign calls."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.capture.conftest import QUESTION, Anything, async_client_of, client_of, completion

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from llmlog import Session, Trace, testing


@pytest.fixture
def client(session: Session) -> Anything:
    return session.wrap(client_of(lambda _: httpx2.Response(200, json=completion())))


@pytest.fixture
def aclient(session: Session) -> Anything:
    return session.wrap(async_client_of(lambda _: httpx2.Response(200, json=completion())))


def ask(client: Anything) -> Anything:
    return client.chat.completions.create(model="m", messages=QUESTION)


def traces(memory: testing.Memory) -> list[str]:
    return [r["trace_id"] for r in memory.records() if r["event"] == "chat_completion"]


def within(trace: Trace) -> Generator[None]:
    with trace:
        yield


def within_span(trace: Trace) -> Generator[None]:
    with trace.span("plan"):
        yield


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
def test_threads_that_enter_one_trace_each_leave_it(
    session: Session, client: Anything, memory: testing.Memory
) -> None:
    trace, both = session.trace("run-1"), threading.Barrier(2)
    first_has_left = threading.Event()

    def enter_and_leave(number: int) -> None:
        with trace:
            both.wait()
            if number:
                first_has_left.wait()
        first_has_left.set()

    def ask_both(_: int) -> None:
        both.wait()
        ask(client)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(enter_and_leave, range(2)))
        list(pool.map(ask_both, range(2)))
    outside = traces(memory)
    assert len(outside) == 2
    assert "run-1" not in outside


async def test_tasks_that_enter_one_trace_each_leave_it(
    session: Session, aclient: Anything, memory: testing.Memory
) -> None:
    trace, first_has_left = session.trace("run-1"), asyncio.Event()

    async def enter_and_leave(*, first: bool) -> None:
        with trace:
            await (asyncio.sleep(0) if first else first_has_left.wait())
        first_has_left.set()
        await ask(aclient)

    await asyncio.gather(enter_and_leave(first=True), enter_and_leave(first=False))
    outside = traces(memory)
    assert len(outside) == 2
    assert "run-1" not in outside


def test_a_trace_left_by_a_generator_in_another_thread_has_ended_in_its_first_thread(
    session: Session, client: Anything, memory: testing.Memory
) -> None:
    with ThreadPoolExecutor(1) as pool:
        generator = within(session.trace("run-1"))
        pool.submit(next, generator).result()
        generator.close()
        pool.submit(ask, client).result()
    (outside,) = traces(memory)
    assert outside != "run-1"


async def test_a_trace_left_by_a_generator_in_another_task_has_ended_in_its_first_task(
    session: Session, aclient: Anything, memory: testing.Memory
) -> None:
    async def generate() -> AsyncGenerator[None]:
        with session.trace("run-1"):
            yield

    generator = generate()
    await anext(generator)
    await asyncio.create_task(generator.aclose())
    await ask(aclient)
    (outside,) = traces(memory)
    assert outside != "run-1"


async def test_closing_a_generator_in_another_task_ends_the_trace_in_its_first_task_only(
    session: Session, aclient: Anything, memory: testing.Memory
) -> None:
    trace, inside, first_has_left = session.trace("run-1"), asyncio.Event(), asyncio.Event()

    async def generate() -> AsyncGenerator[None]:
        with trace:
            yield

    async def first() -> None:
        with trace:
            generator = generate()
            await anext(generator)
            await asyncio.create_task(generator.aclose())
            await inside.wait()
        await ask(aclient)
        first_has_left.set()

    async def second() -> None:
        with trace:
            inside.set()
            await first_has_left.wait()
            await ask(aclient)

    await asyncio.gather(first(), second())
    outside, within_second = traces(memory)
    assert outside != "run-1"
    assert within_second == "run-1"


def test_a_span_that_a_generator_still_holds_does_not_keep_its_trace_open(
    session: Session, client: Anything, memory: testing.Memory
) -> None:
    with session.trace("run-1") as trace:
        generator = within_span(trace)
        next(generator)
    ask(client)
    generator.close()
    ask(client)
    outside = traces(memory)
    assert len(outside) == 2
    assert "run-1" not in outside


def test_generators_that_take_turns_leave_nothing_open(
    session: Session, client: Anything, memory: testing.Memory
) -> None:
    first, second = within(session.trace("run-1")), within(session.trace("run-2"))
    for generator in (first, second):
        next(generator)
    for generator in (first, second):
        generator.close()
    ask(client)
    (outside,) = traces(memory)
    assert outside not in ("run-1", "run-2")


async def test_a_task_that_outlives_its_trace_still_belongs_to_it(
    session: Session, aclient: Anything, memory: testing.Memory
) -> None:
    left = asyncio.Event()

    async def later() -> None:
        await left.wait()
        await ask(aclient)

    with session.trace("run-1"):
        task = asyncio.create_task(later())
    left.set()
    await task
    assert traces(memory) == ["run-1"]


def test_a_trace_entered_inside_itself_ends_when_it_is_left_twice(
    session: Session, client: Anything, memory: testing.Memory
) -> None:
    trace = session.trace("run-1")
    with trace:
        with trace:
            ask(client)
        ask(client)
    ask(client)
    inside, still_inside, outside = traces(memory)
    assert (inside, still_inside) == ("run-1", "run-1")
    assert outside != "run-1"
