"""A fault at any stage of capture is counted, and does not affect the call."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.capture.conftest import (
    QUESTION,
    Anything,
    async_client_of,
    chunk,
    client_of,
    completion,
    last_chunk,
    streamed,
)

import llmlog
from llmlog import _content, _context, _core, _credentials, _files, _trace, _writer, record, testing
from llmlog._sdk import (
    call,
    chunks,
    client,
    deltas,
    endpoints,
    fields,
    headers,
    sse,
    streams,
    usage,
)

CHAT: dict[str, Any] = {"model": "m", "messages": QUESTION}

STAGES: list[tuple[Any, str]] = [
    (_context, "current_or_new_trace"),
    (_credentials.CredentialFilter, "add"),
    (_core.Core, "write"),
    (_core, "to_line"),
    (record, "_encoded"),
    (_core.TraceCore, "next_step"),
    (_core.TraceCore, "parent_of_tool_call"),
    (_context, "current_span_id"),
    (_context, "enter"),
    (_context, "leave"),
    (call.Call, "_finish"),
    (call.Call, "_add_streamed"),
    (call, "timestamp"),
    (_trace, "timestamp"),
    (fields, "request_fields"),
    (headers, "add_headers"),
    (fields, "answer_fields"),
    (headers, "error_fields"),
    (fields, "request_messages"),
    (fields, "answer_output"),
    (chunks.ChatAccumulator, "feed"),
    (chunks.ChatAccumulator, "add_fields"),
    (chunks.ChatAccumulator, "output"),
    (deltas, "merge"),
    (endpoints, "endpoint_of"),
    (fields, "failure_of"),
    (usage.Usage, "read"),
    (usage.Usage, "add_fields"),
    (call, "parse_sse"),
    (sse, "_is_usage_chunk"),
    (call.Call, "on_head"),
    (call.Call, "on_bytes"),
    (streams, "_tracked_class"),
    (streams, "recording_stream_class"),
    (client, "Call"),
    (client, "_recording_class"),
    (_content.Content, "snapshot"),
    (_content.Content, "prefix_hashes"),
    (_content.Content, "apply"),
    (_content, "_user_key"),
    (_writer.Writer, "write"),
    (_files.FileSink, "_append"),
    (os, "open"),
]


def fault(*_: object, **__: object) -> Any:  # noqa: ANN401
    raise RuntimeError("an invented fault")


def run(session: llmlog.Session, wrapped: Anything) -> list[object]:
    """Return the results an application gets from some calls, one error and one tool."""
    seen: list[object] = []
    with session.trace() as trace:
        seen.append(wrapped.chat.completions.create(**CHAT).choices[0].message.content)
        stream = wrapped.chat.completions.create(stream=True, **CHAT)
        seen.append([part.choices[0].delta.content for part in stream])
        raw = wrapped.chat.completions.with_raw_response.create(stream=True, **CHAT)
        seen.append(len(list(raw.parse())))
        streaming = wrapped.chat.completions.with_streaming_response.create
        with streaming(stream=True, **CHAT) as response:
            seen.append(len(list(response.iter_lines())))
        with wrapped.chat.completions.stream(**CHAT) as helper:
            seen.append([event.type for event in helper])
        try:
            wrapped.with_options(base_url="http://fails.example").chat.completions.create(**CHAT)
        except Exception as error:  # noqa: BLE001 - part of the outcome
            seen.append(type(error))
        with trace.span("plan"), trace.tool("look", {"q": 1}, tool_call_id="c1") as tool:
            tool.result = "found"
        seen.append(trace.tool(_decorated)(3))
    return seen


def _decorated(number: int) -> int:
    return number + 1


def answer(request: Anything) -> Any:  # noqa: ANN401
    import httpx2  # noqa: PLC0415

    if request.url.host == "fails.example":
        return httpx2.Response(500, json={"error": {"message": "no"}})
    if b'"stream":true' in request.content.replace(b" ", b""):
        return streamed(chunk("a"), chunk("b"), last_chunk())
    return httpx2.Response(200, json=completion())


def name_of(stage: Any) -> str:  # noqa: ANN401
    return stage if isinstance(stage, str) else getattr(stage, "__name__", "")


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
@pytest.mark.parametrize(("owner", "name"), STAGES, ids=name_of)
def test_a_fault_does_not_affect_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Anything, owner: Anything, name: str
) -> None:
    bare = client_of(answer)
    session = llmlog.session(tmp_path / "calls.jsonl", content="full")
    expected = run(llmlog.session(lambda _: None), bare)
    streams.recording_stream_class.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fault)
        assert run(session, session.wrap(bare, stream_usage=True)) == expected
    assert session.faults > 0


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
@pytest.mark.parametrize(("owner", "name"), STAGES, ids=name_of)
async def test_a_fault_does_not_affect_asynchronous_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Anything, owner: Anything, name: str
) -> None:
    session = llmlog.session(tmp_path / "calls.jsonl", content="full")
    bare = async_client_of(answer)
    streams.recording_stream_class.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fault)
        wrapped: Any = session.wrap(bare)
        result = await wrapped.chat.completions.create(**CHAT)
        assert result.choices[0].message.content == "hi"
        stream = await wrapped.chat.completions.create(stream=True, **CHAT)
        assert [part.choices[0].delta.content async for part in stream] == ["a", "b", None]


def test_a_clock_that_fails_is_a_fault_like_any_other() -> None:
    class Broken:
        time_ns = monotonic_ns = fault

    session = llmlog.session(lambda _: None, clock=Broken())
    with pytest.warns(llmlog.CaptureWarning):
        assert run(session, session.wrap(client_of(answer))) == run(session, client_of(answer))
    assert session.faults > 0


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
@pytest.mark.parametrize("reads", [1, 2, 3, 4])
async def test_a_clock_that_fails_in_the_middle_of_a_stream_does_not_affect_it(reads: int) -> None:
    class Failing(testing.Clock):
        left = reads

        def monotonic_ns(self) -> int:
            self.left -= 1
            return super().monotonic_ns() if self.left >= 0 else fault()

    for of, is_async in ((client_of, False), (async_client_of, True)):
        session = llmlog.session(lambda _: None, clock=Failing())
        wrapped: Any = session.wrap(of(answer))
        stream = wrapped.chat.completions.create(stream=True, **CHAT)
        parts = [part async for part in await stream] if is_async else list(stream)
        assert [part.choices[0].delta.content for part in parts] == ["a", "b", None]
        assert session.faults > 0


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
def test_a_fault_in_feeding_a_chunk_does_not_affect_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = llmlog.session(lambda _: None)
    monkeypatch.setattr(chunks.ChatAccumulator, "feed", fault)
    stream = session.wrap(client_of(answer)).chat.completions.create(stream=True, **CHAT)
    assert [part.choices[0].delta.content for part in stream] == ["a", "b", None]
    assert session.faults > 0
