"""What a response, its headers or an exception tell, as fields of the record.

Answers come as the SDK's typed objects or as plain JSON; any part of them may be missing, null or
of the wrong type, and is then unknown (None).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

Fields: TypeAlias = dict[str, object]

Foreign: TypeAlias = Any
"""An object of the SDK, of its HTTP library or of the server, whose version is not ours to fix."""


def pick(value: object, *path: str) -> Foreign:
    """Follow names through objects and mappings; None where the way ends."""
    for name in path:
        if value is None:
            return None
        if isinstance(value, dict):
            value = cast("Fields", value).get(name)
        else:
            value = getattr(value, name, None)
    return value


def members(value: Foreign) -> Fields:
    """All there is in an object of the SDK or a mapping, by name: faster than one by one."""
    if isinstance(value, dict):
        return cast("Fields", value)
    if not hasattr(value, "__dict__"):
        return {}
    known: Fields = value.__dict__
    unknown: Fields | None = getattr(value, "__pydantic_extra__", None)
    return known | unknown if unknown else known


def as_int(value: object) -> int | None:
    """`value` if it is a whole number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value == value // 1 else None


def as_str(value: object) -> str | None:
    """`value` if it is text, else None."""
    return value if isinstance(value, str) else None


def items(value: object) -> list[Foreign]:
    """`value` as a list; empty if it is none."""
    found: list[Foreign] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    return found


def request_fields(body: Mapping[str, object]) -> Fields:
    """What was asked for: the model and the token limit under any of its three names."""
    limits = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    return {
        "requested_model": as_str(body.get("model")),
        "max_tokens": next((n for n in map(as_int, map(body.get, limits)) if n is not None), None),
    }


def usage_fields(usage: object) -> Fields:
    """Token counts from the `usage` of chat completions, the Responses API or embeddings."""
    prompt = pick(usage, "prompt_tokens")
    if prompt is None and pick(usage, "input_tokens") is not None:
        return {
            "prompt_tokens": as_int(pick(usage, "input_tokens")),
            "completion_tokens": as_int(pick(usage, "output_tokens")),
            "total_tokens": as_int(pick(usage, "total_tokens")),
            "reasoning_tokens": as_int(pick(usage, "output_tokens_details", "reasoning_tokens")),
            "cached_tokens": as_int(pick(usage, "input_tokens_details", "cached_tokens")),
        }
    return {
        "prompt_tokens": as_int(prompt),
        "completion_tokens": as_int(pick(usage, "completion_tokens")),
        "total_tokens": as_int(pick(usage, "total_tokens")),
        "reasoning_tokens": as_int(pick(usage, "completion_tokens_details", "reasoning_tokens")),
        "cached_tokens": as_int(pick(usage, "prompt_tokens_details", "cached_tokens")),
    }


class ToolCall:
    """One tool call a model asked for; its arguments are JSON text, as they came."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self, id_: str | None, name: str | None, arguments: str | None) -> None:
        self.id = id_
        self.name = name
        self.arguments = arguments

    def as_json(self) -> Foreign:
        """The call as the API has it in a message."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


def chat_tool_calls(message: object) -> list[ToolCall]:
    """The tool calls of a chat message or of one chunk's delta."""
    found: list[ToolCall] = []
    for call in items(pick(message, "tool_calls")):
        # A custom tool has `custom` with `name` and free-form `input` in place of `function`.
        function = pick(call, "function")
        found.append(
            ToolCall(
                as_str(pick(call, "id")),
                as_str(pick(function, "name")) or as_str(pick(call, "custom", "name")),
                as_str(pick(function, "arguments")),
            )
        )
    return found


def response_tool_calls(response: object) -> list[ToolCall]:
    """The function calls among a Responses API response's output items."""
    return [
        ToolCall(
            as_str(pick(item, "call_id")),
            as_str(pick(item, "name")),
            as_str(pick(item, "arguments")),
        )
        for item in items(pick(response, "output"))
        if pick(item, "type") in ("function_call", "custom_tool_call")
    ]


def tool_call_fields(calls: list[ToolCall]) -> Fields:
    """The names asked for, and whether every argument string is JSON."""
    if not calls:
        return {}
    given = [call.arguments for call in calls if call.arguments is not None]
    return {
        "tool_calls": [call.name or "" for call in calls],
        "tool_args_ok": all(map(_is_json, given)) if given else None,
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_REASON_OF_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def response_finish_reason(response: object, *, has_tool_calls: bool) -> str | None:
    """The Responses API's status in the words of chat completions; None while it is not final."""
    status = pick(response, "status")
    if status == "completed":
        return "tool_calls" if has_tool_calls else "stop"
    if status == "incomplete":
        reason = as_str(pick(response, "incomplete_details", "reason"))
        return _REASON_OF_INCOMPLETE.get(reason, reason) if reason else None
    return None


def answer_fields(event: str, answer: object) -> tuple[Fields, list[ToolCall]]:
    """The fields of a whole answer (typed or JSON), and the tool calls in it."""
    fields: Fields = {
        "model": as_str(pick(answer, "model")),
        "id": as_str(pick(answer, "id")),
        **usage_fields(pick(answer, "usage")),
    }
    calls: list[ToolCall] = []
    if event == "chat_completion":
        choices = items(pick(answer, "choices"))
        first = choices[0] if choices else None
        calls = [call for choice in choices for call in chat_tool_calls(pick(choice, "message"))]
        fields["finish_reason"] = as_str(pick(first, "finish_reason"))
        fields["system_fingerprint"] = as_str(pick(answer, "system_fingerprint"))
    elif event == "response":
        calls = response_tool_calls(answer)
        fields["finish_reason"] = response_finish_reason(answer, has_tool_calls=bool(calls))
        if pick(answer, "status") == "failed":
            fields["status"] = "error"
            fields["error_code"] = as_str(pick(answer, "error", "code"))
    fields |= tool_call_fields(calls)
    return fields, calls


def request_messages(event: str, body: Mapping[str, object]) -> object:
    """The content of a request: its messages, or input after its instructions, if there are any."""
    if event == "chat_completion":
        return body.get("messages")
    given, instructions = body.get("input"), body.get("instructions")
    if event == "embedding" or not isinstance(instructions, str):
        return given
    rest = items(given) or [{"role": "user", "content": given}]
    return [{"role": "system", "content": instructions}, *rest]


def answer_output(event: str, answer: object) -> object:
    """The content of a whole answer: the first choice's message, or the output items."""
    if event == "chat_completion":
        return _plain(next((pick(c, "message") for c in items(pick(answer, "choices"))), None))
    return [_plain(item) for item in items(pick(answer, "output"))] or None


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True, warnings=False) if dump else value


def header_fields(headers: Foreign) -> Fields:
    """Request id, rate limits and the server's own time from response headers (httpx2, httpx)."""
    fields: Fields = {}
    for raw_name, raw_value in headers.raw:
        known = _HEADERS.get(raw_name.lower())
        if known is not None and known[0] not in fields:
            fields[known[0]] = known[1](raw_value.decode("utf-8", "replace"))
    return fields


_DURATION: Final = r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)"
_MS_OF_UNIT: Final = {
    "d": 86_400_000.0,
    "h": 3_600_000.0,
    "m": 60_000.0,
    "s": 1_000.0,
    "ms": 1.0,
    "us": 1e-3,
    "µs": 1e-3,
    "ns": 1e-6,
}
_LONGEST_NUMBER: Final = 18


def duration_ms(text: str) -> int | None:
    """Milliseconds in forms such as `6m0s`, `17ms`, `1h2m3.5s`, `0`, `7.66` (seconds)."""
    text = text.strip()
    if len(text) > 4 * _LONGEST_NUMBER:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return round(float(text) * 1000)
    parts = re.findall(_DURATION, text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return round(sum(float(number) * _MS_OF_UNIT[unit] for number, unit in parts))


def _count(text: str) -> int | None:
    usable = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if usable else None


def _ms(text: str) -> int | None:
    return round(float(text)) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) else None


_HEADERS: Final[dict[bytes, tuple[str, Callable[[str], object]]]] = {
    b"x-request-id": ("request_id", str),
    b"openai-processing-ms": ("server_ms", _ms),
    b"x-ratelimit-limit-requests": ("ratelimit_limit_requests", _count),
    b"x-ratelimit-limit-tokens": ("ratelimit_limit_tokens", _count),
    b"x-ratelimit-remaining-requests": ("ratelimit_remaining_requests", _count),
    b"x-ratelimit-remaining-tokens": ("ratelimit_remaining_tokens", _count),
    b"x-ratelimit-reset-requests": ("ratelimit_reset_requests_ms", duration_ms),
    b"x-ratelimit-reset-tokens": ("ratelimit_reset_tokens_ms", duration_ms),
}


def error_fields(error: BaseException) -> Fields:
    """Class, HTTP status and provider code of an exception, and its response's headers.

    Never its text: that may repeat the prompt or a key.
    """
    fields: Fields = {"error_type": type(error).__name__}
    response = getattr(error, "response", None)
    received = getattr(response, "headers", None)
    if hasattr(received, "raw"):
        fields |= header_fields(received)
    fields["error_status"] = as_int(getattr(error, "status_code", None))
    fields["error_code"] = as_str(getattr(error, "code", None))
    sent = pick(error, "request", "headers")
    if isinstance(sent, Mapping):
        headers = cast("Mapping[str, str]", sent)
        fields["retries"] = _count(headers.get("x-stainless-retry-count", ""))
    return fields
