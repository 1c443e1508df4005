"""Content blocks of other tools as one message in the shape of chat completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmlog_tui.formats.vocabulary import decoded, text

Message = dict[str, Any]


def message(role: str, said: object, calls: Iterable[Message] = ()) -> Message:
    """Return a message; without text its content is None, without calls it has no tool_calls."""
    made: Message = {"role": role, "content": said or None}
    if asked := list(calls):
        made["tool_calls"] = asked
    return made


def tool_call(call_id: object, name: object, arguments: object) -> Message:
    """Return a tool call of a message; arguments in JSON text become the structure."""
    return {
        "id": text(call_id),
        "type": "function",
        "function": {"name": text(name), "arguments": decoded(arguments)},
    }


def from_blocks(role: str, content: object) -> Message:
    """Return Anthropic's content blocks as a message; text without other blocks is its content."""
    if not isinstance(content, list):
        return message(role, content)
    blocks = [block for block in content if isinstance(block, dict)]
    calls = (
        tool_call(block.get("id"), block.get("name"), block.get("input"))
        for block in blocks
        if block.get("type") == "tool_use"
    )
    others = [block for block in blocks if block.get("type") != "tool_use"]
    return message(role, joined_text(others), calls)


def joined_text(content: object) -> object:
    """Return text blocks as one text; content with blocks of any other kind unchanged."""
    if not isinstance(content, list):
        return content
    parts = [_text_of(block) for block in content]
    if any(part is None for part in parts):
        return content
    return "\n".join(part for part in parts if part)


def _text_of(block: object) -> str | None:
    if isinstance(block, str):
        return block
    if not isinstance(block, Mapping):
        return None
    found = block.get("text")
    return found if isinstance(found, str) else None
