"""Fixtures: an llmock server, hand-made answers, and a session that records to memory."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx2
import openai
import pytest

from llmlog import Session, testing

Anything: TypeAlias = Any
"""Type of SDK values whose precise types would distract from a test."""

KEY = "sk-test-0123456789abcdef"
QUESTION: list[Any] = [{"role": "user", "content": "Say hi."}]


class Llmock:
    """An llmock process: `base_url` for clients, `script` for what happens next."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._control = httpx2.Client(base_url=f"http://127.0.0.1:{port}")

    def ready(self) -> bool:
        try:
            return self._control.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def script(self, *behaviors: dict[str, Any]) -> None:
        self._control.post("/_llmock/scenario", json={"behaviors": behaviors}).raise_for_status()

    def waiting(self) -> bool:
        """Return whether a scripted behaviour has not been used yet."""
        return bool(self._control.get("/_llmock/scenario").json()["pending"])

    def reset(self) -> None:
        self._control.post("/_llmock/reset").raise_for_status()

    def close(self) -> None:
        self._control.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def llmock_process() -> Iterator[Llmock]:
    beside_python = Path(sys.executable).with_name("llmock")
    command = str(beside_python) if beside_python.exists() else shutil.which("llmock") or "llmock"
    port = free_port()
    process = subprocess.Popen(
        [command, "serve", "--port", str(port), "--log-level", "warning", "--rpm", "100000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Llmock(port)
    try:
        while not server.ready():
            assert process.poll() is None, "llmock ended before it was ready"
        yield server
    finally:
        server.close()
        process.kill()  # told to end, it would answer first what is delayed
        process.wait()


@pytest.fixture
def llmock(llmock_process: Llmock) -> Llmock:
    llmock_process.reset()
    return llmock_process


@pytest.fixture
def memory() -> testing.Memory:
    return testing.Memory()


@pytest.fixture
def clock() -> testing.Clock:
    return testing.Clock()


@pytest.fixture
def session(memory: testing.Memory, clock: testing.Clock) -> Session:
    return testing.session(memory, clock=clock)


def completion(**changes: object) -> dict[str, Any]:
    """Return a chat completion as JSON; a change to `...` leaves the field out."""
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 18, "completion_tokens": 3, "total_tokens": 21},
        **changes,
    }
    return {name: value for name, value in answer.items() if value is not ...}


def chunk(content: str | None = None, **changes: object) -> dict[str, Any]:
    """Return one chunk of a streamed chat completion as JSON."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-2026",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}],
        **changes,
    }


def last_chunk(reason: str = "stop") -> dict[str, Any]:
    return chunk(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])


def usage_chunk() -> dict[str, Any]:
    usage = {"prompt_tokens": 18, "completion_tokens": 3, "total_tokens": 21}
    return chunk(choices=[], usage=usage)


class Blocks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body sent block by block; a callable among the blocks is called in its turn."""

    def __init__(self, *blocks: bytes | Callable[[], object]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            if isinstance(block, bytes):
                yield block
            else:
                block()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block


def events(*chunks: object) -> list[Any]:
    """Return server-sent events, one block each; callables are left unchanged."""
    blocks: list[Any] = [
        item if callable(item) else b"data: " + _json(item) + b"\n\n" for item in chunks
    ]
    return [*blocks, b"data: [DONE]\n\n"]


def _json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def streamed(*chunks: object, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.Response(
        200,
        headers={"content-type": "text/event-stream", **(headers or {})},
        stream=Blocks(*events(*chunks)),
    )


Handler = Callable[[httpx2.Request], httpx2.Response]
AsyncHandler = Handler | Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]


def ask(client: openai.OpenAI, **options: Anything) -> Anything:
    """Make one chat completion call."""
    return client.chat.completions.create(model="m", messages=QUESTION, **options)


def client_of(handler: Handler | httpx2.Response, **options: Anything) -> openai.OpenAI:
    """Return a bare client whose server is a function or one fixed response."""
    transport = httpx2.MockTransport(handler if callable(handler) else lambda _: handler)
    options = {"api_key": KEY, "max_retries": 0, **options}
    return openai.OpenAI(http_client=httpx2.Client(transport=transport), **options)


def async_client_of(
    handler: AsyncHandler | httpx2.Response, **options: Anything
) -> openai.AsyncOpenAI:
    """Return the asynchronous counterpart of client_of."""
    transport = httpx2.MockTransport(handler if callable(handler) else lambda _: handler)
    options = {"api_key": KEY, "max_retries": 0, **options}
    return openai.AsyncOpenAI(http_client=httpx2.AsyncClient(transport=transport), **options)
