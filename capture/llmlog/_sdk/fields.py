"""What a response, its headers or an exception tell, as fields of the record.

Answers come as the SDK's typed objects or as plain JSON; any part of them may be missing, null or
of the wrong type, and is then unknown (None).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def told_by(error: object, name: str) -> Foreign:
    """An attribute of an exception; None if there is none, or looking at it raises another."""
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001 - the `request` of HTTP errors does so while it is not set
        return None


_NOTHING: Final[Fields] = {}


def members(value: Foreign) -> Fields:
    """All there is in an object of the SDK or a mapping, by name: faster than one by one."""
    if value is None:
        return _NOTHING
    if type(value) is dict:
        return cast("Fields", value)
    try:
        known: Fields = value.__dict__
        unknown: Fields | None = value.__pydantic_extra__
    except AttributeError:
        return _NOTHING
    return known | unknown if unknown else known


def as_int(value: object) -> int | None:
    """`value` if it is a whole number of up to 64 bits, else None."""
    if type(value) is not int:
        if not isinstance(value, float) or value != value // 1:
            return None
        value = int(value)
    return value if _LEAST_INT <= value <= _MOST_INT else None


_LEAST_INT: Final = -(2**63)
_MOST_INT: Final = 2**63 - 1


def as_str(value: object) -> str | None:
    """`value` if it is text, else None."""
    return value if isinstance(value, str) else None


def add(fields: Fields, **values: object) -> None:
    """Add the `values` that are known to `fields`: those that are not None."""
    for name, value in values.items():
        if value is not None:
            fields[name] = value


def items(value: object) -> list[Foreign]:
    """`value` as a list; empty if it is none."""
    found: list[Foreign] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    return found


def request_fields(body: Mapping[str, object]) -> Fields:
    """What was asked for: the model and the token limit under any of its three names."""
    fields: Fields = {}
    if isinstance(model := body.get("model"), str):
        fields["requested_model"] = model
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if name in body and (limit := as_int(body[name])) is not None:
            fields["max_tokens"] = limit
            break
    return fields


def add_usage(fields: Fields, usage: object) -> None:
    """Add token counts from the `usage` of chat completions, the Responses API or embeddings."""
    known = members(usage)
    counts, details = _CHAT_USAGE
    if known.get("prompt_tokens") is None and known.get("input_tokens") is not None:
        counts, details = _RESPONSE_USAGE
    for field, name in counts:
        count = known.get(name)
        if type(count) is not int or not 0 <= count <= _MOST_INT:
            count = as_int(count)
        if count is not None:
            fields[field] = count
    for field, name in details:
        part = known.get(name)
        if part is not None and (count := as_int(members(part).get(field))) is not None:
            fields[field] = count


_CHAT_USAGE: Final = (
    (
        ("prompt_tokens", "prompt_tokens"),
        ("completion_tokens", "completion_tokens"),
        ("total_tokens", "total_tokens"),
    ),
    (
        ("reasoning_tokens", "completion_tokens_details"),
        ("cached_tokens", "prompt_tokens_details"),
    ),
)
_RESPONSE_USAGE: Final = (
    (
        ("prompt_tokens", "input_tokens"),
        ("completion_tokens", "output_tokens"),
        ("total_tokens", "total_tokens"),
    ),
    (
        ("reasoning_tokens", "output_tokens_details"),
        ("cached_tokens", "input_tokens_details"),
    ),
)


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


def chat_tool_calls(calls: object) -> list[ToolCall]:
    """The `tool_calls` of a chat message or of one chunk's delta."""
    found: list[ToolCall] = []
    for call in items(calls):
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
    fields: Fields = {"tool_calls": [call.name or "" for call in calls]}
    given = [call.arguments for call in calls if call.arguments is not None]
    if given:
        fields["tool_args_ok"] = all(map(_is_json, given))
    return fields


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
    """The known fields of a whole answer (typed or JSON), and the tool calls in it."""
    known = members(answer)
    fields: Fields = {}
    add_usage(fields, known.get("usage"))
    for name in ("model", "id", "system_fingerprint"):
        if type(text := known.get(name)) is str:
            fields[name] = text
    calls: list[ToolCall] = []
    if event == "chat_completion":
        for number, choice in enumerate(items(known.get("choices"))):
            parts = members(choice)
            if number == 0 and type(reason := parts.get("finish_reason")) is str:
                fields["finish_reason"] = reason
            message = members(parts.get("message"))
            if asked := message.get("tool_calls"):
                calls += chat_tool_calls(asked)
            elif legacy := message.get("function_call"):
                calls += chat_tool_calls([{"function": legacy}])
    elif event == "response":
        calls = response_tool_calls(answer)
        reason = response_finish_reason(answer, has_tool_calls=bool(calls))
        add(fields, finish_reason=reason)
        if known.get("status") == "failed":
            add(fields, status="error", error_code=as_str(pick(answer, "error", "code")))
    return fields | tool_call_fields(calls) if calls else fields, calls


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
