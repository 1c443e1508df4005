"""Accumulate the chunks of a streamed completion into the fields of its one record."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import (
    Fields,
    Foreign,
    as_int,
    as_list,
    attributes,
    set_known,
    to_json,
)
from llmlog._sdk import deltas
from llmlog._sdk.failures import (
    PROVIDER_ERROR,
    error_fields_of,
    error_told,
    failure_without_content,
)
from llmlog._sdk.fields import add_identity
from llmlog._sdk.finish_reasons import finish_reason, is_failure
from llmlog._sdk.tool_calls import ToolCall, ToolCallAccumulator, tool_call_fields
from llmlog._sdk.usage import Usage

_NO_CONTENT: Final = frozenset(
    {"role", "name", "id", "type", "object", "index", "finish_reason", "provider_specific_fields"}
)
"""Members of a delta that are no content; of any other name, they are."""


class ChatAccumulator:
    """Chunks of one chat or legacy completion, typed or JSON.

    `keeps_content` keeps their text as well.
    """

    def __init__(self, *, keeps_content: bool = False) -> None:
        self._keeps_content = keeps_content
        self.first_content_ns: int | None = None
        """Clock reading when the first content arrived."""
        self.has_chunks = False
        """Whether any chunk has arrived."""
        self._identity: Fields = {}
        self._reasons: dict[int, str | None] = {}
        self._usage = Usage()
        self._error: Fields = {}
        self._without_choices: Fields = {}
        self._calls = ToolCallAccumulator(keeps_content=keeps_content)
        self._messages: dict[int, object] = {}

    def feed(self, chunk: object, at_ns: int) -> bool:
        """Add a chunk that arrived at `at_ns`; True if `include_usage` made the server send it."""
        self.has_chunks = True
        known = attributes(chunk)
        add_identity(self._identity, known)
        has_usage = self._usage.read(known)
        choices = [choice for choice in as_list(known.get("choices")) if choice is not None]
        if known.get("error") or not (choices or has_usage):
            self._error = self._error or error_told(known)
            self._without_choices = known
        for position, choice in enumerate(choices):
            self._feed_choice(attributes(choice), position, at_ns)
        return has_usage and not choices

    def _feed_choice(self, parts: Fields, position: int, at_ns: int) -> None:
        index = as_int(parts.get("index"))
        choice = position if index is None else index
        # Until the answer ends some servers send "" in place of null.
        if reason := parts.get("finish_reason"):
            self._reasons[choice] = finish_reason(reason)
        else:
            self._reasons.setdefault(choice, None)
        if error := parts.get("error"):
            self._error = self._error or error_fields_of(error, parts)
        if usage := parts.get("usage"):
            self._usage.add(usage)
        # A server that does not stream sends a whole message, and legacy completions send text.
        delta = parts.get("delta") or parts.get("message")
        content = {"text": parts.get("text")} if delta is None else attributes(delta)
        for name, part in content.items():
            if part and name not in _NO_CONTENT:
                self._add_content(name, part, choice, at_ns)

    def _add_content(self, name: str, part: object, choice: int, at_ns: int) -> None:
        if self.first_content_ns is None:
            self.first_content_ns = at_ns
        if name == "tool_calls":
            self._calls.add(choice, part)
        elif name == "function_call":  # the predecessor of tool calls
            self._calls.add(choice, [{"function": part}])
        elif self._keeps_content:
            self._messages[choice] = deltas.merge(self._messages.get(choice), {name: to_json(part)})

    def _first_choice(self) -> int:
        return min(self._reasons, default=0)

    @property
    def ended(self) -> bool:
        """Whether a finish_reason has arrived; a stream that ends without one was cut off."""
        return self._reasons.get(self._first_choice()) is not None

    def failure(self) -> Fields:
        """Return the error fields of a fully read stream; {} if it is good."""
        # Events of another protocol, such as Anthropic's, have a type in place of choices.
        if self._reasons or self._without_choices.get("type"):
            return {}
        return failure_without_content(self._without_choices)

    def output(self) -> Foreign:
        """Return the message as received; a list of them if there are several choices."""
        messages = [self._message(choice) for choice in sorted(self._reasons or {0: None})]
        return messages if len(messages) > 1 else messages[0]

    def _message(self, choice: int) -> Foreign:
        received: Foreign = deltas.plain(self._messages.get(choice)) or {}
        if received.keys() == {"text"}:  # a legacy completion
            return received["text"]
        message: Foreign = {"role": "assistant", "content": None, **received}
        calls = self._calls.of_choice(choice)
        return message | {"tool_calls": calls} if calls else message

    def add_fields(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known by now, and return the tool calls asked for."""
        self._usage.add_fields(fields)
        calls = self._calls.calls
        reason = self._reasons.get(self._first_choice())
        fields.update(self._identity)
        fields.update(tool_call_fields(calls))
        set_known(fields, finish_reason=reason)
        if is_failure(reason) and not self._error:
            self._error = {"status": "error", "error_type": PROVIDER_ERROR}
        fields.update(self._error)
        return calls
