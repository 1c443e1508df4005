"""Responses over a WebSocket leave a record each; so do those of a realtime session."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.capture.conftest import KEY, Anything
from tests.capture.dialects.conftest import happened, response
from websockets.sync.server import serve

import llmlog
from llmlog import Session, testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.server import ServerConnection

# The SDK connects in a way that the socket's newest version deprecates.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be:DeprecationWarning")

BEGUN = response(status="in_progress", output=[], usage=None)
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}


def answer(number: int, **members: object) -> list[dict[str, Any]]:
    """Return the events of one response."""
    id_ = f"resp_{number}"
    delta = happened("response.output_text.delta", delta="hi", output_index=0, **members)
    return [
        happened("response.created", response={**BEGUN, "id": id_}, **members),
        delta,
        happened("response.completed", response=response(id=id_, output=[CALL]), **members),
    ]


class Server:
    """A WebSocket server that answers each message by `reply` of its number."""

    def __init__(self) -> None:
        self.reply: Callable[[int], list[Any]] = answer
        self.greeting: list[Any] = []
        self.port = 0

    def handle(self, connection: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            for item in self.greeting:
                connection.send(json.dumps(item))
            for number, _ in enumerate(connection):
                for item in self.reply(number):
                    if item is None:
                        connection.socket.close()
                        return
                    connection.send(json.dumps(item))

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(api_key=KEY, base_url=f"http://127.0.0.1:{self.port}/v1")

    def async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=KEY, base_url=f"http://127.0.0.1:{self.port}/v1")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with serve(made.handle, "127.0.0.1", 0) as listening:
        made.port = listening.socket.getsockname()[1]
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield made
        listening.shutdown()
        thread.join()


def until_end(connection: Anything) -> list[str]:
    kinds = []
    for event in connection:
        kinds.append(event.type)
        if event.type in ("response.completed", "response.done", "error"):
            break
    return kinds


def test_each_response_of_a_connection_is_a_record(
    session: Session, memory: testing.Memory, server: Server
) -> None:
    with session.wrap(server.client()).responses.connect() as connection:
        for _ in range(2):
            connection.response.create(model="m", input="Say hi.", max_output_tokens=9)
            assert until_end(connection)[-1] == "response.completed"
    first, second = memory.records()
    assert (first["id"], second["id"]) == ("resp_0", "resp_1")
    assert (first["event"], first["requested_model"], first["max_tokens"]) == ("response", "m", 9)
    assert (first["prompt_tokens"], first["completion_tokens"]) == (10, 5)
    assert (first["tool_calls"], first["finish_reason"]) == (["look"], "tool_calls")
    assert (first["stream_end"], first["ttft_ms"]) == ("complete", 0)
    assert first["provider"] == "127.0.0.1"
    assert KEY.encode() not in b"".join(memory.lines)


async def test_each_response_of_an_asynchronous_connection_is_a_record(
    session: Session, memory: testing.Memory, server: Server
) -> None:
    with session.trace("run-1"):
        async with session.wrap(server.async_client()).responses.connect() as connection:
            await connection.response.create(model="m", input="Say hi.")
            async for event in connection:
                if event.type == "response.completed":
                    break
    (record,) = memory.records()
    assert (record["trace_id"], record["completion_tokens"]) == ("run-1", 5)


@pytest.mark.parametrize("way", ["send", "send_raw", "before entering"])
def test_a_response_is_recorded_however_it_is_asked_for_and_read(
    session: Session, memory: testing.Memory, server: Server, way: str
) -> None:
    manager = session.wrap(server.client()).responses.connect()
    event: Any = {"type": "response.create", "model": "m", "input": "Say hi."}
    if way == "before entering":
        manager.send(event)
    connection = manager.enter()
    if way == "send":
        connection.send(event)
    elif way == "send_raw":
        connection.send_raw(json.dumps(event))
    while b"response.completed" not in connection.recv_bytes():
        pass
    connection.close()
    assert [record["requested_model"] for record in memory.records()] == ["m"]


def test_lanes_are_told_apart(session: Session, memory: testing.Memory, server: Server) -> None:
    # Both are in progress at once, and the second one ends first.
    first, second = answer(1, stream_id="a"), answer(2, stream_id="b")
    mixed = [first[0], second[0], second[1], second[2], first[1], first[2]]
    server.reply = lambda number: mixed if number == 1 else []
    with session.wrap(server.client()).responses.connect() as connection:
        connection.response.create(model="m-a", input="x", stream_id="a")
        connection.response.create(model="m-b", input="x", stream_id="b")
        until_end(connection)
        until_end(connection)
    ends = [(record["requested_model"], record["id"]) for record in memory.records()]
    assert ends == [("m-b", "resp_2"), ("m-a", "resp_1")]


def test_a_refused_request_is_a_failed_call(
    session: Session, memory: testing.Memory, server: Server
) -> None:
    error = {"type": "invalid_request_error", "code": "bad", "message": "no"}
    server.reply = lambda _: [happened("error", status=400, error=error)]
    with session.wrap(server.client()).responses.connect() as connection:
        connection.response.create(model="m", input="x")
        until_end(connection)
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "invalid_request_error")
    assert (record["error_code"], record["error_status"]) == ("bad", 400)


@pytest.mark.parametrize("events", [0, 2])
def test_a_connection_that_is_closed_ends_its_calls(
    session: Session, memory: testing.Memory, server: Server, events: int
) -> None:
    server.reply = lambda number: answer(number)[:events]
    with session.wrap(server.client()).responses.connect() as connection:
        connection.response.create(model="m", input="x")
        for _ in range(events):
            connection.recv()
    assert [record["stream_end"] for record in memory.records()] == ["closed"]


def test_a_connection_that_breaks_fails_its_calls(
    session: Session, memory: testing.Memory, server: Server
) -> None:
    server.reply = lambda number: [*answer(number)[:2], None]
    with session.wrap(server.client()).responses.connect() as connection:
        connection.response.create(model="m", input="x")
        with pytest.raises(Exception, match="close"):
            until_end(connection)
    (record,) = memory.records()
    assert (record["status"], record["stream_end"]) == ("error", "error")
    assert record["error_type"] == "ConnectionClosedError"


def test_responses_of_a_realtime_session_are_records(
    session: Session, memory: testing.Memory, server: Server
) -> None:
    usage = {
        "input_tokens": 50,
        "output_tokens": 9,
        "total_tokens": 59,
        "input_token_details": {"cached_tokens": 40},
    }
    details = {"type": "incomplete", "reason": "max_output_tokens"}
    ended = {"id": "r1", "status": "incomplete", "status_details": details, "usage": usage}
    server.greeting = [happened("session.created", session={"model": "gpt-realtime"})]
    server.reply = lambda _: [
        happened("response.created", response={"id": "r1", "status": "in_progress"}),
        happened("error", error={"type": "invalid_request_error", "event_id": "of another"}),
        happened("response.output_audio_transcript.delta", response_id="r1", delta="hi"),
        happened("response.done", response={**ended, "output": []}),
        # One that the server begins by itself.
        happened("response.created", response={"id": "r2", "status": "in_progress"}),
        happened("response.done", response={"id": "r2", "status": "cancelled", "output": []}),
    ]
    with session.wrap(server.client()).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create(response={"max_output_tokens": 9})
        for _ in range(3):
            until_end(connection)
    first, second = memory.records()
    assert (first["status"], first["finish_reason"]) == ("ok", "length")
    assert (first["requested_model"], first["max_tokens"]) == ("gpt-realtime", 9)
    assert (first["prompt_tokens"], first["cached_tokens"]) == (50, 40)
    assert (second["id"], second["finish_reason"]) == ("r2", "cancelled")


def test_a_connection_of_another_kind_is_warned_of_by_name(memory: testing.Memory) -> None:
    client = llmlog.session(memory).wrap(openai.OpenAI(api_key=KEY))
    with pytest.warns(llmlog.CaptureWarning, match="connections of translations"):
        client.realtime.translations.connect(model="m")


def test_resources_keep_their_class(session: Session) -> None:
    bare = openai.OpenAI(api_key=KEY)
    wrapped = session.wrap(bare)
    for resource in (wrapped.responses, wrapped.beta.responses, wrapped.realtime):
        assert resource.connect
    assert isinstance(wrapped.responses, type(bare.responses))
    assert wrapped.responses is wrapped.responses
