"""Accumulate the typed events of a stream: the Responses API's, images', audio's, realtime's."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import (
    Fields,
    Foreign,
    as_int,
    as_list,
    as_str,
    attributes,
    to_json,
)
from llmlog._sdk import deltas
from llmlog._sdk.failures import error_fields_of
from llmlog._sdk.fields import add_identity, response_fields
from llmlog._sdk.tool_calls import ToolCall
from llmlog._sdk.usage import Usage

FINAL_STATUSES: Final = ("completed", "incomplete", "failed", "cancelled")
"""Statuses of a response that will not change."""
_FINAL_EVENTS: Final = frozenset(
    {f"response.{status}" for status in (*FINAL_STATUSES, "done", "error")} | {"error"}
)
_ENDS_OF_OTHERS: Final = (".completed", ".done", ".failed")
_CONTENT_EVENTS: Final = (".delta", ".partial_image")
_ARGUMENTS: Final = ("function_call_arguments", "mcp_call_arguments")
_MEMBER_OF_ITEM: Final = {
    **dict.fromkeys(_ARGUMENTS, "arguments"),
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
}
"""Member of an output item that a kind of delta continues."""
_PART_OF_ITEM: Final = {
    "output_text": ("content", "text"),
    "text": ("content", "text"),
    "refusal": ("content", "refusal"),
    "reasoning_text": ("content", "text"),
    "reasoning_summary_text": ("summary", "text"),
    "audio": ("content", "audio"),
    "output_audio": ("content", "audio"),
    "audio_transcript": ("content", "transcript"),
    "audio.transcript": ("content", "transcript"),
    "output_audio_transcript": ("content", "transcript"),
}
"""Kind of delta -> the output item's list and the part's member it continues."""
_TYPE_OF_PART: Final = {"text": "output_text", "reasoning_summary_text": "summary_text"}


class EventAccumulator:
    """Events of one stream, typed or JSON; `keeps_content` keeps their text as well."""

    def __init__(self, event: str, *, keeps_content: bool = False) -> None:
        self._event = event
        self._keeps_content = keeps_content
        self.ended = False
        """Whether a final event has arrived; a stream that ends without one was cut off."""
        self.has_chunks = False
        """Whether any event has arrived."""
        self.first_content_ns: int | None = None
        """Clock reading when the first content arrived."""
        self.response: Fields = {}
        """The members of the response, as in the last event that repeated them."""
        self._identity: Fields = {}
        self._usage = Usage()
        self._error: Fields = {}
        self._items: dict[int, object] = {}
        self._done: dict[int, object] = {}
        self._results: list[Foreign] = []
        self._sequence = -1
        self._resumed_after = -1

    def resume(self) -> None:
        """Continue a stream that was broken off; events sent again are skipped."""
        self._resumed_after = self._sequence

    def feed(self, event: object, at_ns: int) -> bool:
        """Add an event that arrived at `at_ns`; False, as none is there for usage alone."""
        self.has_chunks = True
        known = attributes(event)
        number = as_int(known.get("sequence_number"))
        if number is not None:
            if 0 <= number <= self._resumed_after:
                return False
            self._sequence = max(self._sequence, number)
        kind = as_str(known.get("type")) or ""
        response = attributes(known.get("response"))
        # In place of a stream, a server may send the response itself.
        self._add_response(known if "output" in known else response)
        if not response:
            add_identity(self._identity, {**known, "id": None})
            self._usage.read(known)
        self._note_error(kind, known)
        self._note_end(kind, known)
        if kind.endswith(_CONTENT_EVENTS):
            self._add_content(kind, known, at_ns)
        elif "item" in known:
            self._add_item(kind, known)
        return False

    def _add_response(self, response: Foreign) -> None:
        if not response:
            return
        # Events repeat the whole response, so the last one is the most complete.
        self.response = response
        add_identity(self._identity, response)
        self._usage.read(response)
        self.ended |= response.get("status") in FINAL_STATUSES

    def _note_error(self, kind: str, known: Fields) -> None:
        if kind in ("error", "response.error"):
            self._error = error_fields_of(known.get("error") or known, known)
        elif not kind and known.get("error"):
            self._error = error_fields_of(known["error"], known)
        elif kind == "response.completed":  # after an error that did not end the response
            self._error = {}

    def _note_end(self, kind: str, known: Fields) -> None:
        if self._event == "response":
            self.ended |= kind in _FINAL_EVENTS
        elif kind == "error" or kind.endswith(_ENDS_OF_OTHERS):
            self.ended = True
            if self._keeps_content and kind != "error":
                self._results.append(to_json(_without_envelope(known)))

    def _add_item(self, kind: str, known: Fields) -> None:
        index = as_int(known.get("output_index"))
        items = self._done if kind.endswith("output_item.done") else self._items
        item = deltas.merge(None, to_json(known["item"]))
        items[len(items) if index is None else index] = item

    def _add_content(self, kind: str, known: Fields, at_ns: int) -> None:
        if not (known.get("delta") or known.get("b64_json") or known.get("audio")):
            return
        if self.first_content_ns is None:
            self.first_content_ns = at_ns
        name = kind.removeprefix("response.").removesuffix(".delta")
        if self._event != "response" or not (self._keeps_content or name in _ARGUMENTS):
            return
        index = as_int(known.get("output_index")) or 0
        part = _part_of_item(name, known)
        self._items[index] = deltas.merge(self._items.get(index), part)

    def failure(self) -> Fields:
        """Return the error fields of a fully read stream; {} if it is good."""
        return {}

    def _received(self) -> list[Foreign]:
        """Return the output items: of the final event, else those seen on the way."""
        if given := as_list(self.response.get("output")):
            return given
        items = self._items | self._done
        return [_without_indexes(deltas.plain(items[index])) for index in sorted(items)]

    def output(self) -> Foreign:
        """Return the output items, or the results of another endpoint's stream."""
        if self._event != "response":
            return self._results or None
        return [to_json(item) for item in self._received()] or None

    def add_fields(self, fields: Fields) -> list[ToolCall]:
        """Add the fields known by now, and return the tool calls asked for."""
        calls: list[ToolCall] = []
        if self._event == "response":
            known = {**self.response, "output": self._received()}
            # Before its end, a response without output is not an empty one.
            known.setdefault("status", None if self.ended else "in_progress")
            found, calls = response_fields(known)
            fields.update(found)
        self._usage.add_fields(fields)
        fields.update(self._identity)
        fields.update(self._error)
        return calls


def _part_of_item(name: str, known: Fields) -> Fields:
    """Return the part of an output item that a delta is."""
    delta = known.get("delta")
    if member := _MEMBER_OF_ITEM.get(name):
        return {member: delta}
    parts, member = _PART_OF_ITEM.get(name, ("content", "text"))
    index = as_int(known.get("summary_index" if parts == "summary" else "content_index")) or 0
    part = {"index": index, "type": _TYPE_OF_PART.get(name, name), member: delta}
    default = {"summary": "reasoning"}.get(parts, "reasoning" if "reasoning" in name else "message")
    return {"type": default, parts: [part]}


def _without_indexes(item: Foreign) -> Foreign:
    """Remove from an item's parts the index that their deltas were merged by."""
    for name in ("content", "summary"):
        for part in as_list(item.get(name)):
            part.pop("index", None)
    return item


def _without_envelope(known: Fields) -> Foreign:
    """Return an event's members without those about the stream and its counts."""
    left_out = ("type", "sequence_number", "usage", "event_id")
    return {name: value for name, value in known.items() if name not in left_out}
