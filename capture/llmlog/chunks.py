"""What the chunks of a stream add up to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmlog.telemetry import (
    Fields,
    Foreign,
    ToolCall,
    add,
    answer_fields,
    answer_output,
    as_int,
    as_str,
    chat_tool_calls,
    items,
    members,
    pick,
    tool_call_fields,
    usage_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_CONTENT = frozenset(
    {"content", "tool_calls", "refusal", "reasoning_content", "reasoning", "function_call", "audio"}
)


class ChatChunks:
    """The chunks of one chat completion, typed or JSON; `keeps`: their text, too."""

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self._first: Fields | None = None
        self._last: Fields = {}
        self._reason: str | None = None
        self._usage: object = None
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self._texts: dict[str, list[str]] = {}

    def see(self, chunk: object) -> bool:
        """Take in one chunk; True if it carries content of the answer."""
        self._last = parts = members(chunk)
        if self._first is None:
            self._first = parts
        if (usage := parts.get("usage")) is not None:
            self._usage = usage
        has_content = False
        for choice in items(parts.get("choices")):
            known = members(choice)
            index = known.get("index") or 0
            # Where the answer goes on, some servers say "" in place of null.
            if index == 0 and (reason := known.get("finish_reason")):
                self._reason = as_str(reason)
            for name, part in members(known.get("delta")).items():
                if part and name in _CONTENT:
                    has_content = True
                    if name == "tool_calls":
                        self._add_calls(as_int(index) or 0, part)
                    elif name == "function_call":  # what tool calls were before there were tools
                        self._add_calls(as_int(index) or 0, [{"function": part}])
                    elif self._keeps and index == 0 and isinstance(part, str):
                        self._texts.setdefault(name, []).append(part)
        return has_content

    @property
    def skim(self) -> Callable[[object], bool] | None:
        """A quicker `see` for all that follows the first content; None if texts are kept."""
        return None if self._keeps or self._calls else self._skim

    def _skim(self, chunk: Foreign) -> bool:
        """Take in a typed chunk that is text or the end of it, as most are; False if it is not."""
        try:
            (choice,) = chunk.choices
            if choice.delta.tool_calls is not None or chunk.usage is not None:
                return False
            if reason := choice.finish_reason:
                if choice.index != 0:
                    return False
                self._reason, self._last = as_str(reason), members(chunk)
        except Exception:  # noqa: BLE001 - it is something else, and `see` looks at it closely
            return False
        return True

    def output(self) -> Foreign:
        """The first choice's message, as far as it has come."""
        calls = [call.as_json() for (choice, _), call in self._calls.items() if choice == 0]
        texts = {name: "".join(parts) for name, parts in self._texts.items()}
        message: Foreign = {"role": "assistant", "content": None, **texts}
        return message | {"tool_calls": calls} if calls else message

    def _add_calls(self, choice: int, calls: object) -> None:
        parts = chat_tool_calls(calls)
        for raw, part in zip(items(calls), parts, strict=True):
            index = as_int(pick(raw, "index"))
            if index is None:  # a server that leaves it out sends a call whole, or at least its id
                index = len(self._calls) - (0 if part.id or not self._calls else 1)
            call = self._calls.setdefault((choice, index), ToolCall(None, None, None))
            call.id = call.id or part.id
            call.name = call.name or part.name
            if part.arguments is not None:
                call.arguments = (call.arguments or "") + part.arguments

    @property
    def ended(self) -> bool:
        """Whether the server said why it stopped; a stream that ends without was cut off."""
        return self._reason is not None

    def is_usage_only(self, chunk: object) -> bool:
        """Whether `chunk` is the extra one that `include_usage` asks for."""
        return pick(chunk, "usage") is not None and not items(pick(chunk, "choices"))

    def fields(self) -> tuple[Fields, list[ToolCall]]:
        """The fields known so far, and the tool calls asked for."""
        fields = {} if self._usage is None else usage_fields(self._usage)
        if self._reason is not None:
            fields["finish_reason"] = self._reason
        first, last = self._first or {}, self._last
        for name in ("model", "id", "system_fingerprint"):
            # Every chunk repeats these, but in the first some servers leave them empty.
            if type(text := first.get(name) or last.get(name)) is str:
                fields[name] = text
        if not self._calls:
            return fields, []
        calls = list(self._calls.values())
        return fields | tool_call_fields(calls), calls


class ResponseChunks:
    """The events of one Responses API stream, typed or JSON."""

    def __init__(self) -> None:
        self._response: object = None
        self._error: object = None
        self._text: list[str] = []
        self.ended = False
        """Whether a terminal event has arrived; a stream that ends without was cut off."""

    def see(self, event: object) -> bool:
        """Take in one event; True if it carries content of the answer."""
        kind = pick(event, "type")
        response = pick(event, "response")
        if response is not None:
            self._response = response
        if kind in ("response.completed", "response.incomplete", "response.failed", "error"):
            self.ended = True
            self._error = event if kind == "error" else None
        if kind == "response.output_text.delta":
            self._text.append(as_str(pick(event, "delta")) or "")
        return isinstance(kind, str) and kind.endswith(".delta")

    skim = None
    """Every event is of another kind."""

    def output(self) -> Foreign:
        """The response's output items; the text so far if the last event has not come."""
        if self.ended and self._error is None:
            return answer_output("response", self._response)
        text = {"type": "output_text", "text": "".join(self._text)}
        return [{"type": "message", "role": "assistant", "content": [text]}]

    def is_usage_only(self, _event: object) -> bool:
        """The Responses API sends its usage within its last event."""
        return False

    def fields(self) -> tuple[Fields, list[ToolCall]]:
        """The fields known so far, and the tool calls asked for."""
        fields, calls = answer_fields("response", self._response)
        if self._error is not None:
            add(fields, status="error", error_code=as_str(pick(self._error, "code")))
        return fields, calls


def server_sent_json(blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Any]]:
    """The JSON of each `data:` line in blocks of an event stream, with its block's arrival time."""
    rest = b""
    for at, block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            try:
                yield at, json.loads(line[5:])
            except (ValueError, RecursionError):
                continue
