"""Records as OpenTelemetry spans: nothing that has a name there is lost, and ids stay joined."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.commands.conftest import Run, Written

from llmlog_tui.formats.otlp_export import SCHEMA_URL, SPANS_PER_LINE, to_lines
from llmlog_tui.formats.otlp_own import NAMES
from llmlog_tui.log.load import load
from llmlog_tui.log.schema import COLUMNS, decategorize

CALL: dict[str, Any] = {
    "ts": "2026-11-23T09:00:00.5Z", "event": "chat_completion", "session_id": "s-1",
    "trace_id": "7c1d4e8a", "step": 2, "span_id": "00f067aa0ba902b7",
    "parent_span_id": "b9c7c989f97918e1", "status": "ok", "latency_ms": 1_430,
    "model": "gpt-5-2026", "requested_model": "gpt-5", "provider": "api.openai.com",
    "id": "chatcmpl-1", "request_id": "req_1", "finish_reason": "length", "prompt_tokens": 900,
    "completion_tokens": 100, "reasoning_tokens": 64, "cached_tokens": 512, "max_tokens": 100,
    "stream": True, "ttft_ms": 250, "retries": 1, "system_fingerprint": "fp_1",
    "tool_calls": ["search", "read"],
}  # fmt: skip


Span: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture
def span(written: Written) -> Span:
    """The span that a record becomes."""

    def of(**fields: object) -> dict[str, Any]:
        record = {"event": "chat_completion", **fields}
        frame = decategorize(load([written([record])]).frame).select(COLUMNS.keys())
        (found,) = spans(b"".join(to_lines(frame.iter_rows(named=True))))
        return found

    return of


def spans(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        (resource,) = json.loads(line)["resourceSpans"]
        (scope,) = resource["scopeSpans"]
        assert scope["schemaUrl"] == SCHEMA_URL
        yield from scope["spans"]


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    """Attributes as plain values; integers are text in OTLP."""

    def value(of: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        ((kind, held),) = of.items()
        if kind == "arrayValue":
            return [value(each) for each in held["values"]]
        return int(held) if kind == "intValue" else held

    found = [(each["key"], value(each["value"])) for each in span["attributes"]]
    assert len(dict(found)) == len(found), "a name twice"
    return dict(found)


def test_a_call_is_a_client_span_of_its_time(span: Span) -> None:
    found = span(**CALL)
    assert {name: found[name] for name in found if name != "attributes"} == {
        "traceId": "0000000000000000000000007c1d4e8a",
        "spanId": "00f067aa0ba902b7",
        "parentSpanId": "b9c7c989f97918e1",
        "name": "chat gpt-5",
        "kind": 3,
        "startTimeUnixNano": "1795424400500000000",
        "endTimeUnixNano": "1795424401930000000",
        "status": {},
    }


def test_its_attributes_have_the_names_of_the_conventions(span: Span) -> None:
    assert attributes(span(**CALL)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.request.model": "gpt-5",
        "server.address": "api.openai.com",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["length"],
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.reasoning.output_tokens": 64,
        "gen_ai.usage.cache_read.input_tokens": 512,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.stream": True,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "openai.response.system_fingerprint": "fp_1",
        "llmlog.event": "chat_completion",
        "llmlog.trace_id": "7c1d4e8a",
        "llmlog.span_id": "00f067aa0ba902b7",
        "llmlog.step": 2,
        "llmlog.request_id": "req_1",
        "llmlog.retries": 1,
        "llmlog.tool_calls": ["search", "read"],
    }


@pytest.mark.parametrize(
    ("fields", "name", "kind"),
    [
        ({"event": "embedding", "model": "e"}, "embeddings e", 3),
        ({"event": "response", "model": "m", "requested_model": "r"}, "chat r", 3),
        ({"event": "tool_call", "tool_name": "search"}, "execute_tool search", 1),
        ({"event": "span", "name": "act"}, "act", 1),
        ({"event": "chat_completion"}, "chat", 3),
        ({"event": "deploy", "trace_id": "t"}, "deploy", 3),
    ],
)
def test_a_span_is_named_by_what_it_is_of(
    span: Span,
    fields: dict[str, object],
    name: str,
    kind: int,
) -> None:
    found = span(**fields)
    assert (found["name"], found["kind"]) == (name, kind)


def test_what_failed_says_so(span: Span) -> None:
    found = span(**CALL, error_type="RateLimitError", error_status=429, error_message="slow down")
    assert found["status"] == {}, "the record says ok"
    found = span(**{**CALL, "status": "error"}, error_type="RateLimitError", error_status=429)
    assert found["status"] == {"code": 2}
    assert attributes(found)["error.type"] == "RateLimitError"
    assert attributes(found)["http.response.status_code"] == 429
    assert span(status="error", error_message="no")["status"] == {"code": 2, "message": "no"}


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("mine.openai.azure.com", "azure.ai.openai"),
        ("api.anthropic.com", "anthropic"),
        ("localhost", "localhost"),
    ],
)
def test_a_provider_is_called_as_the_conventions_call_it(
    span: Span,
    host: str,
    provider: str,
) -> None:
    found = attributes(span(provider=host))
    assert (found["gen_ai.provider.name"], found["server.address"]) == (provider, host)


@pytest.mark.parametrize("trace", ["run-1", "0", "F00", "f" * 33, "tests/é", None])
def test_an_id_that_a_span_cannot_have_becomes_one_and_is_kept_as_it_was(
    span: Span,
    trace: str | None,
) -> None:
    found, again = span(trace_id=trace), span(trace_id=trace)
    assert found == again
    assert len(found["traceId"]) == 32
    assert int(found["traceId"], 16)
    assert int(found["spanId"], 16)
    assert attributes(found).get("llmlog.trace_id") == trace


def test_a_parent_is_found_by_its_id(span: Span) -> None:
    parent, child = span(span_id="my span"), span(span_id="b", parent_span_id="my span")
    assert child["parentSpanId"] == parent["spanId"]


def test_what_is_unknown_is_left_out(span: Span) -> None:
    found = span(event="chat_completion")
    assert (found["startTimeUnixNano"], found["endTimeUnixNano"]) == ("0", "0")
    assert attributes(found) == {
        "gen_ai.operation.name": "chat",
        "llmlog.event": "chat_completion",
    }


def test_the_sample_comes_back_from_its_spans(llmlog: Run, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.otlp.jsonl"
    assert llmlog("export", sample, "--to", out).code == 0
    records = [json.loads(line) for line in sample.read_bytes().splitlines()]
    assert [*map(record_of, spans(out.read_bytes()))] == [*map(named, records)]


def record_of(span: dict[str, Any]) -> dict[str, Any]:
    """What the names of the conventions say of a record."""
    found = attributes(span)
    begin, end = (int(span[f"{edge}TimeUnixNano"]) for edge in ("start", "end"))
    record = {field: found[name] for field, name in NAMES.items() if name in found}
    if "ttft_ms" in record:
        record["ttft_ms"] = round(record["ttft_ms"] * 1_000)
    if "finish_reason" in record:
        (record["finish_reason"],) = record["finish_reason"]
    status = "error" if span["status"] else "ok"
    return {**record, "latency_ms": (end - begin) // 1_000_000, "status": status}


def named(record: dict[str, Any]) -> dict[str, Any]:
    """Of a record, what record_of() can say."""
    fields = (*NAMES, "latency_ms", "status")
    return {name: record[name] for name in fields if record.get(name) is not None}


def test_a_line_holds_so_many_spans_and_no_content(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    secret = {"input": [{"content": "hush"}], "output": "hush", "extra": {"tag": "told"}}
    log = written([{**CALL, **secret}] * (SPANS_PER_LINE + 1))
    out = tmp_path / "out.otlp.jsonl"
    llmlog("export", log, "--to", out)
    lines = out.read_bytes().splitlines()
    assert [len([*spans(line)]) for line in lines] == [SPANS_PER_LINE, 1]
    assert b"hush" not in out.read_bytes()
    assert b"llmlog.extra.tag" in out.read_bytes()
