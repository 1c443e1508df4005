"""The receiver: what it takes, what it refuses, and that nothing is acknowledged unwritten."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.formats.otlp import BEGIN, CHAT, CHILD, ROOT, TRACE, envelope, span
from tests.formats.test_otlp_logs import REQUEST, attempt, claude
from tests.listen.conftest import Client, Open, records

from llmlog_tui.listen import body, protobuf, receiver
from llmlog_tui.listen.receiver import Receiver
from llmlog_tui.listen.record_log import RecordLog

PROTOBUF = "application/x-protobuf"


def request(span_id: str = CHILD) -> ExportTraceServiceRequest:
    """A batch of one call as protobuf."""
    batch = ExportTraceServiceRequest()
    call = batch.resource_spans.add().scope_spans.add().spans.add()
    call.trace_id, call.span_id = bytes.fromhex(TRACE), bytes.fromhex(span_id)
    call.name = "chat gpt-5"
    call.start_time_unix_nano, call.end_time_unix_nano = BEGIN, BEGIN + 10**9
    for name, value in CHAT.items():
        call.attributes.add(key=name).value.string_value = value
    call.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 120
    finish = call.attributes.add(key="gen_ai.response.finish_reasons").value.array_value
    finish.values.add().string_value = "stop"
    call.events.add(name="exception").attributes.add(key="exception.type").value.string_value = "E"
    return batch


def test_a_batch_of_json_is_a_record_when_it_is_acknowledged(client: Client, out: Path) -> None:
    answer = client.send(envelope(span(CHAT)))
    assert (answer.status, answer.body) == (200, b"{}")
    (record,) = records(out)
    assert (record["event"], record["trace_id"], record["step"]) == ("chat_completion", TRACE, 0)


def test_a_text_that_was_cut_inside_an_emoji_costs_no_batch(client: Client, out: Path) -> None:
    cut = {**CHAT, "gen_ai.request.model": "gpt\ud83d"}
    assert client.send(envelope(span(cut))).status == 200
    (record,) = records(out)
    assert (record["requested_model"], record["trace_id"]) == ("gpt�", TRACE)


def test_a_batch_of_protobuf_is_the_same_record(client: Client, out: Path) -> None:
    answer = client.send(request().SerializeToString(), Content_Type=PROTOBUF)
    assert (answer.status, answer.body) == (200, b"")
    (record,) = records(out)
    assert (record["latency_ms"], record["prompt_tokens"], record["finish_reason"]) == (
        1_000, 120, "stop",
    )  # fmt: skip
    assert (record["trace_id"], record["span_id"]) == (TRACE, CHILD)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_a_body_may_be_compressed(client: Client, out: Path, encoding: str, encode: type) -> None:
    packed = encode(request().SerializeToString())
    answer = client.send(packed, Content_Type=PROTOBUF, Content_Encoding=encoding)
    assert (answer.status, len(records(out))) == (200, 1)


def raw(client: Client, sent: bytes) -> bytes:
    """All that is answered to these bytes."""
    with socket.create_connection((client.receiver.host, client.receiver.port)) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


HEAD = (
    b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\n"
)


def test_a_body_may_come_in_chunks(client: Client, out: Path) -> None:
    whole = json.dumps(envelope(span(CHAT))).encode()
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (whole[:100], whole[100:], b"")
    )
    answer = raw(client, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(records(out)) == 1


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"\r\n", b"411"),
        (b"Content-Length: many\r\n\r\n", b"411"),
        (b"Content-Length: 99999999999\r\n\r\n", b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", b"413"),
    ],
)
def test_a_body_without_a_sane_length_is_refused(
    client: Client, rest: bytes, status: bytes
) -> None:
    assert raw(client, HEAD + rest).startswith(b"HTTP/1.1 " + status)


def test_a_body_that_unpacks_to_too_much_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "MAX_BODY", 1_000_000)
    bomb = gzip.compress(b" " * 2_000_000)
    assert client.send(bomb, Content_Encoding="gzip").status == 413


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        (b"{torn", {}, 400),
        (b"[]", {}, 400),
        (b"torn", {"Content_Type": PROTOBUF}, 400),
        (b"torn", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"{}")[:-4], {"Content_Encoding": "gzip"}, 400),
        (b"{}", {"Content_Encoding": "zstd"}, 415),
        (b"{}", {"Content_Type": "text/plain"}, 415),
        (b"{}", {"Origin": "http://example.org"}, 403),
        (b"{}", {"path": "/v1/other"}, 404),
        (b"", {"method": "GET"}, 405),
        (b"", {"method": "GET", "path": "/"}, 404),
    ],
)
def test_what_is_no_batch_is_refused(
    client: Client, sent: bytes, headers: dict[str, str], status: int
) -> None:
    assert client.send(sent, **headers).status == status
    assert client.send(envelope(span(CHAT))).status == 200


def test_a_bad_span_is_rejected_and_the_others_are_written(client: Client, out: Path) -> None:
    answer = client.send(envelope({"spanId": CHILD}, span(CHAT)))
    assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == "1"
    batch = request("c" * 16)
    batch.resource_spans[0].scope_spans[0].spans.add(name="without ids")
    answer = client.send(batch.SerializeToString(), Content_Type=PROTOBUF)
    said = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (said.rejected_spans, said.error_message) == (1, "without ids, or no object")
    assert len(records(out)) == 2


@pytest.mark.parametrize(
    ("name", "path"), [("resourceSpans", "/v1/traces"), ("resource_logs", "/v1/logs")]
)
def test_a_body_without_a_list_is_refused(client: Client, out: Path, name: str, path: str) -> None:
    for wrong in (1, {"spans": 1}, "spans"):
        assert client.send({name: wrong}, path).status == 400
    assert client.send({name: None}, path).status == 200, "as JSON of protobuf has it"
    assert not out.exists()


@pytest.mark.parametrize(
    ("resources", "rejected"),
    [
        ([1, None], "2"),
        ([{"scopeSpans": 5}], "1"),
        ([{"scopeSpans": [None, "x"]}], "2"),
        ([{"scopeSpans": [{"spans": 5}]}], "1"),
    ],
)
def test_an_unreadable_part_of_a_body_is_rejected_and_the_rest_is_written(
    client: Client, out: Path, resources: list[Any], rejected: str
) -> None:
    good = envelope(span(CHAT))["resourceSpans"]
    answer = client.send({"resourceSpans": [*resources, *good]})
    assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == rejected
    assert len(records(out)) == 1
    logs = json.loads(json.dumps(resources).replace("Spans", "Logs").replace("spans", "logRecords"))
    answer = client.send({"resourceLogs": logs}, "/v1/logs")
    assert json.loads(answer.body)["partialSuccess"]["rejectedLogRecords"] == rejected


def test_an_empty_part_of_a_body_is_not_unreadable(client: Client) -> None:
    for empty in ({}, {"scopeSpans": None}, {"scopeSpans": [{}, {"spans": None}, {"spans": []}]}):
        assert json.loads(client.send({"resourceSpans": [empty]}).body) == {}


def test_metrics_are_taken_and_dropped(client: Client, out: Path) -> None:
    assert client.send({"resourceMetrics": []}, "/v1/metrics").status == 200
    assert not out.exists()


def test_events_of_agents_are_records(client: Client, out: Path) -> None:
    assert client.send(claude("api_request", **REQUEST), "/v1/logs").status == 200
    batch = ExportLogsServiceRequest()
    resource = batch.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "claude-code"
    log = resource.scope_logs.add().log_records.add(time_unix_nano=BEGIN)
    log.body.string_value = "claude_code.api_request"
    log.attributes.add(key="model").value.string_value = "claude-opus-5"
    assert client.send(batch.SerializeToString(), "/v1/logs", Content_Type=PROTOBUF).status == 200
    assert [each["model"] for each in records(out)] == ["claude-opus-5"] * 2


def test_an_attempt_that_failed_is_written_when_the_receiver_ends(
    client: Client, out: Path
) -> None:
    client.send(attempt(1, 0, 500), "/v1/logs")
    client.receiver.stop()
    assert [each["error_status"] for each in records(out)] == [500]


def test_a_parent_that_comes_last_has_the_step_in_front_of_its_children(
    client: Client, out: Path
) -> None:
    client.send(envelope(span(CHAT, 1, 2, parentSpanId=ROOT)))
    client.send(envelope(span(CHAT, 3, 4, spanId="c" * 16, parentSpanId=ROOT)))
    client.send(envelope(span(None, 0, 9, spanId=ROOT, name="handle question")))
    assert [(each["step"], each["event"]) for each in records(out)] == [
        (1, "chat_completion"),
        (2, "chat_completion"),
        (0, "span"),
    ]


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_a_batch_sent_again_as_its_answer_was_lost_is_written_once(
    client: Client, out: Path, path: str
) -> None:
    call = envelope(span(CHAT)) if path == "/v1/traces" else claude("api_request", **REQUEST)
    assert [client.send(call, path).status for _ in range(2)] == [200, 200]
    assert len(records(out)) == 1


# ---- content

SECRET = "key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"  # noqa: S105 - made up
SAID = {"gen_ai.input.messages": f'[{{"role": "user", "content": "{SECRET}"}}]'}


@pytest.mark.parametrize(
    ("policy", "said"),
    [("none", None), ("redacted", "key [redacted:api_key]"), ("full", SECRET)],
)
def test_content_is_kept_by_the_policy_of_capture(
    listening: Open, out: Path, policy: str, said: str | None
) -> None:
    failed = {"code": 2, "message": "no"}
    listening(content=policy).send(envelope(span(CHAT | SAID, status=failed)))
    (record,) = records(out)
    assert record.get("input", [{}])[0].get("content") == said
    assert ("prefix_hashes" in record) == (policy != "none")
    assert record.get("error_message") == (None if policy == "none" else "no")


# ---- who may send


def test_a_token_is_asked_for(listening: Open) -> None:
    client = listening(token="s3cret")  # noqa: S106 - made up
    assert client.send(envelope(span(CHAT))).status == 401
    assert client.send(envelope(span(CHAT)), Authorization="Bearer wrong").status == 401
    assert client.send(envelope(span(CHAT)), Authorization="Bearer s3cret").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_an_address_beyond_this_machine_needs_a_token(out: Path, host: str) -> None:
    with pytest.raises(ValueError, match="needs a token"):
        Receiver(out, host=host, port=0)


# ---- back-pressure


def test_a_disk_that_is_full_is_a_503_and_the_batch_is_written_once(
    client: Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = client.receiver.log._writer  # noqa: SLF001 - in place of the disk
    write, full = writer.write, [True]

    def fails_second(line: bytes) -> None:
        if b'"step": 1' in line and full:
            raise OSError(28, "No space left on device")
        write(line)

    monkeypatch.setattr(writer, "write", fails_second)
    both = envelope(span(CHAT), span(CHAT, 2, 3, spanId="c" * 16))
    refused = client.send(both)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert client.send(envelope(span(CHAT, 5, 6, spanId="d" * 16))).status == 503
    full.clear()
    assert client.send(both).status == 200
    assert client.send(envelope(span(CHAT, 5, 6, spanId="d" * 16))).status == 200
    assert [each["step"] for each in records(out)] == [0, 1, 2]


class Stuck:
    """A log that is written only when the test lets it."""

    def __init__(self, log: RecordLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.free = threading.Semaphore(0), threading.Event()
        take = log.take_spans

        def waits(spans: list[object], body: bytes) -> None:
            self.entered.release()
            self.free.wait(30)
            take(spans, body)  # type: ignore[arg-type]

        monkeypatch.setattr(log, "take_spans", waits)


def test_requests_that_wait_are_bounded_and_the_next_is_told_to_come_again(
    listening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MAX_WAITING", 2)
    monkeypatch.setattr(receiver, "MAX_WAIT_S", 0.01)
    client = listening()
    stuck = Stuck(client.receiver.log, monkeypatch)
    answers: list[int] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(client.send(envelope(span(CHAT))).status))
        for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
        assert stuck.entered.acquire(timeout=30)
    refused = client.send(envelope(span(CHAT)))
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    stuck.free.set()
    for thread in waiting:
        thread.join()
    assert answers == [200, 200]


def test_connections_are_bounded(listening: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MAX_CONNECTIONS", 1)
    client = listening()
    with socket.create_connection((client.receiver.host, client.receiver.port)) as first:
        first.sendall(HEAD)
        answer = raw(client, HEAD)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer


def test_without_the_extra_protobuf_is_refused_by_its_name(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(protobuf, "import_module", missing)
    answer = client.send(b"", Content_Type=PROTOBUF)
    assert (answer.status, protobuf.EXTRA.encode() in answer.body) == (415, True)
    assert client.send(envelope(span(CHAT))).status == 200
