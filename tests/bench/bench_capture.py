"""What capture costs: `python tests/bench/bench_capture.py`.

Variants take turns, so that a slow moment of the machine meets them all, and are compared by the
median of the CPU time they add to the bare SDK. langfuse, OpenTelemetry and
langsmith join in when they are installed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai

import llmlog
from llmlog.redact import PERSONAL, SECRETS, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmlog.content import ContentPolicy

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
    """The lesson's wrapper, and the same for a stream; `emit` takes the JSON."""
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

    def stream() -> object:
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
        return final

    return chat, stream


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
    from langsmith.wrappers import wrap_openai  # type: ignore[import-not-found]  # noqa: PLC0415

    wrapped: openai.OpenAI = wrap_openai(bare())
    return wrapped


def langfuse() -> openai.OpenAI:
    os.environ.update({"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"})
    os.environ["LANGFUSE_HOST"] = "http://127.0.0.1:9"
    import langfuse.openai as patched  # type: ignore[import-not-found]  # noqa: PLC0415

    transport = httpx2.MockTransport(answer)
    client: openai.OpenAI = patched.OpenAI(
        api_key="sk-bench-0123", http_client=httpx2.Client(transport=transport)
    )
    return client


def otel() -> openai.OpenAI:
    from opentelemetry.instrumentation.openai_v2 import (  # type: ignore[import-not-found]  # noqa: PLC0415
        OpenAIInstrumentor,
    )

    OpenAIInstrumentor().instrument()
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


class Served:
    """A variant in a process of its own: some of them patch the SDK for everybody in theirs."""

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, __file__, name, str(folder / f"{name}.jsonl")]
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
        say(f"{title}: bare {statistics.median(taken['bare']):.0f} us")
        added = {
            name: statistics.median(a - b for a, b in zip(times, taken["bare"], strict=True))
            for name, times in taken.items()
        }
        for name in [name for name in added if name != "bare"]:
            ratio = added[name] / max(added["lesson"], 1.0)
            say(f"  {name:18}{added[name]:+8.0f} us   {ratio:6.2f} x lesson")
    for variant in served.values():
        variant.close()


def print_import() -> None:
    """What `import llmlog` adds to a process that has openai."""
    code = "import sys,time,resource;import openai;s=time.perf_counter()\n{}\n"
    code += "print(time.perf_counter()-s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs: dict[str, list[tuple[float, float]]] = {"pass": [], "import llmlog": []}
    for _ in range(15):
        for statement, results in runs.items():
            command = [sys.executable, "-c", code.format(statement)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
            seconds, kilobytes = map(float, done.stdout.split())
            results.append((seconds, kilobytes))
    without, with_ = (
        [statistics.median(column) for column in zip(*r, strict=True)] for r in runs.values()
    )
    added_ms, added_mb = 1000 * (with_[0] - without[0]), (with_[1] - without[1]) / 1024
    say(f"import, beyond openai: {added_ms:.1f} ms, {added_mb:.1f} MB")


def print_redaction() -> None:
    """The time all rules take on prose with many numbers."""
    text = (
        "The agent read 14 pages (3.5 MB) on 2026-11-23 at 10:30:45: see https://example.org/a?b=1."
        " It then asked: what changed between v1.2.3 and v1.3.0, and why did p95 go from 240 ms to "
        "1,312 ms? The fingerprint fp_44709d6fcb had changed; total cost was $0.0123. "
    ) * 40
    redactor = Redactor((*SECRETS, *PERSONAL))

    def seconds() -> float:
        start = time.thread_time()
        redactor.text(text)
        return time.thread_time() - start

    best = min(seconds() for _ in range(20)) * 1e6 / (len(text) / 1024)
    say(f"redaction: {best:.0f} us per KB")


WRITER = """
import sys, llmlog
path, name, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
session = llmlog.session(path, name, tags={"pad": "x" * (size - 250)})
trace = session.trace(name)
for _ in range(count):
    trace.record(event="embedding")
"""


def print_writers(folder: Path) -> None:
    """Whole and torn lines after eight processes have written to one file."""
    for size, each in ((300, 1000), (5_000, 1000), (70_000, 1000), (1_048_576, 1000)):
        path = folder / f"{size}.jsonl"
        args = [sys.executable, "-c", WRITER, str(path)]
        processes = [
            subprocess.Popen([*args, f"writer-{n}", str(each), str(size)]) for n in range(8)
        ]
        for process in processes:
            process.wait()
        whole = torn = 0
        with path.open("rb") as log:
            for line in log:
                is_whole = (
                    line.startswith(b'{"v": 1') and line.endswith(b"}\n") and b"\0" not in line
                )
                whole += is_whole
                torn += not is_whole
        path.unlink()
        say(f"8 processes x {each:,} records of {size:9,} B: {whole} whole, {torn} torn")


def print_killed(folder: Path) -> None:
    """Records of 1,000 that are there after SIGKILL."""
    path = folder / "killed.jsonl"
    code = WRITER + "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    command = [sys.executable, "-c", code, str(path), "killed", "1000", "300"]
    subprocess.run(command, check=False)
    say(f"SIGKILL after 1,000 records: {len(path.read_bytes().splitlines())} are there")


def main() -> None:
    """Print every measure; ratios are what to read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_costs(folder)
        print_import()
        print_redaction()
        print_killed(folder)
        print_writers(folder)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
