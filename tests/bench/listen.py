"""Benchmark of `llmlog listen`: `python -m tests.bench.listen [--rate N] [--seconds N]`.

One exporter sends batches of calls at a steady rate, as protobuf, to a receiver in a process of
its own; then as fast as they are acknowledged. Printed: whether all acknowledged spans are in the
file, the receiver's CPU time per second at that rate, and the highest rate as a ratio of it.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_PER_BATCH = 512
"""As the SDK's batch processor sends them."""

_SALT = secrets.token_bytes(8)
"""Beginning of the trace ids of a batch, replaced for each request: no span is sent twice."""

_RUN = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"


def batch() -> bytes:
    """A batch of calls, 32 of them a trace, each with the usual attributes."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    begin = time.time_ns()
    for number in range(SPANS_PER_BATCH):
        if number % 32 == 0:
            trace_id, root = _SALT + secrets.token_bytes(8), secrets.token_bytes(8)
        span = spans.add(trace_id=trace_id, span_id=root if number % 32 == 31 else os.urandom(8))
        span.name = "chat gpt-5-mini"
        span.start_time_unix_nano, span.end_time_unix_nano = begin, begin + 250_000_000
        if number % 32 == 31:
            span.name = "handle question"
            continue
        span.parent_span_id = root
        texts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5-mini",
            "gen_ai.response.model": "gpt-5-mini-2025-08-07",
            "gen_ai.response.id": f"chatcmpl-{secrets.token_hex(8)}",
            "server.address": "api.openai.com",
            "openai.response.service_tier": "default",
        }
        for key, value in texts.items():
            span.attributes.add(key=key).value.string_value = value
        counts = {
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 34,
            "gen_ai.usage.cache_read.input_tokens": 64,
            "server.port": 443,
        }
        for key, count in counts.items():
            span.attributes.add(key=key).value.int_value = count
        finish = span.attributes.add(key="gen_ai.response.finish_reasons").value.array_value
        finish.values.add().string_value = "stop"
    return bytes(request.SerializeToString())


@contextmanager
def receiver(out: Path) -> Iterator[int]:
    """A receiver in a process of its own; its port."""
    command = [sys.executable, "-c", _RUN, "listen", "--port", "0", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r":(\d+): listening", process.stderr.readline())
        assert found is not None
        try:
            yield int(found[1])
        finally:
            process.terminate()
            process.wait()


def send(port: int, seconds: float, rate: float | None) -> int:
    """Send batches, at most `rate` spans a second; the number of spans acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    bodies = [batch() for _ in range(8)]
    headers = {"Content-Type": "application/x-protobuf"}
    sent = 0
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        if rate is not None and sent > spent * rate:
            time.sleep(sent / rate - spent)
        body = bodies[sent // SPANS_PER_BATCH % len(bodies)]
        body = body.replace(_SALT, secrets.token_bytes(8))
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        answer.read()
        sent += SPANS_PER_BATCH if answer.status == 200 else 0
    connection.close()
    return sent


def measure(seconds: float, rate: float | None) -> tuple[int, int, float]:
    """Spans acknowledged, lines written, and the receiver's CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "calls.jsonl")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with receiver(out) as port:
            sent = send(port, seconds, rate)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with out.open("rb") as lines:
            return sent, sum(1 for _ in lines), spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5_000, help="spans a second")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    sent, written, spent = measure(options.seconds, options.rate)
    print(f"at {sent / options.seconds:,.0f} spans/s: {sent:,} acknowledged, {written:,} written")  # noqa: T201
    print(f"CPU of the receiver: {spent / options.seconds:.2f} of a core")  # noqa: T201
    most, _, _ = measure(5, None)
    print(f"highest rate: {most / 5 / options.rate:.2f} x {options.rate:,.0f} spans/s")  # noqa: T201


if __name__ == "__main__":
    main()
