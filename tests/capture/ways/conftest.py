"""The ways in which applications make a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pydantic
from tests.capture.conftest import QUESTION, Anything

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class City(pydantic.BaseModel):
    name: str


class Way(NamedTuple):
    """One way to make a call, for both clients."""

    name: str
    event: str
    stream: bool
    call: Callable[[Anything], object]
    acall: Callable[[Anything], Awaitable[object]]
    sdk: str = "openai"


CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": QUESTION}
RESPONSE: dict[str, Any] = {"model": "gpt-4o", "input": "Say hi."}
MESSAGE: dict[str, Any] = {"model": "claude-opus-4-1", "max_tokens": 64, "messages": QUESTION}
EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "hi"}


def chat_streaming_parsed(client: Anything) -> object:
    with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        return response.parse()


async def achat_streaming_parsed(client: Anything) -> object:
    async with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        return await response.parse()


def chat_streaming_lines(client: Anything) -> object:
    create = client.chat.completions.with_streaming_response.create
    with create(stream=True, **CHAT) as response:
        return [line.startswith("data:") for line in response.iter_lines()]


async def achat_streaming_lines(client: Anything) -> object:
    create = client.chat.completions.with_streaming_response.create
    async with create(stream=True, **CHAT) as response:
        return [line.startswith("data:") async for line in response.iter_lines()]


def chat_streaming_chunks(client: Anything) -> object:
    create = client.chat.completions.with_streaming_response.create
    with create(stream=True, **CHAT) as response:
        return list(response.parse())


async def achat_streaming_chunks(client: Anything) -> object:
    create = client.chat.completions.with_streaming_response.create
    async with create(stream=True, **CHAT) as response:
        return [chunk async for chunk in await response.parse()]


def chat_helper(client: Anything) -> object:
    with client.chat.completions.stream(**CHAT) as stream:
        return [event.type for event in stream]


async def achat_helper(client: Anything) -> object:
    async with client.chat.completions.stream(**CHAT) as stream:
        return [event.type async for event in stream]


def response_helper(client: Anything) -> object:
    with client.responses.stream(**RESPONSE) as stream:
        return [event.type for event in stream]


async def aresponse_helper(client: Anything) -> object:
    async with client.responses.stream(**RESPONSE) as stream:
        return [event.type async for event in stream]


def message_streaming_parsed(client: Anything) -> object:
    with client.messages.with_streaming_response.create(**MESSAGE) as response:
        return response.parse()


async def amessage_streaming_parsed(client: Anything) -> object:
    async with client.messages.with_streaming_response.create(**MESSAGE) as response:
        return await response.parse()


def message_streaming_lines(client: Anything) -> object:
    with client.messages.with_streaming_response.create(stream=True, **MESSAGE) as response:
        return [line.startswith("event:") for line in response.iter_lines()]


async def amessage_streaming_lines(client: Anything) -> object:
    create = client.messages.with_streaming_response.create
    async with create(stream=True, **MESSAGE) as response:
        return [line.startswith("event:") async for line in response.iter_lines()]


def message_helper(client: Anything) -> object:
    with client.messages.stream(**MESSAGE) as stream:
        return [event.type for event in stream]


async def amessage_helper(client: Anything) -> object:
    async with client.messages.stream(**MESSAGE) as stream:
        return [event.type async for event in stream]


def beta_message_helper(client: Anything) -> object:
    with client.beta.messages.stream(**MESSAGE) as stream:
        return stream.get_final_message()


async def abeta_message_helper(client: Anything) -> object:
    async with client.beta.messages.stream(**MESSAGE) as stream:
        return await stream.get_final_message()


async def araw_message(client: Anything) -> object:
    raw = await client.messages.with_raw_response.create(**MESSAGE)
    return await raw.parse()


async def araw_message_items(client: Anything) -> object:
    raw = await client.messages.with_raw_response.create(stream=True, **MESSAGE)
    return [item async for item in await raw.parse()]


async def items_of(stream: Awaitable[Anything]) -> object:
    return [item async for item in await stream]


async def raw_items_of(raw: Awaitable[Anything]) -> object:
    return [item async for item in (await raw).parse()]


async def raw_parsed(raw: Awaitable[Anything]) -> object:
    return (await raw).parse()


WAYS = [
    Way(
        "chat create",
        "chat_completion",
        stream=False,
        call=lambda c: c.chat.completions.create(**CHAT),
        acall=lambda c: c.chat.completions.create(**CHAT),
    ),
    Way(
        "chat parse",
        "chat_completion",
        stream=False,
        call=lambda c: c.chat.completions.parse(response_format=City, **CHAT),
        acall=lambda c: c.chat.completions.parse(response_format=City, **CHAT),
    ),
    Way(
        "chat raw",
        "chat_completion",
        stream=False,
        call=lambda c: c.chat.completions.with_raw_response.create(**CHAT).parse(),
        acall=lambda c: raw_parsed(c.chat.completions.with_raw_response.create(**CHAT)),
    ),
    Way(
        "chat streaming response",
        "chat_completion",
        stream=False,
        call=chat_streaming_parsed,
        acall=achat_streaming_parsed,
    ),
    Way(
        "chat stream",
        "chat_completion",
        stream=True,
        call=lambda c: list(c.chat.completions.create(stream=True, **CHAT)),
        acall=lambda c: items_of(c.chat.completions.create(stream=True, **CHAT)),
    ),
    Way("chat stream helper", "chat_completion", stream=True, call=chat_helper, acall=achat_helper),
    Way(
        "chat raw stream",
        "chat_completion",
        stream=True,
        call=lambda c: list(
            c.chat.completions.with_raw_response.create(stream=True, **CHAT).parse()
        ),
        acall=lambda c: raw_items_of(
            c.chat.completions.with_raw_response.create(stream=True, **CHAT)
        ),
    ),
    Way(
        "chat streaming response lines",
        "chat_completion",
        stream=True,
        call=chat_streaming_lines,
        acall=achat_streaming_lines,
    ),
    Way(
        "chat streaming response chunks",
        "chat_completion",
        stream=True,
        call=chat_streaming_chunks,
        acall=achat_streaming_chunks,
    ),
    Way(
        "response create",
        "response",
        stream=False,
        call=lambda c: c.responses.create(**RESPONSE),
        acall=lambda c: c.responses.create(**RESPONSE),
    ),
    Way(
        "response parse",
        "response",
        stream=False,
        call=lambda c: c.responses.parse(text_format=City, **RESPONSE),
        acall=lambda c: c.responses.parse(text_format=City, **RESPONSE),
    ),
    Way(
        "response stream",
        "response",
        stream=True,
        call=lambda c: list(c.responses.create(stream=True, **RESPONSE)),
        acall=lambda c: items_of(c.responses.create(stream=True, **RESPONSE)),
    ),
    Way("response helper", "response", stream=True, call=response_helper, acall=aresponse_helper),
    Way(
        "embedding",
        "embedding",
        stream=False,
        call=lambda c: c.embeddings.create(**EMBEDDING),
        acall=lambda c: c.embeddings.create(**EMBEDDING),
    ),
    Way(
        "message create",
        "chat_completion",
        stream=False,
        call=lambda c: c.messages.create(**MESSAGE),
        acall=lambda c: c.messages.create(**MESSAGE),
        sdk="anthropic",
    ),
    Way(
        "message raw",
        "chat_completion",
        stream=False,
        call=lambda c: c.messages.with_raw_response.create(**MESSAGE).parse(),
        acall=araw_message,
        sdk="anthropic",
    ),
    Way(
        "message streaming response",
        "chat_completion",
        stream=False,
        call=message_streaming_parsed,
        acall=amessage_streaming_parsed,
        sdk="anthropic",
    ),
    Way(
        "message stream",
        "chat_completion",
        stream=True,
        call=lambda c: list(c.messages.create(stream=True, **MESSAGE)),
        acall=lambda c: items_of(c.messages.create(stream=True, **MESSAGE)),
        sdk="anthropic",
    ),
    Way(
        "message stream helper",
        "chat_completion",
        stream=True,
        call=message_helper,
        acall=amessage_helper,
        sdk="anthropic",
    ),
    Way(
        "message raw stream",
        "chat_completion",
        stream=True,
        call=lambda c: list(c.messages.with_raw_response.create(stream=True, **MESSAGE).parse()),
        acall=araw_message_items,
        sdk="anthropic",
    ),
    Way(
        "message streaming response lines",
        "chat_completion",
        stream=True,
        call=message_streaming_lines,
        acall=amessage_streaming_lines,
        sdk="anthropic",
    ),
    Way(
        "beta message create",
        "chat_completion",
        stream=False,
        call=lambda c: c.beta.messages.create(**MESSAGE),
        acall=lambda c: c.beta.messages.create(**MESSAGE),
        sdk="anthropic",
    ),
    Way(
        "beta message stream helper",
        "chat_completion",
        stream=True,
        call=beta_message_helper,
        acall=abeta_message_helper,
        sdk="anthropic",
    ),
]
