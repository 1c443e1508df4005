"""Session logs of Claude Code: ~/.claude/projects/PROJECT/SESSION.jsonl, and those of subagents.

A model call is spread over a line per content block; all lines with one message id are one call. A
tool execution is a tool_use block and the tool_result that names it. Times are when lines were
written, so latencies are upper bounds (they include hooks and waiting for permission), and
`timing` is derived. Not in these logs: reasoning tokens, attempts in between, the calls that
compact a conversation, and limits (max_tokens).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

from llmlog_tui.formats import Item, LogState, Record
from llmlog_tui.formats.claude_code_forks import note_origin
from llmlog_tui.formats.claude_code_lines import blocks, said
from llmlog_tui.formats.claude_code_session import SessionFile
from llmlog_tui.formats.messages import from_blocks, joined_text
from llmlog_tui.formats.vocabulary import error_message, mapping, text

_WITH_UUID: Final = frozenset({"user", "assistant", "system", "progress", "attachment"})
_WITHOUT_UUID: Final = frozenset(
    {
        "queue-operation",
        "last-prompt",
        "ai-title",
        "custom-title",
        "permission-mode",
        "turn_end",
    }
)


class _ClaudeCode:
    name = "Claude Code"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is a line of a session."""
        return any(map(_is_line, items))

    def peek(self, log: LogState, items: Iterable[Item]) -> int | None:
        """Note a file's first line; call for all files before any is fed."""
        uuid = _first_uuid(items)
        return None if uuid is None else note_origin(log, uuid)

    def converter(self, log: LogState) -> SessionFile:
        """Return the converter of one more session log."""
        return SessionFile(log)

    def spread_content(self, items: Iterable[Item], record: Record) -> Record:
        """Return the blocks of a call's lines, or the content of any other record."""
        first, *more = islice(_lines_of_call(items, record), _MAX_LINES)
        found = self.content(first, record)
        if more and "output" in found:
            said = chain.from_iterable(map(_said_blocks, (first, *more)))
            found["output"] = from_blocks("assistant", list(said))
        return found

    def content(self, item: Item, record: Record) -> Record:
        """Return the answer's block, or the tool's result, of the line read back."""
        call_id = record.get("tool_call_id")
        if call_id is not None:
            result = next((each for each in blocks(item) if _is_result(each, call_id)), None)
            return {} if result is None else {"output": joined_text(result.get("content"))}
        if item.get("type") != "assistant":
            return {}
        if record.get("status") == "error":
            message = error_message(said(item))
            return {} if message is None else {"error_message": message}
        return {"output": from_blocks("assistant", mapping(item.get("message")).get("content"))}


def _lines_of_call(items: Iterable[Item], record: Record) -> Iterator[Item]:
    """Yield the first object, and later ones of the same model call."""
    later = iter(items)
    first = next(later)
    yield first
    message_id = record.get("id")
    if message_id is None or record.get("tool_call_id") is not None:
        return
    seen = {text(first.get("uuid"))}
    for item in islice(later, _MAX_BETWEEN):
        if item.get("type") == "assistant" and _lane(item) == _lane(first):
            if mapping(item.get("message")).get("id") != message_id:
                return
            uuid = text(item.get("uuid"))
            if uuid is None or uuid not in seen:
                seen.add(uuid)
                yield item


def _said_blocks(item: Item) -> list[dict[str, Any]]:
    """Return the content blocks of a line, a text as one of them."""
    content = mapping(item.get("message")).get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else blocks(item)


def _lane(item: Item) -> tuple[object, ...]:
    return tuple(item.get(name) for name in ("sessionId", "agentId", "isSidechain"))


_MAX_LINES: Final = 1_000
"""Maximum lines of one call."""

_MAX_BETWEEN: Final = 2_000
"""Maximum lines that are searched for the rest of a call."""


def _is_result(block: Mapping[str, Any], call_id: object) -> bool:
    return block.get("type") == "tool_result" and block.get("tool_use_id") == call_id


def _first_uuid(items: Iterable[Item]) -> str | None:
    """Return the first uuid of a session's lines; None in a file of another format."""
    uuid, is_session = None, False
    for item in items:
        uuid = uuid or text(item.get("uuid"))
        is_session = is_session or _is_line(item)
        if uuid and is_session:
            return uuid
    return None


def _is_line(item: Item) -> bool:
    kind = item.get("type")
    if not isinstance(kind, str) or "event" in item:
        return False
    if kind == "summary":
        return "leafUuid" in item
    if kind == "file-history-snapshot":
        return "messageId" in item
    if not isinstance(item.get("sessionId"), str):
        return False
    return kind in _WITHOUT_UUID or (kind in _WITH_UUID and isinstance(item.get("uuid"), str))


CLAUDE_CODE: Final = _ClaudeCode()
