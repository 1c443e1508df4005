"""Lines of Claude Code's session logs, reduced to the facts that records are made of.

One line holds one content block of an answer, one prompt, or the results of tools. A line can be
megabytes (images, whole files); its facts are a few hundred bytes, and hold no content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from llmlog_tui.formats import Item
from llmlog_tui.formats.times import nanoseconds
from llmlog_tui.formats.vocabulary import (
    boolean,
    error_status,
    integer,
    known,
    mapping,
    number,
    text,
)


class Lane(NamedTuple):
    """One chain of turns: the session itself, or one of its subagents."""

    session: str
    agent: str
    is_side: bool


class ToolUse(NamedTuple):
    """A tool asked for; `prompt` is the hash of a subagent's prompt, 0 without one."""

    id: str
    name: str
    prompt: int


class Answer(NamedTuple):
    """One line of a model call; `usage` has fields of the record."""

    message_id: str
    request_id: str | None
    model: str | None
    stop_reason: str | None
    usage: dict[str, int]
    service_tier: str | None
    cost_usd: float | None
    tools: tuple[ToolUse, ...]


class Failure(NamedTuple):
    """A model call that failed for good."""

    error_type: str
    error_status: int | None


class Result(NamedTuple):
    """A tool's result; `agent` is the subagent that it ran."""

    tool_call_id: str
    failed: bool
    duration_ms: int | None
    agent: str | None


class UserLine(NamedTuple):
    """A prompt or tool results; `prompt` is its hash, 0 if it begins no turn."""

    prompt: int
    results: tuple[Result, ...]


class Retry(NamedTuple):
    """An attempt that failed and is made again."""

    attempt: int


class TurnEnd(NamedTuple):
    """The end of what one prompt caused."""

    duration_ms: int


class Spawn(NamedTuple):
    """Progress of a subagent: names the tool call that started it."""

    agent: str
    tool_call_id: str


Fact = Answer | Failure | UserLine | Retry | TurnEnd | Spawn


class Line(NamedTuple):
    """Facts of one line; `token` is the reader's, `ns` the time in ns since 1970."""

    token: int
    lane: Lane
    uuid: str
    ns: int | None
    fact: Fact


_SYNTHETIC: Final = "<synthetic>"
_NO_RESPONSE: Final = "No response requested."
_COMMAND: Final = re.compile(r"\s*<(?:command|local-command)-")
_AGENT_ID: Final = re.compile(r"\bagentId: ([\w-]{1,64})")
_MAX_CHAINS: Final = 1_000
"""Maximum number of open chains of unnamed subagents per file."""


class LineReader:
    """Reads the lines of one file."""

    def __init__(self) -> None:
        self._chains: dict[str, str] = {}
        self._lane = Lane("", "", is_side=False)

    def read(self, token: int, item: Item) -> Line | None:
        """Return the facts of a line; None if it holds none for a record."""
        kind = item.get("type")
        make = _FACTS.get(kind) if isinstance(kind, str) else None
        session = None if make is None else text(item.get("sessionId"))
        if session is None or make is None:
            return None
        fact = make(item)
        if fact is None:
            return None
        uuid = text(item.get("uuid")) or ""
        agent = text(item.get("agentId")) or ""
        is_side = item.get("isSidechain") is True
        if is_side and not agent and not isinstance(fact, Spawn):
            agent = self._chain(uuid, text(item.get("parentUuid")))
        if self._lane != (session, agent, is_side):  # one object for all lines of a lane
            self._lane = Lane(session, agent, is_side)
        return Line(token, self._lane, uuid, nanoseconds(item.get("timestamp")), fact)

    def _chain(self, uuid: str, parent: str | None) -> str:
        """Return the first uuid of the chain that a line without agentId belongs to."""
        # Versions before agentId wrote subagents into the session's own file, several at once.
        root = self._chains.get(parent or "", uuid)
        self._chains[uuid] = root
        if len(self._chains) > _MAX_CHAINS:
            del self._chains[next(iter(self._chains))]
        return root


def blocks(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the content blocks of a line's message; none where its content is text."""
    return _blocks_of(mapping(item.get("message")))


def _blocks_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if not isinstance(content, list):
        return []
    return [block for block in content if isinstance(block, dict)]


def said(item: Mapping[str, Any]) -> str:
    """Return the text of a line's message."""
    content = mapping(item.get("message")).get("content")
    if isinstance(content, str):
        return content
    parts = (block.get("text") for block in blocks(item))
    return "\n".join(part for part in parts if isinstance(part, str))


def _assistant(item: Item) -> Answer | Failure | None:
    message = mapping(item.get("message"))
    is_error = item.get("isApiErrorMessage") is True
    if is_error or message.get("model") == _SYNTHETIC:
        if not is_error and said(item).strip() == _NO_RESPONSE:
            return None
        kind = item.get("error")
        return Failure(
            error_type=kind if isinstance(kind, str) and kind else "api_error",
            error_status=error_status(item.get("apiErrorStatus")),
        )
    spent = mapping(message.get("usage"))
    return Answer(
        message_id=text(message.get("id")) or "",
        request_id=text(item.get("requestId")),
        model=text(message.get("model")),
        stop_reason=text(message.get("stop_reason")),
        usage=_usage(spent),
        service_tier=text(spent.get("service_tier")),
        cost_usd=number(item.get("costUSD")),
        tools=tuple(_tool_uses(message)),
    )


def _usage(spent: Mapping[str, Any]) -> dict[str, int]:
    """Return the tokens of a usage object; its prompt includes cached and written ones."""
    # Not vocabulary.usage(): of a log's time half would go into shapes that are not here.
    fresh = integer(spent.get("input_tokens"))
    cached = integer(spent.get("cache_read_input_tokens"))
    written = integer(spent.get("cache_creation_input_tokens"))
    return known(
        {
            "prompt_tokens": None
            if fresh is None
            else integer(fresh + (cached or 0) + (written or 0)),
            "completion_tokens": integer(spent.get("output_tokens")),
            "cached_tokens": cached,
            "cache_write_tokens": written,
        }
    )


def _tool_uses(message: Mapping[str, Any]) -> Iterator[ToolUse]:
    for block in _blocks_of(message):
        if block.get("type") == "tool_use":
            prompt = mapping(block.get("input")).get("prompt")
            yield ToolUse(
                id=text(block.get("id")) or "",
                name=text(block.get("name")) or "",
                prompt=_prompt_hash(prompt) if isinstance(prompt, str) else 0,
            )


def _prompt_hash(prompt: str) -> int:
    """Return a hash of a prompt, never 0."""
    # The prompt itself would be content, and may be long.
    return hash(prompt.strip()) or 1


def _user(item: Item) -> UserLine:
    results = tuple(_results(item))
    is_note = item.get("isMeta") is True or item.get("isCompactSummary") is True
    prompt = "" if results or is_note else said(item)
    begins = not results and not is_note and not _COMMAND.match(prompt)
    return UserLine(_prompt_hash(prompt) if begins else 0, results)


def _results(item: Item) -> Iterator[Result]:
    told = item.get("toolUseResult")
    outcome = told if isinstance(told, dict) else {}
    duration = number(outcome.get("durationMs")) or number(outcome.get("totalDurationMs"))
    for block in blocks(item):
        if block.get("type") == "tool_result":
            yield Result(
                tool_call_id=text(block.get("tool_use_id")) or "",
                failed=boolean(block.get("is_error")) is True,
                duration_ms=integer(duration) or None,
                agent=text(outcome.get("agentId")) or _agent_named(block.get("content")),
            )


def _agent_named(content: object) -> str | None:
    """Return the subagent that the last block of a result names in its text."""
    last = content[-1] if isinstance(content, list) and content else content
    words = last.get("text") if isinstance(last, dict) else last
    # The end is enough: a result may be a whole file.
    end = words[-1_000:] if isinstance(words, str) else ""
    found = _AGENT_ID.search(end) if "agentId: " in end else None
    return found[1] if found else None


def _system(item: Item) -> Retry | TurnEnd | None:
    if item.get("subtype") == "api_error":
        return Retry(integer(item.get("retryAttempt")) or 0)
    duration = integer(item.get("durationMs"))
    if item.get("subtype") == "turn_duration" and duration is not None:
        return TurnEnd(duration)
    return None


def _progress(item: Item) -> Spawn | None:
    agent = text(mapping(item.get("data")).get("agentId"))
    parent = text(item.get("parentToolUseID"))
    return Spawn(agent, parent) if agent and parent else None


_FACTS: Final = {
    "assistant": _assistant,
    "user": _user,
    "system": _system,
    "progress": _progress,
}
"""By type of line; the many other types hold nothing for a record."""
