"""A record's content as a conversation, in the message shapes of all providers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmlog_tui.analysis.traces.conversation import (
    Conversation,
    against,
    arguments_of,
    conversation,
    decode,
)
from llmlog_tui.analysis.traces.message_shapes import Part, parts_of

PNG = "data:image/png;base64," + "A" * 4_000


def of(given: object, answered: object = None, **fields: object) -> Conversation:
    return conversation(
        {"event": "chat_completion", "input": given, "output": answered, **fields}, b""
    )


def drawn(found: Conversation) -> list[tuple[str, list[tuple[str, str]]]]:
    """Roles, and kinds and texts of their parts."""
    return [(each.role, [(p.kind, p.text) for p in each.parts]) for each in found.messages]


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_chat_messages_are_the_prompt_and_the_answer() -> None:
    asked = {"role": "assistant", "content": None, "tool_calls": [call("look", '{"x":1}')]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "found"}
    found = of([{"role": "user", "content": "hi"}, asked, result], {"content": "bye"})
    assert drawn(found) == [
        ("user", [("text", "hi")]),
        ("assistant", [("call", '{"x":1}')]),
        ("tool", [("result", "found")]),
        ("assistant", [("text", "bye")]),
    ]
    assert found.answer == 3
    assert found.calls["c1"].name == "look"
    assert found.results["c1"].text == "found"


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"role": "user", "content": [{"type": "text", "text": "a"}]}, [Part("text", "a")]),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]},
            [Part("media", "", "image/png", size=3_000)],
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {
                "data": "A" * 400, "format": "wav"}}]},
            [Part("media", "", "input wav", size=300)],
        ),
        ({"role": "assistant", "reasoning_content": "hm", "content": "a"},
         [Part("reasoning", "hm"), Part("text", "a")]),
        ({"role": "assistant", "content": None, "refusal": "no"}, [Part("text", "no")]),
        # Responses
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}]},
         [Part("reasoning", "so")]),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
         [Part("call", "{}", "f", "c")]),
        ({"type": "function_call_output", "call_id": "c", "output": "ok"},
         [Part("result", "ok", "", "c")]),
        ({"type": "web_search_call", "id": "w", "action": {"query": "q"}},
         [Part("call", '{"query":"q"}', "web_search", "w")]),
        # Anthropic
        ({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
         [Part("reasoning", "hm"), Part("call", '{"a":1}', "f", "t")]),
        ({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg",
                                         "data": "A" * 40}}]},
         [Part("result", "r", "", "t"), Part("media", "", "image/jpeg", size=30)]),
        # Gemini
        ({"role": "model", "parts": [
            {"text": "thought", "thought": True}, {"text": "a"},
            {"functionCall": {"name": "f", "args": {"a": 1}}}]},
         [Part("reasoning", "thought"), Part("text", "a"), Part("call", '{"a":1}', "f")]),
        ({"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"r": 1}}},
            {"inlineData": {"mimeType": "image/png", "data": "A" * 40}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/f"}}]},
         [Part("result", '{"r":1}', "f"), Part("media", "", "image/png", size=30),
          Part("media", "gs://b/f", "application/pdf")]),
        # OpenTelemetry
        ({"role": "assistant", "parts": [
            {"type": "text", "content": "a"},
            {"type": "tool_call", "id": "t", "name": "f", "arguments": {"a": 1}}]},
         [Part("text", "a"), Part("call", '{"a":1}', "f", "t")]),
        ({"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "t", "response": "r"}]},
         [Part("result", "r", "", "t")]),
        ({"role": "user", "parts": [
            {"type": "blob", "mime_type": "image/png", "content": "A" * 40},
            {"type": "uri", "mime_type": "video/mp4", "uri": "https://x/v"}]},
         [Part("media", "", "image/png", size=30), Part("media", "https://x/v", "video/mp4")]),
        # none of these
        ({"role": "user", "content": [{"type": "new", "x": 1}]},
         [Part("data", '{"type":"new","x":1}')]),
        ({"role": "user", "content": 7}, [Part("data", "7")]),
        (None, []),
        ("text", [Part("text", "text")]),
    ],
)  # fmt: skip
def test_every_shape_of_a_message_has_its_parts(message: object, parts: list[Part]) -> None:
    assert list(parts_of(message)) == parts


@pytest.mark.parametrize(
    "answered",
    [
        {"role": "assistant", "content": "bye"},
        {"choices": [{"message": {"role": "assistant", "content": "bye"}}]},
        [{"index": 0, "message": {"role": "assistant", "content": "bye"}}],
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "bye"}]}}]},
        [{"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "bye"}]}],
        "bye",
    ],
)  # fmt: skip
def test_an_answer_is_found_in_every_container(answered: object) -> None:
    found = of({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, answered)
    assert drawn(found) == [("user", [("text", "hi")]), ("assistant", [("text", "bye")])]


def test_a_tool_execution_is_its_call_and_its_result() -> None:
    found = of({"q": "x"}, ["a", "b"], event="tool_call", tool_name="search")
    assert drawn(found) == [("call", [("call", '{"q":"x"}')]), ("result", [("result", "a\nb")])]
    assert arguments_of(found) == '{"q":"x"}'


def test_an_error_is_shown_as_the_answer() -> None:
    found = of("hi", error_message="too many requests")
    assert drawn(found)[-1] == ("error", [("text", "too many requests")])
    assert found.answer == 1


def test_metadata_alone_has_no_messages() -> None:
    assert of(None).messages == ()


def line(messages: list[str]) -> bytes:
    said = [{"role": "user", "content": text} for text in messages]
    return json.dumps({"event": "chat_completion", "input": said}).encode()


def test_messages_beyond_those_of_an_earlier_step_are_new() -> None:
    record = decode(line(["a", "b", "c"]))
    assert record is not None
    other_agent, before = line(["z"]), line(["a", "b"])
    found = against(conversation(record), [(4, lambda: other_agent), (3, lambda: before)])
    assert (found.shared, found.shared_with, found.new) == (2, 3, 1)
    alone = against(conversation(record), [(4, lambda: other_agent), (2, lambda: None)])
    assert (alone.shared, alone.new) == (0, 0)


def test_odd_lines_have_no_record_and_odd_content_is_kept() -> None:
    assert decode(None) is None
    assert decode(b"[1]") is None
    assert decode(b"{torn") is None
    assert decode(b'{"a": "\\ud800"}') is not None
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert parts_of({"role": "user", "content": deep})[0].kind == "data"


def test_redacted_values_are_counted() -> None:
    assert conversation({}, b'{"input": "[redacted:email] and [redacted:key]"}').redacted == 2
