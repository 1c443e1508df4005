"""What capture adds to a call and to a stream; part of tests.bench.bench_capture.

Variants take turns, so that a slow moment of the machine meets them all, and are compared by the
median of the CPU time they add to the bare SDK. langfuse, OpenTelemetry and
langsmith join in when they are installed, and so are imported by name.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai

import llmlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmlog._content import ContentPolicy

TURNS = 60
PER_TURN = 10
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say hi."}]}
USAGE = {"prompt_tokens": 18, "completion_tokens": 20, "total_tokens": 38}
HEADERS = {"x-request-id": "req_1", "openai-processing-ms": "12", "x-ratelimit-limit-requests": "9"}


def completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m-1",
            "system_fingerprint": "fp_1", "choices": [choice], "usage": USAGE}  # fmt: skip


def events() -> list[bytes]:
    def event(**changes: object) -> bytes:
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
        return b"data: " + json.dumps({**head, **changes}).encode() + b"\n\n"

    def part(delta: dict[str, str], reason: str | None = None) -> bytes:
        return event(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])

    parts = [part({"content": "word "}) for _ in range(18)]
    return [*parts, part({}, "stop"), event(choices=[], usage=USAGE), b"data: [DONE]\n\n"]


class Body(httpx2.SyncByteStream):
    """A streamed answer of 20 chunks."""

    BLOCKS = events()

    def __iter__(self) -> Iterator[bytes]:
        yield from self.BLOCKS


def answer(request: httpx2.Request) -> httpx2.Response:
    if b'"stream":true' in request.content:
        headers = {"content-type": "text/event-stream", **HEADERS}
        return httpx2.Response(200, headers=headers, stream=Body())
    return httpx2.Response(200, json=completion(), headers=HEADERS)


def bare() -> openai.OpenAI:
    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(api_key="sk-bench-0123", http_client=httpx2.Client(transport=transport))


Calls = tuple[Callable[[], object], Callable[[], object]]


def by_hand(emit: Callable[[str], object]) -> Calls:
    """The lesson's wrapper, and the same for a stream; `emit` takes the JSON.

    Its stream is a generator, and read by list() as all others are: a wrapper that kept the chunks
    from the application would not be one.
    """
    client = bare()

    def chat() -> object:
        start = time.perf_counter()
        raw = client.chat.completions.with_raw_response.create(**CHAT)
        latency_ms = round((time.perf_counter() - start) * 1000)
        done = raw.parse()
        usage: Any = done.usage
        details = getattr(usage, "completion_tokens_details", None)
        emit(json.dumps({
            "event": "chat_completion", "session_id": "9f3a2b1c", "trace_id": "7c1d4e8a", "step": 0,
            "model": done.model, "id": done.id, "finish_reason": done.choices[0].finish_reason,
            "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            "reasoning_tokens": getattr(details, "reasoning_tokens", None) if details else None,
            "total_tokens": usage.total_tokens, "latency_ms": latency_ms,
            "system_fingerprint": getattr(done, "system_fingerprint", None),
            "request_id": raw.headers.get("x-request-id"),
        }))  # fmt: skip
        return done

    def chunks() -> Iterator[object]:
        start = time.perf_counter()
        first = reason = usage = last = None
        raw = client.chat.completions.with_raw_response.create(stream=True, **CHAT)
        for chunk in raw.parse():
            last = chunk
            if chunk.choices:
                if first is None and chunk.choices[0].delta.content:
                    first = time.perf_counter()
                reason = chunk.choices[0].finish_reason or reason
            usage = chunk.usage or usage
            yield chunk
        now = time.perf_counter()
        counts: Any = usage
        final: Any = last
        emit(json.dumps({
            "event": "chat_completion", "session_id": "9f3a2b1c", "trace_id": "7c1d4e8a", "step": 0,
            "model": final.model, "id": final.id, "finish_reason": reason,
            "prompt_tokens": counts.prompt_tokens, "completion_tokens": counts.completion_tokens,
            "total_tokens": counts.total_tokens, "latency_ms": round((now - start) * 1000),
            "ttft_ms": round(((first or now) - start) * 1000),
            "request_id": raw.headers.get("x-request-id"),
        }))  # fmt: skip

    return chat, lambda: list(chunks())


def one_write(path: Path) -> Callable[[str], object]:
    """The least there is: one os.write of the line."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return lambda text: os.write(fd, text.encode() + b"\n")


def lesson_log(path: Path) -> Callable[[str], object]:
    """As in the lesson: the logging module, one line a message."""
    log = logging.getLogger("llm")
    log.setLevel(logging.INFO)
    log.propagate = False
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    return log.info


def calls_of(client: openai.OpenAI) -> Calls:
    """The two calls that are measured."""
    create = client.chat.completions.create
    return lambda: create(**CHAT), lambda: list(create(stream=True, **CHAT))


def langsmith() -> openai.OpenAI:
    os.environ["LANGSMITH_TRACING"] = "true"
    os.environ["LANGSMITH_ENDPOINT"] = "http://127.0.0.1:9"
    wrapped: openai.OpenAI = import_module("langsmith.wrappers").wrap_openai(bare())
    return wrapped


def langfuse() -> openai.OpenAI:
    os.environ.update({"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"})
    os.environ["LANGFUSE_HOST"] = "http://127.0.0.1:9"
    transport = httpx2.MockTransport(answer)
    client: openai.OpenAI = import_module("langfuse.openai").OpenAI(
        api_key="sk-bench-0123", http_client=httpx2.Client(transport=transport)
    )
    return client


def otel() -> openai.OpenAI:
    import_module("opentelemetry.instrumentation.openai_v2").OpenAIInstrumentor().instrument()
    return bare()


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def recorded(path: Path, content: ContentPolicy = "none") -> Calls:
    """llmlog, writing to a file, in one trace."""
    return calls_of(llmlog.session(path, content=content).trace().wrap(bare()))


VARIANTS: dict[str, Callable[[Path], Calls]] = {
    "bare": lambda _: calls_of(bare()),
    "lesson": lambda path: by_hand(lesson_log(path)),
    "one os.write": lambda path: by_hand(one_write(path)),
    "llmlog": recorded,
    "llmlog redacted": lambda path: recorded(path, content="redacted"),
    "langfuse": lambda _: calls_of(langfuse()),
    "otel": lambda _: calls_of(otel()),
    "langsmith": lambda _: calls_of(langsmith()),
}


def serve(name: str, path: Path) -> None:
    """Answer each line on stdin, 0 or 1 for the kind of call, with the CPU time of one call."""
    calls = VARIANTS[name](path)
    say("ready")
    for line in sys.stdin:
        start = time.thread_time()
        for _ in range(PER_TURN):
            calls[int(line)]()
        say(str((time.thread_time() - start) * 1e6 / PER_TURN))


_MODULE = "tests.bench.bench_capture_calls"


class Served:
    """A variant in a process of its own: some of them patch the SDK for everybody in theirs."""

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", _MODULE, name, str(folder / f"{name}.jsonl")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.ready = self._read() == b"ready"

    def _read(self) -> bytes:
        return self._process.stdout.readline().strip() if self._process.stdout else b""

    def call(self, kind: int) -> float:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{kind}\n".encode())
            self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def print_costs(folder: Path) -> None:
    """CPU time that each variant adds to the bare call of the same turn: medians and ratios."""
    served = {name: Served(name, folder) for name in VARIANTS}
    for name in [name for name, variant in served.items() if not variant.ready]:
        say(f"({name} is not installed)")
        served.pop(name).close()
    for kind, title in enumerate(("a chat call", "a stream of 20 chunks")):
        taken: dict[str, list[float]] = {name: [] for name in served}
        for turn in range(TURNS):
            names = list(served)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                taken[name].append(served[name].call(kind))
        bare_us = statistics.median(taken["bare"])
        say(f"{title}: bare {bare_us:.0f} us")
        added = {
            name: statistics.median(a - b for a, b in zip(times, taken["bare"], strict=True))
            for name, times in taken.items()
        }
        for name in [name for name in added if name != "bare"]:
            ratio = 1 + added[name] / bare_us
            say(f"  {name:18}{added[name]:+8.0f} us   {ratio:6.2f} x bare")
    for variant in served.values():
        variant.close()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
