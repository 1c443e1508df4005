"""The Overview: traces, the selected one's timeline, calls, alerts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import SCREEN_BINDINGS
from llmlog_tui.tui.panes.alerts import AlertsPane
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.widgets.findbar import FindBar
from llmlog_tui.tui.widgets.header import Header
from llmlog_tui.tui.widgets.keyline import KeyLine
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.search import Hit
    from llmlog_tui.analysis.timeline import Timeline

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 30
"""Under so many columns or rows the panes stand in one column."""


class OverviewScreen(Screen[None]):
    """Everything at a glance."""

    AUTO_FOCUS = "#traces"
    BINDINGS: ClassVar[list[BindingType]] = [*SCREEN_BINDINGS]

    @dataclass
    class FindWanted(Message):
        """The next record with `text` is wanted, from the one with key `row` on, or back."""

        text: str
        row: int | None
        direction: int

    class TraceSelected(Message):
        """Another trace is selected."""

    @dataclass
    class RecordWanted(Message):
        """The record at `place` (path of its file, block, line) is to be shown whole."""

        place: tuple[str, int, int]

    def __init__(self) -> None:
        super().__init__()
        self._overview: Overview | None = None
        self._wanted_step: Hashable = None
        self._before_find: Widget | None = None
        self.header = Header()
        self.findbar = FindBar()
        self._sought = ""
        self._found_row: int | None = None
        self.traces = TracesPane()
        self.timeline = TimelinePane()
        self.calls = CallsPane()
        self.alerts = AlertsPane()

    def compose(self) -> ComposeResult:
        """Header, panes, footer."""
        yield self.header
        yield Container(self.traces, self.timeline, self.calls, self.alerts, id="panes")
        yield self.findbar
        yield KeyLine()

    @property
    def panes(self) -> tuple[Pane, ...]:
        """All panes, from the top."""
        return self.traces, self.timeline, self.calls, self.alerts

    def on_mount(self) -> None:
        """Label the panes that have nothing yet."""
        for pane in self.panes:
            pane.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Stack the panes on a small screen."""
        compact = event.size.width < COMPACT_WIDTH or event.size.height < COMPACT_HEIGHT
        self.set_class(compact, "-compact")
        for pane in self.panes:
            pane.compact = compact

    def show(self, overview: Overview, timeline: Timeline | None) -> None:
        """Show answers; a timeline of another trace than the selected one is of no use any more."""
        self._overview = overview
        self.traces.hold(overview)
        self.calls.hold(overview, self.selected_trace)
        self.alerts.hold(overview)
        if timeline is not None and timeline.trace_id == self.selected_trace:
            self.timeline.hold(timeline)
            if self._wanted_step is not None:
                self.timeline.move_to(self._wanted_step)
                self._wanted_step = None

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are waited for, where their calls will be."""
        self.calls.wait_for(files)

    def follow(self) -> None:
        """Go to the newest trace and call, and stay there."""
        self.traces.follow()
        self.calls.follow()

    # -- what is selected

    @property
    def selected_trace(self) -> str | None:
        """The trace under the cursor."""
        key = self.traces.cursor_key
        return None if key is None else str(key)

    @property
    def wanted_trace(self) -> str | None:
        """The trace whose timeline is wanted; None for the newest, whichever that is."""
        return None if self.traces.following else self.selected_trace

    def select_trace(self, wanted: str) -> bool:
        """Select the trace with this id, or whose id begins so; False if there is none."""
        found = self._overview.trace_like(wanted) if self._overview is not None else None
        if self._overview is None or found is None or not self.traces.move_to(found):
            return False
        self.calls.hold(self._overview, found)
        return True

    def go_to(self, row: Hashable) -> None:
        """Select a record, its trace and its step, in all panes that have it."""
        if self._overview is None or row is None:
            return
        self.calls.move_to(row)
        trace = self._overview.trace_of(row)
        if trace is None or not self.traces.move_to(trace):
            return
        self.calls.hold(self._overview, trace)
        if not self.timeline.move_to(row):
            self._wanted_step = row
        self.post_message(self.TraceSelected())

    @on(LineTable.Highlighted, "#traces")
    def _trace_highlighted(self, message: LineTable.Highlighted) -> None:
        trace = self.selected_trace
        if self._overview is not None and trace is not None:
            self.calls.hold(self._overview, trace)
            last = self._overview.last_call_of(trace) if message.by_user else None
            if last is not None:
                self.calls.move_to(last)
        self.post_message(self.TraceSelected())

    @on(LineTable.Highlighted, "#timeline")
    def _step_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self.calls.move_to(message.key)

    @on(LineTable.Highlighted, "#calls")
    def _call_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self.go_to(message.key)

    # -- what the user does

    @on(LineTable.Selected, "#traces")
    def _open_trace(self) -> None:
        self.timeline.focus()

    @on(LineTable.Selected, "#timeline")
    @on(LineTable.Selected, "#calls")
    def _open_record(self, message: LineTable.Selected) -> None:
        if self._overview is not None and isinstance(message.key, int):
            self.post_message(self.RecordWanted(self._overview.place(message.key)))

    @on(LineTable.Selected, "#alerts")
    def _open_alert(self, message: LineTable.Selected) -> None:
        if isinstance(message.key, tuple):
            self.go_to(message.key[1])

    def action_find(self) -> None:
        """Ask what to find."""
        self._before_find = self.focused
        self.findbar.open(self._sought)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted id is looked for at once."""
        if self.focused is not self.findbar and event.text.strip():
            self._find(event.text.strip().splitlines()[0])

    @on(FindBar.Wanted)
    def _find_wanted(self, message: FindBar.Wanted) -> None:
        self._find(message.text)

    def _find(self, text: str) -> None:
        self._sought = text
        self.post_message(self.FindWanted(text, None, -1))

    @on(FindBar.Closed)
    def _find_closed(self) -> None:
        (self._before_find or self.traces).focus()

    def action_find_next(self, direction: int) -> None:
        """Go to the next match, or with -1 to the one before."""
        if self._sought:
            self.post_message(self.FindWanted(self._sought, self._found_row, direction))
        else:
            self.action_find()

    def found(self, text: str, hit: Hit | None) -> None:
        """Show what was found, and the how manieth it is."""
        if hit is None:
            self.hint(f"Nothing has {inert(text, 60)}.")
            return
        self._found_row = hit.row
        self.go_to(hit.row)
        self.hint(f"{hit.nth:,} of {hit.total:,} with {inert(text, 60)}")

    def action_trace(self) -> None:
        """From the call under the cursor to its trace."""
        self.go_to(self.calls.cursor_key)
        self.traces.focus()

    def action_error(self, direction: int) -> None:
        """Go to the next failed call, or with -1 to the one before."""
        row = None
        if self._overview is not None:
            row = self._overview.next_failed(self.calls.cursor_key, direction)
        if row is None:
            where = "after" if direction > 0 else "before"
            self.hint(f"No failed call {where} this one.")
        else:
            self.go_to(row)

    def action_alert(self) -> None:
        """Go to the next alert, and to the call where it began."""
        if not self.alerts.select_next():
            self.hint("No alerts.")

    def hint(self, text: str) -> None:
        """Say something in passing, in place of what was said before."""
        self.app.clear_notifications()
        self.notify(text, timeout=2, markup=False)

    def action_zoom(self) -> None:
        """Give the focused pane all room between top and bottom row, or take it back."""
        panes = self.query_one("#panes")
        zoomed = not panes.has_class("-zoomed") and isinstance(self.focused, Pane)
        panes.set_class(zoomed, "-zoomed")
        for pane in self.panes:
            pane.set_class(zoomed and pane is self.focused, "-zoomed")
