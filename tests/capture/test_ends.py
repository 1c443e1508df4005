"""Every way in which an application ends a call leaves one record with that end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from types import SimpleNamespace
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
from tests.capture.messages_api import (
    anthropic_client,
    async_anthropic_client,
    blocks_of,
    end,
    start,
    streamed_message,
    text,
)

if TYPE_CHECKING:
    from llmlog import Session, testing

CHAT: dict[str, Any] = {"model": "m", "messages": QUESTION}


MESSAGE: dict[str, Any] = {**CHAT, "max_tokens": 9}


def chat(_: httpx2.Request) -> httpx2.Response:
    return streamed(chunk("a"), chunk("b"), last_chunk())


def message(_: httpx2.Request) -> httpx2.Response:
    return streamed_message(start(), *text(0, "a", "b"), *end())


@pytest.fixture
def client(session: Session) -> Anything:
    """The resources of both SDKs' clients."""
    of_anthropic = session.wrap(anthropic_client(message))
    return SimpleNamespace(chat=session.wrap(client_of(chat)).chat, messages=of_anthropic.messages)


@pytest.fixture
def aclient(session: Session) -> Anything:
    """The resources of both SDKs' asynchronous clients."""
    of_openai = session.wrap(async_client_of(chat))
    of_anthropic = session.wrap(async_anthropic_client(message))
    return SimpleNamespace(chat=of_openai.chat, messages=of_anthropic.messages)


def ends(memory: testing.Memory) -> list[tuple[str, str]]:
    return [(record["status"], record["stream_end"]) for record in memory.records()]


def resource(client: Anything, way: str) -> tuple[Anything, dict[str, Any]]:
    """Return the resource of a way to open a stream, and the arguments of its call."""
    if way.startswith("message"):
        return client.messages, MESSAGE
    return client.chat.completions, CHAT


def open_stream(client: Anything, way: str) -> Anything:
    create, asked = resource(client, way)
    if way.endswith("chunks"):
        return create.create(stream=True, **asked)
    if way.endswith("helper"):
        return create.stream(**asked).__enter__()
    return create.with_raw_response.create(stream=True, **asked).parse()


async def aopen_stream(client: Anything, way: str) -> Anything:
    create, asked = resource(client, way)
    if way.endswith("chunks"):
        return await create.create(stream=True, **asked)
    if way.endswith("helper"):
        return await create.stream(**asked).__aenter__()
    parsed = (await create.with_raw_response.create(stream=True, **asked)).parse()
    return await parsed if way.startswith("message") else parsed


ways = pytest.mark.parametrize(
    "way", ["chunks", "helper", "raw", "message chunks", "message helper", "message raw"]
)


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
    client: Any
    if way.startswith("message"):
        body = b"".join(blocks_of(start(), *text(0, "a"), *end()))
        client = session.wrap(anthropic_client(httpx2.Response(200, content=body)))
    else:
        body = b"".join(events(chunk("a"), last_chunk()))
        client = session.wrap(client_of(httpx2.Response(200, content=body)))
    stream = open_stream(client, way)
    next(iter(stream))
    stream.close()
    assert ends(memory) == [("ok", "closed")]


@pytest.mark.parametrize("way", ["chunks", "raw", "message chunks", "message raw"])
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


@pytest.mark.parametrize("way", ["chunks", "message chunks"])
async def test_dropped_while_read_async(
    aclient: Anything, memory: testing.Memory, way: str
) -> None:
    async for _ in await aopen_stream(aclient, way):
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

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.reached = asyncio.Event()

    async def __aiter__(self) -> Any:  # noqa: ANN401
        yield self._first
        self.reached.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("way", ["chunks", "message chunks", "message helper"])
async def test_cancelled_in_the_middle_of_a_stream(
    session: Session, memory: testing.Memory, way: str
) -> None:
    is_message = way.startswith("message")
    body = Forever(blocks_of(start())[0] if is_message else events(chunk("a"))[0])
    make: Any = async_anthropic_client if is_message else async_client_of
    client: Any = session.wrap(make(httpx2.Response(200, stream=body)))

    async def read() -> None:
        async for _ in await aopen_stream(client, way):
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
