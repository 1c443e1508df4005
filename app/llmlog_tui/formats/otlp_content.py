"""Content of spans: prompts, answers, arguments and error texts, for one record at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.otlp_failures import failure_message
from llmlog_tui.formats.vocabulary import Record, decoded, error_message, known

_INPUT: Final = (
    "gen_ai.input.messages",
    "gen_ai.request.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.input",
    "gcp.vertex.agent.tool_call_args",
    "gcp.vertex.agent.llm_request",
    "spring.ai.tool.call.arguments",
    "braintrust.input_json",
    "haystack.component.input",
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
    "gen_ai.tool.output",
    "gcp.vertex.agent.tool_response",
    "gcp.vertex.agent.llm_response",
    "spring.ai.tool.call.result",
    "braintrust.output_json",
    "haystack.component.output",
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
            or _messages(span, answers=False)
            or _of_events(span, _INPUT),
            "output": _first_of(about, _OUTPUT)
            or _vercel_output(about)
            or _sentry_output(about)
            or _numbered(about, "output")
            or _messages(span, answers=True)
            or _of_events(span, _OUTPUT),
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


def _sentry_output(about: Attributes) -> Record | None:
    names = {"text": "gen_ai.response.text", "tool_calls": "gen_ai.response.tool_calls"}
    return {ours: decoded(about[name]) for ours, name in names.items() if name in about} or None


def _of_events(span: Span, names: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return content that is an attribute of one of the span's events."""
    found = (_first_of(event.attributes, names) for event in span.events)
    return next((each for each in found if each is not None), None)


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
