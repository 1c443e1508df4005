"""Vocabulary shared by the formats: values of other tools in the terms of llmlog.record.

Each function takes any decoded JSON value and never raises: an odd value is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

Record = dict[str, Any]

# ---- plain values


def first(source: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the first value in `source` under `names` that is neither None nor empty text."""
    for name in names:
        value = source.get(name)
        if value is not None and value != "":
            return value
    return None


def text(value: object) -> str | None:
    """Return non-empty text; numbers as text; None for anything else."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def number(value: object) -> float | None:
    """Return a number below 2**63, also from numeric text (`"4100"`, `"0.5"`)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) <= _MAX_INT else None


def integer(value: object) -> int | None:
    """Return an integer of at most 64 bits, also from text; fractions are rounded."""
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int):
        if isinstance(value, str) and DIGITS.fullmatch(value):
            # Not by way of float: nanoseconds since 1970 need all 64 bits.
            value = int(value)
        else:
            found = number(value)
            if found is None:
                return None
            value = round(found)
    return value if _MIN_INT <= value <= _MAX_INT else None


DIGITS: Final = re.compile(r"-?[0-9]{1,19}")
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1


def boolean(value: object) -> bool | None:
    """Return a bool, also from the text true or false in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def decoded(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON inside text as its value, twice encoded JSON too; other values unchanged."""
    for _ in range(2):
        if not isinstance(value, str) or value[:1] not in _JSON_STARTS:
            break
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            break
    return value


_JSON_STARTS: Final = ("{", "[", '"')


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object, also from JSON in text; an empty one for anything else."""
    found = value if isinstance(value, dict) else decoded(value)
    return found if isinstance(found, dict) else {}


def dig(value: object, *path: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the value at `path` inside nested objects and lists, or None."""
    for name in path:
        found = decoded(value)
        if isinstance(found, list):
            value = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            value = mapping(found).get(name)
    return value


def texts(value: object) -> list[str] | None:
    """Return a list of texts, also from JSON or a single text."""
    found = decoded(value)
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list):
        return None
    return [each for each in found if isinstance(each, str) and each] or None


def known(fields: Mapping[str, Any]) -> Record:
    """Return `fields` without None values: unknown is left out, never 0."""
    return {name: value for name, value in fields.items() if value is not None}


# ---- model calls

_FINISH_REASONS: Final = {
    **dict.fromkeys(("end_turn", "stop_sequence", "stop", "complete", "completed", "eos"), "stop"),
    **dict.fromkeys(
        ("tool_use", "tool_call", "tool-calls", "tool_calls", "function_call"), "tool_calls"
    ),
    **dict.fromkeys(
        ("max_tokens", "max_output_tokens", "model_context_window_exceeded", "incomplete"), "length"
    ),
    "length": "length",
    **dict.fromkeys(
        ("content-filter", "content_filter", "refusal", "safety", "recitation"), "content_filter"
    ),
}


def finish_reason(value: object) -> str | None:
    """Return a finish reason in OpenAI's words; of a list the first."""
    if value is None:
        return None
    if isinstance(value, str) and value in _FINISH_REASONS:
        return _FINISH_REASONS[value]
    found = decoded(value)
    if isinstance(found, list):
        found = next((each for each in found if each), None)
    if not isinstance(found, str) or not found:
        return None
    # Semantic Kernel prints the members of an enumeration, separated by commas.
    word = _ENUM_MEMBER.sub("", found).partition(",")[0].strip()
    return _FINISH_REASONS.get(word.lower(), word if word.isascii() else found)


_ENUM_MEMBER: Final = re.compile(r"FinishReason\.", re.IGNORECASE)


def prompt_tokens(
    prompt: int | None, cached: int | None, cache_write: int | None = None
) -> int | None:
    """Return prompt tokens that include cached and cache-written ones.

    Where fewer were given than were read from and written to the cache, the source counted them
    apart, as Anthropic does.
    """
    if prompt is None:
        return None
    in_cache = (cached or 0) + (cache_write or 0)
    return prompt + in_cache if in_cache > prompt else prompt


def usage(value: object) -> Record:
    """Return the known token fields of a usage object.

    Shapes: OpenAI's chat and Responses, Anthropic's (disjoint), Langfuse's usage details (every
    key that begins with input or output is a share of its own).
    """
    source = mapping(value)
    cached = _first_integer(source, _CACHED)
    cache_write = _first_integer(source, _CACHE_WRITE)
    prompt = integer(source.get("prompt_tokens"))
    if prompt is None and (prompt := integer(source.get("input_tokens"))) is not None:
        # Anthropic names its cache beside input_tokens, and counts it beside them.
        prompt += sum(integer(source.get(name)) or 0 for name in _ANTHROPIC_CACHE)
    if prompt is None:
        prompt = integer(first(source, "prompt_token_count", "promptTokenCount"))
    if prompt is None:
        prompt = _sum_of(source, "input")
    completion = integer(first(source, "completion_tokens", "output_tokens"))
    if completion is None:
        completion = _gemini_completion(source)
    if completion is None:
        completion = _sum_of(source, "output")
    return known(
        {
            "prompt_tokens": prompt_tokens(prompt, cached, cache_write),
            "completion_tokens": completion,
            "total_tokens": integer(first(source, *_TOTAL)),
            "cached_tokens": cached,
            "cache_write_tokens": cache_write,
            "reasoning_tokens": _first_integer(source, _REASONING),
        }
    )


def _gemini_completion(source: Mapping[str, Any]) -> int | None:
    """Return Gemini's completion tokens, which it counts apart from the thoughts."""
    said = integer(first(source, "candidates_token_count", "candidatesTokenCount"))
    thoughts = integer(first(source, "thoughts_token_count", "thoughtsTokenCount"))
    return None if said is None else integer(said + (thoughts or 0))


_TOTAL: Final = ("total_tokens", "total", "total_token_count", "totalTokenCount")
_ANTHROPIC_CACHE: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")
_CACHED: Final = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("input_token_details", "cache_read"),
    ("cache_read_input_tokens",),
    ("input_cached_tokens",),
    ("input_cache_read",),
    ("input_cache_read_tokens",),
    ("cached_content_token_count",),
    ("cachedContentTokenCount",),
    ("prompt_cached_tokens",),
)
_CACHE_WRITE: Final = (
    ("cache_creation_input_tokens",),
    ("input_token_details", "cache_creation"),
    ("input_cache_creation",),
    ("input_cache_creation_tokens",),
)
_REASONING: Final = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("output_token_details", "reasoning"),
    ("output_reasoning_tokens",),
    ("output_reasoning",),
    ("thoughts_token_count",),
    ("thoughtsTokenCount",),
    ("completion_reasoning_tokens",),
)


def _first_integer(source: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        found = integer(source.get(path[0]) if len(path) == 1 else dig(source, *path))
        if found is not None:
            return found
    return None


def _sum_of(source: Mapping[str, Any], side: str) -> int | None:
    """Return the sum of `side` and every `side_*`; None without any."""
    shares = [
        share
        for name, value in source.items()
        if name == side or name.startswith(f"{side}_")
        if (share := integer(value)) is not None
    ]
    return sum(shares) if shares else None


def tokens_per_sec(completion_tokens: int | None, latency_ms: float | None) -> float | None:
    """Return completion tokens per second of the call; None without a latency."""
    if completion_tokens is None or not latency_ms or latency_ms < 0:
        return None
    return round(completion_tokens / (latency_ms / 1_000), 2)


# ---- errors

MAX_ERROR_CHARACTERS: Final = 500


def error_class(value: object) -> str | None:
    """Return the class name without its modules: `openai.RateLimitError` is RateLimitError."""
    found = text(value)
    return None if found is None else found.rsplit(".", 1)[-1] or None


def error_status(*values: object) -> int | None:
    """Return the first HTTP status: a number, or part of a message."""
    for value in values:
        status = integer(value)
        if status is None and isinstance(value, str):
            # A message can be a whole traceback; the status is at its beginning or its end.
            found = _STATUS.search(value[:2_000]) or _STATUS.search(value[-2_000:])
            status = int(found[1]) if found else None
        if status is not None and _MIN_STATUS <= status <= _MAX_STATUS:
            return status
    return None


_STATUS: Final = re.compile(r"(?:Error code|status[_ ]code|HTTP)[:= ]+(\d{3})\b", re.IGNORECASE)
_MIN_STATUS, _MAX_STATUS = 100, 599


def error_message(value: object) -> str | None:
    """Return the first line of a message, at most MAX_ERROR_CHARACTERS. It is content."""
    found = text(value)
    if found is None:
        return None
    return (
        next((line for line in found.splitlines() if line.strip()), "")[:MAX_ERROR_CHARACTERS]
        or None
    )
