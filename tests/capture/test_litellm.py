"""Calls through LiteLLM: one record each, whichever of its functions makes them."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import time
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.capture.conftest import KEY, QUESTION, Anything, Llmock

import llmlog.litellm
from llmlog import testing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmlog import Session

# Whatever its own imports and threads warn about is not this library's.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.alone]


@pytest.fixture(scope="module")
def litellm() -> Iterator[Anything]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it is fetched on import
        module = pytest.importorskip("litellm")
        module.suppress_debug_info = True
        yield module
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # it leaves an event loop open, which the next module would be blamed for


@pytest.fixture
def session(memory: testing.Memory) -> Session:
    return testing.session(memory, content="full")


@pytest.fixture
def recorded(litellm: Anything, session: Session, monkeypatch: pytest.MonkeyPatch) -> Anything:
    for name in ("success_callback", "failure_callback", "input_callback"):
        monkeypatch.setattr(litellm, name, [])
        monkeypatch.setattr(litellm, f"_async_{name}", [], raising=False)
    monkeypatch.setattr(litellm, "callbacks", [llmlog.litellm.callback(session)])
    return litellm


@pytest.fixture
def options(llmock: Llmock) -> dict[str, Any]:
    return {
        "model": "openai/gpt-4o",
        "api_base": llmock.base_url,
        "api_key": KEY,
        "max_retries": 0,
        "messages": QUESTION,
    }


def wait(memory: testing.Memory, count: int = 1) -> list[dict[str, Any]]:
    """Wait for the records of calls that have returned: LiteLLM reports them from a thread."""
    from litellm.litellm_core_utils.thread_pool_executor import executor  # noqa: PLC0415

    deadline = time.monotonic() + 60
    while len(memory.lines) < count:
        assert time.monotonic() < deadline, "no record"
        executor.submit(lambda: None).result()
    return memory.records()


async def wait_async(memory: testing.Memory, count: int = 1) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        while len(memory.lines) < count:  # noqa: ASYNC110 - LiteLLM sets no event
            await asyncio.sleep(0)
    return memory.records()


def test_a_call_is_recorded_in_the_trace_around_it(
    recorded: Anything, session: Session, memory: testing.Memory, options: dict[str, Any]
) -> None:
    with session.trace("run-1", name="refund-agent") as trace, trace.tagged(prompt="v3"):
        answer = recorded.completion(max_tokens=9, temperature=0.5, **options)
    (record,) = wait(memory)
    assert (record["trace_id"], record["trace_name"]) == ("run-1", "refund-agent")
    assert record["extra"] == {"prompt": "v3"}
    assert (record["event"], record["status"]) == ("chat_completion", "ok")
    assert (record["requested_model"], record["provider"]) == ("gpt-4o", "127.0.0.1")
    assert (record["id"], record["finish_reason"]) == (answer.id, "stop")
    assert record["prompt_tokens"] == answer.usage.prompt_tokens
    assert (record["max_tokens"], record["temperature"]) == (9, 0.5)
    assert (record["stream"], record["latency_ms"] is not None) == (False, True)
    assert record["ratelimit_limit_requests"] == 100000
    assert record["input"] == QUESTION
    assert record["output"]["content"] == answer.choices[0].message.content
    assert KEY.encode() not in memory.lines[0]


def test_a_stream_is_one_record_with_its_counts(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any]
) -> None:
    pieces = list(recorded.completion(stream=True, **options))
    (record,) = wait(memory)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert (record["stream"], record["stream_end"]) == (True, "complete")
    assert record["output"]["content"] == text
    assert record["completion_tokens"] > 0
    assert record["ttft_ms"] <= record["latency_ms"]


async def test_asynchronous_calls_and_streams_are_recorded_once(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any]
) -> None:
    await recorded.acompletion(**options)
    async for _ in await recorded.acompletion(stream=True, **options):
        pass
    records = await wait_async(memory, 2)
    assert [record["stream"] for record in records] == [False, True]
    assert [record["finish_reason"] for record in records] == ["stop", "stop"]
    assert len(memory.lines) == 2


def test_a_failed_call_is_an_error(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any], llmock: Llmock
) -> None:
    llmock.script({"type": "fail", "status": 429})
    with pytest.raises(recorded.RateLimitError):
        recorded.completion(**options)
    (record,) = wait(memory)
    assert (record["status"], record["error_type"]) == ("error", "RateLimitError")
    assert record["error_status"] == 429


async def test_an_asynchronous_call_that_fails_is_an_error(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any], llmock: Llmock
) -> None:
    llmock.script({"type": "fail", "status": 500})
    with pytest.raises(recorded.InternalServerError):
        await recorded.acompletion(**options)
    (record,) = await wait_async(memory)
    assert (record["status"], record["error_status"]) == ("error", 500)


def test_a_model_of_anthropics_is_recorded_in_the_same_terms(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any]
) -> None:
    base = options["api_base"].replace("/v1", "/anthropic")
    recorded.completion(**{**options, "model": "anthropic/claude-opus-4-1", "api_base": base})
    (record,) = wait(memory)
    assert (record["event"], record["requested_model"]) == ("chat_completion", "claude-opus-4-1")
    assert record["finish_reason"] == "stop"
    assert record["input"] == QUESTION


def test_embeddings_are_recorded(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any]
) -> None:
    del options["messages"]
    answer = recorded.embedding(
        input=["hi"], **{**options, "model": "openai/text-embedding-3-small"}
    )
    (record,) = wait(memory)
    assert (record["event"], record["input"]) == ("embedding", ["hi"])
    assert record["prompt_tokens"] == answer.usage.prompt_tokens


async def test_responses_are_recorded(
    recorded: Anything, memory: testing.Memory, options: dict[str, Any]
) -> None:
    del options["messages"], options["max_retries"]
    await recorded.aresponses(input="hi", **options)
    (record,) = await wait_async(memory)
    assert (record["event"], record["finish_reason"]) == ("response", "stop")


def test_with_starts_a_call_is_announced(
    litellm: Anything, memory: testing.Memory, options: dict[str, Any], recorded: Anything
) -> None:
    session = testing.session(memory, starts=True)
    litellm.callbacks[:] = [llmlog.litellm.callback(session)]
    recorded.completion(**options)
    start, record = wait(memory, 2)
    assert (start["event"], record["event"]) == ("start", "chat_completion")
    assert start["span_id"] == record["span_id"]


def test_an_end_that_is_reported_twice_is_one_record(
    session: Session, memory: testing.Memory, litellm: Anything
) -> None:
    callback = llmlog.litellm.callback(session)
    started = testing.Clock().time_ns() / 1e9
    at = [datetime.fromtimestamp(started + s, UTC) for s in (0, 0.25)]
    call = {"litellm_call_id": "1", "call_type": "completion", "model": "m", "messages": QUESTION}
    answer = litellm.ModelResponse(model="m-1")
    for _ in range(2):
        callback.log_success_event(call, answer, *at)
    (record,) = memory.records()
    assert (record["model"], record["latency_ms"]) == ("m-1", 250)
    assert record["ts"] == "2026-01-01T00:00:00.000000Z"


def test_what_is_still_open_is_written_when_the_process_exits(
    tmp_path: Path, llmock: Llmock
) -> None:
    program = f"""
        import asyncio, litellm, llmlog, llmlog.litellm
        litellm.suppress_debug_info = True
        litellm.callbacks = [llmlog.litellm.callback(llmlog.session("calls.jsonl"))]
        options = dict(model="openai/gpt-4o", api_base={llmock.base_url!r}, api_key={KEY!r},
                       messages=[{{"role": "user", "content": "hi"}}], max_retries=0)
        for _ in litellm.completion(stream=True, **options):
            break
        asyncio.run(litellm.acompletion(**options))
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": str(tmp_path)},
    )
    lines = (tmp_path / "calls.jsonl").read_bytes().splitlines()
    ends = [
        (b'"stream_end": "abandoned"' in line, b'"finish_reason": "stop"' in line) for line in lines
    ]
    assert sorted(ends) == [(False, True), (True, False)]
