"""The steps of the selected trace, each with a bar on a common time axis."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.analysis.numeric.interval import Interval
from llmlog_tui.analysis.traces import running_steps
from llmlog_tui.tui.keys.panes import STEPS_BINDINGS, TIME_BINDINGS, TIMELINE_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.step_rows import (
    BARS,
    MEDIUM,
    NARROW,
    ROOMY,
    SPARE,
    WIDE,
    InFlightSteps,
    StepInFlight,
    StepRows,
)
from llmlog_tui.tui.render import running_text
from llmlog_tui.tui.render.timeline_bars import LEGEND, LEGEND_NEAR, Axis
from llmlog_tui.tui.widgets.bindings import TABLE_BINDINGS
from llmlog_tui.tui.widgets.row_source import Column, NoRows
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Timeline
    from llmlog_tui.log.starts import RunningStep

_SPARE_FROM, _ROOMY_FROM, _WIDE_FROM, _MEDIUM_FROM = 140, 96, 80, 46
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
        self._in_flight: Sequence[RunningStep] = ()
        self._has_length = False  # it can be zoomed

    @property
    def trace_id(self) -> str | None:
        return None if self._timeline is None else self._timeline.trace_id

    def update(
        self,
        timeline: Timeline,
        played: Callable[[int], bool] | None = None,
        in_flight: Sequence[RunningStep] = (),
    ) -> None:
        """Show a trace and its steps in flight.

        Steps for whose key `played` is false are dimmed.
        """
        self._played, self._in_flight = played, in_flight
        is_other = self._timeline is None or self._timeline.trace_id != timeline.trace_id
        self._timeline = timeline
        if is_other:
            self._show_all()
        self.redraw()
        if is_other and not self.following:
            self.follow()

    def _show_all(self) -> None:
        """End the zoom, with the keys that need one."""
        if self._shown is not None:
            self._shown = None
            self.refresh_bindings()

    def clear(self) -> None:
        """Show no trace."""
        self._timeline = None
        self._in_flight = ()
        self._show_all()
        self.set_source(NoRows(self._columns()))
        self.redraw()

    def redraw(self) -> None:
        timeline = self._timeline
        if timeline is None:
            self.set_title(self.NAME)
            return
        flight = InFlightSteps(self._in_flight, datetime.now(UTC))
        self.set_source(StepRows(timeline, self._columns(), self._shown, self._played, flight))
        has_length = self._full_range.length > _MIN_ZOOM_MS
        if has_length != self._has_length:
            self._has_length = has_length
            self.refresh_bindings()
        name = timeline.name or next((s.trace_name for s in flight.steps if s.trace_name), None)
        facts = [
            f"{self.NAME} {humanize.run_label(timeline.trace_id, name)}",
            humanize.plural(len(timeline.steps), "step") if timeline.steps else "",
            running_text.counted(flight.steps, flight.now),
            self._zoomed_range() + humanize.duration(timeline.duration_ms)
            if timeline.steps
            else "",
            *(["in sequence: no ts"] if timeline.steps and not timeline.timed else []),
        ]
        legend, note = LEGEND if self._shown is None else LEGEND_NEAR, self.note(timeline)
        gone = next((step for step in flight.steps if step.is_gone(flight.now)), None)
        if gone is not None:
            sign = running_text.NEVER_ENDED.text
            legend = f"{sign} {running_steps.why_gone(gone)}"
        self.set_title(" · ".join(filter(None, facts)), f"{legend} · {note}", legend, LEGEND, note)

    def grow(self) -> None:
        """Let the bars of steps in flight grow."""
        if self._in_flight:
            self.redraw()

    def _columns(self) -> tuple[Column, ...]:
        if self.size.width >= _SPARE_FROM:
            return SPARE
        if self.size.width >= _WIDE_FROM and not self.compact:
            return ROOMY if self.size.width >= _ROOMY_FROM else WIDE
        return MEDIUM if self.size.width >= _MEDIUM_FROM else NARROW

    def _zoomed_range(self) -> str:
        if self._shown is None:
            return ""
        axis = Axis.of(self._shown.length, self.size.width, self._shown.begin)
        return f"{axis.range_label()} of "

    def note(self, timeline: Timeline) -> str:
        """Return the note after the legend."""
        session = timeline.session_id or running_steps.session_of(self._in_flight)
        return f"session {humanize.short_id(session)}"

    # -- zoom and pan

    def action_zoom_time(self, factor: float) -> None:
        """Multiply the length of the shown interval, centred on the step under the cursor."""
        bar, shown = self._bar, self._shown or self._full_range
        length = max(_MIN_ZOOM_MS, shown.length * factor)
        if bar is not None:
            middle = (bar.begin + bar.end) / 2
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
        if timeline is None:
            return Interval(0.0, 1.0)
        flight = InFlightSteps(self._in_flight, datetime.now(UTC))
        return Interval(0.0, max(1.0, flight.length_ms(timeline)))

    @property
    def _bar(self) -> Interval | None:
        """Return the time of the step under the cursor; one in flight lasts until now."""
        timeline, key = self._timeline, self.cursor_key
        if timeline is None:
            return None
        if isinstance(key, StepInFlight):
            flight = InFlightSteps(self._in_flight, datetime.now(UTC))
            steps = (step for step in flight.steps if step.span_id == key.span_id)
            bars = (
                Interval(flight.start_ms(step, timeline), flight.end_ms(step, timeline))
                for step in steps
            )
            return next(bars, None)
        index = timeline.index_by_key.get(key) if isinstance(key, int) else None
        step = None if index is None else timeline.steps[index]
        return None if step is None else Interval(step.start, step.end)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable panning without a zoom, and zooming where the time has no length."""
        if action in ("pan", "all") and self._shown is None:
            return False
        if action == "zoom_time" and not self._has_length:
            return False
        return super().check_action(action, parameters)

    def _zoom_to(self, interval: Interval) -> None:
        clamped = interval.clamp(self._full_range)
        shown = None if clamped == self._full_range else clamped
        if shown != self._shown:
            self._shown = shown
            self.redraw()
            self.refresh_bindings()
            if shown is not None:
                self.post_message(self.Zoomed())

    def move_to(self, key: Hashable) -> bool:
        found = super().move_to(key)
        self._scroll_to_step()
        return found

    @on(LineTable.Highlighted)
    def _scroll_to_step(self) -> None:
        """Pan to the step under the cursor."""
        bar = self._bar if self._shown is not None else None
        if bar is not None and self._shown is not None:
            self._zoom_to(self._shown.scroll_to(bar))

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
            room = widths[BARS] if len(widths) > BARS else 1  # the screen may have shrunk since
            self._zoom_to(self._dragged.shift(cells / max(1, room)))

    def on_mouse_up(self) -> None:
        self._dragged = None
        self.release_mouse()

    def clicked(self, event: events.Click) -> None:
        # The click that ends a drag moves no cursor.
        if event.screen_x == self._dragged_from or self._shown is None:
            super().clicked(event)


class StepsPane(TimelinePane, inherit_bindings=False):
    """The steps; Enter shows a record, and h and l step through the replay."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_BINDINGS, *STEPS_BINDINGS]
    NAME = "Steps"

    def note(self, timeline: Timeline) -> str:
        del timeline
        return "played steps are bright"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the record of a step that has none yet."""
        if action == "select" and isinstance(self.cursor_key, StepInFlight):
            return False
        return super().check_action(action, parameters)
