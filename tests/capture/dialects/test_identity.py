"""Identity, finish reason and first choice, from whichever chunk or shape tells them."""

from __future__ import annotations

import json
from typing import Any

from tests.capture.conftest import completion
from tests.capture.dialects.conftest import (
    DONE,
    Case,
    Dialect,
    cases,
    delta,
    event,
    happened,
    matrix,
    message,
    records_of,
    response,
    sent,
)

NOTE: dict[str, Any] = {"id": "", "object": "", "created": 0, "model": ""}
KNOWN = {"model": "m-1", "id": "c1"}
BEGUN = response(status="in_progress", output=[], usage=None)


def choice(index: int | None, reason: str, text: str = "a") -> dict[str, Any]:
    made = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return made if index is None else {"index": index, **made}


def with_ends(blocks: list[dict[str, Any]], end: bytes) -> list[bytes]:
    """Return events whose lines end in `end`, a name in front of each."""
    return [
        b"event: message" + end + b"data: " + json.dumps(block).encode() + end * 2
        for block in blocks
    ]


STREAM = [delta(content="a"), delta("stop")]
ROWS = [
    Dialect(
        "Azure's asynchronous filter",
        [
            {**NOTE, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
            *STREAM,
            {
                **NOTE,
                "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}],
            },
        ],
        {**KNOWN, "finish_reason": "stop", "stream_end": "complete"},
    ),
    Dialect(
        "identity in the last chunk", [{**NOTE, "choices": STREAM[0]["choices"]}, STREAM[1]], KNOWN
    ),
    Dialect(
        "empty text",
        completion(id="", model="", system_fingerprint=""),
        {"model": None, "id": None},
    ),
    Dialect(
        "a response's first event",
        [
            happened("response.created", response=BEGUN),
            happened("response.completed", response=response(id=None, model="")),
        ],
        {"model": "m-1", "id": "resp_1", "finish_reason": "stop"},
        "responses",
    ),
    Dialect(
        "choices out of order",
        completion(choices=[choice(1, "length"), choice(0, "stop")]),
        {"finish_reason": "stop"},
    ),
    Dialect(
        "an only choice with index 1",
        completion(choices=[choice(1, "length")]),
        {"finish_reason": "length"},
    ),
    Dialect(
        "choices without index",
        completion(choices=[choice(None, "stop"), choice(None, "length")]),
        {"finish_reason": "stop"},
    ),
    Dialect(
        "choices out of order, streamed",
        [delta("length", 1, content="b"), delta("stop", 0, content="a")],
        {"finish_reason": "stop", "stream_end": "complete"},
    ),
    Dialect(
        "an only choice with index 1, streamed",
        [delta(index=1, content="a"), delta("stop", 1)],
        {"finish_reason": "stop", "stream_end": "complete"},
    ),
    Dialect(
        "the first choice broken off",
        [delta(index=0, content="a"), delta("stop", 1)],
        {"finish_reason": None, "stream_end": "truncated"},
    ),
    *(
        Dialect(
            f"lines that end in {end!r}",
            [*with_ends(STREAM, end), b"data: [DONE]" + end * 2],
            {**KNOWN, "finish_reason": "stop"},
        )
        for end in (b"\n", b"\r", b"\r\n")
    ),
    Dialect(
        "a line end between blocks",
        [event(STREAM[0])[:-2] + b"\r", b"\n\r", b"\n" + event(STREAM[1])],
        {**KNOWN, "finish_reason": "stop"},
    ),
    Dialect(
        "JSON over several data lines",
        [b'data: {"id": "c1", "model": "m-1",\ndata: "choices": []}\n\n', event(STREAM[1])],
        {**KNOWN, "finish_reason": "stop"},
    ),
    Dialect("a comment first", [b": OPENROUTER PROCESSING\n\n", *map(event, STREAM), DONE], KNOWN),
    Dialect("a last event without a blank line", [event(STREAM[0]), event(STREAM[1])], KNOWN),
    Dialect(
        "a response without output at its end",
        [
            happened("response.created", response=BEGUN),
            happened("response.output_text.delta", delta="Hel", output_index=0, content_index=0),
            happened("response.completed", response=response(output=[])),
        ],
        {"finish_reason": "stop", "stream_end": "complete", "ttft_ms": 0, "completion_tokens": 5},
        "responses",
    ),
    Dialect(
        "a legacy completion",
        {**completion(), "choices": [{"index": 0, "text": "hi", "finish_reason": "length"}]},
        {"finish_reason": "length", "completion_tokens": 3},
        "completions",
    ),
    Dialect(
        "a legacy completion, streamed",
        [
            sent(choices=[{"index": 0, "text": text, "finish_reason": reason}])
            for text, reason in (("a", None), ("", "length"))
        ],
        {**KNOWN, "finish_reason": "length", "stream_end": "complete", "ttft_ms": 0},
        "completions",
    ),
]


@matrix(cases(ROWS))
def test_identity_and_end_are_found_wherever_they_are_told(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "ok", variant
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant


WORDS = {
    "length": ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"],
    "stop": ["stop", "STOP", "end_turn", "eos", "stop_sequence", "COMPLETE"],
    "tool_calls": ["tool_calls", "tool_use", "TOOL_CALL"],
    "content_filter": ["content_filter", "SAFETY", "RECITATION", "guardrail_intervened"],
    "function_call": ["function_call"],
    "made_up": ["made_up"],
}
REASONS = [
    Dialect(f"{word}, {name}", answer, {"finish_reason": ours})
    for ours, words in WORDS.items()
    for word in words
    for name, answer in (("whole", message(word)), ("streamed", [delta(word, content="a")]))
]


@matrix(cases(REASONS))
def test_finish_reasons_are_read_in_other_servers_words(case: Case) -> None:
    expected = ("ok", case.row.fields["finish_reason"])
    for variant, record in records_of(case).items():
        assert (record["status"], record["finish_reason"]) == expected, variant
