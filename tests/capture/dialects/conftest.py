"""Server dialects x ways of calling: a dialect is one row, and is met in every way.

Each row is an answer, whole or streamed, with the fields its record is to have. Each way is run
with the bare client as well: the application gets the same from both.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import openai
import pydantic
import pytest
from tests.capture.conftest import KEY, QUESTION, Anything, Blocks, completion

from llmlog import testing

if TYPE_CHECKING:
    from llmlog._content import ContentPolicy

RESOURCES: dict[str, dict[str, Any]] = {
    "chat.completions": {"model": "m", "messages": QUESTION},
    "completions": {"model": "m", "prompt": "Say hi."},
    "responses": {"model": "m", "input": "Say hi."},
    "embeddings": {"model": "m", "input": "hi", "encoding_format": "float"},
    "moderations": {"model": "m", "input": "hi"},
    "images.generate": {"model": "m", "prompt": "a boat"},
    "audio.transcriptions": {"model": "m", "file": ("a.wav", b"RIFF")},
    "audio.translations": {"model": "m", "file": ("a.wav", b"RIFF")},
    "audio.speech": {"model": "m", "input": "hi", "voice": "alloy"},
    "responses.compact": {"model": "m", "input": "hi"},
}
"""Resources of the SDK by their path, with the arguments of a call."""


STREAMED = ("chat.completions", "completions", "responses")
"""Resources that are asked for streams by the same method."""


class Dialect(NamedTuple):
    """One server's way to answer, and the fields that the record is to have."""

    name: str
    answer: Any
    """A JSON object, bytes, or the list of a stream's chunks."""
    fields: dict[str, Any]
    resource: str = "chat.completions"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed

    @property
    def is_stream(self) -> bool:
        return isinstance(self.answer, list)

    def response(self) -> httpx2.Response:
        if isinstance(self.answer, bytes):
            return httpx2.Response(200, headers=self.headers, content=self.answer)
        if not self.is_stream:
            return httpx2.Response(200, headers=self.headers, json=self.answer)
        headers = {"content-type": "text/event-stream", **self.headers}
        return httpx2.Response(200, headers=headers, stream=Blocks(*map(event, self.answer)))


def event(chunk: object) -> bytes:
    """Return a chunk as a server-sent event; bytes are one already."""
    return chunk if isinstance(chunk, bytes) else b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def sent(**members: object) -> dict[str, Any]:
    """Return one chunk of a streamed chat completion."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return {**head, "choices": [], **members}


def delta(reason: str | None = None, index: int = 0, **parts: object) -> dict[str, Any]:
    """Return a chunk with a delta of one choice."""
    return sent(choices=[{"index": index, "delta": parts, "finish_reason": reason}])


def message(reason: str | None = "stop", **parts: object) -> dict[str, Any]:
    """Return a whole chat completion with one message."""
    made = {"role": "assistant", "content": "hi", **parts}
    return completion(choices=[{"index": 0, "message": made, "finish_reason": reason}])


def response(**members: object) -> dict[str, Any]:
    """Return a whole Responses API response."""
    text = {"type": "output_text", "text": "hi", "annotations": []}
    item = {"type": "message", "id": "m1", "role": "assistant", "content": [text]}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m-1"}
    return {**head, "status": "completed", "output": [item], "usage": usage, **members}


def happened(kind: str, **members: object) -> dict[str, Any]:
    """Return an event of a Responses API stream."""
    return {"type": kind, **members}


class Way(NamedTuple):
    """One way of calling a resource, for both clients; `stream` if it asks for a stream."""

    name: str
    stream: bool
    call: Callable[[Anything, dict[str, Any]], object]
    acall: Callable[[Anything, dict[str, Any]], Awaitable[object]]


def _method(resource: Anything) -> Anything:
    return resource if callable(resource) else resource.create


def _raw(resource: Anything) -> Anything:
    # `client.responses.with_raw_response.compact`, but `client.embeddings.with_raw_response.create`
    owner: Anything = getattr(resource, "__self__", resource)
    return getattr(owner.with_raw_response, _method(resource).__name__)


def _streaming(resource: Anything) -> Anything:
    owner: Anything = getattr(resource, "__self__", resource)
    return getattr(owner.with_streaming_response, _method(resource).__name__)


async def aplain(resource: Anything, options: dict[str, Any]) -> object:
    return await _method(resource)(**options)


async def araw(resource: Anything, options: dict[str, Any]) -> object:
    return (await _raw(resource)(**options)).parse()


def parsed_while_open(resource: Anything, options: dict[str, Any]) -> object:
    with _streaming(resource)(**options) as opened:
        return opened.parse()


async def aparsed_while_open(resource: Anything, options: dict[str, Any]) -> object:
    async with _streaming(resource)(**options) as opened:
        return await opened.parse()


def bytes_while_open(resource: Anything, options: dict[str, Any]) -> object:
    with _streaming(resource)(**options) as opened:
        return b"".join(opened.iter_bytes())


async def abytes_while_open(resource: Anything, options: dict[str, Any]) -> object:
    async with _streaming(resource)(**options) as opened:
        return b"".join([block async for block in opened.iter_bytes()])


async def achunks(resource: Anything, options: dict[str, Any]) -> object:
    return [chunk async for chunk in await _method(resource)(stream=True, **options)]


async def araw_chunks(resource: Anything, options: dict[str, Any]) -> object:
    return [chunk async for chunk in (await _raw(resource)(stream=True, **options)).parse()]


def chunks_while_open(resource: Anything, options: dict[str, Any]) -> object:
    with _streaming(resource)(stream=True, **options) as opened:
        return list(opened.parse())


async def achunks_while_open(resource: Anything, options: dict[str, Any]) -> object:
    async with _streaming(resource)(stream=True, **options) as opened:
        return [chunk async for chunk in await opened.parse()]


def lines_while_open(resource: Anything, options: dict[str, Any]) -> object:
    with _streaming(resource)(stream=True, **options) as opened:
        return list(opened.iter_lines())


async def alines_while_open(resource: Anything, options: dict[str, Any]) -> object:
    async with _streaming(resource)(stream=True, **options) as opened:
        return [line async for line in opened.iter_lines()]


WAYS = [
    Way(
        "plain",
        stream=False,
        call=lambda resource, options: _method(resource)(**options),
        acall=aplain,
    ),
    Way(
        "raw",
        stream=False,
        call=lambda resource, options: _raw(resource)(**options).parse(),
        acall=araw,
    ),
    Way("streaming response", stream=False, call=parsed_while_open, acall=aparsed_while_open),
    Way("streaming response's bytes", stream=False, call=bytes_while_open, acall=abytes_while_open),
    Way("stream", stream=True, call=lambda r, o: list(_method(r)(stream=True, **o)), acall=achunks),
    Way(
        "raw stream",
        stream=True,
        call=lambda r, o: list(_raw(r)(stream=True, **o).parse()),
        acall=araw_chunks,
    ),
    Way(
        "streaming response's chunks", stream=True, call=chunks_while_open, acall=achunks_while_open
    ),
    Way("streaming response's lines", stream=True, call=lines_while_open, acall=alines_while_open),
]


CLIENTS = ("sync", "async")
POLICIES: tuple[ContentPolicy, ...] = ("none", "full")


class Case(NamedTuple):
    """One dialect met in one way, by each of the clients, under each of the content policies."""

    row: Dialect
    way: Way
    clients: tuple[str, ...] = CLIENTS
    policies: tuple[ContentPolicy, ...] = POLICIES

    @property
    def name(self) -> str:
        return f"{self.row.name}-{self.way.name}"


def cases(
    rows: list[Dialect],
    policies: tuple[ContentPolicy, ...] = POLICIES,
    *,
    in_place_of_streams: bool = False,
) -> list[Case]:
    """Return every row x way; whole answers also where a stream was asked for."""
    return [
        Case(row, way, policies=policies)
        for row, way in itertools.product(rows, WAYS)
        if way.stream == row.is_stream
        or (in_place_of_streams and way.stream and row.resource in STREAMED)
    ]


def matrix(each: list[Case]) -> pytest.MarkDecorator:
    """Return the mark of a test that takes one `case` of each."""
    return pytest.mark.parametrize("case", each, ids=lambda case: case.name)


def records_of(case: Case) -> dict[str, dict[str, Any]]:
    """Return the one record of each client's call under each policy, by "client, policy".

    Each call gave the application the same as without llmlog.
    """
    records = {}
    with asyncio.Runner() as runner:
        for kind in case.clients:
            client = _client(case.row, kind)
            expected = _outcome(case, client, runner)
            for policy in case.policies:
                memory = testing.Memory()
                session = testing.session(memory, content=policy)
                variant = f"{kind}, {policy}"
                assert _outcome(case, session.wrap(client), runner) == expected, variant
                (records[variant],) = memory.records()
    return records


def record_of_row(row: Dialect, policy: ContentPolicy = "none") -> dict[str, Any]:
    """Return the record of a dialect met in the plainest way."""
    way = next(way for way in WAYS if way.stream == row.is_stream)
    (record,) = records_of(Case(row, way, ("sync",), (policy,))).values()
    return record


def _client(row: Dialect, kind: str) -> Anything:
    transport = httpx2.MockTransport(lambda _: row.response())
    options: dict[str, Any] = {"api_key": KEY, "max_retries": 0}
    if kind == "async":
        return openai.AsyncOpenAI(http_client=httpx2.AsyncClient(transport=transport), **options)
    return openai.OpenAI(http_client=httpx2.Client(transport=transport), **options)


def _outcome(case: Case, client: Anything, runner: asyncio.Runner) -> object:
    resource = client
    for name in case.row.resource.split("."):
        resource = getattr(resource, name)
    options, way = RESOURCES[case.row.resource], case.way

    async def run() -> object:
        return await way.acall(resource, options)

    is_async = isinstance(client, openai.AsyncOpenAI)
    try:
        return _plain(runner.run(run()) if is_async else way.call(resource, options))
    except Exception as error:  # noqa: BLE001 - any of them is an outcome
        return (type(error), str(error))


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, pydantic.BaseModel):
        return (type(value), value.model_dump_json(warnings=False))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return getattr(value, "content", value)
