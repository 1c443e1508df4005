"""Spans that llmlog itself exported: their attributes, and the same records again."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from llmlog.record import FIELDS, timestamp
from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.times import NS_PER_MS
from llmlog_tui.formats.vocabulary import Record, boolean, integer, known, number, text

OWN_PREFIX: Final = "llmlog."
"""Prefix of the attributes that the conventions have no name for."""

NAMES: Final = {
    "session_id": "gen_ai.conversation.id",
    "model": "gen_ai.response.model",
    "requested_model": "gen_ai.request.model",
    "provider": "server.address",
    "id": "gen_ai.response.id",
    "finish_reason": "gen_ai.response.finish_reasons",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "service_tier": "openai.response.service_tier",
    "max_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed",
    "stream": "gen_ai.request.stream",
    "ttft_ms": "gen_ai.response.time_to_first_chunk",
    "system_fingerprint": "openai.response.system_fingerprint",
    "tool_name": "gen_ai.tool.name",
    "tool_call_id": "gen_ai.tool.call.id",
    "error_type": "error.type",
    "error_status": "http.response.status_code",
}
"""Attribute that a field of the record is written as."""

_TAG: Final = f"{OWN_PREFIX}extra."


def is_own(attributes: Attributes) -> bool:
    """Return whether llmlog's own export wrote a span."""
    return isinstance(attributes.get(f"{OWN_PREFIX}event"), str)


def latency_of(begin: int, end: int) -> float | None:
    """Return the latency in ms between two times in ns; None without one."""
    if not 0 < begin < end:
        return None
    whole, fraction = divmod(end - begin, NS_PER_MS)
    return (end - begin) / NS_PER_MS if fraction else whole


def own_record(span: Span) -> Record:
    """Return the record that a span was exported from, but for its content."""
    about = span.attributes
    found: Record = {
        "ts": timestamp(span.begin) if span.begin else None,
        "status": "error" if span.failed else "ok",
        "latency_ms": latency_of(span.begin, span.end),
        "error_message": span.message,
    }
    for field, name in NAMES.items():
        found[field] = _read(field, about.get(name))
    for name, value in about.items():
        if (own := _OWN.get(name)) is not None:
            found[own] = _READ[own](value)
    tags = {name.removeprefix(_TAG): of for name, of in about.items() if name.startswith(_TAG)}
    return known({**found, "extra": tags or None})


def _read(field: str, value: object) -> Any:  # noqa: ANN401 - any JSON
    if field == "finish_reason" and isinstance(value, list):
        value = next(iter(value), None)
    if field == "ttft_ms":
        seconds = number(value)
        return None if seconds is None else round(seconds * 1_000)
    return None if value is None else _READ.get(field, _any)(value)


def _any(value: object) -> object:
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else text(value)


def _float(value: object) -> float | None:
    return value if isinstance(value, float) and isfinite(value) else number(value)


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else integer(value)


def _texts(value: object) -> list[str] | None:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else None


_READ_TYPE: Final[dict[str, Callable[[object], Any]]] = {
    "int": _number,
    "float": _float,
    "bool": boolean,
    "strings": _texts,
}
_READ: Final[dict[str, Callable[[object], Any]]] = {
    field.name: _READ_TYPE.get(field.type, _text)
    for field in FIELDS
    if field.name not in {"v", "input", "output", "prefix_hashes", "extra"}
}
_OWN: Final = {f"{OWN_PREFIX}{name}": name for name in _READ}
