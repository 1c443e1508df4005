"""A record's content as a conversation, and the messages new in its step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.traces.message_shapes import (
    Part,
    json_text,
    messages_in,
    parts_of,
    role_of,
    text_of,
)

_MAX_NAMED: Final = 2_000
"""Maximum messages that are searched for the names and results of tool calls."""


@dataclass(frozen=True)
class Message:
    """One message as it was logged; its parts are made on demand."""

    role: str
    said: object = field(repr=False)
    is_answer: bool = False

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return self.said if isinstance(self.said, tuple) else parts_of(self.said)

    @property
    def text(self) -> str:
        """The whole text without formatting, for copies and comparisons."""
        return "\n\n".join(filter(None, (_plain(part) for part in self.parts)))


@dataclass(frozen=True)
class Conversation:
    """The messages of a call, its answer last.

    A tool execution has its arguments and its result. The first `shared` messages are as in the
    prompt of the earlier step `shared_with`; 0 if that is unknown. `redacted` counts the values
    that were replaced before they were logged.
    """

    messages: tuple[Message, ...]
    shared: int = 0
    shared_with: int | None = None
    redacted: int = 0

    @property
    def new(self) -> int:
        """Number of messages that are new in this step; 0 if unknown."""
        return len(self.messages) - self.shared if self.shared else 0

    @property
    def answer(self) -> int | None:
        """Index of the first message of the answer."""
        return next((n for n, each in enumerate(self.messages) if each.is_answer), None)

    @cached_property
    def calls(self) -> Mapping[str, Part]:
        """Tool calls by id."""
        return {part.call_id: part for part in self._parts("call") if part.call_id}

    @cached_property
    def results(self) -> Mapping[str, Part]:
        """Results of tool calls by the call's id."""
        return {part.call_id: part for part in self._parts("result") if part.call_id}

    def _parts(self, kind: str) -> Iterable[Part]:
        if len(self.messages) > _MAX_NAMED:
            return ()
        return (part for each in self.messages for part in each.parts if part.kind == kind)


def decode(line: bytes | None) -> dict[str, Any] | None:
    """Return the record of a raw line; None without one."""
    if line is None:
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = _decode_leniently(line)
    return record if isinstance(record, dict) else None


def _decode_leniently(line: bytes) -> object:
    try:
        return json.loads(line)  # takes lone surrogates and huge integers
    except (ValueError, RecursionError):
        return None


def conversation(record: Mapping[str, Any], line: bytes = b"") -> Conversation:
    """Return a record's content as messages; none if only metadata was logged."""
    given, answered = record.get("input"), record.get("output")
    if record.get("event") == "tool_call" or (record.get("tool_name") and "event" not in record):
        messages = _of_tool(record, given, answered)
    else:
        messages = [
            *(Message(role_of(each, "user"), each) for each in messages_in(given, "input")),
            *(Message(role_of(each, "assistant"), each, is_answer=True)
              for each in messages_in(answered, "output")),
        ]  # fmt: skip
    if isinstance(error := record.get("error_message"), str):
        messages.append(Message("error", (Part("text", error),), is_answer=True))
    return Conversation(tuple(messages), redacted=line.count(b"[redacted:"))


def _of_tool(record: Mapping[str, Any], given: object, answered: object) -> list[Message]:
    """Return a tool execution as the call and its result."""
    messages = []
    if given is not None:
        arguments = given if isinstance(given, str) else json_text(given)
        call = Part("call", arguments, str(record.get("tool_name") or "tool"))
        messages.append(Message("call", (call,)))
    if answered is not None:
        messages.append(Message("result", (Part("result", text_of(answered)),), is_answer=True))
    return messages


def against(
    found: Conversation, earlier: Iterable[tuple[int | None, Callable[[], bytes | None]]]
) -> Conversation:
    """Return the conversation with the messages it shares with an earlier step of its trace.

    `earlier` are the numbers and raw lines of earlier calls, the latest first; that of another
    agent, which shares no message, is passed over.
    """
    for number, read in earlier:
        before = decode(read())
        if before is None:
            continue
        prompt = [*messages_in(before.get("input"), "input")]
        pairs = zip(prompt, (each.said for each in found.messages), strict=False)
        shared = next(
            (n for n, (one, other) in enumerate(pairs) if one != other),
            min(len(prompt), len(found.messages)),
        )
        if shared:
            return Conversation(found.messages, shared, number, found.redacted)
    return found


def is_call(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a model call."""
    return record.get("event") in CALL_EVENTS


def arguments_of(found: Conversation) -> str | None:
    """Return the arguments of the tool calls that the record asks for or executes."""
    asked = [
        part
        for each in found.messages
        if each.is_answer or each.role == "call"
        for part in each.parts
        if part.kind == "call"
    ]
    if len(asked) == 1:
        return asked[0].text
    return "\n".join(f"{part.name}({part.text})" for part in asked) or None


def _plain(part: Part) -> str:
    if part.kind == "call":
        return f"{part.name}({part.text})"
    if part.kind == "media":
        size = "" if part.size is None else f", {part.size:,} bytes"
        return f"[{part.name}{size}] {part.text}".rstrip()
    return part.text
