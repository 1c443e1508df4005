"""The steps of the selected trace, each with a bar on a common time axis."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.tui.keys.panes import TIME_BINDINGS, TIMELINE_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.render.cells import is_tool, step_number
from llmlog_tui.tui.render.timeline_bars import LEGEND, LEGEND_NEAR, Axis, bar
from llmlog_tui.tui.widgets.row_source import (
    Cell,
    CellSpan,
    Column,
    NoRows,
    Row,
    RowSource,
    Tone,
    cell,
)
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Step, Timeline

_WIDE: Final = (
    Column("#", 3, "right"),
    Column(" step", 25),
    Column("", 12, flex=True),
    Column("ms", 7, "right"),
    Column("notes", 26),
)
_MEDIUM: Final = (
    Column("#", 3, "right"),
    Column(" step", 18),
    Column("", 12, flex=True),
    Column("ms", 7, "right"),
    Column("notes", 18),
)
_NARROW: Final = (
    Column("#", 3, "right"),
    Column(" step", 12),
    Column("", 8, flex=True),
    Column("ms", 7, "right"),
)
_WIDE_FROM, _MEDIUM_FROM = 80, 46
_TONES: Final[dict[str, Tone]] = {
    "failed": "error",
    "cut off": "warning",
    "changed": "accent",
    "retried": "warning",
    "usage": "muted",
}
_BARS, _NOTES = 2, 4
"""Indices of columns."""

_MIN_ZOOM_MS: Final = 1.0
"""Minimum time shown: latencies are in whole ms."""


class TimelinePane(Pane):
    """The steps of a trace; zooming shows an interval of its time."""

    BINDINGS: ClassVar[list[BindingType]] = [*TIMELINE_BINDINGS, *TIME_BINDINGS]
    shows_records = True
    NAME: ClassVar[str] = "Timeline"

    @dataclass
    class Zoomed(Message):
        """The user zoomed into this trace: keep showing it."""

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self.empty = "The steps of the trace that is selected in Traces appear here."
        self._timeline: Timeline | None = None
        self._played: Callable[[int], bool] | None = None
        self._shown: Interval | None = None
        self._dragged: Interval | None = None
        self._dragged_from = 0

    @property
    def trace_id(self) -> str | None:
        return None if self._timeline is None else self._timeline.trace_id

    def update(self, timeline: Timeline, played: Callable[[int], bool] | None = None) -> None:
        """Show a trace; steps for whose key `played` is false are dimmed."""
        self._played = played
        is_other = self._timeline is None or self._timeline.trace_id != timeline.trace_id
        self._timeline = timeline
        if is_other:
            self._shown = None
        self.redraw()
        if is_other and not self.following:
            self.follow()

    def clear(self) -> None:
        """Show no trace."""
        self._timeline = self._shown = None
        self.set_source(NoRows(self._columns()))
        self.redraw()

    def redraw(self) -> None:
        timeline = self._timeline
        if timeline is None:
            self.set_title(self.NAME)
            return
        self.set_source(_StepRows(timeline, self._columns(), self._shown, self._played))
        count = len(timeline.steps)
        facts = [
            f"{self.NAME} {humanize.run_label(timeline.trace_id, timeline.name)}",
            humanize.plural(count, "step"),
            self._zoomed_range() + humanize.duration(timeline.duration_ms),
            *([] if timeline.timed else ["in sequence: no ts"]),
        ]
        legend, note = LEGEND if self._shown is None else LEGEND_NEAR, self.note(timeline)
        self.set_title(" · ".join(facts), f"{legend} · {note}", legend, LEGEND, note)

    def _columns(self) -> tuple[Column, ...]:
        if self.size.width >= _WIDE_FROM and not self.compact:
            return _WIDE
        return _MEDIUM if self.size.width >= _MEDIUM_FROM else _NARROW

    def _zoomed_range(self) -> str:
        if self._shown is None:
            return ""
        axis = Axis.of(self._shown.length, self.size.width, self._shown.begin)
        return f"{axis.range_label()} of "

    def note(self, timeline: Timeline) -> str:
        """Return the note after the legend."""
        return f"session {humanize.short_id(timeline.session_id)}"

    # -- zoom and pan

    def action_zoom_time(self, factor: float) -> None:
        """Multiply the length of the shown interval, centred on the step under the cursor."""
        step, shown = self._step, self._shown or self._full_range
        length = max(_MIN_ZOOM_MS, shown.length * factor)
        if step is not None:
            middle = (step.start + step.end) / 2
            self._zoom_to(Interval(middle - length / 2, middle + length / 2))

    def action_pan(self, share: float) -> None:
        """Show an earlier or later interval, shifted by a share of its length."""
        if self._shown is not None:
            self._zoom_to(self._shown.shift(share))

    def action_all(self) -> None:
        """Show all of the time."""
        self._zoom_to(self._full_range)

    @property
    def _full_range(self) -> Interval:
        timeline = self._timeline
        return Interval(0.0, max(1.0, (timeline and timeline.duration_ms) or 0.0))

    @property
    def _step(self) -> Step | None:
        """Return the step under the cursor."""
        timeline, key = self._timeline, self.cursor_key
        index = timeline.index_by_key.get(key) if timeline and isinstance(key, int) else None
        return None if timeline is None or index is None else timeline.steps[index]

    def _zoom_to(self, interval: Interval) -> None:
        clamped = interval.clamp(self._full_range)
        shown = None if clamped == self._full_range else clamped
        if shown != self._shown:
            self._shown = shown
            self.redraw()
            if shown is not None:
                self.post_message(self.Zoomed())

    def move_to(self, key: Hashable) -> bool:
        found = super().move_to(key)
        self._scroll_to_step()
        return found

    @on(LineTable.Highlighted)
    def _scroll_to_step(self) -> None:
        """Pan to the step under the cursor."""
        step = self._step
        if step is not None and self._shown is not None:
            self._zoom_to(self._shown.scroll_to(Interval(step.start, step.end)))

    def wheel(self, event: events.MouseEvent, rows: int) -> None:
        """Zoom with Ctrl, pan with Shift, otherwise scroll."""
        if not (event.ctrl or event.shift):
            super().wheel(event, rows)
            return
        event.stop()
        event.prevent_default()
        if event.ctrl:
            self.action_zoom_time(2.0 if rows > 0 else 0.5)
        else:
            self.action_pan(0.25 if rows > 0 else -0.25)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start dragging the shown interval, if zoomed."""
        if self._shown is not None:
            self._dragged_from, self._dragged = event.screen_x, self._shown
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is not None:
            widths = self._visible().widths
            cells = self._dragged_from - event.screen_x
            room = widths[_BARS] if len(widths) > _BARS else 1  # the screen may have shrunk since
            self._zoom_to(self._dragged.shift(cells / max(1, room)))

    def on_mouse_up(self) -> None:
        self._dragged = None
        self.release_mouse()

    def clicked(self, event: events.Click) -> None:
        # The click that ends a drag moves no cursor.
        if event.screen_x == self._dragged_from or self._shown is None:
            super().clicked(event)


class _StepRows(RowSource):
    def __init__(
        self,
        timeline: Timeline,
        columns: Sequence[Column],
        shown: Interval | None,
        played: Callable[[int], bool] | None,
    ) -> None:
        self._played = played
        self.columns = columns
        self._timeline = timeline
        self._steps = timeline.steps
        self._shown = shown or Interval(0.0, timeline.duration_ms or 0.0)

    def __len__(self) -> int:
        return len(self._steps)

    def key(self, index: int) -> Hashable:
        return self._steps[index].row

    def index(self, key: Hashable) -> int | None:
        return self._timeline.index_by_key.get(key) if isinstance(key, int) else None

    def heading(self, column: int, width: int) -> str:
        if column == _BARS:
            return self._axis(width).labels()
        return super().heading(column, width)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        axis = self._axis(widths[_BARS] if len(widths) > _BARS else 0)
        notes = widths[_NOTES] if len(widths) > _NOTES else 0
        rows = ((step, self._row(step, axis, notes)) for step in self._steps[start:stop])
        return [row if self._is_played(step) else _dim(row) for step, row in rows]

    def _axis(self, width: int) -> Axis:
        return Axis.of(self._shown.length, width, self._shown.begin)

    def _is_played(self, step: Step) -> bool:
        return self._played is None or self._played(step.row)

    def _row(self, step: Step, axis: Axis, notes: int) -> Row:
        tone: Tone = "error" if step.failed else "warning" if step.slow else ""
        return Row(
            (
                cell(step_number(step), "muted"),
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
