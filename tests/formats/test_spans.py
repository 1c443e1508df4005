"""Spans as records: our own come back as they went, those of other instrumentations are joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.formats.spans import from_lines

TRACE, ROOT, CHILD = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
SECOND = 1_000_000_000
BEGIN = 1_795_424_400 * SECOND  # 2026-11-23 09:00:00


def span(begin_s: float = 0, end_s: float = 1, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A span as another instrumentation writes it."""
    begin, end = (str(BEGIN + round(at * SECOND)) for at in (begin_s, end_s))
    return {
        "traceId": TRACE, "spanId": CHILD, "name": "chat gpt-4o", "kind": 3,
        "startTimeUnixNano": begin, "endTimeUnixNano": end, **fields,
    }  # fmt: skip


def attributes(**values: dict[str, Any]) -> list[dict[str, Any]]:
    """OTLP attributes; `gen_ai__usage` stands for `gen_ai.usage`."""
    return [{"key": name.replace("__", "."), "value": value} for name, value in values.items()]


def line(*spans: dict[str, Any]) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def records(*spans: dict[str, Any]) -> list[dict[str, Any]]:
    found, bad = from_lines([line(*spans)])
    assert bad == 0
    return found


CHAT = attributes(
    gen_ai__operation__name={"stringValue": "chat"},
    gen_ai__provider__name={"stringValue": "openai"},
    gen_ai__conversation__id={"stringValue": "conv-1"},
    gen_ai__request__model={"stringValue": "gpt-4o"},
    gen_ai__response__model={"stringValue": "gpt-4o-2024-08-06"},
    gen_ai__response__finish_reasons={"arrayValue": {"values": [{"stringValue": "length"}]}},
    gen_ai__usage__input_tokens={"intValue": "900"},
    gen_ai__usage__output_tokens={"intValue": 100},
    gen_ai__response__time_to_first_chunk={"doubleValue": 0.25},
    gen_ai__request__stream={"boolValue": True},
    gen_ai__input__messages={"stringValue": "hush"},
)


def test_the_span_of_another_application_is_a_call() -> None:
    (found,) = records(span(0.5, 1.93, attributes=CHAT))
    assert {name: value for name, value in found.items() if value is not None} == {
        "ts": "2026-11-23T09:00:00.500000Z", "event": "chat_completion", "trace_id": TRACE,
        "span_id": CHILD, "status": "ok", "latency_ms": 1_430, "session_id": "conv-1", "step": 0,
        "model": "gpt-4o-2024-08-06", "requested_model": "gpt-4o", "provider": "openai",
        "finish_reason": "length", "prompt_tokens": 900, "completion_tokens": 100,
        "ttft_ms": 250, "stream": True,
    }  # fmt: skip


def test_steps_are_in_the_order_of_starts_and_records_in_that_of_ends() -> None:
    agent = span(0, 9, spanId=ROOT, name="invoke_agent")
    first = span(1, 2, parentSpanId=ROOT, attributes=CHAT)
    other = span(0, 5, traceId="f" * 32)
    found = records(first, agent, other)
    assert [(each["trace_id"][0], each["step"], each["event"]) for each in found] == [
        ("5", 1, "chat_completion"), ("f", 0, "span"), ("5", 0, "span"),
    ]  # fmt: skip
    assert found[0]["parent_span_id"] == ROOT
    assert found[2]["name"] == "invoke_agent"


def test_what_failed_is_an_error_with_its_message() -> None:
    failed = {"code": 2, "message": "slow down"}
    kind = attributes(error__type={"stringValue": "RateLimitError"})
    (found,) = records(span(status=failed, attributes=kind))
    assert (found["status"], found["error_type"]) == ("error", "RateLimitError")
    assert found["error_message"] == "slow down"


def test_older_names_of_the_conventions_are_known() -> None:
    older = attributes(
        gen_ai__system={"stringValue": "openai"},
        gen_ai__usage__prompt_tokens={"intValue": "9"},
        gen_ai__usage__completion_tokens={"intValue": "0"},
    )
    (found,) = records(span(attributes=older))
    values = (found["provider"], found["prompt_tokens"], found["completion_tokens"])
    assert values == ("openai", 9, 0)


def test_a_span_without_times_has_none() -> None:
    (found,) = records({"traceId": TRACE, "spanId": CHILD})
    assert (found["ts"], found["latency_ms"]) == (None, None)


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        b'{"resourceMetrics": []}',
        line({"spanId": CHILD}),
        line(span(startTimeUnixNano="soon")),
        line(span(attributes=[{"value": {}}])),
    ],
)
def test_a_line_without_spans_is_counted_and_the_others_are_read(bad: bytes) -> None:
    found, lines = from_lines([bad, line(span())])
    assert (len(found), lines) == (1, 1)


def test_the_sample_comes_back_as_it_went_but_for_its_tags(
    llmlog: Run, sample: Path, tmp_path: Path
) -> None:
    spans, back = tmp_path / "out.otlp.jsonl", tmp_path / "back.jsonl"
    llmlog("export", sample, "--to", spans)
    done = llmlog("export", spans, "--to", back)
    assert (done.code, done.err) == (0, f"{back}: 965 records written\n")
    went = [json.loads(each) for each in sample.read_bytes().splitlines()]
    came = [json.loads(each) for each in back.read_bytes().splitlines()]
    by_step = {(each["trace_id"], each["step"]): each for each in came}
    for record in went:
        record.pop("extra", None)
        assert by_step[record["trace_id"], record["step"]] == record


def test_ids_that_no_span_can_have_come_back_joined(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    log = written(
        {"session_id": "s", "trace_id": "my run", "step": step, "span_id": name,
         "parent_span_id": parent, "event": "span", "name": name}
        for step, name, parent in ((0, "outer", None), (1, "inner", "outer"))
    )  # fmt: skip
    spans, back = tmp_path / "out.otlp.jsonl", tmp_path / "back.jsonl"
    llmlog("export", log, "--to", spans)
    llmlog("export", spans, "--to", back)
    _, _, outer, inner = llmlog("trace", "my run", back).out.splitlines()
    assert (outer.split()[:2], inner.split()[:3]) == (["0", "outer"], ["1", "└", "inner"])


@pytest.mark.parametrize(
    ("to", "options"),
    [("out.csv", []), ("out.otlp.jsonl", []), ("out.jsonl", ["--where", "step = 0"])],
)
def test_spans_are_only_made_a_log(
    llmlog: Run, tmp_path: Path, to: str, options: list[str]
) -> None:
    spans = tmp_path / "in.otlp.jsonl"
    spans.write_bytes(line(span()) + b"\n")
    done = llmlog("export", spans, "--to", tmp_path / to, *options)
    assert is_refused(done, "spans in .otlp.jsonl go to a .jsonl, all of them, alone")
    assert [*tmp_path.iterdir()] == [spans]


def test_lines_without_spans_are_told_of(llmlog: Run, tmp_path: Path) -> None:
    spans, out = tmp_path / "in.otlp.jsonl", tmp_path / "out.jsonl"
    spans.write_bytes(line(span()) + b"\nhello\n")
    done = llmlog("export", spans, "--to", out)
    assert done.err == f"{out}: 1 records written; lines without spans: 1\n"


def test_spans_that_are_taken_for_a_log_are_refused_with_what_helps(
    llmlog: Run, tmp_path: Path
) -> None:
    spans = tmp_path / "in.otlp.jsonl"
    spans.write_bytes(line(span()) + b"\n")
    assert is_refused(llmlog("stats", spans), "holds spans", f"llmlog export {spans} --to")
