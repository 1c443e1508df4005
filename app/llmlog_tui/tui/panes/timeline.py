"""Timeline: the steps of the selected trace, in order, each a bar on one time axis."""

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
    "truncated": "warning",
    "changed": "accent",
    "retried": "warning",
    "usage": "muted",
}
_BARS, _NOTES = 2, 4
_LEAST_MS: Final = 1.0
"""As near as one can look: latencies are in whole ms."""


class TimelinePane(Pane):
    """One trace, step by step; of its time all is shown, or the stretch that was zoomed to."""

    BINDINGS: ClassVar[list[BindingType]] = [*TIMELINE_BINDINGS, *TIME_BINDINGS]
    shows_records = True
    NAME: ClassVar[str] = "Timeline"

    @dataclass
    class Zoomed(Message):
        """The user looks at a stretch of this trace: another one is not wanted now."""

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self.empty = "The steps of the trace that is selected in Traces appear here."
        self._timeline: Timeline | None = None
        self._played: Callable[[int], bool] | None = None
        self._shown: Interval | None = None
        self._held: Interval | None = None
        self._held_at = 0

    def hold(self, timeline: Timeline, played: Callable[[int], bool] | None = None) -> None:
        """Show `timeline`; steps for whose key `played` is false are dim: still to come."""
        self._played = played
        another = self._timeline is None or self._timeline.trace_id != timeline.trace_id
        self._timeline = timeline
        if another:
            self._shown = None
        self.redraw()
        if another and not self.following:
            self.follow()

    def clear(self) -> None:
        """Show no trace."""
        self._timeline = self._shown = None
        self.show(NoRows(self._columns()))
        self.redraw()

    def redraw(self) -> None:
        """Draw what is held."""
        timeline = self._timeline
        if timeline is None:
            self.label(self.NAME)
            return
        self.show(_StepRows(timeline, self._columns(), self._shown, self._played))
        count = len(timeline.steps)
        facts = [
            f"{self.NAME} {humanize.short_id(timeline.trace_id)}",
            humanize.plural(count, "step"),
            self._stretch() + humanize.duration(timeline.duration_ms),
            *([] if timeline.timed else ["in sequence: no ts"]),
        ]
        legend, note = LEGEND if self._shown is None else LEGEND_NEAR, self.note(timeline)
        self.label(" · ".join(facts), f"{legend} · {note}", legend, LEGEND, note)

    def _columns(self) -> tuple[Column, ...]:
        if self.size.width >= _WIDE_FROM and not self.compact:
            return _WIDE
        return _MEDIUM if self.size.width >= _MEDIUM_FROM else _NARROW

    def _stretch(self) -> str:
        if self._shown is None:
            return ""
        axis = Axis.of(self._shown.length, self.size.width, self._shown.begin)
        return f"{axis.stretch()} of "

    def note(self, timeline: Timeline) -> str:
        """What stands behind the legend."""
        return f"session {humanize.short_id(timeline.session_id)}"

    # -- zoom and pan

    def action_zoom_time(self, factor: float) -> None:
        """Look at less of the time, with the step under the cursor in the middle, or at more."""
        step, shown = self._step, self._shown or self._whole
        length = max(_LEAST_MS, shown.length * factor)
        if step is not None:
            middle = (step.start + step.end) / 2
            self._look_at(Interval(middle - length / 2, middle + length / 2))

    def action_pan(self, share: float) -> None:
        """Look at an earlier or a later stretch, by a share of its length."""
        if self._shown is not None:
            self._look_at(self._shown.moved(share))

    def action_all(self) -> None:
        """Look at all of the time."""
        self._look_at(self._whole)

    @property
    def _whole(self) -> Interval:
        timeline = self._timeline
        return Interval(0.0, max(1.0, (timeline and timeline.duration_ms) or 0.0))

    @property
    def _step(self) -> Step | None:
        """The step under the cursor."""
        timeline, key = self._timeline, self.cursor_key
        place = timeline.places.get(key) if timeline and isinstance(key, int) else None
        return None if timeline is None or place is None else timeline.steps[place]

    def _look_at(self, wanted: Interval) -> None:
        there = wanted.within(self._whole)
        shown = None if there == self._whole else there
        if shown != self._shown:
            self._shown = shown
            self.redraw()
            if shown is not None:
                self.post_message(self.Zoomed())

    def move_to(self, key: Hashable) -> bool:
        """As all tables do, the step in sight."""
        found = super().move_to(key)
        self.keep_in_sight()
        return found

    @on(LineTable.Highlighted)
    def keep_in_sight(self) -> None:
        """Look at where the step under the cursor is."""
        step = self._step
        if step is not None and self._shown is not None:
            self._look_at(self._shown.showing(Interval(step.start, step.end)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """With Ctrl, look at more; with Shift, at what is later."""
        self._wheel(event, zoom=2.0, pan=0.25)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """With Ctrl, look at less; with Shift, at what is earlier."""
        self._wheel(event, zoom=0.5, pan=-0.25)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the time that is shown, if not all is."""
        if self._shown is not None:
            self._held_at, self._held = event.screen_x, self._shown
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the time along."""
        if self._held is not None:
            widths = self._visible().widths
            cells = self._held_at - event.screen_x
            self._look_at(self._held.moved(cells / max(1, widths[_BARS])))

    def on_mouse_up(self) -> None:
        """Let go."""
        self._held = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """As all tables do, unless time was dragged."""
        if event.screen_x != self._held_at and self._shown is not None:
            event.prevent_default()

    def _wheel(self, event: events.MouseEvent, *, zoom: float, pan: float) -> None:
        if event.ctrl or event.shift:
            event.stop()
            event.prevent_default()
            if event.ctrl:
                self.action_zoom_time(zoom)
            else:
                self.action_pan(pan)


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
        return self._timeline.places.get(key) if isinstance(key, int) else None

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
        number = humanize.UNKNOWN if step.step is None else str(step.step)
        return Row(
            (
                cell(number, "muted"),
                (
                    CellSpan("✗" if step.failed else " ", "error"),
                    CellSpan(step.branch, "muted"),
                    CellSpan(step.name, "secondary" if _is_tool(step) else ""),
                ),
                bar(step, axis),
                cell(humanize.fit_number(step.latency_ms, 7), tone),
                _notes(step, notes),
            )
        )


def _dim(row: Row) -> Row:
    return Row(tuple(tuple(CellSpan(span.text, "muted") for span in cell) for cell in row.cells))


def _is_tool(step: Step) -> bool:
    return step.event in ("tool_call", "embedding")


def _notes(step: Step, width: int) -> Cell:
    """As many notes as fit, whole."""
    spans: list[CellSpan] = []
    for note in step.notes:
        gap = "  " if spans else ""
        if sum(len(span.text) for span in spans) + len(gap) + len(note.text) > width:
            break
        spans.append(CellSpan(gap + note.text, _TONES[note.kind]))
    return spans
