"""Lines for the calls and tools in flight, with bars that grow until they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.analysis.traces import running_steps
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.row_source import CellSpan

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

_BAR: Final = "▒"
_RUN, _STEP = 24, 20
_OTHER_CELLS: Final = 26
"""Cells of a line beside its names and its bar."""
NOTHING_RUNS: Final = Content.styled(" nothing runs", "$text-muted")
"""The line between two calls."""

_SCALES_MS: Final = (
    2_000.0,
    5_000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    120_000.0,
    300_000.0,
    600_000.0,
)
"""Lengths of the time axis: a bar grows until the next one is needed."""


def lines(steps: Sequence[RunningStep], now: datetime, width: int, limit: int) -> list[Content]:
    """Return up to `limit` lines, the newest steps last, on a common time axis."""
    shown = steps[-limit:]
    more = f"  +{len(steps) - len(shown):,} more" if len(steps) > len(shown) else ""
    room = max(4, width - _RUN - _STEP - _OTHER_CELLS - len(more))
    full = scale_ms(shown, now)
    found = [_line(step, now, room, full) for step in shown]
    if more:
        found[-1] = found[-1] + Content.styled(more, "$text-muted")
    return found


def scale_ms(steps: Sequence[RunningStep], now: datetime) -> float:
    """Return the length of a common time axis: more than the longest step in flight."""
    longest = elapsed_ms(steps, now)
    return next((ms for ms in _SCALES_MS if ms > longest), longest)


def _line(step: RunningStep, now: datetime, room: int, full: float) -> Content:
    elapsed = step.elapsed_ms(now)
    run = humanize.run_label(step.trace_id or humanize.UNKNOWN, step.trace_name)
    names = f" {_fitted(run, _RUN)} {_fitted(step.label, _STEP)} "
    cells = max(1, round(room * (elapsed or 0.0) / full))
    return Content.assemble(
        (" running     ", "$text-primary bold"),
        names,
        (_BAR * cells, "$text-primary"),
        f" {humanize.duration(elapsed)}",
    )


def _fitted(text: str, width: int) -> str:
    clean = sanitize(text, width)
    return set_cell_size(clean, width) if cell_len(clean) != width else clean


# -- in the rows of traces and of a timeline

RUNNING = CellSpan(running_steps.RUNNING_SIGN, "primary")
NEVER_ENDED = CellSpan(running_steps.NO_END_SIGN, "warning")
"""Marks of a step in flight, and of one whose process is probably gone."""


def mark(steps: Sequence[RunningStep], now: datetime) -> CellSpan:
    """Return the mark of a run in flight: running if a step is."""
    return NEVER_ENDED if all(step.is_gone(now) for step in steps) else RUNNING


def elapsed_ms(steps: Sequence[RunningStep], now: datetime) -> float:
    """Return the time since the first running step began; 0 if unknown."""
    running = (step for step in steps if not step.is_gone(now))
    return max((step.elapsed_ms(now) or 0.0 for step in running), default=0.0)


def growing_bar(elapsed: float, full_ms: float, width: int) -> CellSpan:
    """Return a bar with a tip; `full_ms` would fill `width` cells."""
    cells = min(width - 1, round(elapsed / full_ms * (width - 1))) if full_ms else 0
    return CellSpan(_BAR * max(0, cells) + RUNNING.text, "primary")


def detail(step: RunningStep, begin: datetime | None, now: datetime) -> list[Content]:
    """Return the lines about a step without a record; its run began at `begin`."""
    is_gone = step.is_gone(now)
    sign = (NEVER_ENDED if is_gone else RUNNING).text
    when = "" if step.ts is None else f"{humanize.local(step.ts):%H:%M:%S.%f}"[:-3]
    after = None if step.ts is None or begin is None else (step.ts - begin).total_seconds() * 1_000
    into = "" if after is None else f"{humanize.duration(after)} into the run"
    ids = (("span_id", step.span_id), ("under span", step.parent_span_id))
    return [
        Content.styled(f"{sign} {sanitize(step.label, 60)}", "bold"),
        Content.styled("   ".join(filter(None, (when, into))), "$text-muted"),
        Content(""),
        Content.styled(
            running_steps.state(step, now), "$text-warning" if is_gone else "$text-primary"
        ),
        Content.styled(NO_RECORD, "$text-muted"),
        Content(""),
        *(
            Content.assemble((f"{label:<12}", "$text-muted"), sanitize(value, 60))
            for label, value in ids
            if value
        ),
    ]


NO_RECORD: Final = "No record of it was written: only that it began."


def unfinished(sides: Sequence[Sequence[RunningStep]], now: datetime) -> str:
    """Return `A: step 2 gpt-5, no end in 10 min`: each side's first such step."""
    return ", ".join(
        f"{side}: {running_steps.title(steps[0])}, "
        + (running_steps.no_end(steps[0]) if steps[0].is_gone(now) else "running")
        + (f" and {len(steps) - 1:,} more" if len(steps) > 1 else "")
        for side, steps in zip("AB", sides, strict=True)
        if steps
    )


def counted(steps: Sequence[RunningStep], now: datetime) -> str:
    """Return `2 ► running, 1 ? no end in 10 min`; empty without steps."""
    return running_steps.counted(steps, now, (f"{RUNNING.text} running", NEVER_ENDED.text))
