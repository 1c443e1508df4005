"""Replay of a trace: running totals at each step, and when each step appears."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import polars as pl

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.numeric.last_result import LastResult
from llmlog_tui.analysis.traces.timeline import Step, Timeline

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Playback speeds, as multiples of real time."""

LONG_GAP_MS: Final = 2_000.0
"""Gap without a running step above which it is shortened, in ms."""

SHORT_GAP_MS: Final = 500.0
"""Duration of a shortened gap, in ms."""


CallKind = Literal["failed", "cut-off", "slow"]
"""Kinds of calls and steps that keys lead to."""

_KINDS: Final[dict[CallKind, Callable[[Step], bool]]] = {
    "failed": lambda step: step.failed,
    "cut-off": lambda step: step.cut_off,
    "slow": lambda step: step.slow,
}


@dataclass(frozen=True)
class RunningTotals:
    """Totals of a run once a step, and all steps before it, had ended.

    `elapsed_ms` since the start; calls are model calls, tools tool executions, errors failed steps.
    Tokens and cost_usd are sums over known values, None without any; unpriced counts the calls
    without a cost.
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
    unpriced: int = 0


@dataclass(frozen=True)
class Replay:
    """The steps of one trace in their order, with running totals.

    `steps[k]` appears `appears_ms[k]` after the start of playback, in real time but for long gaps,
    with the totals `moments[k]`; playback ends at `played_ms`. Without ts, steps play in sequence.
    """

    trace_id: str
    steps: tuple[Step, ...]
    moments: tuple[RunningTotals, ...]
    appears_ms: tuple[float, ...]
    played_ms: float
    name: str | None = None

    @cached_property
    def index_by_key(self) -> dict[int, int]:
        """Index in `steps` by `row`."""
        return {step.row: index for index, step in enumerate(self.steps)}

    @property
    def end(self) -> RunningTotals:
        return self.moments[-1] if self.moments else RunningTotals()

    def index_at(self, played_ms: float) -> int:
        """Return the index of the last step that appeared by `played_ms`; -1 if none has."""
        return bisect_right(self.appears_ms, played_ms) - 1

    def next_step(self, kind: CallKind, at: int, direction: int) -> int | None:
        """Return the next step of a kind after `at`, before with direction -1.

        Steps are given by index.
        """
        later = range(at + 1, len(self.steps)) if direction > 0 else range(at - 1, -1, -1)
        holds = _KINDS[kind]
        return next((n for n in later if holds(self.steps[n])), None)


_SUMS: Final = (
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost_usd"),
)


def replay(
    frame: pl.DataFrame, timeline: Timeline, last: LastResult[Replay] | None = None
) -> Replay:
    """Return the replay of a trace from its frame and its timeline (timeline.timeline()).

    cost_usd is summed only where calls are priced. `last` keeps the result for the next call.
    """
    rows = [step.row for step in timeline.steps]
    summed = [name for name in _SUMS if name in frame.columns]
    records = frame.filter(pl.col("row").is_in(rows)).select("row", *summed)
    last = last or LastResult()
    return last.get(records, timeline, lambda: _replay(records, timeline))


def _replay(rows: pl.DataFrame, timeline: Timeline) -> Replay:
    steps = sorted(timeline.steps, key=_order)
    records = {record["row"]: record for record in rows.iter_rows(named=True)}
    moments, now = [], RunningTotals()
    for step in steps:
        now = _after(now, step, records[step.row])
        moments.append(now)
    appears, played = _played(steps)
    return Replay(timeline.trace_id, tuple(steps), tuple(moments), appears, played, timeline.name)


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
        unpriced=before.unpriced + (is_call and record.get("cost_usd") is None),
        **sums,
    )


def _played(steps: list[Step]) -> tuple[tuple[float, ...], float]:
    """Return the playback ms of each step's appearance, and of the end."""
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
