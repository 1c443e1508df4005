"""Tool calls a model asked for, in chat completions and in the Responses API."""

from __future__ import annotations

import json
from typing import Final

from llmlog._foreign import Fields, Foreign, as_int, as_list, as_object, as_str, get_path, to_json
from llmlog._jsonable import jsonable
from llmlog._sdk import deltas


class ToolCall:
    """One tool call a model asked for."""

    __slots__ = ("id", "is_free_form", "is_streamed", "merged", "name", "pieces")

    def __init__(self, id_: str | None, name: str | None, *, is_free_form: bool = False) -> None:
        self.id = id_
        self.name = name
        self.is_free_form = is_free_form
        """Whether the input is text of any form, as that of custom tools."""
        self.is_streamed = False
        """Whether the arguments came in deltas, in place of those at the start."""
        self.pieces: list[str] = []
        """JSON text of the arguments, in the pieces received."""
        self.merged: object = None
        """The call as received, if content is kept."""

    @property
    def arguments(self) -> str:
        """The arguments' JSON text."""
        text = "".join(self.pieces)
        # Some servers send the arguments so far with each chunk, or all of them again at the end.
        if len(self.pieces) > 1 and self.pieces[-1].startswith(self.pieces[0]):
            return text if is_json(text) or not is_json(self.pieces[-1]) else self.pieces[-1]
        return text

    @property
    def has_whole_arguments(self) -> bool:
        """Whether the arguments received by now are a JSON object."""
        text = self.arguments.strip()
        return text.startswith("{") and is_json(text)

    def as_json(self) -> Foreign:
        """Return the call in the shape of a chat message's `tool_calls`."""
        call = as_object(deltas.plain(self.merged)) or {}
        call.pop("index", None)
        if self.is_free_form:
            return {"id": self.id, **call}
        function = as_object(call.get("function")) or {}
        function = {**function, "name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", **call, "function": function}


def is_json(text: str) -> bool:
    """Return whether `text` is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _chat_tool_call(call: object) -> ToolCall:
    # A custom tool has `custom` with `name` and free-form `input` in place of `function`.
    custom = get_path(call, "custom")
    function = get_path(call, "function") if custom is None else custom
    name = as_str(get_path(function, "name")) or as_str(get_path(call, "name"))
    found = ToolCall(as_str(get_path(call, "id")), name, is_free_form=custom is not None)
    # Arguments that are no text are a JSON object already.
    arguments = as_str(get_path(function, "arguments"))
    if arguments:
        found.pieces.append(arguments)
    return found


def chat_tool_calls(calls: object) -> list[ToolCall]:
    """Return the `tool_calls` of a whole chat message."""
    return [_chat_tool_call(call) for call in as_list(calls)]


class ToolCallAccumulator:
    """Tool calls of a streamed chat completion; `keeps_content` keeps them as received."""

    def __init__(self, *, keeps_content: bool) -> None:
        self._keeps_content = keeps_content
        self._calls: list[tuple[int, ToolCall]] = []
        self._open: dict[tuple[int, int], ToolCall] = {}

    def add(self, choice: int, calls: object) -> None:
        """Add the `tool_calls` of one chunk's delta."""
        for raw in as_list(calls):
            part = _chat_tool_call(raw)
            index = as_int(get_path(raw, "index"))
            if index is None:
                index = self._index_of(choice, part.id)
            call = self._open.get((choice, index))
            if call is None or _begins_another(call, part):
                call = ToolCall(part.id, part.name, is_free_form=part.is_free_form)
                self._calls.append((choice, call))
                self._open[choice, index] = call
            call.id = call.id or part.id
            call.name = call.name or part.name
            call.is_free_form = call.is_free_form or part.is_free_form
            call.pieces += part.pieces
            if self._keeps_content:
                call.merged = deltas.merge(call.merged, to_json(raw))

    def _index_of(self, choice: int, id_: str | None) -> int:
        """Return the index for a part without one: by its id, else the last."""
        ids = [call.id for (of, _), call in self._open.items() if of == choice]
        if not id_:
            return max(len(ids) - 1, 0)
        return ids.index(id_) if id_ in ids else len(ids)

    @property
    def calls(self) -> list[ToolCall]:
        """All calls, in the order in which they began."""
        return [call for _, call in self._calls]

    def of_choice(self, choice: int) -> list[Foreign]:
        """Return one choice's calls in the shape of a chat message's `tool_calls`."""
        return [call.as_json() for of, call in self._calls if of == choice]


def _begins_another(call: ToolCall, part: ToolCall) -> bool:
    """Return whether `part` begins a new call despite having the index of `call`."""
    if not part.name:
        return False
    if part.id and call.id:
        return part.id != call.id
    if part.id or call.id:
        return bool(part.id) and call.has_whole_arguments
    return call.has_whole_arguments and (part.name, part.pieces) != (call.name, [call.arguments])


_HOSTED: Final = frozenset({"mcp_call", "mcp_list_tools"})
_ASKS_CLIENT: Final = frozenset({"mcp_approval_request"})
_FREE_FORM: Final = frozenset({"custom_tool_call"})


def response_tool_calls(items: object) -> tuple[list[ToolCall], bool]:
    """Return the tool calls among output items, and whether the application is to run any.

    A built-in tool, such as `web_search_call`, is named by its type.
    """
    calls: list[ToolCall] = []
    asks_client = False
    for item in as_list(items):
        kind = as_str(get_path(item, "type")) or ""
        if not kind.endswith("_call") and kind not in _ASKS_CLIENT:
            continue
        call_id = as_str(get_path(item, "call_id"))
        name = as_str(get_path(item, "name")) or kind.removesuffix("_call")
        call = ToolCall(call_id, name, is_free_form=kind in _FREE_FORM)
        if arguments := as_str(get_path(item, "arguments")):
            call.pieces.append(arguments)
        calls.append(call)
        # Only calls that are answered by the application have an id to answer them by.
        is_hosted = get_path(item, "execution") == "server" or kind in _HOSTED
        asks_client |= kind in _ASKS_CLIENT or (call_id is not None and not is_hosted)
    return calls, asks_client


def is_tool_use(block: object) -> bool:
    """Return whether a content block of Anthropic's asks for a tool: `tool_use` and its kind."""
    return (as_str(get_path(block, "type")) or "").endswith("tool_use")


def message_tool_calls(blocks: object) -> list[ToolCall]:
    """Return the tool calls among the content blocks of one of Anthropic's messages."""
    calls: list[ToolCall] = []
    for block in filter(is_tool_use, as_list(blocks)):
        call = ToolCall(as_str(get_path(block, "id")), as_str(get_path(block, "name")))
        # An object already, which the server has parsed.
        if arguments := as_object(get_path(block, "input")):
            call.pieces.append(json.dumps(jsonable(arguments)))
        calls.append(call)
    return calls


def tool_call_fields(calls: list[ToolCall]) -> Fields:
    """Return the names asked for, and whether the arguments of each are JSON.

    No arguments are good ones: servers send empty text for a tool without parameters.
    """
    if not calls:
        return {}
    fields: Fields = {"tool_calls": [call.name or "" for call in calls]}
    texts = [call.arguments for call in calls if not call.is_free_form]
    given = [text for text in texts if text.strip()]
    if given:
        fields["tool_args_ok"] = all(map(is_json, given))
    return fields
