"""Timeline of one trace: its steps in order, with start, wait, answer and end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import slow
from llmlog_tui.analysis.calls.slow_reason import retry_wait_ms
from llmlog_tui.analysis.calls.truncation import is_cut_off
from llmlog_tui.log.schema import IS_CALL, IS_STEP

Kind = Literal["failed", "cut off", "changed", "retried", "usage"]


@dataclass(frozen=True)
class Note:
    """A short remark on a step, and its kind."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Step:
    """One record of a trace.

    Times are ms since the start of the trace: of the step (`start`), of its last attempt
    (`waited`), of its answer (`answer`), and of its `end`. `branch` draws its position in the tree
    of spans, empty at the root.
    """

    row: int
    step: int | None
    event: str
    name: str
    branch: str
    start: float
    waited: float
    answer: float
    end: float
    latency_ms: float | None
    failed: bool
    cut_off: bool
    slow: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Timeline:
    """The steps of a trace, its name and its duration; None if unknown.

    `timed` is False without ts: then steps are laid out in sequence.
    """

    trace_id: str
    session_id: str | None
    name: str | None
    begin: datetime | None
    duration_ms: float | None
    timed: bool
    steps: tuple[Step, ...]

    @cached_property
    def index_by_key(self) -> dict[int, int]:
        """Index in `steps` by `row`."""
        return {step.row: index for index, step in enumerate(self.steps)}


_NEEDED: Final = (
    *("row", "ts", "event", "session_id", "step", "span_id", "parent_span_id", "status", "name"),
    *("latency_ms", "ttft_ms", "server_ms", "stream", "retries", "finish_reason", "changed"),
    *("model", "requested_model", "tool_name", "error_type", "error_status"),
    *("prompt_tokens", "reasoning_tokens", "cached_tokens"),
    *("trace_name", "max_tokens", "completion_tokens", "stream_end", "tool_args_ok"),
)


def timeline(
    frame: pl.DataFrame, trace_id: str, slow_ms: float, last: LastTimeline | None = None
) -> Timeline:
    """Return the timeline of one trace; without steps if it is unknown.

    `frame` also has `changed`, see fingerprints.with_changed(); a call is slow over `slow_ms`.
    `last` keeps the result for the next call about the same trace.
    """
    rows = (
        frame.filter(IS_STEP & (pl.col("trace_id") == trace_id))
        .select(*_NEEDED, slow=IS_CALL & slow(slow_ms))
        .sort("step", maintain_order=True, nulls_last=True)
    )
    return (last or LastTimeline()).get(rows, trace_id)


class _Built(NamedTuple):
    """A timeline, and its rows as a frame and as records by key."""

    timeline: Timeline
    rows: pl.DataFrame
    records: dict[int, dict[str, Any]]

    def is_prefix_of(self, rows: pl.DataFrame) -> bool:
        if self.rows.height < rows.height:
            rows = rows.filter(pl.col("row").is_in(self.rows["row"].implode()))
        return self.rows.equals(rows)


class LastTimeline:
    """Cache of the last timeline: when its trace has grown, only new steps are built.

    Refreshes ask about one trace again and again, and it may have thousands of steps.
    """

    def __init__(self) -> None:
        self._built: _Built | None = None

    def get(self, rows: pl.DataFrame, trace_id: str) -> Timeline:
        built = self._built  # read once: another thread may replace it
        if built is None or trace_id != built.timeline.trace_id or not built.is_prefix_of(rows):
            built = _Built(Timeline(trace_id, None, None, None, None, False, ()), rows.clear(), {})  # noqa: FBT003 - short
        if built.rows.height == rows.height:
            return built.timeline
        new = rows.filter(~pl.col("row").is_in(built.rows["row"].implode()))
        records = built.records | {record["row"]: record for record in new.iter_rows(named=True)}
        found = _timeline(rows, [records[row] for row in rows["row"]], built.timeline)
        self._built = _Built(found, rows, records)
        return found


def _timeline(rows: pl.DataFrame, records: list[dict[str, Any]], last: Timeline) -> Timeline:
    timed = bool(records) and rows["ts"].null_count() == 0
    begin = rows["ts"].min() if timed else None
    starts = _starts(records, begin)
    steps = []
    for index, branch in _tree(records):
        at = last.index_by_key.get(records[index]["row"])
        before = None if at is None else last.steps[at]
        if before is None or before.branch != branch or before.start != starts[index]:
            before = _step(records[index], branch, starts[index])
        steps.append(before)
    return Timeline(
        trace_id=last.trace_id,
        session_id=next((r["session_id"] for r in records if r["session_id"] is not None), None),
        name=next((r["trace_name"] for r in records if r["trace_name"] is not None), None),
        begin=begin if isinstance(begin, datetime) else None,
        duration_ms=_duration(steps),
        timed=timed,
        steps=tuple(steps),
    )


def _duration(steps: Sequence[Step]) -> float | None:
    end = max((step.end for step in steps), default=0.0)
    return end if end or any(step.latency_ms is not None for step in steps) else None


def _starts(records: list[dict[str, Any]], begin: object) -> list[float]:
    """Return the start of each record in ms; without ts, in sequence."""
    if isinstance(begin, datetime):
        return [(record["ts"] - begin).total_seconds() * 1_000 for record in records]
    starts, now = [], 0.0
    for record in records:
        starts.append(now)
        now += record["latency_ms"] or 0.0
    return starts


def _tree(records: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Yield (index, branch) of each record, children after their parent; a lost one is ignored."""
    by_span = {r["span_id"]: index for index, r in enumerate(records) if r["span_id"] is not None}
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        parent = by_span.get(record["parent_span_id"])
        children[parent if parent != index else None].append(index)
    seen: set[int] = set()
    waiting = [(index, "", "") for index in reversed(children[None])]
    while waiting:
        index, branch, indent = waiting.pop()
        seen.add(index)
        yield index, branch
        below = children[index]
        for child in reversed(below):
            last = child == below[-1]
            waiting.append(
                (child, indent + ("└ " if last else "├ "), indent + ("  " if last else "│ "))
            )
    for index in range(len(records)):
        if index not in seen:  # spans that are each other's parents
            yield index, ""


def _step(record: dict[str, Any], branch: str, start: float) -> Step:
    latency = record["latency_ms"] or 0.0
    waited = min(retry_wait_ms(record) or 0.0, latency)
    first_token = record["ttft_ms"] if record["stream"] else None
    return Step(
        row=record["row"],
        step=record["step"],
        event=record["event"],
        name=_name(record),
        branch=branch,
        start=start,
        waited=start + waited,
        answer=start + min(max(waited, first_token or 0.0), latency),
        end=start + latency,
        latency_ms=record["latency_ms"],
        failed=record["status"] == "error",
        cut_off=is_cut_off(record),
        slow=record["slow"],
        notes=tuple(_notes(record)),
    )


def _name(record: dict[str, Any]) -> str:
    names = (record["tool_name"], record["name"], record["model"], record["requested_model"])
    return next((str(name) for name in names if name), str(record["event"]))


def _notes(record: dict[str, Any]) -> Iterator[Note]:
    if record["status"] == "error":
        reason = record["error_type"] or record["error_status"] or "failed"
        yield Note(f"✗ {reason}", "failed")
    if is_cut_off(record):
        is_hidden = record["finish_reason"] != "length"
        yield Note("┤ cut off" if is_hidden else "┤ length", "cut off")
    if record["changed"]:
        yield Note("≠ fingerprint", "changed")
    if retries := record["retries"]:
        yield Note(f"↻ {humanize.plural(retries, 'retry', 'retries')}", "retried")
    if record["reasoning_tokens"]:
        yield Note(f"rsn {humanize.count(record['reasoning_tokens'])}", "usage")
    if record["cached_tokens"] and record["prompt_tokens"]:
        share = humanize.percent(record["cached_tokens"] / record["prompt_tokens"])
        yield Note(f"cached {share}", "usage")
