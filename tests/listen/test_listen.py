"""`llmlog listen` as a process: real exporters send to it, and killing it loses nothing."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

import pytest
from tests.commands.conftest import Run, command, is_refused
from tests.formats.otlp import CHAT, envelope, span
from tests.listen.conftest import records
from tests.tui.terminal import Terminal

from llmlog_tui import cli
from llmlog_tui.listen import protobuf


class Listening(NamedTuple):
    process: subprocess.Popen[str]
    port: int
    stderr: IO[str]


Start: TypeAlias = Callable[..., Listening]


@pytest.fixture
def start(out: Path) -> Iterator[Start]:
    """Starts `llmlog listen` with these options; it ends with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> Listening:
        arguments = command("headless", "listen", "--port", "0", "--out", out, *options)
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stderr is not None
        said = re.search(r"http://127\.0\.0\.1:(\d+): listening", process.stderr.readline())
        assert said is not None
        return Listening(process, int(said[1]), process.stderr)

    yield begin
    for process in running:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


EXPORTER = """
import sys
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(
    f"http://127.0.0.1:{sys.argv[1]}/v1/traces",
    headers={"authorization": f"Bearer {sys.argv[2]}"},
    compression=Compression.Gzip,
)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("app")
with tracer.start_as_current_span("handle question"):
    for number in range(3):
        with tracer.start_as_current_span("chat gpt-5") as span:
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.request.model", "gpt-5")
            span.set_attribute("gen_ai.usage.input_tokens", number)
            span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
provider.shutdown()
"""

INSTRUMENTED = """
import json, sys
import httpx2, openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

answer = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5-2026",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "ho"}}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
}
provider = TracerProvider()
exporter = OTLPSpanExporter(f"http://127.0.0.1:{sys.argv[1]}/v1/traces")
provider.add_span_processor(SimpleSpanProcessor(exporter))
OpenAIInstrumentor().instrument(tracer_provider=provider)
transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
client = openai.OpenAI(api_key="none", http_client=httpx2.Client(transport=transport))
client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "hi"}])
provider.shutdown()
"""


def run(program: str, *arguments: str) -> None:
    """Run a Python program in a process of its own, to its end."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_spans_of_opentelemetrys_own_sdk_become_records(start: Start, out: Path) -> None:
    run(EXPORTER, str(start("--token", "s3cret").port), "s3cret")
    found = sorted(records(out), key=lambda record: record["step"])
    assert [(each["event"], each["prompt_tokens"]) for each in found if "model" in each] == [
        ("chat_completion", 0),
        ("chat_completion", 1),
        ("chat_completion", 2),
    ]
    assert [each["step"] for each in found] == [0, 1, 2, 3]
    assert found[0]["name"] == "handle question"


def test_an_instrumented_program_is_a_log_without_a_line_of_ours(start: Start, out: Path) -> None:
    run(INSTRUMENTED, str(start().port))
    (record,) = records(out)
    assert (record["model"], record["requested_model"], record["id"]) == (
        "gpt-5-2026", "gpt-5", "chatcmpl-1",
    )  # fmt: skip
    assert (record["prompt_tokens"], record["completion_tokens"]) == (12, 3)
    assert record["finish_reason"] == "stop"


def post(port: int, number: int) -> bool:
    """Whether one call is acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = json.dumps(envelope(span(CHAT, spanId=f"{number:016x}")))
    try:
        connection.request("POST", "/v1/traces", sent, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    finally:
        connection.close()


def test_a_killed_receiver_has_written_all_that_it_acknowledged(start: Start, out: Path) -> None:
    listening = start()
    acknowledged = [number for number in range(1, 60) if post(listening.port, number)]
    listening.process.send_signal(signal.SIGKILL)
    listening.process.wait()
    assert len(acknowledged) == 59
    assert {int(each["span_id"], 16) for each in records(out)} >= {*acknowledged}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_a_signal_and_says_what_it_wrote(
    start: Start, out: Path, number: signal.Signals
) -> None:
    listening = start()
    post(listening.port, 1)
    listening.process.send_signal(number)
    assert listening.process.wait(30) == 0
    assert listening.stderr.read() == f"{out}: 1 record written\n"


def test_a_port_that_is_taken_is_one_line(llmlog: Run, out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = llmlog("listen", "--port", port, "--out", out)
    assert is_refused(done, f"127.0.0.1:{port}: Address already in use")


def test_a_host_beyond_this_machine_without_a_token_is_one_line(llmlog: Run, out: Path) -> None:
    done = llmlog("listen", "--host", "0.0.0.0", "--port", "0", "--out", out)  # noqa: S104
    assert is_refused(done, "--host", "needs a token")


def test_a_file_that_cannot_be_written_is_one_line(llmlog: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = llmlog("listen", "--port", "0", "--out", tmp_path / "file" / "calls.jsonl")
    assert is_refused(done, "calls.jsonl")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_dashboard_receives_and_shows_what_it_follows(tmp_path: Path) -> None:
    port = free_port()
    terminal = Terminal(tmp_path, "calls.jsonl", "--listen", str(port))
    terminal.until_sent("Overview")
    assert post(port, 7)
    terminal.until_sent("gpt-5")
    terminal.press("q")
    assert terminal.ended() == 0
    terminal.close()
    assert [each["requested_model"] for each in records(tmp_path / "calls.jsonl")] == ["gpt-5"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.jsonl", "b.jsonl", "--listen"], "appends to one FILE"),
        (["*.jsonl", "--listen"], "appends to one FILE"),
        (["-", "--listen", "1"], "appends to one FILE"),
        (["--no-follow", "--listen"], "follows it"),
        (["--listen", "calls.jsonl"], "not a port; name the log first: llmlog-tui calls.jsonl"),
    ],
)
def test_the_dashboard_receives_into_one_file(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    try:
        code = cli.dashboard(arguments)
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_missing_extra_is_one_line_that_names_it(
    llmlog: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protobuf, "is_available", lambda: False)
    assert is_refused(llmlog("listen", "--out", out), "pip install 'llmlog[otlp]'")
