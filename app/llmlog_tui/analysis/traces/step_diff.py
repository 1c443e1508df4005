"""The difference of two aligned steps: the first message, input or output that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.traces.cache_misses import first_change
from llmlog_tui.analysis.traces.conversation import Conversation, conversation, decode
from llmlog_tui.analysis.traces.message_shapes import json_text, messages_in
from llmlog_tui.humanize import plural


@dataclass(frozen=True)
class StepDiff:
    """First difference between two steps, as the texts `a` and `b`.

    Without a difference they are equal. `what` names the place, `same` the equal messages before
    it. Without content the texts are None and `what` is the result of comparing hashes. `more` are
    later places that differ, as (name, a, b). `is_without_content` if llmlog wrote a step whose
    content it could have logged.
    """

    what: str
    a: str | None = None
    b: str | None = None
    same: int | None = None
    more: tuple[tuple[str, str, str], ...] = ()
    is_without_content: bool = False

    @property
    def places(self) -> tuple[tuple[str, str, str], ...]:
        """All places that differ; none without content."""
        if self.a is None or self.b is None:
            return ()
        return ((self.what, self.a, self.b), *self.more)


def step_diff(a: bytes | None, b: bytes | None) -> StepDiff:
    """Return the difference of two steps, given by their raw lines (None: gone)."""
    one, other = decode(a), decode(b)
    if one is None or other is None:
        gone = "A and B" if one is other else "A" if one is None else "B"
        return StepDiff(f"the line of {gone} can no longer be read")
    found_a, found_b = conversation(one), conversation(other)
    if not found_a.messages or not found_b.messages:
        sides = ((one, found_a), (other, found_b))
        lacks = any(not found.messages and _may_have_content(each) for each, found in sides)
        return StepDiff(_by_hashes(one, other, found_a, found_b), is_without_content=lacks)
    if one.get("event") != other.get("event"):
        return _joined([("event", _all(found_a), _all(found_b))], None)
    if one.get("event") in ("chat_completion", "response", "completion"):
        return _by_messages(found_a, found_b)
    return _by_sides(one, other)


def _may_have_content(record: Mapping[str, Any]) -> bool:
    """Return whether llmlog wrote the record, and logs content of its event on request."""
    return "v" in record and record.get("event") in (*CALL_EVENTS, "tool_call")


def _by_messages(a: Conversation, b: Conversation) -> StepDiff:
    prompt_a, prompt_b = (
        [each for each in found.messages if not each.is_answer] for found in (a, b)
    )
    places: list[tuple[str, str, str]] = []
    same = 0
    for n in range(max(len(prompt_a), len(prompt_b))):
        one = prompt_a[n] if n < len(prompt_a) else None
        other = prompt_b[n] if n < len(prompt_b) else None
        if one is not None and other is not None and one.said == other.said:
            same += not places
            continue
        sides = [each for each in (one, other) if each is not None]
        text_a, text_b = ("" if each is None else each.text for each in (one, other))
        places.append((f"message {n} ({sides[0].role})", text_a, text_b))
    answers = [
        "\n\n".join(each.text for each in found.messages if each.is_answer) for found in (a, b)
    ]
    if answers[0] != answers[1]:
        places.append(("answer", answers[0], answers[1]))
    return _joined(places, same)


def _by_sides(a: Mapping[str, Any], b: Mapping[str, Any]) -> StepDiff:
    """Compare tool executions, embeddings and their like by input and output."""
    places = [
        (name, _pretty(a.get(name)), _pretty(b.get(name)))
        for name in ("input", "output", "error_message")
        if a.get(name) != b.get(name)
    ]
    return _joined(places, None)


def _joined(places: list[tuple[str, str, str]], same: int | None) -> StepDiff:
    if not places:
        return StepDiff("the content is the same", "", "", same)
    (what, a, b), *more = places
    return StepDiff(what, a, b, same, tuple(more))


def _pretty(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_pretty(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "\n".join(_pretty(each) for each in value)
    return "" if value is None else json_text(value)


def _all(found: Conversation) -> str:
    return "\n\n".join(message.text for message in found.messages)


def _by_hashes(
    a: Mapping[str, Any], b: Mapping[str, Any], found_a: Conversation, found_b: Conversation
) -> str:
    """Return what the prefix hashes tell of two steps without content."""
    if bool(found_a.messages) != bool(found_b.messages):
        which = "A" if found_a.messages else "B"
        return f"only {which} was logged with content"
    before, after = a.get("prefix_hashes"), b.get("prefix_hashes")
    if not isinstance(before, list) or not isinstance(after, list):
        return "no content and no hashes were logged"
    changed = first_change(before, after)
    if changed is not None:
        return f"by their hashes, prompts differ from message {changed} on"
    if len(before) == len(after):
        messages = plural(len(before), "message")
        return f"by their hashes, the prompts are the same ({messages})"
    longer = "A" if len(before) > len(after) else "B"
    common = min(len(before), len(after))
    return f"by their hashes, {longer} continues the other's prompt after message {common - 1}"


@dataclass(frozen=True)
class StepDigest:
    """Digests of a step's content, for comparing many steps; None without content.

    `messages` has one for each message of a model call's prompt and all before it.
    """

    messages: tuple[int, ...] | None = None
    input: int | None = None
    output: int | None = None


_NOTHING: Final = StepDigest()


def step_digest(line: bytes) -> StepDigest:
    """Return the digest of a step's line."""
    if b'"input"' not in line and b'"output"' not in line:
        return _NOTHING
    record = decode(line)
    if record is None:
        return _NOTHING
    given, answered = record.get("input"), record.get("output")
    if record.get("event") in ("tool_call", "embedding"):
        return StepDigest(input=_digest(given), output=_digest(answered))
    if given is None:
        return _NOTHING
    texts = (json_text(message) for message in messages_in(given, "input"))
    return StepDigest(tuple(accumulate(map(hash, texts), lambda *pair: hash(pair))))


def _digest(value: object) -> int | None:
    return None if value is None else hash(json_text(value))
