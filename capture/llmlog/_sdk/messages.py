"""Answers of Anthropic's Messages API, whole and streamed, in the fields of a record."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import (
    Fields,
    Foreign,
    as_int,
    as_list,
    as_object,
    as_str,
    attributes,
    get_path,
    set_known,
    to_json,
)
from llmlog._sdk import deltas
from llmlog._sdk.failures import error_told, failure_without_content
from llmlog._sdk.fields import add_identity, message_output
from llmlog._sdk.finish_reasons import finish_reason
from llmlog._sdk.sse import parsed
from llmlog._sdk.tool_calls import ToolCall, is_tool_use, message_tool_calls, tool_call_fields
from llmlog._sdk.usage import Usage

_EMPTY_AT_START: Final = frozenset({"text", "thinking"})
"""Types of content blocks whose content comes with their deltas alone."""
_ARGUMENTS: Final = "partial_json"


class MessageAccumulator:
    """Events of one streamed message, typed or JSON; `keeps_content` keeps its blocks as well."""

    def __init__(self, *, keeps_content: bool = False) -> None:
        self._keeps_content = keeps_content
        self.first_content_ns: int | None = None
        """Clock reading when the first content arrived."""
        self.has_chunks = False
        """Whether any event has arrived."""
        self.ended = False
        """Whether the message has ended; a stream without its end was cut off."""
        self._identity: Fields = {}
        self._usage = Usage()
        self._reason: str | None = None
        self._error: Fields = {}
        self._has_message = False
        self._other: Fields = {}
        self._blocks: dict[int, object] = {}
        self._calls: dict[int, ToolCall] = {}

    def feed(self, event: object, at_ns: int) -> bool:
        """Add an event that arrived at `at_ns`; False, as none is there for usage alone."""
        self.has_chunks = True
        known = attributes(event)
        kind = known.get("type")
        if kind == "content_block_delta":
            self._continue_block(_index_of(known), attributes(known.get("delta")), at_ns)
        elif kind == "content_block_start":
            self._start_block(_index_of(known), known.get("content_block"), at_ns)
        elif kind == "message_start":
            self._add_message(attributes(known.get("message")), at_ns)
        elif kind == "message_stop":
            self.ended = True
        elif kind in ("message_delta", "message"):
            # The end of a message, or the message itself in place of its events.
            self._add_message({**known, **attributes(known.get("delta"))}, at_ns)
        else:
            self._error = self._error or error_told(known)
            self._other = known
        return False

    def _add_message(self, known: Fields, at_ns: int) -> None:
        self._has_message = True
        add_identity(self._identity, known)
        self._usage.read(known)
        for index, block in enumerate(as_list(known.get("content"))):
            self._start_block(index, block, at_ns)
        if reason := finish_reason(known.get("stop_reason")):
            self._reason = reason
            self.ended = True

    def _start_block(self, index: int, block: object, at_ns: int) -> None:
        if get_path(block, "type") not in _EMPTY_AT_START:
            self._note_content(at_ns)
        if is_tool_use(block):
            (self._calls[index],) = message_tool_calls([block])
        if self._keeps_content:
            self._blocks[index] = deltas.merge(None, to_json(block))

    def _continue_block(self, index: int, delta: Fields, at_ns: int) -> None:
        self._note_content(at_ns)
        if (arguments := as_str(delta.get(_ARGUMENTS))) is not None:
            call = self._calls.get(index)
            if call is not None:
                call.pieces = [*(call.pieces if call.is_streamed else ()), arguments]
                call.is_streamed = True
        elif self._keeps_content:
            self._blocks[index] = deltas.merge(self._blocks.get(index), _part_of_block(delta))

    def _note_content(self, at_ns: int) -> None:
        if self.first_content_ns is None:
            self.first_content_ns = at_ns

    def failure(self) -> Fields:
        """Return the error fields of a fully read stream; {} if it is good."""
        return {} if self._has_message else failure_without_content(self._other)

    def output(self) -> Foreign:
        """Return the message as received."""
        return message_output([self._block(index) for index in sorted(self._blocks)])

    def _block(self, index: int) -> Foreign:
        block: Foreign = deltas.plain(self._blocks[index])
        call = self._calls.get(index)
        if call is None or not call.is_streamed or as_object(block) is None:
            return block
        # Arguments that broke off are no JSON, and kept as they are.
        arguments = parsed(call.arguments.encode())
        return {**block, "input": call.arguments if arguments is None else arguments}

    def add_fields(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known by now, and return the tool calls asked for."""
        self._usage.add_fields(fields)
        calls = [self._calls[index] for index in sorted(self._calls)]
        fields.update(self._identity)
        fields.update(tool_call_fields(calls))
        set_known(fields, finish_reason=self._reason)
        fields.update(self._error)
        return calls


def _index_of(event: Fields) -> int:
    return as_int(event.get("index")) or 0


def _part_of_block(delta: Fields) -> Fields:
    """Return the part of a content block that a delta is."""
    part: Fields = {
        name: to_json(value)
        for name, value in delta.items()
        if name != "type" and value is not None
    }
    if (citation := part.pop("citation", None)) is not None:
        part["citations"] = [citation]
    return part
