"""Every way in which an application ends a call leaves one record with that end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.capture.conftest import (
    QUESTION,
    Anything,
    Blocks,
    async_client_of,
    chunk,
    client_of,
    events,
    last_chunk,
    streamed,
)

if TYPE_CHECKING:
    from llmlog import Session, testing

CHAT: dict[str, Any] = {"model": "m", "messages": QUESTION}


@pytest.fixture
def client(session: Session) -> Anything:
    return session.wrap(client_of(lambda _: streamed(chunk("a"), chunk("b"), last_chunk())))


@pytest.fixture
def aclient(session: Session) -> Anything:
    return session.wrap(async_client_of(lambda _: streamed(chunk("a"), chunk("b"), last_chunk())))


def ends(memory: testing.Memory) -> list[tuple[str, str]]:
    return [(record["status"], record["stream_end"]) for record in memory.records()]


def open_stream(client: Anything, way: str) -> Anything:
    create = client.chat.completions
    if way == "chunks":
        return create.create(stream=True, **CHAT)
    if way == "helper":
        return create.stream(**CHAT).__enter__()
    return create.with_raw_response.create(stream=True, **CHAT).parse()


async def aopen_stream(client: Anything, way: str) -> Anything:
    create = client.chat.completions
    if way == "chunks":
        return await create.create(stream=True, **CHAT)
    if way == "helper":
        return await create.stream(**CHAT).__aenter__()
    return (await create.with_raw_response.create(stream=True, **CHAT)).parse()


ways = pytest.mark.parametrize("way", ["chunks", "helper", "raw"])


@ways
def test_closed(client: Anything, memory: testing.Memory, way: str) -> None:
    stream = open_stream(client, way)
    next(iter(stream))
    stream.close()
    stream.close()
    assert ends(memory) == [("ok", "closed")]


@ways
async def test_closed_async(aclient: Anything, memory: testing.Memory, way: str) -> None:
    stream = await aopen_stream(aclient, way)
    await anext(stream)
    await stream.close()
    await stream.close()
    assert ends(memory) == [("ok", "closed")]


@ways
def test_closed_without_reading(client: Anything, memory: testing.Memory, way: str) -> None:
    open_stream(client, way).close()
    assert ends(memory) == [("ok", "closed")]


@ways
def test_closed_after_a_body_that_came_at_once(
    session: Session, memory: testing.Memory, way: str
) -> None:
    body = b"".join(events(chunk("a"), last_chunk()))
    stream = open_stream(session.wrap(client_of(httpx2.Response(200, content=body))), way)
    next(iter(stream))
    stream.close()
    assert ends(memory) == [("ok", "closed")]


@pytest.mark.parametrize("way", ["chunks", "raw"])
def test_closed_by_its_response(client: Anything, memory: testing.Memory, way: str) -> None:
    stream = open_stream(client, way)
    next(stream)
    stream.response.close()
    assert ends(memory) == [("ok", "closed")]


@ways
def test_left_by_an_exception_of_the_application(
    client: Anything, memory: testing.Memory, way: str
) -> None:
    def leave() -> None:
        with open_stream(client, way) as stream:
            for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave()
    assert ends(memory) == [("ok", "closed")]


@ways
async def test_left_by_an_exception_of_the_application_async(
    aclient: Anything, memory: testing.Memory, way: str
) -> None:
    async def leave() -> None:
        async with await aopen_stream(aclient, way) as stream:
            async for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave()
    assert ends(memory) == [("ok", "closed")]


@ways
def test_resumed_after_a_break(client: Anything, memory: testing.Memory, way: str) -> None:
    stream = open_stream(client, way)
    for _ in stream:
        break
    assert ends(memory) == []
    for _ in stream:
        pass
    assert ends(memory) == [("ok", "complete")]


@ways
async def test_resumed_after_a_break_async(
    aclient: Anything, memory: testing.Memory, way: str
) -> None:
    stream = await aopen_stream(aclient, way)
    async for _ in stream:
        break
    assert ends(memory) == []
    async for _ in stream:
        pass
    assert ends(memory) == [("ok", "complete")]


@ways
@pytest.mark.parametrize("read", [0, 1])
def test_dropped(client: Anything, memory: testing.Memory, way: str, read: int) -> None:
    stream = open_stream(client, way)
    for _ in range(read):
        next(stream)
    del stream
    gc.collect()
    assert ends(memory) == [("ok", "abandoned")]


@ways
async def test_never_read_async(aclient: Anything, memory: testing.Memory, way: str) -> None:
    await aopen_stream(aclient, way)
    gc.collect()
    assert ends(memory) == [("ok", "abandoned")]


async def test_dropped_while_read_async(aclient: Anything, memory: testing.Memory) -> None:
    async for _ in await aopen_stream(aclient, "chunks"):
        break
    while not memory.lines:
        gc.collect()
        await asyncio.sleep(0)
    assert ends(memory) == [("ok", "abandoned")]


def test_a_raw_response_whose_stream_is_never_parsed_is_abandoned(
    client: Anything, memory: testing.Memory
) -> None:
    client.chat.completions.with_raw_response.create(stream=True, **CHAT)
    gc.collect()
    assert ends(memory) == [("ok", "abandoned")]


def test_lines_of_a_streaming_response_left_early(client: Anything, memory: testing.Memory) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(stream=True, **CHAT) as response:
        next(response.iter_lines())
    assert ends(memory) == [("ok", "closed")]
    assert memory.records()[0]["id"] == "chatcmpl-1"


def test_a_streaming_response_left_unread(client: Anything, memory: testing.Memory) -> None:
    with client.chat.completions.with_streaming_response.create(**CHAT):
        pass
    (record,) = memory.records()
    assert (record["status"], record["stream_end"], record["model"]) == ("ok", None, None)


def test_interrupted_while_waiting_for_the_answer(session: Session, memory: testing.Memory) -> None:
    def interrupt(_: httpx2.Request) -> httpx2.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.wrap(client_of(interrupt)).chat.completions.create(**CHAT)
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "KeyboardInterrupt")


def test_interrupted_in_the_middle_of_a_stream(session: Session, memory: testing.Memory) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    client = session.wrap(client_of(streamed(chunk("a"), interrupt)))
    stream = client.chat.completions.create(stream=True, **CHAT)
    with pytest.raises(KeyboardInterrupt):
        list(stream)
    assert ends(memory) == [("error", "error")]


class Forever(httpx2.AsyncByteStream):
    """One chunk, then silence; `reached` is set once a reader waits for the second."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __aiter__(self) -> Any:  # noqa: ANN401
        yield events(chunk("a"))[0]
        self.reached.set()
        await asyncio.Event().wait()


async def test_cancelled_in_the_middle_of_a_stream(
    session: Session, memory: testing.Memory
) -> None:
    body = Forever()
    client: Any = session.wrap(async_client_of(httpx2.Response(200, stream=body)))

    async def read() -> None:
        async for _ in await client.chat.completions.create(stream=True, **CHAT):
            pass

    task = asyncio.create_task(read())
    await body.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends(memory) == [("error", "cancelled")]
    assert memory.records()[0]["error_type"] == "CancelledError"


@pytest.mark.parametrize("stream", [False, True])
async def test_cancelled_while_waiting_for_the_answer(
    session: Session, memory: testing.Memory, *, stream: bool
) -> None:
    reached = asyncio.Event()

    async def hang(_: httpx2.Request) -> httpx2.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    client: Any = session.wrap(async_client_of(hang))
    task = asyncio.create_task(client.chat.completions.create(stream=stream, **CHAT))
    await reached.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "CancelledError")
    assert record["stream_end"] == ("cancelled" if stream else None)


def test_a_body_that_arrives_in_odd_pieces_is_read_the_same(
    session: Session, memory: testing.Memory
) -> None:
    whole = b"".join(events(chunk("a"), last_chunk())).replace(b"\n", b"\r\n")
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    client: Any = session.wrap(client_of(httpx2.Response(200, stream=Blocks(*pieces))))
    with client.chat.completions.with_streaming_response.create(stream=True, **CHAT) as response:
        response.read()
    (record,) = memory.records()
    assert (record["stream_end"], record["finish_reason"]) == ("complete", "stop")
