"""Gemini CLI's sessions, in one object and a line a message."""

from __future__ import annotations

from typing import Any

from tests.formats.converting import by, records, values, within

from llmlog_tui.formats import Item
from llmlog_tui.formats.gemini_cli import GEMINI_CLI
from llmlog_tui.formats.shared_state import LIVE


def message(kind: str, message_id: str, seconds: float, **fields: Any) -> Item:  # noqa: ANN401 - any JSON
    at = f"2026-11-20T10:00:{seconds:06.3f}Z"
    return {"id": message_id, "type": kind, "timestamp": at, "content": "…", **fields}


TOKENS = {"input": 900, "output": 40, "cached": 100, "thoughts": 25, "tool": 0, "total": 965}
TOOL = {
    "id": "t1",
    "name": "read_file",
    "args": {"path": "a"},
    "result": "text",
    "status": "success",
    "timestamp": "2026-11-20T10:00:04.500Z",
}
HEAD = {"sessionId": "s1", "projectHash": "h", "startTime": "2026-11-20T10:00:00Z"}
MESSAGES = [
    message("user", "u1", 1),
    message("info", "i1", 1.5),
    message("gemini", "g1", 4, model="gemini-2.5-pro", tokens=TOKENS, toolCalls=[TOOL]),
    message("gemini", "g2", 6, model="gemini-2.5-pro", tokens={"input": 5}),
]


def test_a_session_in_one_object_is_its_calls_and_their_tools() -> None:
    found = by("span_id", records(GEMINI_CLI, {**HEAD, "messages": MESSAGES}))
    within(
        found["g1"],
        ts="2026-11-20T10:00:01.000000Z",
        latency_ms=3_000,
        timing="derived",
        session_id="s1",
        trace_id="u1",
        step=0,
        model="gemini-2.5-pro",
        provider="generativelanguage.googleapis.com",
        prompt_tokens=900,
        cached_tokens=100,
        completion_tokens=65,
        reasoning_tokens=25,
        total_tokens=965,
        tool_calls=["read_file"],
    )
    within(found["t1"], step=1, latency_ms=500, parent_span_id="g1", status="ok")
    within(found["g2"], step=2, latency_ms=1_500, prompt_tokens=5)
    assert "completion_tokens" not in found["g2"]


def test_a_line_a_message_gives_the_same_records() -> None:
    lines = records(GEMINI_CLI, HEAD, *MESSAGES)
    assert lines == records(GEMINI_CLI, {**HEAD, "messages": MESSAGES})


def test_a_message_that_comes_again_replaces_the_one_before() -> None:
    first = message("gemini", "g1", 3, model="gemini-2.5-pro")
    found = records(GEMINI_CLI, HEAD, MESSAGES[0], first, MESSAGES[2], MESSAGES[3])
    assert values(found, "span_id") == ["g1", "t1", "g2"]
    within(found[0], completion_tokens=65)


def test_a_call_whose_tokens_are_not_counted_yet_waits_while_the_file_grows() -> None:
    log: dict[str, Any] = {LIVE: True}
    assert records(GEMINI_CLI, HEAD, message("gemini", "g1", 3), log=log) == []
    assert len(records(GEMINI_CLI, HEAD, message("gemini", "g1", 3, tokens=TOKENS), log=log)) == 1


def test_a_file_written_again_as_a_whole_gives_only_new_calls() -> None:
    log: dict[str, Any] = {}
    records(GEMINI_CLI, {**HEAD, "messages": MESSAGES[:3]}, log=log)
    found = records(GEMINI_CLI, {**HEAD, "messages": MESSAGES}, log=log)
    assert values(found, "span_id") == ["g2"]


def test_a_tool_that_was_cancelled_failed() -> None:
    said = message("gemini", "g1", 4, toolCalls=[{**TOOL, "status": "cancelled"}])
    within(records(GEMINI_CLI, HEAD, said)[1], status="error")


def test_content_of_calls_and_tools() -> None:
    whole = {**HEAD, "messages": MESSAGES}
    found = by("span_id", records(GEMINI_CLI, whole))
    assert GEMINI_CLI.content(whole, found["t1"]) == {"input": {"path": "a"}, "output": "text"}
    answer = GEMINI_CLI.content(whole, found["g1"])["output"]
    assert answer["tool_calls"][0]["function"] == {"name": "read_file", "arguments": {"path": "a"}}


def test_sessions_are_known_by_their_keys() -> None:
    assert GEMINI_CLI.detect([HEAD])
    assert GEMINI_CLI.detect([{**HEAD, "messages": []}])
    assert GEMINI_CLI.detect(MESSAGES)
    assert not GEMINI_CLI.detect([{"type": "user", "id": "x", "timestamp": "t"}])
