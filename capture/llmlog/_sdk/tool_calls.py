"""Tool calls a model asked for, in chat completions and in the Responses API."""

from __future__ import annotations

import json

from llmlog._foreign import Fields, Foreign, as_list, as_str, get_path


class ToolCall:
    """One tool call a model asked for; `arguments` is JSON text, as received."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self, id_: str | None, name: str | None, arguments: str | None) -> None:
        self.id = id_
        self.name = name
        self.arguments = arguments

    def as_json(self) -> Foreign:
        """Return the call in the shape of a chat message's `tool_calls`."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


def chat_tool_calls(calls: object) -> list[ToolCall]:
    """Return the `tool_calls` of a chat message or of one chunk's delta."""
    found: list[ToolCall] = []
    for call in as_list(calls):
        # A custom tool has `custom` with `name` and free-form `input` in place of `function`.
        function = get_path(call, "function")
        found.append(
            ToolCall(
                as_str(get_path(call, "id")),
                as_str(get_path(function, "name")) or as_str(get_path(call, "custom", "name")),
                as_str(get_path(function, "arguments")),
            )
        )
    return found


def response_tool_calls(response: object) -> list[ToolCall]:
    """Return the function calls among a Responses API response's output items."""
    return [
        ToolCall(
            as_str(get_path(item, "call_id")),
            as_str(get_path(item, "name")),
            as_str(get_path(item, "arguments")),
        )
        for item in as_list(get_path(response, "output"))
        if get_path(item, "type") in ("function_call", "custom_tool_call")
    ]


def tool_call_fields(calls: list[ToolCall]) -> Fields:
    """Return the names asked for, and whether every argument string is JSON."""
    if not calls:
        return {}
    fields: Fields = {"tool_calls": [call.name or "" for call in calls]}
    arguments = [call.arguments for call in calls if call.arguments is not None]
    if arguments:
        fields["tool_args_ok"] = all(map(_is_json, arguments))
    return fields


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
