"""Table of span attributes: sources of each field, in all dialects of GenAI spans.

OTel's conventions (now and older), OpenLLMetry, OpenInference, logfire, Langfuse, Vercel's AI SDK,
Pydantic AI, LiteLLM, Strands, Claude Code's traces, Google's ADK, Semantic Kernel, OpenLIT, Spring
AI, Sentry, Braintrust and Haystack. A dialect that names a field otherwise is one more source in
its row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from llmlog.record import CALL_EVENTS
from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.vocabulary import (
    Record,
    boolean,
    decoded,
    dig,
    error_class,
    error_status,
    finish_reason,
    first,
    integer,
    known,
    model_host,
    nanoseconds,
    number,
    prompt_tokens,
    served_by,
    text,
    texts,
    url_host,
    usage,
)

CALLS: Final = frozenset({*CALL_EVENTS, "completion"})
"""Events that are model calls."""

Source = str | tuple[str, ...]
"""An attribute; or one with JSON in its text, and the path in that."""

Read = Callable[[object], Any]

_ANY_EVENT: Final[dict[str, tuple[Read, tuple[Source, ...]]]] = {
    "session_id": (
        text,
        (
            "gen_ai.conversation.id",
            "session.id",
            "langfuse.session.id",
            "ai.telemetry.metadata.sessionId",
            "traceloop.association.properties.session_id",
            "gcp.vertex.agent.session_id",
            "langsmith.trace.session_id",
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            ("mlflow.trace.session",),
        ),
    ),
    "trace_name": (
        text,
        ("langfuse.trace.name", "gen_ai.workflow.name", "traceloop.workflow.name"),
    ),
}
_INVOCATION: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")


_HAYSTACK_META: Final = ("haystack.component.output", "replies", "0", "meta")


def _asked(*names: str) -> tuple[Source, ...]:
    """Return the places of a request's parameter in OpenInference's JSON."""
    return tuple((attribute, name) for attribute in _INVOCATION for name in names)


_CALL: Final[dict[str, tuple[Read, tuple[Source, ...]]]] = {
    "model": (
        text,
        (
            "gen_ai.response.model",
            "llm.response.model_name",
            "llm.model_name",
            "embedding.model_name",
            "langfuse.observation.model.name",
            "langfuse.observation.model",
            "ai.response.model",
            "llm.response.model",
            ("mlflow.llm.model",),
            ("braintrust.metadata", "model"),
            (*_HAYSTACK_META, "model"),
            "model",
        ),
    ),
    "requested_model": (
        text,
        (
            "gen_ai.request.model",
            "llm.request.model_name",
            "ai.model.id",
            "litellm.provider.model",
            "llm.request.model",
            *_asked("model", "model_name"),
            ("gcp.vertex.agent.llm_request", "model"),
            "model",
        ),
    ),
    "id": (text, ("gen_ai.response.id", "ai.response.id", ("output.value", "id"))),
    "request_id": (
        text,
        (
            "request_id",
            ("hidden_params", "additional_headers", "llm_provider-x-request-id"),
        ),
    ),
    "finish_reason": (
        finish_reason,
        (
            "gen_ai.response.finish_reasons",
            "llm.finish_reason",
            "ai.response.finishReason",
            "gen_ai.completion.0.finish_reason",
            "langfuse.observation.metadata.finish_reason",
            "gen_ai.response.finish_reason",
            ("gcp.vertex.agent.llm_response", "finish_reason"),
            ("braintrust.output_json", "0", "finish_reason"),
            (*_HAYSTACK_META, "finish_reason"),
            "stop_reason",
        ),
    ),
    "prompt_tokens": (
        integer,
        (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.response.prompt_tokens",
            "llm.token_count.prompt",
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
            "ai.usage.tokens",
        ),
    ),
    "completion_tokens": (
        integer,
        (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.response.completion_tokens",
            "llm.token_count.completion",
            "ai.usage.outputTokens",
            "ai.usage.completionTokens",
        ),
    ),
    "total_tokens": (
        integer,
        (
            "gen_ai.usage.total_tokens",
            "llm.usage.total_tokens",
            "llm.token_count.total",
            "ai.usage.totalTokens",
        ),
    ),
    "cached_tokens": (
        integer,
        (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
            "gen_ai.usage.input_tokens.cached",
            "cache_read_input_tokens",
        ),
    ),
    "cache_write_tokens": (
        integer,
        (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "gen_ai.usage.input_tokens.cache_write",
            "llm.token_count.prompt_details.cache_write",
            "ai.usage.inputTokenDetails.cacheWriteTokens",
            "cache_creation_input_tokens",
        ),
    ),
    "reasoning_tokens": (
        integer,
        (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "gen_ai.usage.output_tokens.reasoning",
            "llm.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "ai.usage.reasoningTokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
        ),
    ),
    "max_tokens": (
        integer,
        (
            "gen_ai.request.max_tokens",
            "max_completion_tokens",
            "ai.settings.maxOutputTokens",
            "ai.settings.maxTokens",
            *_asked("max_completion_tokens", "max_output_tokens", "max_tokens"),
            ("langfuse.observation.model.parameters", "max_completion_tokens"),
            ("langfuse.observation.model.parameters", "max_output_tokens"),
            ("langfuse.observation.model.parameters", "max_tokens"),
        ),
    ),
    "temperature": (
        number,
        ("gen_ai.request.temperature", "ai.settings.temperature", *_asked("temperature")),
    ),
    "top_p": (
        number,
        ("gen_ai.request.top_p", "llm.top_p", "ai.settings.topP", *_asked("top_p")),
    ),
    "seed": (
        integer,
        (
            "gen_ai.request.seed",
            "gen_ai.openai.request.seed",
            "ai.settings.seed",
            *_asked("seed"),
        ),
    ),
    "reasoning_effort": (
        text,
        (
            "gen_ai.request.reasoning_effort",
            "openai.request.reasoning_effort",
            *_asked("reasoning_effort"),
            ("llm.invocation_parameters", "reasoning", "effort"),
        ),
    ),
    "service_tier": (
        text,
        ("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    ),
    "stream": (
        boolean,
        (
            "gen_ai.request.stream",
            "gen_ai.request.is_stream",
            "gen_ai.is_streaming",
            "llm.is_streaming",
            *_asked("stream"),
        ),
    ),
    "system_fingerprint": (
        text,
        (
            "openai.response.system_fingerprint",
            "gen_ai.openai.response.system_fingerprint",
            "gen_ai.openai.system_fingerprint",
            ("output.value", "system_fingerprint"),
        ),
    ),
}
_TOOL: Final[dict[str, tuple[Read, tuple[Source, ...]]]] = {
    "tool_name": (
        text,
        (
            "gen_ai.tool.name",
            "tool.name",
            "ai.toolCall.name",
            "spring.ai.tool.definition.name",
            "traceloop.entity.name",
            "tool_name",
        ),
    ),
    "tool_call_id": (
        text,
        ("gen_ai.tool.call.id", "ai.toolCall.id", "tool.id", "tool_use_id"),
    ),
}
_USAGE_OBJECTS: Final[tuple[tuple[str, ...], ...]] = (
    ("langfuse.observation.usage_details",),
    ("gen_ai.usage.raw",),
    ("mlflow.chat.tokenUsage",),
    ("gcp.vertex.agent.llm_response", "usage_metadata"),
    ("braintrust.metrics",),
    (*_HAYSTACK_META, "usage"),
)
"""Paths to a whole usage object; it fills fields without an attribute."""

_PROVIDER_NAMES: Final = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
)
_PREFIXES: Final = (
    *("gen_ai.", "openinference.", "llm.", "langfuse.", "ai.", "traceloop.", "litellm."),
    *("mlflow.", "langsmith.", "gcp.vertex.agent.", "spring.ai.", "braintrust."),
    *("haystack.", "sk."),
)


def of_llm_library(attributes: Attributes) -> bool:
    """Return whether an LLM library wrote a span, not an HTTP or database client."""
    return any(name.startswith(_PREFIXES) for name in attributes)


# ---- the kind of a span

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


# ---- the fields of a span


def fields_of(span: Span, event: str) -> Record:
    """Return what a span's attributes and events say of a record; nothing of its content."""
    about = span.attributes
    if event in CALLS:
        found = _call(span)
    elif event == "tool_call":
        found = _read(about, _OF_TOOLS)
        if "tool_name" not in found and (name := span.name.removeprefix("execute_tool ")):
            found["tool_name"] = name
    else:
        found = _read(about, _OF_SPANS)
        found["name"] = span.name or None
    if has_failed(span):
        found |= _error(span)
    return known(found)


class _Use(NamedTuple):
    """A field that an attribute fills; the least `rank` wins."""

    field: str
    rank: int
    read: Read
    path: tuple[str, ...] | None


_Table = dict[str, tuple[Read, tuple[Source, ...]]]


def _by_attribute(*tables: _Table) -> dict[str, tuple[_Use, ...]]:
    """Return the uses of each attribute, as a span has few of them."""
    uses: defaultdict[str, list[_Use]] = defaultdict(list)
    for table in tables:
        for field, (read, sources) in table.items():
            for rank, source in enumerate(sources):
                name = source if isinstance(source, str) else source[0]
                path = None if isinstance(source, str) else source[1:]
                uses[name].append(_Use(field, rank, read, path))
    return {name: tuple(found) for name, found in uses.items()}


_OF_SPANS: Final = _by_attribute(_ANY_EVENT)
_OF_TOOLS: Final = _by_attribute(_ANY_EVENT, _TOOL)
_OF_CALLS: Final = _by_attribute(_ANY_EVENT, _CALL)


def _read(about: Attributes, uses_of: Mapping[str, tuple[_Use, ...]]) -> Record:
    found: Record = {}
    ranks: dict[str, int] = {}
    nested: list[tuple[object, _Use]] = []
    for name, value in about.items():
        for use in uses_of.get(name, ()):
            if use.path is not None:
                nested.append((value, use))
            elif use.rank < ranks.get(use.field, _WORST) and (of := use.read(value)) is not None:
                found[use.field], ranks[use.field] = of, use.rank
    # JSON in text is long, and often not needed for what plain attributes say already.
    opened: dict[int, Any] = {}
    for value, use in nested:
        if use.rank >= ranks.get(use.field, _WORST):
            continue
        if id(value) not in opened:
            opened[id(value)] = decoded(value)
        if (of := use.read(dig(opened[id(value)], *(use.path or ())))) is not None:
            found[use.field], ranks[use.field] = of, use.rank
    return found


_WORST: Final = 1_000


def _call(span: Span) -> Record:
    about = span.attributes
    found = _read(about, _OF_CALLS)
    for name, *path in _USAGE_OBJECTS:
        if (value := about.get(name)) is not None:
            found = usage(dig(value, *path)) | found
    found = _claude_code_usage(about) | _litellm_usage(about) | found
    if "prompt_tokens" in found:
        found["prompt_tokens"] = prompt_tokens(
            found["prompt_tokens"], found.get("cached_tokens"), found.get("cache_write_tokens")
        )
    found["provider"] = _provider(about, found)
    found["ttft_ms"] = _ttft_ms(span)
    found.setdefault("finish_reason", _finish_of_choice(span))
    found.setdefault("stream", _is_stream(span))
    found["tool_calls"] = list(_tool_calls(span)) or None
    return found


def _claude_code_usage(about: Attributes) -> Record:
    """Return the tokens of Claude Code's spans, which count the cache apart."""
    prompt = integer(about.get("input_tokens"))
    if prompt is None:
        return {}
    cached = integer(about.get("cache_read_tokens"))
    cache_write = integer(about.get("cache_creation_tokens"))
    attempt = integer(about.get("attempt"))
    return known(
        {
            "prompt_tokens": prompt + (cached or 0) + (cache_write or 0),
            "completion_tokens": integer(about.get("output_tokens")),
            "cached_tokens": cached,
            "cache_write_tokens": cache_write,
            "retries": attempt - 1 if attempt else None,
        }
    )


_LITELLM_CACHED: Final = re.compile(r"'cached_tokens': (\d+)")


def _litellm_usage(about: Attributes) -> Record:
    """Return the cached tokens that LiteLLM only has in a printed Python object."""
    printed = about.get("metadata.usage_object")
    found = _LITELLM_CACHED.search(printed) if isinstance(printed, str) else None
    return {"cached_tokens": int(found[1])} if found else {}


def _provider(about: Attributes, call: Record) -> str | None:
    address = about.get("server.address") or url_host(
        about.get("gen_ai.openai.api_base") or dig(about.get("hidden_params"), "api_base")
    )
    name = text(first(about, *_PROVIDER_NAMES))
    served = served_by(address, name)
    if served is None and name is None:
        return model_host(call.get("model") or call.get("requested_model"))
    return served


_TTFT_MS: Final = (
    ("gen_ai.response.time_to_first_chunk", 1_000),
    ("gen_ai.client.operation.time_to_first_chunk", 1_000),
    ("ai.response.msToFirstChunk", 1),
    ("gen_ai.response.time_to_first_token", 1_000),
    ("ttft_ms", 1),
)
_NS_PER_S: Final = 1_000_000_000
_FIRST_CHUNK_EVENTS: Final = frozenset(
    {
        "gen_ai.content.completion.chunk",
        "llm.content.completion.chunk",
        "First Token Stream Event",
        "ai.stream.firstChunk",
    }
)


def _ttft_ms(span: Span) -> int | None:
    about = span.attributes
    for name, factor in _TTFT_MS:
        if (found := number(about.get(name))) is not None:
            return round(found * factor)
    if (found := number(about.get("gen_ai.server.time_to_first_token"))) is not None:
        # Seconds by the conventions; Strands writes milliseconds.
        is_seconds = span.end > span.begin and found * _NS_PER_S <= span.end - span.begin
        return round(found * 1_000 if is_seconds else found)
    if (found := number(dig(about.get("braintrust.metrics"), "time_to_first_token"))) is not None:
        return round(found * 1_000)
    times = [event.time for event in span.events if event.name in _FIRST_CHUNK_EVENTS]
    if (started := about.get("langfuse.observation.completion_start_time")) is not None:
        times.append(nanoseconds(decoded(started)) or 0)
    moment = min(filter(None, times), default=None)
    if moment is None or not span.begin or moment < span.begin:
        return None
    return round((moment - span.begin) / 1_000_000)


def _finish_of_choice(span: Span) -> str | None:
    """Return the finish reason of a `gen_ai.choice` event, where Strands has it."""
    choices = (event for event in span.events if event.name == "gen_ai.choice")
    return next((finish_reason(choice.attributes.get("finish_reason")) for choice in choices), None)


def _is_stream(span: Span) -> bool | None:
    operation = text(span.attributes.get("ai.operationId"))
    if operation is not None:
        return operation.endswith(".doStream")
    # Langfuse sets it for streams only.
    return True if "langfuse.observation.completion_start_time" in span.attributes else None


_TOOL_OF_ANSWER: Final = re.compile(
    r"llm\.output_messages\.\d+\.message\.tool_calls\.\d+\.tool_call\.function\.name"
    r"|gen_ai\.completion\.\d+\.tool_calls\.\d+\.name"
)


_ANSWER_PARTS: Final = ("llm.output_messages.", "gen_ai.completion.")


def _tool_calls(span: Span) -> Iterator[str]:
    """Yield the names of the tools that a call asked for, found in its output."""
    about = span.attributes
    for name, value in about.items():
        # The regular expression alone would be half of what a span takes.
        if name.startswith(_ANSWER_PARTS) and _TOOL_OF_ANSWER.fullmatch(name):
            yield from texts(value) or ()
    for name, *path in _ANSWERS:
        if (value := about.get(name)) is not None:
            yield from _tools_in(decoded(dig(value, *path)))
    for event in span.events:
        if (value := event.attributes.get("gen_ai.completion")) is not None:
            yield from _tools_in(decoded(value))


_ANSWERS: Final[tuple[tuple[str, ...], ...]] = (
    ("ai.response.toolCalls",),
    ("gen_ai.output.messages",),
    ("gen_ai.response.tool_calls",),
    ("gcp.vertex.agent.llm_response", "content", "parts"),
    ("braintrust.output_json",),
    ("haystack.component.output", "replies"),
)
"""Paths to an answer: its tool calls, parts, or messages with such."""

_MAX_NESTING: Final = 4


def _tools_in(answer: object, depth: int = 0) -> Iterator[str]:
    """Yield the names of the tool calls in an answer of any shape."""
    if isinstance(answer, list):
        for each in answer:
            yield from _tools_in(each, depth)
        return
    if not isinstance(answer, dict) or depth > _MAX_NESTING:
        return
    call = answer.get("function_call", answer.get("function"))
    named = call.get("name") if isinstance(call, dict) else answer.get("toolName")
    if named is None and answer.get("type") in ("tool_call", "tool_use", "function"):
        named = answer.get("name")
    if named is None and "arguments" in answer:
        named = answer.get("name", answer.get("tool_name"))
    yield from texts(named) or ()
    for inner in ("message", "parts", "content", "tool_calls"):
        if isinstance(inside := answer.get(inner), (list, dict)):
            yield from _tools_in(inside, depth + 1)


# ---- failures


def has_failed(span: Span) -> bool:
    """Return whether the work of a span failed."""
    about = span.attributes
    return (
        span.failed
        or about.get("langfuse.observation.level") == "ERROR"
        or (span.name.startswith("claude_code.") and boolean(about.get("success")) is False)
        or "error" in (about.get("gen_ai.tool.status"), about.get("tool.status"))
    )


def failure_message(span: Span) -> str | None:
    """Return the whole text of a failure. It is content."""
    about = span.attributes
    stated = span.message or text(
        first(about, "langfuse.observation.status_message", "error.message", "error")
    )
    return stated or next((text(each.get("exception.message")) for each in _exceptions(span)), None)


def _exceptions(span: Span) -> Iterator[Attributes]:
    return (event.attributes for event in span.events if event.name == "exception")


def _error(span: Span) -> Record:
    about = span.attributes
    kinds = [about.get("error.type"), *(each.get("exception.type") for each in _exceptions(span))]
    return {
        "error_type": next((found for kind in kinds if (found := error_class(kind))), None),
        "error_status": error_status(
            about.get("http.response.status_code"),
            about.get("error.code"),
            about.get("status_code"),
            failure_message(span),
        ),
    }
