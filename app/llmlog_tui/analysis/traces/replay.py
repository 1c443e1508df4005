"""A trace played back: what was known at each step, and when each step appears."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.numeric.last_result import LastResult
from llmlog_tui.analysis.traces.timeline import Step, Timeline

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""How many times faster than real time a trace may be played."""

LONG_GAP_MS: Final = 2_000.0
"""A gap, in which no step runs, that is longer than this ..."""

SHORT_GAP_MS: Final = 500.0
"""... plays as if it were this long."""


@dataclass(frozen=True)
class RunningTotals:
    """What a run had come to once a step, and all before it, had ended.

    `elapsed_ms` since it began; calls are model calls, tools tool executions, errors steps that
    failed. Tokens and cost_usd are sums over those that have them; None while none has.
    """

    elapsed_ms: float = 0.0
    calls: int = 0
    tools: int = 0
    errors: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class Replay:
    """The steps of one trace in their order, with what is known at each.

    `steps[k]` appears `appears_ms[k]` after play begins, at real time but for long gaps, and
    `moments[k]` is the state then; play ends at `played_ms`. Where the trace is not timed, steps
    play one after the other.
    """

    trace_id: str
    steps: tuple[Step, ...]
    moments: tuple[RunningTotals, ...]
    appears_ms: tuple[float, ...]
    played_ms: float

    @cached_property
    def places(self) -> dict[int, int]:
        """Where each step stands in `steps`, by its `row`."""
        return {step.row: place for place, step in enumerate(self.steps)}

    @property
    def end(self) -> RunningTotals:
        """The state after the last step."""
        return self.moments[-1] if self.moments else RunningTotals()

    def index_at(self, played_ms: float) -> int:
        """The step that is the last to have appeared after `played_ms` of play; -1: none yet."""
        return bisect_right(self.appears_ms, played_ms) - 1

    def next_failed(self, at: int, direction: int) -> int | None:
        """The next failed step behind the one at place `at`, or with -1 before it; None if none."""
        later = range(at + 1, len(self.steps)) if direction > 0 else range(at - 1, -1, -1)
        return next((n for n in later if self.steps[n].failed), None)


_SUMS: Final = (
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost_usd"),
)
_RECENT: Final = LastResult[Replay]()


def replay(frame: pl.DataFrame, timeline: Timeline) -> Replay:
    """The replay of a trace, of the frame and the timeline (timeline.timeline()) it is in.

    cost_usd is only summed up where calls are priced.
    """
    rows = [step.row for step in timeline.steps]
    summed = [name for name in _SUMS if name in frame.columns]
    records = frame.filter(pl.col("row").is_in(rows)).select("row", *summed)
    return _RECENT.of(records, timeline, lambda: _of(records, timeline))


def _of(rows: pl.DataFrame, timeline: Timeline) -> Replay:
    steps = sorted(timeline.steps, key=_order)
    records = {record["row"]: record for record in rows.iter_rows(named=True)}
    moments, now = [], RunningTotals()
    for step in steps:
        now = _after(now, step, records[step.row])
        moments.append(now)
    appears, played = _played(steps)
    return Replay(timeline.trace_id, tuple(steps), tuple(moments), appears, played)


def _order(step: Step) -> tuple[bool, int, int]:
    return step.step is None, step.step or 0, step.row


def _after(before: RunningTotals, step: Step, record: Mapping[str, Any]) -> RunningTotals:
    is_call = step.event in CALL_EVENTS
    sums = {name: getattr(before, name) for name in _SUMS}
    if is_call:
        for name in _SUMS:
            if (value := record.get(name)) is not None:
                sums[name] = value + (sums[name] or 0)
    return RunningTotals(
        elapsed_ms=max(before.elapsed_ms, step.end),
        calls=before.calls + is_call,
        tools=before.tools + (step.event == "tool_call"),
        errors=before.errors + step.failed,
        **sums,
    )


def _played(steps: list[Step]) -> tuple[tuple[float, ...], float]:
    """When each step appears in ms of play at real time, and when the last one has ended."""
    appears: list[float] = []
    skipped = busy_until = 0.0
    for step in steps:
        gap = step.start - busy_until
        if gap > LONG_GAP_MS:
            skipped += gap - SHORT_GAP_MS
        earliest = appears[-1] if appears else 0.0
        appears.append(max(earliest, step.start - skipped))
        busy_until = max(busy_until, step.end, step.start)
    return tuple(appears), max(busy_until - skipped, appears[-1] if appears else 0.0)
