"""Steps that have begun and have no record yet, as text and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmlog_tui import humanize
from llmlog_tui.analysis.traces.running_steps import (
    NO_END_SIGN,
    RUNNING_SIGN,
    as_row,
    begin_of,
    state,
    title,
)
from llmlog_tui.commands.text_tables import fitted, line_of, toned
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Timeline
    from llmlog_tui.log.starts import RunningStep


def unfinished_lines(steps: Sequence[RunningStep], timeline: Timeline) -> Iterator[str]:
    """Yield the steps of a run without a record, in the columns of trace_lines()."""
    now = datetime.now(UTC)
    begin = timeline.begin or begin_of(steps)
    for step in steps:
        is_gone = step.is_gone(now)
        number = humanize.step_number(step.step)
        name = fitted(f"{NO_END_SIGN if is_gone else RUNNING_SIGN} {sanitize(step.label)}", 32)
        after = None if step.ts is None or begin is None else (step.ts - begin).total_seconds()
        began = humanize.fit_number(None if after is None else after * 1_000, 10)
        line = f"{number:>4}  {name} {began:>10} {humanize.UNKNOWN:>9}  {state(step, now)}"
        yield toned(line, failed=False, slow=is_gone)


def run_marks(steps: Sequence[RunningStep]) -> dict[str | None, str]:
    """Return the mark of each run with steps in flight, by trace_id."""
    now, marks = datetime.now(UTC), dict[str | None, str]()
    for step in steps:
        if not step.is_gone(now):
            marks[step.trace_id] = RUNNING_SIGN
        marks.setdefault(step.trace_id, NO_END_SIGN)
    return marks


def unfinished_objects(steps: Sequence[RunningStep]) -> list[dict[str, Any]]:
    """Return steps without a record as objects of a JSON answer."""
    now = datetime.now(UTC)
    return [as_row(step, now) for step in steps]


def unfinished_sentences(steps: Sequence[RunningStep]) -> Iterator[str]:
    """Yield `step 2 gpt-5, running for 12.0 s` of each step."""
    now = datetime.now(UTC)
    for step in steps:
        yield sanitize(f"{title(step)}, {state(step, now)}")


def start_lines(steps: Sequence[RunningStep], columns: Collection[str]) -> Iterator[str]:
    """Yield each step as a line of line_of(), with its state as the note."""
    now = datetime.now(UTC)
    for step, row in zip(steps, start_objects(steps, columns), strict=True):
        mark = NO_END_SIGN if step.is_gone(now) else RUNNING_SIGN
        yield line_of({**row, "tool_name": f"{mark} {step.label}"}, state(step, now))


def start_fields(step: RunningStep) -> Iterator[str]:
    """Yield the fields of a step that are known, and its state."""
    known = {"event": "start", **asdict(step), "ts": humanize.rfc3339(step.ts)}
    for name, value in {**known, "(state)": state(step, datetime.now(UTC))}.items():
        if value is not None:
            yield f"{name:<30}  {sanitize(str(value))}"


def start_objects(
    steps: Sequence[RunningStep], columns: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield each step with the columns of a record, of event `start`."""
    for step in steps:
        yield {**dict.fromkeys(columns), **asdict(step), "event": "start"}
