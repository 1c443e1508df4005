"""Rows of a timeline: steps, also in flight, with bars on one axis."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from llmlog_tui import humanize, scale
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.analysis.traces.running_steps import begin_of, no_end, why_gone
from llmlog_tui.tui.render import running_text
from llmlog_tui.tui.render.cells import is_tool
from llmlog_tui.tui.render.timeline_bars import Axis, bar, begun_bar
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, Tone, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Step, Timeline
    from llmlog_tui.log.starts import RunningStep


def _columns(step: int, bars: int, notes: int = 0) -> tuple[Column, ...]:
    """Return the columns of a timeline, `step`, `bars` and `notes` cells wide."""
    return (
        Column("#", 3, "right"),
        Column(" step", step),
        Column("", bars, flex=True),
        Column("ms", 7, "right"),
        *([Column("notes", notes)] if notes else []),
    )


SPARE: Final = _columns(36, 12, 44)
ROOMY: Final = _columns(28, 12, 26)
WIDE: Final = _columns(25, 12, 26)
MEDIUM: Final = _columns(18, 12, 18)
NARROW: Final = _columns(12, 8)
_TONES: Final[dict[str, Tone]] = {
    "failed": "error",
    "cut off": "warning",
    "changed": "accent",
    "retried": "warning",
    "usage": "muted",
}
BARS, _NOTES = 2, 4
"""Indices of columns."""


class StepInFlight(NamedTuple):
    """The key of a step without a record."""

    span_id: str


class InFlightSteps(NamedTuple):
    """The steps of a trace that have no record yet, `now`."""

    steps: Sequence[RunningStep]
    now: datetime

    def start_ms(self, step: RunningStep, timeline: Timeline) -> float:
        """Return when a step began, in ms since the start of the trace."""
        begin = timeline.begin or begin_of(self.steps)
        if step.ts is None or begin is None or (timeline.steps and not timeline.timed):
            return timeline.duration_ms or 0.0
        return max(0.0, (step.ts - begin).total_seconds() * 1_000)

    def end_ms(self, step: RunningStep, timeline: Timeline) -> float:
        """Return the end of its bar so far: its start, if it never ended."""
        return self.start_ms(step, timeline) + running_text.elapsed_ms([step], self.now)

    def length_ms(self, timeline: Timeline) -> float:
        """Return the length of the time axis, round while a bar grows."""
        ends = max((self.end_ms(step, timeline) for step in self.steps), default=0.0)
        is_growing = any(not step.is_gone(self.now) for step in self.steps)
        return max(timeline.duration_ms or 0.0, scale.round_up(ends) if is_growing else ends)


class StepRows(RowSource):
    """The steps of a trace, and after them those in flight."""

    def __init__(
        self,
        timeline: Timeline,
        columns: Sequence[Column],
        shown: Interval | None,
        played: Callable[[int], bool] | None,
        in_flight: InFlightSteps,
    ) -> None:
        self._played = played
        self.columns = columns
        self._timeline = timeline
        self._steps = timeline.steps
        self._in_flight = in_flight
        self._shown = shown or Interval(0.0, in_flight.length_ms(timeline))

    def __len__(self) -> int:
        return len(self._steps) + len(self._in_flight.steps)

    def key(self, index: int) -> Hashable:
        at = index - len(self._steps)
        return self._steps[index].row if at < 0 else StepInFlight(self._in_flight.steps[at].span_id)

    def index(self, key: Hashable) -> int | None:
        if isinstance(key, StepInFlight):
            spans = [step.span_id for step in self._in_flight.steps]
            return len(self._steps) + spans.index(key.span_id) if key.span_id in spans else None
        return self._timeline.index_by_key.get(key) if isinstance(key, int) else None

    def heading(self, column: int, width: int) -> str:
        if column == BARS:
            return self._axis(width).labels()
        return super().heading(column, width)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        axis = self._axis(widths[BARS] if len(widths) > BARS else 0)
        notes = widths[_NOTES] if len(widths) > _NOTES else 0
        rows = ((step, self._row(step, axis, notes)) for step in self._steps[start:stop])
        shown = [row if self._is_played(step) else _dim(row) for step, row in rows]
        first, last = (max(0, at - len(self._steps)) for at in (start, stop))
        begun = self._in_flight.steps[first:last]
        return [*shown, *(self._begun(step, axis, notes) for step in begun)]

    def _axis(self, width: int) -> Axis:
        return Axis.of(self._shown.length, width, self._shown.begin)

    def _is_played(self, step: Step) -> bool:
        return self._played is None or self._played(step.row)

    def _row(self, step: Step, axis: Axis, notes: int) -> Row:
        tone: Tone = "error" if step.failed else "warning" if step.slow else ""
        return Row(
            (
                cell(humanize.step_number(step.step), "muted"),
                (
                    CellSpan("✗" if step.failed else " ", "error"),
                    CellSpan(step.branch, "muted"),
                    CellSpan(step.name, "secondary" if is_tool(step) else ""),
                ),
                bar(step, axis),
                cell(humanize.fit_number(step.latency_ms, 7), tone),
                _notes(step, notes),
            )
        )

    def _begun(self, step: RunningStep, axis: Axis, notes: int) -> Row:
        """Return the row of a step in flight, with a bar unless it never ended."""
        flight, is_gone = self._in_flight, step.is_gone(self._in_flight.now)
        start, end = (at(step, self._timeline) for at in (flight.start_ms, flight.end_ms))
        known = why_gone(step), no_end(step)
        gone = next((note for note in known if len(note) <= notes), "")
        elapsed = None if is_gone or step.ts is None else end - start
        bar_end = None if is_gone else end
        return Row(
            (
                cell(humanize.step_number(step.step), "muted"),
                (
                    running_text.mark([step], flight.now),
                    CellSpan(step.label, "secondary" if step.tool_name else ""),
                ),
                begun_bar(start, bar_end, axis, is_tool=step.tool_name is not None),
                cell(humanize.fit_number(elapsed, 7), "primary"),
                cell(gone, "warning") if is_gone else cell("running", "primary"),
            )
        )


def _dim(row: Row) -> Row:
    return Row(tuple(tuple(CellSpan(span.text, "muted") for span in cell) for cell in row.cells))


def _notes(step: Step, width: int) -> Cell:
    """Return the leading notes that fit into `width` cells."""
    spans: list[CellSpan] = []
    for note in step.notes:
        gap = "  " if spans else ""
        if sum(len(span.text) for span in spans) + len(gap) + len(note.text) > width:
            break
        spans.append(CellSpan(gap + note.text, _TONES[note.kind]))
    return spans
