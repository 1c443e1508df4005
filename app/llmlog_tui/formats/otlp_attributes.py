"""Table of span attributes: sources of each field, in all dialects of GenAI spans.

OTel's conventions (now and older), OpenLLMetry, OpenInference, logfire, Langfuse, Vercel's AI SDK,
Pydantic AI, LiteLLM, Strands, Claude Code's traces, Google's ADK, Semantic Kernel, OpenLIT, Spring
AI, Sentry, Braintrust and Haystack. A dialect that names a field otherwise is one more source in
its row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmlog.record import CALL_EVENTS
from llmlog_tui.formats.otlp_envelope import Attributes
from llmlog_tui.formats.vocabulary import (
    boolean,
    finish_reason,
    integer,
    number,
    text,
)

CALLS: Final = frozenset({*CALL_EVENTS, "completion"})
"""Events that are model calls."""

Source = str | tuple[str, ...]
"""An attribute; or one with JSON in its text, and the path in that."""

Read = Callable[[object], Any]

Table = dict[str, tuple[Read, tuple[Source, ...]]]
"""Field -> how its value is read, and its sources, the best first."""

ANY_EVENT: Final[Table] = {
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


CALL: Final[Table] = {
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
TOOL: Final[Table] = {
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
USAGE_OBJECTS: Final[tuple[tuple[str, ...], ...]] = (
    ("langfuse.observation.usage_details",),
    ("gen_ai.usage.raw",),
    ("mlflow.chat.tokenUsage",),
    ("gcp.vertex.agent.llm_response", "usage_metadata"),
    ("braintrust.metrics",),
    (*_HAYSTACK_META, "usage"),
)
"""Paths to a whole usage object; it fills fields without an attribute."""

PROVIDER_NAMES: Final = (
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
