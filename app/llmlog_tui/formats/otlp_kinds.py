"""The event of an OTLP span, in all dialects of GenAI spans."""

from __future__ import annotations

import re
from typing import Final

from llmlog_tui.formats.otlp_envelope import Span
from llmlog_tui.formats.vocabulary import decoded, dig, text

_OPERATIONS: Final = {
    "chat": "chat_completion",
    "generate_content": "chat_completion",
    "call_llm": "chat_completion",
    **dict.fromkeys(
        ("chat.completions", "chat.streaming_completions", "chat_completion"), "chat_completion"
    ),
    **dict.fromkeys(("responses", "response"), "response"),
    **dict.fromkeys(("text.completions", "text.streaming_completions"), "completion"),
    "text_completion": "completion",
    "embeddings": "embedding",
    "embedding": "embedding",
    "execute_tool": "tool_call",
}
_OPENINFERENCE: Final = {"LLM": "chat_completion", "EMBEDDING": "embedding", "TOOL": "tool_call"}
_LANGFUSE: Final = {
    "generation": "chat_completion",
    "embedding": "embedding",
    "tool": "tool_call",
}
_MLFLOW: Final = {
    "CHAT_MODEL": "chat_completion",
    "LLM": "chat_completion",
    "EMBEDDING": "embedding",
    "TOOL": "tool_call",
}
_SPRING: Final = {"tool_call": "tool_call"}
_BRAINTRUST: Final = {"llm": "chat_completion", "tool": "tool_call"}
_LANGSMITH: Final = {"llm": "chat_completion", "embedding": "embedding", "tool": "tool_call"}
_VERCEL: Final = (
    (".doGenerate", "chat_completion"),
    (".doStream", "chat_completion"),
    (".doEmbed", "embedding"),
    ("ai.toolCall", "tool_call"),
)
_HAYSTACK: Final = (("Generator", "chat_completion"), ("Embedder", "embedding"))
_REQUEST_TYPES: Final = {
    "chat": "chat_completion",
    "completion": "chat_completion",
    "embedding": "embedding",
}
_CLAUDE_CODE: Final = {
    "claude_code.llm_request": "chat_completion",
    "llm_request": "chat_completion",
    "claude_code.tool": "tool_call",
    "tool": "tool_call",
}


def event_of(span: Span) -> str:
    """Return the event of a span: chat_completion, response, embedding, tool_call or span."""
    found = _event_of(span)
    return "response" if found == "chat_completion" and _is_response(span) else found


def _event_of(span: Span) -> str:
    about = span.attributes
    if operation := text(about.get("ai.operationId")):
        return next((event for end, event in _VERCEL if operation.endswith(end)), "span")
    for (attribute, *path), events in _KINDS:
        value = about.get(attribute)
        if value is not None and (kind := text(decoded(dig(value, *path)))):
            return events.get(kind, "span")
    if (event := _REQUEST_TYPES.get(str(about.get("llm.request.type")))) is not None:
        return event
    return _event_by_name(span)


def _event_by_name(span: Span) -> str:
    """Return the event of a span that has no attribute for it."""
    about = span.attributes
    if span.name.startswith("claude_code."):
        return _CLAUDE_CODE.get(span.name, "span")
    if (event := _CLAUDE_CODE.get(str(about.get("span.type")))) is not None:
        return event
    # What Pydantic AI called a tool execution before it had an operation.
    if about.get("traceloop.span.kind") == "tool" or span.name == "running tool":
        return "tool_call"
    if component := text(about.get("haystack.component.type")):
        return next((event for end, event in _HAYSTACK if component.endswith(end)), "span")
    # Older instrumentations name the model, and no operation.
    is_call = "gen_ai.request.model" in about and "traceloop.span.kind" not in about
    return "chat_completion" if is_call else "span"


_KINDS: Final = (
    (("openinference.span.kind",), _OPENINFERENCE),
    (("langfuse.observation.type",), _LANGFUSE),
    # Spring calls the operation of its tools `framework`.
    (("spring.ai.kind",), _SPRING),
    (("gen_ai.operation.name",), _OPERATIONS),
    (("mlflow.spanType",), _MLFLOW),
    (("langsmith.span.kind",), _LANGSMITH),
    (("braintrust.span_attributes", "type"), _BRAINTRUST),
)


def _is_response(span: Span) -> bool:
    """Return whether a call went to the Responses API."""
    about = span.attributes
    return (
        about.get("openai.api.type") == "responses"
        or str(about.get("ai.model.provider")).endswith(".responses")
        or span.name.startswith(("Responses API", "openai.response"))
        or (about.get("openinference.span.kind") == "LLM" and _is_openinference_response(span))
    )


def _is_openinference_response(span: Span) -> bool:
    output = span.attributes.get("output.value")
    # Decoding it would take long: it is the whole answer.
    return span.name == "Response" or (
        isinstance(output, str) and _RESPONSE_OBJECT.search(output) is not None
    )


_RESPONSE_OBJECT: Final = re.compile(r'"object": ?"response"')
