"""Every way to make a call x every HTTP outcome: the bare SDK's result, one record."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pydantic
import pytest
from tests.capture.conftest import KEY, Anything, Llmock, free_port
from tests.capture.ways.conftest import WAYS, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmlog import Session, testing


FAILURES = [400, 401, 403, 404, 409, 422, 429, 500, 503]
BREAKS = ["disconnect", "stall", "malformed", "truncate"]
RETRIED = (409, 429, 500, 503)
_SHORT_S = 0.01
"""Seconds to wait for a server that does not answer."""

JSON_REPLY = {"type": "reply", "text": '{"name": "Bern"}', "times": None}

ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
streams = pytest.mark.parametrize("way", [w for w in WAYS if w.stream], ids=lambda way: way.name)
both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


class Clients:
    """Each SDK's synchronous and asynchronous bare client, and the event loop of the latter."""

    def __init__(self, base_url: str) -> None:
        options: dict[str, Any] = {"api_key": KEY, "max_retries": 1}
        self.root = {"openai": base_url, "anthropic": base_url.replace("/v1", "/anthropic")}
        self.sync: dict[str, Any] = {
            "openai": openai.OpenAI(base_url=self.root["openai"], **options),
            "anthropic": anthropic.Anthropic(base_url=self.root["anthropic"], **options),
        }
        self.asynchronous: dict[str, Any] = {
            "openai": openai.AsyncOpenAI(base_url=self.root["openai"], **options),
            "anthropic": anthropic.AsyncAnthropic(base_url=self.root["anthropic"], **options),
        }
        self.runner = asyncio.Runner()
        self.body_timeout_s: float | None = None
        for clients, limit_body in (
            (self.sync, self._limit_body),
            (self.asynchronous, self._limit_body_async),
        ):
            for client in clients.values():
                client._client.event_hooks["response"].append(limit_body)  # noqa: SLF001 - httpx's

    def _limit_body(self, response: httpx2.Response) -> None:
        # Its headers have come: only what may stall now is cut short, however busy the machine is.
        if self.body_timeout_s is not None:
            response.request.extensions["timeout"]["read"] = self.body_timeout_s

    async def _limit_body_async(self, response: httpx2.Response) -> None:
        self._limit_body(response)

    def close(self) -> None:
        for client in self.sync.values():
            client.close()
        for client in self.asynchronous.values():
            self.runner.run(client.close())
        self.runner.close()


@pytest.fixture(scope="module")
def clients(llmock_process: Llmock) -> Iterator[Clients]:
    made = Clients(llmock_process.base_url)
    yield made
    made.close()


class Caller:
    """Compares one call of a bare client with the same call of a recorded one."""

    def __init__(self, clients: Clients, session: Session, memory: testing.Memory) -> None:
        self._clients = clients
        self._session = session
        self._memory = memory
        self.options: dict[str, Any] = {}
        self.body_timeout_s: float | None = None
        self.before: Callable[[], None] = lambda: None

    def _outcome(self, way: Way, client: Anything, *, asynchronous: bool) -> tuple[object, ...]:
        self.before()
        self._clients.body_timeout_s = self.body_timeout_s
        client = client.with_options(**self.options)
        if not asynchronous:
            return outcome(lambda: way.call(client))

        async def run() -> object:
            return await way.acall(client)

        return outcome(lambda: self._clients.runner.run(run()))

    def record(self, way: Way, *, asynchronous: bool) -> dict[str, Any]:
        client = (self._clients.asynchronous if asynchronous else self._clients.sync)[way.sdk]
        bare = self._outcome(way, client, asynchronous=asynchronous)
        recorded = self._outcome(way, self._session.wrap(client), asynchronous=asynchronous)
        assert recorded == bare
        (record,) = self._memory.records()
        assert record["event"] == way.event
        assert record["stream"] is way.stream
        raised = bare[0]
        assert (record["status"] == "error") is isinstance(raised, type)
        if isinstance(raised, type):
            assert record["error_type"] == raised.__name__
        return record


def outcome(call: Callable[[], object]) -> tuple[object, ...]:
    """Return the value of a call, or the class, text and cause of its exception."""
    try:
        return ("ok", plain(call()))
    except Exception as error:  # noqa: BLE001 - any of them is an outcome
        return (type(error), str(error), type(error.__cause__))


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value without the members that differ between requests."""
    if isinstance(value, pydantic.BaseModel):
        return (type(value), plain(json.loads(value.model_dump_json(warnings=False))))
    if isinstance(value, dict):
        changing = ("id", "created", "created_at", "completed_at", "item_id", "request_id")
        return {key: plain(item) for key, item in value.items() if key not in changing}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


@pytest.fixture
def caller(clients: Clients, session: Session, memory: testing.Memory) -> Caller:
    return Caller(clients, session, memory)


@pytest.fixture
def script(llmock: Llmock) -> Callable[..., None]:
    """Script the server; what is to happen in the bare and the recorded call has `times=2`."""
    return lambda *behaviors: llmock.script(JSON_REPLY, *behaviors)


@both
@ways
def test_a_call_that_succeeds(
    caller: Caller, script: Callable[..., None], way: Way, *, asynchronous: bool
) -> None:
    script()
    record = caller.record(way, asynchronous=asynchronous)
    assert record["status"] == "ok"
    assert record["stream_end"] == ("complete" if way.stream else None)
    assert record["model"]
    if way.event != "embedding":
        assert record["finish_reason"] == "stop"
    if way.stream:
        assert record["ttft_ms"] == 0
    else:
        assert record["prompt_tokens"] is not None


@both
@pytest.mark.parametrize("status", FAILURES)
@ways
def test_a_call_that_fails(
    caller: Caller, script: Callable[..., None], way: Way, status: int, *, asynchronous: bool
) -> None:
    script({"type": "fail", "status": status, "times": None, "retry_after": 0.001})
    record = caller.record(way, asynchronous=asynchronous)
    assert (record["status"], record["error_status"]) == ("error", status)
    assert record["stream_end"] == ("error" if way.stream else None)
    assert record["retries"] == (1 if status in RETRIED else 0)


@both
@ways
def test_a_call_that_succeeds_when_retried(
    caller: Caller, script: Callable[..., None], way: Way, *, asynchronous: bool
) -> None:
    # Before each call: of two failures in a row the bare one would meet both.
    caller.before = partial(script, {"type": "fail", "status": 503, "retry_after": 0.001})
    record = caller.record(way, asynchronous=asynchronous)
    assert (record["status"], record["retries"]) == ("ok", 1)


@both
@ways
def test_a_server_that_is_too_slow(
    caller: Caller, script: Callable[..., None], way: Way, *, asynchronous: bool
) -> None:
    script({"type": "delay", "seconds": 5, "times": 2})
    # Not the connection, which on a busy machine may take as long.
    caller.options = {"timeout": httpx2.Timeout(30, read=_SHORT_S), "max_retries": 0}
    record = caller.record(way, asynchronous=asynchronous)
    assert (record["status"], record["error_type"]) == ("error", "APITimeoutError")
    assert record["retries"] == 0


@both
@ways
def test_a_connection_that_is_refused(caller: Caller, way: Way, *, asynchronous: bool) -> None:
    caller.options = {"base_url": f"http://127.0.0.1:{free_port()}/v1", "max_retries": 0}
    record = caller.record(way, asynchronous=asynchronous)
    assert (record["status"], record["error_type"]) == ("error", "APIConnectionError")


@both
@pytest.mark.parametrize("kind", BREAKS)
@streams
def test_a_stream_that_breaks(
    caller: Caller, script: Callable[..., None], way: Way, kind: str, *, asynchronous: bool
) -> None:
    script({"type": "stream_fault", "kind": kind, "after_chunks": 2, "times": 2})
    caller.options = {"timeout": 30}
    caller.body_timeout_s = _SHORT_S if kind == "stall" else None
    record = caller.record(way, asynchronous=asynchronous)
    if kind == "truncate":
        expected = ("ok", "truncated")
    elif kind == "malformed" and (way.name.endswith("lines") or way.sdk == "anthropic"):
        # Lines are not parsed as they are read, and anthropic skips an event without a name.
        expected = ("ok", "complete")
    else:
        expected = ("error", "error")
    assert (record["status"], record["stream_end"]) == expected
