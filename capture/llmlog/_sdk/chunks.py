"""What the chunks of a stream add up to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmlog._sdk.fields import (
    Fields,
    Foreign,
    ToolCall,
    add,
    add_usage,
    answer_fields,
    answer_output,
    as_int,
    as_str,
    chat_tool_calls,
    items,
    members,
    pick,
    tool_call_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CONTENT = frozenset(
    {"content", "tool_calls", "refusal", "reasoning_content", "reasoning", "function_call", "audio"}
)


class ChatChunks:
    """The chunks of one chat completion, typed or JSON; `keeps`: their text, too."""

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self.first_at: int | None = None
        """When the first content came."""
        self._skims = False
        """Whether text has come, and is not kept."""
        self._first: Foreign = None
        self._last: Foreign = None
        self._reason: str | None = None
        self._usage: object = None
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self._texts: dict[str, list[str]] = {}

    def see(self, chunk: object, at: int) -> bool:
        """Take in a chunk that came `at` (the clock's ns); True if `include_usage` added it."""
        self._last = parts = members(chunk)
        if self._first is None:
            self._first = parts
        if (usage := parts.get("usage")) is not None:
            self._usage = usage
        choices = items(parts.get("choices"))
        for choice in choices:
            known = members(choice)
            index = known.get("index") or 0
            # Where the answer goes on, some servers say "" in place of null.
            if index == 0 and (reason := known.get("finish_reason")):
                self._reason = as_str(reason)
            for name, part in members(known.get("delta")).items():
                if part and name in _CONTENT:
                    self._add(name, part, as_int(index) or 0, at)
        return not choices and usage is not None

    def _add(self, name: str, part: object, choice: int, at: int) -> None:
        if self.first_at is None:
            self.first_at = at
        if name == "tool_calls":
            self._add_calls(choice, part)
        elif name == "function_call":  # what tool calls were before there were tools
            self._add_calls(choice, [{"function": part}])
        elif not self._keeps:
            self._skims = True
        elif choice == 0 and isinstance(part, str):
            self._texts.setdefault(name, []).append(part)

    def skim(self, chunk: Foreign, at: int) -> bool:
        """As `see`, but quicker with a typed chunk that is a piece of one text, as most are."""
        try:
            (choice,) = chunk.choices
            if choice.delta.tool_calls is None and (
                (self._skims and not choice.finish_reason)
                or self._is_first_or_last(chunk, choice, at)
            ):
                self._last = chunk
                return False
        except Exception:  # noqa: BLE001, S110 - it is something else
            pass
        return self.see(chunk, at)

    def _is_first_or_last(self, chunk: Foreign, choice: Foreign, at: int) -> bool:
        """Whether `chunk` is the first or last piece of text and has been noted as such."""
        if self._keeps or self._calls or choice.index != 0 or chunk.usage is not None:
            return False
        if self.first_at is None:
            if not choice.delta.content:
                return False
            self.first_at, self._skims = at, True
            if self._first is None:
                self._first = chunk
        if reason := choice.finish_reason:
            if getattr(choice.delta, "function_call", None) is not None:
                return False
            self._reason = as_str(reason)
            # Some servers count the tokens with the last piece of text, and not once more.
            self._usage = pick(self._last, "usage") or self._usage
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
            key = (choice, self._next(choice, part.id) if index is None else index)
            call = self._calls.setdefault(key, ToolCall(None, None, None))
            call.id = call.id or part.id
            call.name = call.name or part.name
            if part.arguments is not None:
                call.arguments = (call.arguments or "") + part.arguments

    def _next(self, choice: int, id_: str | None) -> int:
        """The index of a part that has none: of the call with its id, else of the last or a new."""
        ids = [call.id for (of, _), call in self._calls.items() if of == choice]
        if id_ is None:
            return max(len(ids) - 1, 0)
        return ids.index(id_) if id_ in ids else len(ids)

    @property
    def ended(self) -> bool:
        """Whether the server said why it stopped; a stream that ends without was cut off."""
        return self._reason is not None

    def add_to(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known so far; the tool calls asked for."""
        first, last = members(self._first), members(self._last)
        # A server that counts along with the text does so with each chunk or with the last.
        usage = last.get("usage") or self._usage
        if usage is not None:
            add_usage(fields, usage)
        if self._reason is not None:
            fields["finish_reason"] = self._reason
        for name in ("model", "id", "system_fingerprint"):
            # Every chunk repeats these, but in the first some servers leave them empty.
            if type(text := first.get(name) or last.get(name)) is str:
                fields[name] = text
        calls = list(self._calls.values())
        if calls:
            fields.update(tool_call_fields(calls))
        return calls


class ResponseChunks:
    """The events of one Responses API stream, typed or JSON."""

    def __init__(self) -> None:
        self._response: object = None
        self._error: object = None
        self._text: list[str] = []
        self.ended = False
        """Whether a terminal event has arrived; a stream that ends without was cut off."""
        self.first_at: int | None = None
        """When the first content came."""

    def see(self, event: object, at: int) -> bool:
        """Take in an event that came `at` (the clock's ns); False, for none is only about usage."""
        kind = pick(event, "type")
        response = pick(event, "response")
        if response is not None:
            self._response = response
        if kind in ("response.completed", "response.incomplete", "response.failed", "error"):
            self.ended = True
            self._error = event if kind == "error" else None
        if kind == "response.output_text.delta":
            self._text.append(as_str(pick(event, "delta")) or "")
        if self.first_at is None and isinstance(kind, str) and kind.endswith(".delta"):
            self.first_at = at
        return False

    skim = see

    def output(self) -> Foreign:
        """The response's output items; the text so far if the last event has not come."""
        if self.ended and self._error is None:
            return answer_output("response", self._response)
        text = {"type": "output_text", "text": "".join(self._text)}
        return [{"type": "message", "role": "assistant", "content": [text]}]

    def add_to(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known so far; the tool calls asked for."""
        known, calls = answer_fields("response", self._response)
        fields.update(known)
        if self._error is not None:
            add(fields, status="error", error_code=as_str(pick(self._error, "code")))
        return calls


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
