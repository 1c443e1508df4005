"""The fields of a record that an OTLP span's attributes and events give."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from llmlog_tui.formats.otlp_attributes import (
    ANY_EVENT,
    CALL,
    CALLS,
    PROVIDER_NAMES,
    TOOL,
    USAGE_OBJECTS,
    Read,
    Table,
)
from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.otlp_failures import error_of, has_failed
from llmlog_tui.formats.providers import model_host, served_by, url_host
from llmlog_tui.formats.times import nanoseconds
from llmlog_tui.formats.vocabulary import (
    Record,
    decoded,
    dig,
    finish_reason,
    first,
    integer,
    known,
    number,
    prompt_tokens,
    text,
    texts,
    usage,
)


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
        found |= error_of(span)
    return known(found)


class _Use(NamedTuple):
    """A field that an attribute fills; the least `rank` wins."""

    field: str
    rank: int
    read: Read
    path: tuple[str, ...] | None


def _by_attribute(*tables: Table) -> dict[str, tuple[_Use, ...]]:
    """Return the uses of each attribute, as a span has few of them."""
    uses: defaultdict[str, list[_Use]] = defaultdict(list)
    for table in tables:
        for field, (read, sources) in table.items():
            for rank, source in enumerate(sources):
                name = source if isinstance(source, str) else source[0]
                path = None if isinstance(source, str) else source[1:]
                uses[name].append(_Use(field, rank, read, path))
    return {name: tuple(found) for name, found in uses.items()}


_OF_SPANS: Final = _by_attribute(ANY_EVENT)
_OF_TOOLS: Final = _by_attribute(ANY_EVENT, TOOL)
_OF_CALLS: Final = _by_attribute(ANY_EVENT, CALL)


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
    for name, *path in USAGE_OBJECTS:
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


_LITELLM_CACHED: Final = re.compile(r"'cached_tokens': ([0-9]{1,18})\b")


def _litellm_usage(about: Attributes) -> Record:
    """Return the cached tokens that LiteLLM only has in a printed Python object."""
    printed = about.get("metadata.usage_object")
    found = _LITELLM_CACHED.search(printed) if isinstance(printed, str) else None
    return {"cached_tokens": int(found[1])} if found else {}


def _provider(about: Attributes, call: Record) -> str | None:
    address = about.get("server.address") or url_host(
        about.get("gen_ai.openai.api_base") or dig(about.get("hidden_params"), "api_base")
    )
    name = text(first(about, *PROVIDER_NAMES))
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
