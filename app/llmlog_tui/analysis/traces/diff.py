"""Align the steps of two traces, and find where they diverge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import polars as pl

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.analysis.traces.cache_misses import Hashes, first_change
from llmlog_tui.analysis.traces.replay import Replay, replay
from llmlog_tui.analysis.traces.step_diff import StepDigest
from llmlog_tui.analysis.traces.timeline import Step, timeline

Why = Literal[
    "only in A",
    "only in B",
    "event",
    "tool",
    "status",
    "model",
    "finish_reason",
    "prefix_hashes",
    "input",
    "output",
]

Digests = Mapping[int, StepDigest]
"""Digests of content by record key; steps without content may be missing."""

_NO_DIGESTS: Final[Digests] = MappingProxyType({})


@dataclass(frozen=True)
class AlignedPair:
    """Aligned steps of A and B; None for a step that only the other has.

    `why` is the first difference among event, tool (its name; a span's too), status (one failed),
    model, finish_reason, prefix_hashes, and of tools and embeddings input and output; None if they
    are alike. `message` is the first differing message, from 0, if why is prefix_hashes.
    """

    a: Step | None
    b: Step | None
    why: Why | None = None
    message: int | None = None

    def sentence(self) -> str:
        """Return `only in B`, `prompts differ from message 3 on`, ...; empty if alike."""
        if self.why == "prefix_hashes":
            return f"prompts differ from message {self.message} on"
        if self.why == "status" and self.a is not None and self.b is not None:
            return f"only {'A' if self.a.failed else 'B'} failed"
        return f"{self.why} differs" if self.why in ("input", "output") else self.why or ""


@dataclass(frozen=True)
class FieldDelta:
    """B's values minus A's, None if either is unknown; times in ms."""

    steps: int
    time_ms: float | None
    errors: int
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True)
class TraceDiff:
    """Two aligned traces: every step is in one pair, in step order.

    `first` is the index of the first pair that differs; None if the traces are alike.
    """

    a: Replay
    b: Replay
    pairs: tuple[AlignedPair, ...]
    delta: FieldDelta

    @property
    def first(self) -> int | None:
        return next((index for index, pair in enumerate(self.pairs) if pair.why), None)


def diff_traces(  # noqa: PLR0913 - what is optional, by name
    frame: pl.DataFrame,
    a: str,
    b: str,
    hashes: Hashes,
    *,
    digests: Digests = _NO_DIGESTS,
    slow_ms: float = 500.0,
) -> TraceDiff:
    """Align traces `a` and `b` of a frame with `changed` (fingerprints.with_changed()).

    Model calls, and tools of one name, are aligned by longest matching blocks (difflib; by index
    above a million pairs of steps). A differing message is reported once, although the prompts of
    later steps contain it too. `hashes` are the known prefix_hashes, `digests` those of steps
    with content (step_diff.step_digest()), which precede hashes where both steps have them.
    """
    first = timeline(frame, a, slow_ms)
    second = timeline(frame, b, slow_ms)
    one, other = replay(frame, first), replay(frame, second)
    records = _records(frame, a, b)
    judge = StepComparator(records, hashes, digests)
    pairs = tuple(judge.pair(x, y) for x, y in _aligned(one.steps, other.steps, records))
    delta = _delta(one, other, _minus(second.duration_ms, first.duration_ms))
    return TraceDiff(one, other, pairs, delta)


def finish_reasons(frame: pl.DataFrame) -> dict[int, str | None]:
    """Return, by key, the finish_reason of each record, or its error if it failed."""
    error = pl.coalesce("error_type", pl.col("error_status").cast(pl.String), pl.lit("failed"))
    how = pl.when(FAILED).then(error).otherwise("finish_reason")
    return dict(frame.select("row", how.cast(pl.String)).iter_rows())


_Records = Mapping[int, Mapping[str, Any]]
_COMPARED: Final = ("row", "event", "tool_name", "name", "model", "finish_reason")


def _records(frame: pl.DataFrame, a: str, b: str) -> _Records:
    rows = frame.filter((pl.col("trace_id") == a) | (pl.col("trace_id") == b)).select(_COMPARED)
    return {record["row"]: record for record in rows.iter_rows(named=True)}


def _kind(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the alignment key of a step: model calls share one."""
    event = record["event"]
    return (
        ("call", None) if event in CALL_EVENTS else (event, record["tool_name"] or record["name"])
    )


_MAX_PAIRS: Final = 1_000_000


def _aligned(
    a: Sequence[Step], b: Sequence[Step], records: _Records
) -> Iterator[tuple[Step | None, Step | None]]:
    kinds_a = [_kind(records[step.row]) for step in a]
    kinds_b = [_kind(records[step.row]) for step in b]
    same = _same_start(kinds_a, kinds_b)
    yield from zip(a[:same], b[:same], strict=True)
    a, b, kinds_a, kinds_b = a[same:], b[same:], kinds_a[same:], kinds_b[same:]
    if len(a) * len(b) > _MAX_PAIRS:
        yield from zip_longest(a, b)
        return
    matcher = SequenceMatcher(None, kinds_a, kinds_b, autojunk=False)
    for _, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        yield from zip_longest(a[a_from:a_to], b[b_from:b_to])


def _same_start(a: Sequence[object], b: Sequence[object]) -> int:
    pairs = zip(a, b, strict=False)
    unlike = (index for index, (one, other) in enumerate(pairs) if one != other)
    return next(unlike, min(len(a), len(b)))


class StepComparator:
    """Finds the difference of two steps; reports each differing message once."""

    def __init__(self, records: _Records, hashes: Hashes, digests: Digests) -> None:
        self._records = records
        self._hashes = hashes
        self._digests = digests
        self._reported: set[int] = set()

    def pair(self, a: Step | None, b: Step | None) -> AlignedPair:
        if a is None or b is None:
            return AlignedPair(a, b, "only in B" if a is None else "only in A")
        if a.failed != b.failed and a.event == b.event:
            return AlignedPair(a, b, "status")
        why = _difference(self._records[a.row], self._records[b.row])
        message = self._message(a, b)
        if why is None and message is not None:
            return AlignedPair(a, b, "prefix_hashes", message)
        return AlignedPair(a, b, why or self._content(a, b))

    def _content(self, a: Step, b: Step) -> Literal["input", "output"] | None:
        """Return which content of two tools or embeddings differs, if both logged it."""
        one, other = self._digests.get(a.row), self._digests.get(b.row)
        if one is None or other is None:
            return None
        if None not in (one.input, other.input) and one.input != other.input:
            return "input"
        if None not in (one.output, other.output) and one.output != other.output:
            return "output"
        return None

    def _prefixes(
        self, a: Step, b: Step
    ) -> tuple[Sequence[object] | None, Sequence[object] | None]:
        one, other = self._digests.get(a.row), self._digests.get(b.row)
        if one and other and one.messages is not None and other.messages is not None:
            return one.messages, other.messages
        return self._hashes.get(a.row), self._hashes.get(b.row)

    def _message(self, a: Step, b: Step) -> int | None:
        """Return the first differing message of the prompts, unless it was reported."""
        before, after = self._prefixes(a, b)
        if before is None or after is None:
            return None
        message = first_change(before, after)
        if message is None and len(before) != len(after):
            message = min(len(before), len(after))
        if message is None or message in self._reported:
            return None
        self._reported.add(message)
        return message


def _difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> Why | None:
    if a["event"] != b["event"]:
        return "event"
    if _kind(a) != _kind(b):
        return "tool"
    names: tuple[Why, ...] = ("model", "finish_reason")
    return next((name for name in names if a[name] != b[name]), None)


_Number = TypeVar("_Number", int, float)


def _minus(b: _Number | None, a: _Number | None) -> _Number | None:
    return None if a is None or b is None else b - a


def _delta(a: Replay, b: Replay, time_ms: float | None) -> FieldDelta:
    return FieldDelta(
        steps=len(b.steps) - len(a.steps),
        time_ms=time_ms,
        errors=b.end.errors - a.end.errors,
        prompt_tokens=_minus(b.end.prompt_tokens, a.end.prompt_tokens),
        completion_tokens=_minus(b.end.completion_tokens, a.end.completion_tokens),
        reasoning_tokens=_minus(b.end.reasoning_tokens, a.end.reasoning_tokens),
        cost_usd=_minus(b.end.cost_usd, a.end.cost_usd),
    )
