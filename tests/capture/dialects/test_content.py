"""Policy `full` keeps all of an answer, streamed or not."""

from __future__ import annotations

import json
from typing import Any

from tests.capture.conftest import completion
from tests.capture.dialects.conftest import (
    Case,
    Dialect,
    cases,
    delta,
    happened,
    matrix,
    message,
    record_of_row,
    records_of,
    response,
    sent,
)

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}
DETAIL = {"type": "reasoning.text", "text": "be", "index": 0, "format": "x-v1"}
BEGUN = response(status="in_progress", output=[], usage=None)


def streamed(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(delta(**parts) for parts in deltas), delta("stop")]


def said(**members: object) -> dict[str, Any]:
    return {"role": "assistant", "content": None, **members}


def text_events(*kinds: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        happened("response.created", response=BEGUN),
        *(happened(f"response.{kind}", output_index=0, **members) for kind, members in kinds),
    ]


def output_of(kind: str, **members: object) -> list[dict[str, Any]]:
    return [{"type": kind, **members}]


ROWS = [
    Dialect("text", streamed({"content": "Hel"}, {"content": "lo"}), said(content="Hello")),
    Dialect(
        "Mistral's list, then text",
        streamed(
            {"content": [THINKING]},
            {"content": [{"type": "text", "text": "Ans"}]},
            {"content": "wer"},
        ),
        said(content=[THINKING, {"type": "text", "text": "Answer"}]),
    ),
    Dialect(
        "text, then a list",
        streamed({"content": "See "}, {"content": [IMAGE]}),
        said(content=[{"type": "text", "text": "See "}, IMAGE]),
    ),
    Dialect(
        "thinking in pieces",
        streamed(
            *(
                {"content": [{**THINKING, "thinking": [{"type": "text", "text": t}]}]}
                for t in ("h", "mm")
            )
        ),
        said(content=[THINKING]),
    ),
    Dialect(
        "images",
        streamed({"content": "x", "images": [IMAGE]}, {"images": [IMAGE]}),
        said(content="x", images=[IMAGE, IMAGE]),
    ),
    Dialect(
        "reasoning_details",
        streamed(
            {"reasoning_details": [DETAIL]}, {"reasoning_details": [{**DETAIL, "text": "cause"}]}
        ),
        said(reasoning_details=[{**DETAIL, "text": "because"}]),
    ),
    Dialect(
        "encrypted reasoning",
        streamed(
            {
                "content": "x",
                "reasoning_details": [{"type": "reasoning.encrypted", "data": "encrypted-1"}],
            }
        ),
        said(
            content="x", reasoning_details=[{"type": "reasoning.encrypted", "data": "encrypted-1"}]
        ),
    ),
    Dialect(
        "reasoning",
        streamed({"reasoning_content": "be"}, {"reasoning_content": "cause"}),
        said(reasoning_content="because"),
    ),
    Dialect(
        "sound",
        streamed(
            {"audio": {"id": "a1", "transcript": "Hel"}},
            {"audio": {"transcript": "lo", "data": "AA"}},
            {"audio": {"data": "BB", "expires_at": 9}},
        ),
        said(audio={"id": "a1", "transcript": "Hello", "data": "AABB", "expires_at": 9}),
    ),
    Dialect(
        "a refusal", streamed({"refusal": "I can"}, {"refusal": "not."}), said(refusal="I cannot.")
    ),
    Dialect(
        "a member of the next server",
        streamed({"thoughts": {"text": "h"}}, {"thoughts": {"text": "m"}}),
        said(thoughts={"text": "hm"}),
    ),
    Dialect(
        "annotations",
        streamed({"content": "x", "annotations": [{"type": "url_citation", "url": "u"}]}),
        said(content="x", annotations=[{"type": "url_citation", "url": "u"}]),
    ),
    Dialect(
        "a custom tool's input",
        streamed(
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "a",
                        "type": "custom",
                        "custom": {"name": "run", "input": "ls"},
                    }
                ]
            },
            {"tool_calls": [{"index": 0, "custom": {"input": " -la"}}]},
        ),
        said(
            tool_calls=[{"id": "a", "type": "custom", "custom": {"name": "run", "input": "ls -la"}}]
        ),
    ),
    Dialect(
        "a tool call's own members",
        streamed(
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "a",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{"},
                        "extra_content": {"google": {"thought_signature": "s"}},
                    }
                ]
            },
            {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        ),
        said(
            tool_calls=[
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "s"}},
                }
            ]
        ),
    ),
    Dialect(
        "several choices",
        [
            delta(None, 1, content="b"),
            delta(None, 0, content="a"),
            delta("stop", 0),
            delta("stop", 1),
        ],
        {"output": [said(content="a"), said(content="b")]},
    ),
    Dialect(
        "several choices, whole",
        completion(
            choices=[
                {"index": 1, "message": said(content="b")},
                {"index": 0, "message": said(content="a")},
            ]
        ),
        {"output": [said(content="a"), said(content="b")]},
    ),
    Dialect(
        "a whole message's own members",
        message(images=[IMAGE]),
        {"role": "assistant", "content": "hi", "images": [IMAGE]},
    ),
    Dialect(
        "a legacy completion",
        [
            sent(choices=[{"index": 0, "text": text, "finish_reason": None}])
            for text in ("Hel", "lo")
        ],
        {"output": "Hello"},
        "completions",
    ),
    Dialect(
        "a legacy completion, whole",
        completion(choices=[{"index": 0, "text": "hi", "finish_reason": "stop"}]),
        {"output": "hi"},
        "completions",
    ),
    Dialect(
        "a response broken off",
        text_events(
            ("output_text.delta", {"delta": "Hel"}), ("output_text.delta", {"delta": "lo"})
        ),
        {"output": output_of("message", content=[{"type": "output_text", "text": "Hello"}])},
        "responses",
    ),
    Dialect(
        "a refusal broken off",
        text_events(("refusal.delta", {"delta": "No"})),
        {"output": output_of("message", content=[{"type": "refusal", "refusal": "No"}])},
        "responses",
    ),
    Dialect(
        "a tool call broken off",
        text_events(
            (
                "output_item.added",
                {"item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}},
            ),
            ("function_call_arguments.delta", {"delta": '{"a"'}),
            ("function_call_arguments.delta", {"delta": ": 1"}),
        ),
        {"output": output_of("function_call", call_id="c", name="f", arguments='{"a": 1')},
        "responses",
    ),
    Dialect(
        "a custom tool's input broken off",
        text_events(
            (
                "output_item.added",
                {"item": {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": ""}},
            ),
            ("custom_tool_call_input.delta", {"delta": "ls"}),
        ),
        {"output": output_of("custom_tool_call", call_id="c", name="f", input="ls")},
        "responses",
    ),
    Dialect(
        "a summary of reasoning broken off",
        text_events(("reasoning_summary_text.delta", {"delta": "why", "summary_index": 0})),
        {"output": output_of("reasoning", summary=[{"type": "summary_text", "text": "why"}])},
        "responses",
    ),
    Dialect(
        "images, whole",
        {"created": 1, "data": [{"b64_json": "aGk="}]},
        {"output": [{"b64_json": "aGk="}]},
        "images.generate",
    ),
    Dialect("a transcript", {"text": "hi"}, {"output": "hi"}, "audio.transcriptions"),
]


@matrix(cases(ROWS, ("full",)))
def test_all_of_an_answer_is_kept(case: Case) -> None:
    expected = case.row.fields.get("output", case.row.fields)
    for variant, record in records_of(case).items():
        assert record["output"] == expected, variant


def test_deltas_nested_too_deeply_are_kept_without_being_merged() -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = {"in": deep}
    row = Dialect("deep", streamed({"content": "a", "more": deep}, {"more": deep}), {})
    output = record_of_row(row, "full")["output"]
    assert output["content"] == "a"
    assert json.dumps(output["more"]).count("in") > 16
