"""The Overview: traces, the selected one's timeline, calls, alerts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from llmlog_tui.tui.bindings import SCREEN_BINDINGS
from llmlog_tui.tui.panes.alerts import AlertsPane
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.widgets.header import Header
from llmlog_tui.tui.widgets.keyline import KeyLine

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Timeline

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 30
"""Under so many columns or rows the panes stand in one column."""


class OverviewScreen(Screen[None]):
    """Everything at a glance."""

    AUTO_FOCUS = "#traces"
    BINDINGS: ClassVar[list[BindingType]] = [*SCREEN_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.header = Header()
        self.traces = TracesPane()
        self.timeline = TimelinePane()
        self.calls = CallsPane()
        self.alerts = AlertsPane()

    def compose(self) -> ComposeResult:
        """Header, panes, footer."""
        yield self.header
        yield Container(self.traces, self.timeline, self.calls, self.alerts, id="panes")
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

    def show(self, overview: Overview) -> None:
        """Show answers."""
        self.traces.hold(overview)
        trace = self.traces.cursor_key
        self.calls.hold(overview, None if trace is None else str(trace))
        self.alerts.hold(overview)

    def show_timeline(self, timeline: Timeline, step: Hashable) -> None:
        """Show the steps of the selected trace; the cursor goes to `step` if that is not None."""
        self.timeline.hold(timeline)
        if step is not None:
            self.timeline.move_to(step)

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are waited for, where their calls will be."""
        self.calls.wait_for(files)

    def follow(self) -> None:
        """Go to the newest trace and call, and stay there."""
        self.traces.follow()
        self.calls.follow()

    def zoom(self) -> None:
        """Give the focused pane all the room there is, or take it back."""
        panes = self.query_one("#panes")
        zoomed = not panes.has_class("-zoomed") and isinstance(self.focused, Pane)
        panes.set_class(zoomed, "-zoomed")
        for pane in self.panes:
            pane.set_class(zoomed and pane is self.focused, "-zoomed")
