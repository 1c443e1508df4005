"""Content of spans: prompts, answers, arguments and error texts, for one record at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from llmlog_tui.formats.otlp_attributes import failure_message
from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.vocabulary import Record, decoded, error_message, known

_INPUT: Final = (
    "gen_ai.input.messages",
    "gen_ai.tool.call.arguments",
    "ai.prompt.messages",
    "ai.toolCall.args",
    "ai.prompt",
    "ai.values",
    "ai.value",
    "langfuse.observation.input",
    "traceloop.entity.input",
    "input.value",
    "mlflow.spanInputs",
    "gen_ai.prompt",
    "tool.parameters",
    "tool_input",
)
_OUTPUT: Final = (
    "gen_ai.output.messages",
    "gen_ai.tool.call.result",
    "ai.toolCall.result",
    "langfuse.observation.output",
    "traceloop.entity.output",
    "output.value",
    "mlflow.spanOutputs",
    "gen_ai.completion",
    "final_result",
)
_VERCEL_OUTPUT: Final = {
    "ai.response.text": "text",
    "ai.response.object": "object",
    "ai.response.reasoning": "reasoning",
    "ai.response.toolCalls": "tool_calls",
}
_NUMBERED: Final = {
    "input": (
        re.compile(r"llm\.input_messages\.(\d+)\.message\.(.+)"),
        re.compile(r"gen_ai\.prompt\.(\d+)\.(.+)"),
    ),
    "output": (
        re.compile(r"llm\.output_messages\.(\d+)\.message\.(.+)"),
        re.compile(r"gen_ai\.completion\.(\d+)\.(.+)"),
    ),
}
"""Attributes that hold one part of one message each."""

_MESSAGE_EVENTS: Final = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message")


def content_of(span: Span) -> Record:
    """Return `input`, `output` and `error_message` of a span, what there is of them."""
    about = span.attributes
    return known(
        {
            "input": _first_of(about, _INPUT)
            or _numbered(about, "input")
            or _messages(span, answers=False),
            "output": _first_of(about, _OUTPUT)
            or _vercel_output(about)
            or _numbered(about, "output")
            or _messages(span, answers=True),
            "error_message": error_message(failure_message(span)),
        }
    )


def _first_of(about: Attributes, names: Iterable[str]) -> Any:  # noqa: ANN401 - any JSON
    for name in names:
        value = about.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, list):
            return [decoded(each) for each in value]
        return decoded(value)
    return None


def _vercel_output(about: Attributes) -> Record | None:
    found = {ours: decoded(about[name]) for name, ours in _VERCEL_OUTPUT.items() if name in about}
    return found or None


def _numbered(about: Attributes, side: str) -> list[Record] | None:
    """Return messages of which each part is an attribute of its own."""
    messages: dict[int, Record] = {}
    for name, value in about.items():
        for pattern in _NUMBERED[side]:
            if found := pattern.fullmatch(name):
                messages.setdefault(int(found[1][:9]), {})[found[2]] = value
    return [messages[number] for number in sorted(messages)] or None


def _messages(span: Span, *, answers: bool) -> list[Record] | None:
    """Return messages that are events of the span."""
    found = []
    for event in span.events:
        role = _MESSAGE_EVENTS.fullmatch(event.name)
        if event.name == "gen_ai.choice" if answers else role:
            parts = {name: decoded(value) for name, value in event.attributes.items()}
            found.append({"role": role[1] if role else "assistant"} | parts)
    return found or None
