"""Accumulate the chunks of a stream into the fields of its one record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmlog._foreign import (
    Fields,
    Foreign,
    as_int,
    as_list,
    as_str,
    attributes,
    get_path,
    set_known,
)
from llmlog._sdk.fields import add_identity, answer_fields, answer_output
from llmlog._sdk.tool_calls import ToolCall, chat_tool_calls, tool_call_fields
from llmlog._sdk.usage import add_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CONTENT = frozenset(
    {"content", "tool_calls", "refusal", "reasoning_content", "reasoning", "function_call", "audio"}
)
"""Members of a delta that are content, under OpenAI's and other servers' names."""


class ChatAccumulator:
    """Chunks of one chat completion, typed or JSON; `keeps_content` keeps their text as well."""

    def __init__(self, *, keeps_content: bool = False) -> None:
        self._keeps_content = keeps_content
        self.first_content_ns: int | None = None
        """Clock reading when the first content arrived."""
        self._identity: Fields = {}
        self._reason: str | None = None
        self._usage: object = None
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self._texts: dict[str, list[str]] = {}

    def feed(self, chunk: object, at_ns: int) -> bool:
        """Add a chunk that arrived at `at_ns`; True if `include_usage` made the server send it."""
        known = attributes(chunk)
        add_identity(self._identity, known)
        # A server that counts along with the text does so in each chunk: the last one counts.
        if (usage := known.get("usage")) is not None:
            self._usage = usage
        choices = as_list(known.get("choices"))
        for choice in choices:
            parts = attributes(choice)
            index = parts.get("index") or 0
            # Until the answer ends some servers send "" in place of null.
            if index == 0 and (reason := parts.get("finish_reason")):
                self._reason = as_str(reason)
            for name, part in attributes(parts.get("delta")).items():
                if part and name in _CONTENT:
                    self._add_content(name, part, as_int(index) or 0, at_ns)
        return not choices and usage is not None

    def _add_content(self, name: str, part: object, choice: int, at_ns: int) -> None:
        if self.first_content_ns is None:
            self.first_content_ns = at_ns
        if name == "tool_calls":
            self._add_calls(choice, part)
        elif name == "function_call":  # the predecessor of tool calls
            self._add_calls(choice, [{"function": part}])
        elif self._keeps_content and choice == 0 and isinstance(part, str):
            self._texts.setdefault(name, []).append(part)

    def _add_calls(self, choice: int, calls: object) -> None:
        parts = chat_tool_calls(calls)
        for raw, part in zip(as_list(calls), parts, strict=True):
            index = as_int(get_path(raw, "index"))
            key = (choice, self._call_index(choice, part.id) if index is None else index)
            call = self._calls.setdefault(key, ToolCall(None, None, None))
            call.id = call.id or part.id
            call.name = call.name or part.name
            if part.arguments is not None:
                call.arguments = (call.arguments or "") + part.arguments

    def _call_index(self, choice: int, id_: str | None) -> int:
        """Return the index for a part without one: by its id, else the last."""
        ids = [call.id for (of, _), call in self._calls.items() if of == choice]
        if id_ is None:
            return max(len(ids) - 1, 0)
        return ids.index(id_) if id_ in ids else len(ids)

    @property
    def ended(self) -> bool:
        """Whether a finish_reason has arrived; a stream that ends without one was cut off."""
        return self._reason is not None

    def output(self) -> Foreign:
        """Return the first choice's message as received."""
        calls = [call.as_json() for (choice, _), call in self._calls.items() if choice == 0]
        texts = {name: "".join(parts) for name, parts in self._texts.items()}
        message: Foreign = {"role": "assistant", "content": None, **texts}
        return message | {"tool_calls": calls} if calls else message

    def add_fields(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known by now, and return the tool calls asked for."""
        add_usage(fields, self._usage)
        calls = list(self._calls.values())
        set_known(fields, finish_reason=self._reason, **self._identity, **tool_call_fields(calls))
        return calls


_FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed", "error")


class ResponseAccumulator:
    """Events of one Responses API stream, typed or JSON."""

    def __init__(self) -> None:
        self._response: object = None
        self._error: object = None
        self._text: list[str] = []
        self.ended = False
        """Whether a final event has arrived; a stream that ends without one was cut off."""
        self.first_content_ns: int | None = None

    def feed(self, event: object, at_ns: int) -> bool:
        """Add an event that arrived at `at_ns`; False, as none is there for usage alone."""
        kind = get_path(event, "type")
        response = get_path(event, "response")
        # Events repeat the whole response, so the last one is the most complete.
        if response is not None:
            self._response = response
        if kind in _FINAL_EVENTS:
            self.ended = True
            self._error = event if kind == "error" else None
        if kind == "response.output_text.delta":
            self._text.append(as_str(get_path(event, "delta")) or "")
        if self.first_content_ns is None and isinstance(kind, str) and kind.endswith(".delta"):
            self.first_content_ns = at_ns
        return False

    def output(self) -> Foreign:
        """Return the response's output items; before the final event, the text received."""
        if self.ended and self._error is None:
            return answer_output("response", self._response)
        text = {"type": "output_text", "text": "".join(self._text)}
        return [{"type": "message", "role": "assistant", "content": [text]}]

    def add_fields(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known by now, and return the tool calls asked for."""
        known, calls = answer_fields("response", self._response)
        fields.update(known)
        if self._error is not None:
            set_known(fields, status="error", error_code=as_str(get_path(self._error, "code")))
        return calls


Accumulator = ChatAccumulator | ResponseAccumulator


def parse_sse(blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Any]]:
    """Yield the JSON of each `data:` line in (arrival time, bytes) blocks, with that time."""
    remainder = b""
    for at_ns, block in blocks:
        *lines, remainder = (remainder + block).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            # `data: [DONE]` ends OpenAI's streams, and is no JSON object.
            try:
                yield at_ns, json.loads(line[5:])
            except (ValueError, RecursionError):
                continue
