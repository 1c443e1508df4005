"""Model calls are known by the shape of their endpoint; those not recorded cause a warning."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion
from tests.capture.conftest import (
    KEY,
    QUESTION,
    Anything,
    async_client_of,
    client_of,
    completion,
    streamed,
)
from tests.capture.dialects.conftest import (
    Case,
    Dialect,
    cases,
    delta,
    happened,
    matrix,
    records_of,
    response,
    sent,
)

import llmlog
from llmlog import Session, testing

if TYPE_CHECKING:
    from collections.abc import Callable


USAGE = {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210}
LEGACY = {**completion(), "choices": [{"index": 0, "text": "hi", "finish_reason": "length"}]}
COMPACTED = response(object="response.compaction")


def told(event: str, prompt: int | None = None, completed: int | None = None) -> dict[str, Any]:
    return {"event": event, "prompt_tokens": prompt, "completion_tokens": completed}


ROWS = [
    Dialect("completions", LEGACY, told("completion", 18, 3), "completions"),
    Dialect(
        "streamed completions",
        [sent(choices=[{"index": 0, "text": "a", "finish_reason": "stop"}])],
        told("completion"),
        "completions",
    ),
    Dialect(
        "images",
        {"created": 1, "data": [{"b64_json": "aGk="}], "usage": USAGE},
        told("image", 50, 4160),
        "images.generate",
    ),
    Dialect(
        "transcriptions",
        {"text": "hi", "usage": {"type": "tokens", **USAGE}},
        told("audio", 50, 4160),
        "audio.transcriptions",
    ),
    Dialect("a transcript as text", b"WEBVTT\n", told("audio"), "audio.transcriptions"),
    Dialect("translations", {"text": "hi"}, told("audio"), "audio.translations"),
    Dialect("speech", b"\xff\xfb\x90\x00sound", told("audio"), "audio.speech"),
    Dialect(
        "moderations",
        {"id": "modr-1", "model": "m", "results": []},
        told("moderation"),
        "moderations",
    ),
    Dialect("compacted responses", COMPACTED, told("response", 10, 5), "responses.compact"),
]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
@matrix(cases(ROWS))
def test_every_endpoint_that_calls_a_model_leaves_a_record(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "ok", variant
        assert record["requested_model"] == "m", variant
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant


@pytest.mark.parametrize(
    ("events", "call", "fields"),
    [
        (
            [
                happened("image_generation.partial_image", b64_json="aa", partial_image_index=0),
                happened("image_generation.completed", b64_json="aGk=", usage=USAGE),
            ],
            lambda c: c.images.generate(model="m", prompt="x", stream=True),
            {"event": "image", "stream_end": "complete", "completion_tokens": 4160, "ttft_ms": 0},
        ),
        (
            [
                happened("transcript.text.delta", delta="h"),
                happened("transcript.text.done", text="hi", usage=USAGE),
            ],
            lambda c: c.audio.transcriptions.create(model="m", file=("a", b"R"), stream=True),
            {"event": "audio", "stream_end": "complete", "completion_tokens": 4160, "ttft_ms": 0},
        ),
        (
            [happened("image_generation.partial_image", b64_json="aa", partial_image_index=0)],
            lambda c: c.images.generate(model="m", prompt="x", stream=True),
            {"event": "image", "stream_end": "truncated", "status": "ok"},
        ),
    ],
    ids=["images", "transcripts", "broken off"],
)
def test_streams_of_other_endpoints_are_read_to_their_end(
    session: Session,
    memory: testing.Memory,
    events: list[Any],
    call: Callable[[Anything], Anything],
    fields: dict[str, Any],
) -> None:
    list(call(session.wrap(client_of(streamed(*events)))))
    (record,) = memory.records()
    assert {name: record[name] for name in fields} == fields


PATHS = [
    "/chat/completions",
    "chat/completions",
    "/chat/completions/",
    "/v1/chat/completions",
    "/chat/completions?x=1",
    "https://api.openai.com/v1/chat/completions",
    "https://user:pw@other.example:8443/openai/deployments/d/chat/completions?api-version=1#top",
    "/my/own/route",
]


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_is_known_in_any_form(
    session: Session, memory: testing.Memory, path: str
) -> None:
    body = {"model": "m", "messages": QUESTION}

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=completion())

    session.wrap(client_of(answer)).post(path, cast_to=ChatCompletion, body=body)
    await session.wrap(async_client_of(answer)).post(path, cast_to=ChatCompletion, body=body)
    for record in memory.records():
        assert (record["event"], record["completion_tokens"]) == ("chat_completion", 3)
        host = "other.example" if "other" in path else "api.openai.com"
        assert (record["provider"], record["requested_model"]) == (host, "m")
    assert len(memory.records()) == 2


def test_a_body_given_as_bytes_is_read(session: Session, memory: testing.Memory) -> None:
    client: Any = session.wrap(client_of(httpx2.Response(200, json=completion())))
    client.post("/chat/completions", cast_to=object, content=b'{"model": "m", "messages": []}')
    client.post("/chat/completions", cast_to=object, content=b"not JSON")
    client.post("/chat/completions", cast_to=object, body=["no object"])
    assert [record["requested_model"] for record in memory.records()] == ["m", None, None]


def test_a_stream_that_was_not_asked_of_the_sdk_is_read(
    session: Session, memory: testing.Memory
) -> None:
    client: Any = session.wrap(client_of(streamed(delta(content="a"), delta("stop"))))
    body = {"model": "m", "messages": QUESTION, "stream": True}
    client.post("/chat/completions", cast_to=object, body=body)
    (record,) = memory.records()
    assert (record["status"], record["finish_reason"]) == ("ok", "stop")
    assert record["ttft_ms"] is None


def quiet(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "x1", "object": "x"})


UNRECORDED: list[tuple[str, Callable[[Anything], object]]] = [
    ("POST /rerank", lambda c: c.post("/rerank", cast_to=object, body={"model": "m"})),
    ("POST /videos", lambda c: c.post("/videos", cast_to=object, body={"prompt": "p"})),
    ("POST /batches", lambda c: c.post("/batches", cast_to=object, body={})),
    ("POST /threads/*/runs", lambda c: c.post("/threads/thread_1/runs", cast_to=object, body={})),
]


@pytest.mark.parametrize(("name", "call"), UNRECORDED, ids=[name for name, _ in UNRECORDED])
def test_a_model_call_without_a_record_is_warned_of_once_by_name(
    memory: testing.Memory, name: str, call: Callable[[Anything], object]
) -> None:
    client = llmlog.session(memory).wrap(client_of(quiet))
    with pytest.warns(llmlog.CaptureWarning, match=name.replace("*", r"\*")):
        call(client)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(client)
    assert memory.records() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.models.list(),
        lambda c: c.models.retrieve("m"),
        lambda c: c.fine_tuning.jobs.create(model="m", training_file="f"),
        lambda c: c.responses.input_tokens.count(model="m", input="x"),
        lambda c: c.chat.completions.retrieve("c1"),
        lambda c: c.responses.delete("resp_1"),
        lambda c: c.vector_stores.create(name="n"),
        lambda c: c.files.create(file=b"x", purpose="batch"),
    ],
)
def test_a_request_that_calls_no_model_leaves_no_record_and_no_warning(
    session: Session, memory: testing.Memory, call: Callable[[Anything], object]
) -> None:
    call(session.wrap(client_of(quiet)))
    assert memory.records() == []


COUNTED = [
    delta(content="a"),
    delta("stop"),
    sent(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
]


def counting(request: httpx2.Request) -> httpx2.Response:
    return streamed(*(COUNTED if b"stream_options" in request.content else COUNTED[:2]))


def raw(client: Anything) -> object:
    create = client.chat.completions.with_raw_response.create
    return [chunk.id for chunk in create(model="m", messages=QUESTION, stream=True).parse()]


def opened(read: Callable[[Anything], object]) -> Callable[[Anything], object]:
    def call(client: Anything) -> object:
        create = client.chat.completions.with_streaming_response.create
        with create(model="m", messages=QUESTION, stream=True) as response:
            return read(response)

    return call


@pytest.mark.parametrize(
    "call",
    [
        lambda c: [
            x.id for x in c.chat.completions.create(model="m", messages=QUESTION, stream=True)
        ],
        raw,
        opened(lambda r: [chunk.id for chunk in r.parse()]),
        opened(lambda r: list(r.iter_lines())),
        opened(lambda r: b"".join(r.iter_bytes())),
        opened(lambda r: "".join(r.iter_text())),
        lambda c: [x.id for x in c.completions.create(model="m", prompt="x", stream=True)],
    ],
    ids=["stream", "raw", "chunks", "lines", "bytes", "text", "legacy"],
)
def test_counts_asked_for_by_llmlog_never_reach_the_application(
    session: Session, memory: testing.Memory, call: Callable[[Anything], object]
) -> None:
    bare = client_of(counting)
    assert call(session.wrap(bare, stream_usage=True)) == call(bare)
    (record,) = memory.records()
    assert record["completion_tokens"] == 2


async def test_counts_asked_for_by_llmlog_never_reach_an_asynchronous_application(
    session: Session, memory: testing.Memory
) -> None:
    async def lines(client: openai.AsyncOpenAI) -> list[str]:
        create = client.chat.completions.with_streaming_response.create
        async with create(model="m", messages=QUESTION, stream=True) as response:
            return [line async for line in response.iter_lines()]

    bare = async_client_of(counting, api_key=KEY)
    assert await lines(session.wrap(bare, stream_usage=True)) == await lines(bare)
    assert memory.records()[0]["completion_tokens"] == 2
