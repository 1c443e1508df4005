"""`llmlog tail` of other tools' files, and of wrapped ones, while they grow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.commands.test_tail import Tail, append, tail, take
from tests.formats.otlp import CHAT, ROOT, envelope, span
from tests.formats.test_claude_code import answer, prompt, result, use
from tests.formats.wrappers import docker_split

__all__ = ["tail"]

Json = dict[str, Any]


def written(item: Json) -> bytes:
    return json.dumps(item).encode() + b"\n"


def taken(process: Any, records: int) -> list[Json]:  # noqa: ANN401 - Popen
    """The next records, by their starts."""
    found = [json.loads(take(process.stdout)) for _ in range(records)]
    return sorted(found, key=lambda each: str(each["ts"]))


def test_spans_that_come_out_of_order_are_shown_with_their_steps(
    tail: Tail, tmp_path: Path
) -> None:
    log = tmp_path / "otel.jsonl"
    append(log, written(envelope(span(CHAT, traceId="a" * 32))))
    process = tail(log, "--json")
    assert [each["step"] for each in taken(process, 1)] == [0]
    later = span(CHAT, 4, 5, spanId="c" * 16, parentSpanId=ROOT)
    for each in (later, span(CHAT, 1, 2, parentSpanId=ROOT), later, span(None, spanId=ROOT)):
        append(log, written(envelope(each)))
    assert [(each["step"], each["event"]) for each in taken(process, 3)] == [
        (0, "span"),
        (1, "chat_completion"),
        (2, "chat_completion"),
    ]
    append(log, written(envelope(span(CHAT, 3, 4, spanId="d" * 16, parentSpanId=ROOT))))
    assert [each["step"] for each in taken(process, 1)] == [2], "its place by now"


def test_a_session_of_claude_code_is_shown_call_by_call(tail: Tail, tmp_path: Path) -> None:
    log = tmp_path / "session.jsonl"
    append(log, written(prompt("u-1", 0)))
    process = tail(log, "--json")
    append(log, written(answer("a-1", 2, "msg-1")))
    append(log, written(answer("a-2", 3, "msg-1", use("toolu-1", "Bash"), stop="tool_use")))
    (call,) = taken(process, 1)
    assert (call["id"], call["step"], call["tool_calls"]) == ("msg-1", 0, ["Bash"])
    append(log, written(result("u-2", 5, "toolu-1")))
    (tool,) = taken(process, 1)
    assert (tool["tool_name"], tool["step"], tool["parent_span_id"]) == ("Bash", 1, "msg-1")


def test_a_wrapped_record_is_shown_when_its_last_part_is_there(tail: Tail, tmp_path: Path) -> None:
    log = tmp_path / "container-json.log"
    own = b'{"ts": "2026-11-23T09:00:00Z", "event": "span", "trace_id": "t", "step": 7}'
    *parts, last = docker_split(own)
    append(log, b"".join(part + b"\n" for part in (*docker_split(own), *parts)))
    process = tail(log, "--json")
    assert json.loads(take(process.stdout)) == json.loads(own)
    append(log, last + b"\n")
    assert json.loads(take(process.stdout)) == json.loads(own)
