"""A background response is one record, completed by the request that brings its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from tests.capture.conftest import Anything, async_client_of, client_of, streamed
from tests.capture.dialects.conftest import happened, response

from llmlog import Session, testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmlog._content import ContentPolicy

CREATE: dict[str, Any] = {"model": "m", "input": "x", "background": True}
QUEUED = response(status="queued", output=[], usage=None, background=True)
DONE = response(background=True)


def answers(*items: object) -> Callable[[httpx2.Request], httpx2.Response]:
    """Return a server that sends one answer after the other, and the last one ever after."""
    left = list(items)

    def answer(_: httpx2.Request) -> httpx2.Response:
        item = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(item, httpx2.Response):
            return item
        return streamed(*item) if isinstance(item, list) else httpx2.Response(200, json=item)

    return answer


def opened(status: str, number: int = 0) -> dict[str, Any]:
    begun = response(status=status, output=[], usage=None, background=True)
    return happened(f"response.{status}", response=begun, sequence_number=number)


def text(piece: str, number: int) -> dict[str, Any]:
    return happened(
        "response.output_text.delta",
        delta=piece,
        output_index=0,
        content_index=0,
        sequence_number=number,
    )


END = happened("response.completed", response=DONE, sequence_number=4)


def create(client: Anything) -> None:
    client.responses.create(**CREATE)


def poll(client: Anything) -> None:
    client.responses.retrieve("resp_1")


def poll_raw(client: Anything) -> None:
    client.responses.with_raw_response.retrieve("resp_1").parse()


def poll_open(client: Anything) -> None:
    with client.responses.with_streaming_response.retrieve("resp_1") as raw:
        raw.parse()


def resume(client: Anything) -> None:
    list(client.responses.retrieve("resp_1", stream=True, starting_after=2))


@pytest.mark.parametrize("policy", ["none", "full"])
@pytest.mark.parametrize("ways", [[poll], [poll, poll, poll], [poll_raw], [poll_open, poll]])
def test_polling_completes_the_call_exactly_once(
    policy: ContentPolicy, ways: list[Callable[[Anything], None]]
) -> None:
    memory, clock = testing.Memory(), testing.Clock()
    session = testing.session(memory, content=policy, clock=clock)
    client = session.wrap(client_of(answers(QUEUED, {**QUEUED, "status": "in_progress"}, DONE)))
    create(client)
    poll(client)
    assert memory.records() == []
    clock.advance(500)
    for way in ways:
        way(client)
    (record,) = memory.records()
    assert (record["status"], record["finish_reason"]) == ("ok", "stop")
    assert (record["prompt_tokens"], record["completion_tokens"]) == (10, 5)
    assert (record["latency_ms"], record["step"]) == (500, 0)
    # When its last token came is unknown: only that it had by now.
    assert record["tokens_per_sec"] is None
    assert ("output" in record) is (policy == "full")


async def test_polling_asynchronously_completes_the_call(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(async_client_of(answers(QUEUED, DONE)))
    await client.responses.create(**CREATE)
    await asyncio.gather(*(client.responses.retrieve("resp_1") for _ in range(3)))
    assert [record["completion_tokens"] for record in memory.records()] == [5]


@pytest.mark.parametrize(
    ("end", "fields"),
    [
        (
            {"status": "failed", "error": {"code": "x", "message": "no"}},
            {"status": "error", "error_code": "x"},
        ),
        ({"status": "cancelled", "output": []}, {"status": "error", "finish_reason": "cancelled"}),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            {"status": "ok", "finish_reason": "length"},
        ),
    ],
)
def test_every_end_is_recorded(
    session: Session, memory: testing.Memory, end: dict[str, Any], fields: dict[str, Any]
) -> None:
    client = session.wrap(client_of(answers(QUEUED, {**DONE, **end})))
    create(client)
    poll(client)
    (record,) = memory.records()
    assert {name: record[name] for name in fields} == fields


def test_cancelling_ends_the_call(session: Session, memory: testing.Memory) -> None:
    client = session.wrap(client_of(answers(QUEUED, {**DONE, "status": "cancelled"})))
    create(client)
    client.responses.cancel("resp_1")
    assert [record["finish_reason"] for record in memory.records()] == ["cancelled"]


def test_a_poll_that_fails_ends_nothing(session: Session, memory: testing.Memory) -> None:
    refused = httpx2.Response(404, json={"error": {"message": "no"}})
    client = session.wrap(client_of(answers(QUEUED, refused, DONE)))
    create(client)
    with pytest.raises(openai.NotFoundError):
        poll(client)
    assert memory.records() == []
    poll(client)
    assert [record["status"] for record in memory.records()] == ["ok"]


@pytest.mark.parametrize("finish", [poll, resume])
@pytest.mark.parametrize("leave", ["closed", "broken off"])
def test_a_stream_that_was_left_is_completed_later(
    memory: testing.Memory, finish: Callable[[Anything], None], leave: str
) -> None:
    session = testing.session(memory, content="full")
    begun = [opened("queued"), opened("in_progress", 1), text("Hel", 2)]
    # A resumed stream may repeat an event.
    rest = [text("Hel", 2), text("lo", 3), {**END, "response": {**DONE, "output": []}}]
    client = session.wrap(client_of(answers(begun, rest if finish is resume else DONE)))
    stream: Any = client.responses.create(stream=True, **CREATE)
    if leave == "closed":
        next(stream)
        next(stream)
        next(stream)
        stream.close()
    else:
        list(stream)
    assert memory.records() == []
    finish(client)
    finish(client)
    (record,) = memory.records()
    assert (record["status"], record["stream_end"]) == ("ok", "complete")
    assert (record["completion_tokens"], record["finish_reason"]) == (5, "stop")
    content = record["output"][0]["content"][0]["text"]
    assert content == ("Hello" if finish is resume else "hi")


def test_a_stream_that_reaches_its_end_is_recorded_at_once(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(answers([opened("queued"), text("hi", 1), END], DONE)))
    list(client.responses.create(stream=True, **CREATE))
    assert [record["stream_end"] for record in memory.records()] == ["complete"]
    poll(client)
    assert len(memory.records()) == 1


def test_a_response_created_by_another_process_is_recorded_without_a_latency(
    session: Session, memory: testing.Memory
) -> None:
    client = session.wrap(client_of(answers(DONE)))
    poll(client)
    poll(client)
    (record,) = memory.records()
    assert (record["completion_tokens"], record["latency_ms"]) == (5, None)
    assert record["ts"] == "1970-01-01T00:00:01.000000Z"


def test_fetching_a_response_that_was_not_in_the_background_is_no_call(
    session: Session, memory: testing.Memory
) -> None:
    poll(session.wrap(client_of(answers(response()))))
    assert memory.records() == []


def test_a_call_is_completed_through_another_client_of_the_session(
    session: Session, memory: testing.Memory
) -> None:
    client = client_of(answers(QUEUED, DONE))
    with session.trace("run-1"):
        create(session.wrap(client))
    poll(session.wrap(client).with_options(timeout=3))
    assert [record["trace_id"] for record in memory.records()] == ["run-1"]


def test_calls_that_wait_for_their_end_are_bounded(
    session: Session, memory: testing.Memory
) -> None:
    ids = iter(range(2000))

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={**QUEUED, "id": f"resp_{next(ids)}"})

    client = session.wrap(client_of(answer))
    for _ in range(1030):
        create(client)
    assert [record["id"] for record in memory.records()] == [f"resp_{n}" for n in range(6)]


def test_a_call_whose_end_nobody_brings_is_written_at_exit(tmp_path: Any) -> None:  # noqa: ANN401
    script = (
        "import sys, llmlog\n"
        "from tests.capture.dialects.test_background import *\n"
        "server = answers(QUEUED, [opened('queued')])\n"
        "client = llmlog.session(sys.argv[1]).wrap(client_of(server))\n"
        "create(client)\n"
        "stream = client.responses.create(stream=True, **{**CREATE, 'input': 'y'})\n"
        "next(stream)\n"
    )
    path = tmp_path / "calls.jsonl"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.read_text().count('"id": "resp_1"') == 2
