"""Shapes of messages, of OpenAI, Anthropic, Gemini and OpenTelemetry, as parts of one kind.

A new shape is a row of `SHAPES`; where a message keeps its parts is a row of `CONTAINERS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import orjson

PartKind = Literal["text", "reasoning", "call", "result", "media", "data"]


@dataclass(frozen=True)
class Part:
    """A part of a message.

    `text` is that of a text, reasoning or result, a call's arguments as JSON, the address of media.
    `name` is a tool's name or the media type, `size` the bytes of inline media.
    """

    kind: PartKind
    text: str = ""
    name: str = ""
    call_id: str = ""
    size: int | None = None


class Shape(NamedTuple):
    """Keys of text, name and call id in parts of some `types`.

    A part's type is its `type`, or its only key.
    """

    kind: PartKind
    types: tuple[str, ...]
    text: tuple[str, ...]
    name: tuple[str, ...] = ("name",)
    call_id: tuple[str, ...] = ("call_id", "id")


SHAPES: Final = (
    Shape("text", ("text", "input_text", "output_text", "refusal"), ("text", "content", "refusal")),
    Shape(
        "reasoning",
        ("reasoning", "thinking", "redacted_thinking", "thought", "summary_text"),
        ("thinking", "text", "summary", "content", "encrypted_content", "data"),
    ),
    Shape(
        "call",
        (
            *("function", "custom", "function_call", "custom_tool_call", "mcp_call"),  # OpenAI
            *("web_search_call", "file_search_call", "code_interpreter_call", "computer_call"),
            *("image_generation_call", "local_shell_call", "shell_call", "apply_patch_call"),
            *("tool_use", "server_tool_use", "mcp_tool_use"),  # Anthropic
            *("functionCall", "executableCode", "executable_code"),  # Gemini
            *("tool_call", "tool-call"),  # OpenTelemetry, Vercel
        ),
        ("arguments", "input", "args", "action", "queries", "code", "parameters"),
        ("name", "toolName"),
        ("call_id", "id", "toolCallId"),
    ),
    Shape(
        "result",
        (
            *("function_call_output", "custom_tool_call_output", "computer_call_output"),
            *("tool_result", "web_search_tool_result", "code_execution_tool_result"),
            *("functionResponse", "function_response", "codeExecutionResult"),
            *("tool_call_response", "tool-result"),
        ),
        ("output", "content", "response", "result"),
        ("name", "toolName"),
        ("call_id", "tool_use_id", "id", "toolCallId"),
    ),
    Shape(
        "media",
        (
            *(
                "image_url",
                "input_image",
                "input_audio",
                "input_file",
                "audio",
                "file",
                "video_url",
            ),
            *("image", "document", "video"),
            *("inlineData", "inline_data", "fileData", "file_data"),
            *("blob", "uri"),
        ),
        ("url", "uri", "fileUri", "file_uri", "image_url", "filename", "file_id", "fileId"),
        ("media_type", "mime_type", "mimeType", "mediaType", "format"),
    ),
)
"""One row a kind of part: OpenAI's, Anthropic's, Gemini's and OpenTelemetry's."""

_BY_TYPE: Final = {name: shape for shape in SHAPES for name in shape.types}

PART_TYPES: Final = frozenset(_BY_TYPE) | {"message"}
"""Values of `type` that name the shape of a message or of its part."""

_UNTYPED: Final = (
    *("functionCall", "function_call", "functionResponse", "function_response"),
    *("inlineData", "inline_data", "fileData", "file_data"),
    *("executableCode", "executable_code", "codeExecutionResult", "text"),
)
"""Only keys of Gemini's parts, which have no `type`."""

_INLINE: Final = ("data", "content", "file_data", "fileData", "b64_json", "result")
"""Keys of inline media."""

CONTAINERS: Final = {
    "input": ("messages", "contents", "input", "prompt"),
    "output": ("choices", "candidates", "output", "message", "content"),
}
"""Keys of requests and answers that hold messages."""

ITEM_ROLES: Final = {"call": "assistant", "reasoning": "assistant", "result": "tool"}
"""Roles of items that stand for themselves, as in the Responses API."""

_SYSTEM: Final = ("system", "systemInstruction", "system_instruction", "instructions")
_ROLES: Final = {"model": "assistant", "function": "tool"}


def messages_in(value: object, side: Literal["input", "output"]) -> Iterator[object]:
    """Yield the messages of a record's input or output, as they are."""
    if value is None:
        return
    if isinstance(value, Mapping) and "role" not in value and "type" not in value:
        if side == "input":
            for name in _SYSTEM:
                if value.get(name):
                    yield {"role": "system", "content": value[name]}
        held = next((value[name] for name in CONTAINERS[side] if value.get(name)), None)
        if held is not None:
            yield from messages_in(held, side)
            return
    if not isinstance(value, list):
        yield value
        return
    for each in value:
        inner = None
        if side == "output" and isinstance(each, Mapping) and "role" not in each:
            inner = each.get("message") or (
                each.get("content") if isinstance(each.get("content"), Mapping) else None
            )
        yield each if inner is None else inner


def role_of(message: object, default: str) -> str:
    """Return who a message is from; calls are the assistant's, results a tool's."""
    if not isinstance(message, Mapping):
        return default
    role = message.get("role")
    if isinstance(role, str) and role:
        return _ROLES.get(role, role)
    shape = _BY_TYPE.get(str(message.get("type")))
    return ITEM_ROLES.get(shape.kind, default) if shape is not None else default


def parts_of(message: object) -> tuple[Part, ...]:
    """Return the parts of a message of any shape."""
    if not isinstance(message, Mapping):
        return tuple(_parts(message))
    if "role" not in message and str(message.get("type")) in _BY_TYPE:
        return tuple(_parts([message]))
    return tuple(_message_parts(message))


def _message_parts(message: Mapping[str, Any]) -> Iterator[Part]:
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        yield Part("reasoning", thought)
    said = message.get("parts", message.get("content"))
    if message.get("role") in ("tool", "function") and not _holds_results(said):
        call_id = str(message.get("tool_call_id") or "")
        yield Part("result", text_of(said), str(message.get("name") or ""), call_id)
    else:
        yield from _parts(said)
    if isinstance(refusal := message.get("refusal"), str):
        yield Part("text", refusal)
    if isinstance(audio := message.get("audio"), Mapping):
        yield _media(audio, "audio", _BY_TYPE["audio"])
    for name in ("tool_calls", "function_call"):
        held = message.get(name)
        for call in held if isinstance(held, list) else [held] if held else ():
            yield _call(call, _BY_TYPE["function"])
    if said is None and not {"tool_calls", "function_call", "refusal", "audio"} & set(message):
        rest = {name: value for name, value in message.items() if name != "role"}
        yield from _parts(rest) if rest else ()


def _holds_results(said: object) -> bool:
    return isinstance(said, list) and any(
        (shape := _shape(each)) is not None and shape[0].kind == "result" for each in said
    )


def _parts(said: object) -> Iterator[Part]:
    if said is None:
        return
    if isinstance(said, str):
        yield Part("text", said)
        return
    if isinstance(said, Mapping) and isinstance(said.get("parts"), list):
        said = said["parts"]
    for each in said if isinstance(said, list) else [said]:
        yield _part(each)


def _part(value: object) -> Part:
    if isinstance(value, str):
        return Part("text", value)
    found = _shape(value)
    if found is None:
        return Part("data", json_text(value))
    shape, name, body = found
    if isinstance(value, Mapping) and value.get("thought") is True:
        return Part("reasoning", text_of(_first(body, shape.text)))
    if shape.kind == "media":
        return _media(body, name, shape)
    if shape.kind == "call":
        return _call(body, shape, name)
    call_id = str(_first(body, shape.call_id) or "") if shape.kind == "result" else ""
    tool = str(_first(body, shape.name) or "") if shape.kind == "result" else ""
    return Part(shape.kind, text_of(_first(body, shape.text)), tool, call_id)


def _shape(value: object) -> tuple[Shape, str, Mapping[str, Any]] | None:
    """Return a part's shape, its type, and the object with its values."""
    if not isinstance(value, Mapping):
        return None
    name = value.get("type")
    if isinstance(name, str):
        shape = _BY_TYPE.get(name)
        return None if shape is None else (shape, name, value)
    name = next((key for key in _UNTYPED if key in value), None)
    if name is None:
        return None
    body = value[name]
    return _BY_TYPE[name], name, body if isinstance(body, Mapping) else value


def _call(call: object, shape: Shape, kind: str = "") -> Part:
    if not isinstance(call, Mapping):
        return Part("call", json_text(call))
    body = next((call[key] for key in ("function", "custom") if _is_map(call.get(key))), call)
    name = _first(body, shape.name) or kind.removesuffix("_call") or "tool"
    arguments = _first(body, shape.text)
    text = arguments if isinstance(arguments, str) else "" if arguments is None else None
    call_id = str(_first(call, shape.call_id) or "")
    return Part("call", json_text(arguments) if text is None else text, str(name), call_id)


def _media(body: Mapping[str, Any], kind: str, shape: Shape) -> Part:
    """Return media by type and size: their bytes are of no use on a terminal."""
    places = [body, *(value for value in body.values() if isinstance(value, Mapping))]
    named = next((str(found) for each in places if (found := _first(each, shape.name))), "")
    address = next((found for each in places if _is_text(found := _first(each, shape.text))), "")
    held = next((each[key] for each in places for key in _INLINE if _is_text(each.get(key))), None)
    if address.startswith("data:"):
        head, _, held = address.partition(",")
        named, address = head[5:].partition(";")[0], ""
    label = named if "/" in named else " ".join(filter(None, (kind.partition("_")[0], named)))
    if label in ("input", "inline", "file", ""):
        label = kind.replace("input_", "")
    size = None if held is None or held.startswith("[redacted") else len(held) * 3 // 4
    return Part(
        "media", address or (held or "")[:200] if size is None else address, label, "", size
    )


def text_of(value: object) -> str:
    """Return a text, the joined text parts of a list, or the value as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [each if isinstance(each, str) else _first(each, ("text",)) for each in value]
        if texts and all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    return json_text(value) if value != [] else ""


def json_text(value: object) -> str:
    """Return a decoded JSON value as compact text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # lone surrogates, huge integers, deep nesting
        pass
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        return "(nested too deeply)"


def _first(body: object, names: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(body, Mapping):
        return None
    return next((body[name] for name in names if body.get(name) not in (None, "")), None)


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
