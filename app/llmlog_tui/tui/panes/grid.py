"""Resizable grid of the Overview's panes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from llmlog_tui.tui.keys.panes import GRID_BINDINGS
from llmlog_tui.tui.overview_layout import OverviewLayout
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.traces import TracesPane


class PaneGrid(Container):
    """Traces beside a timeline, calls and alerts under them; or one pane `zoomed`, alone.

    A zoomed pane hides the widget `above`, too.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*GRID_BINDINGS]

    @dataclass
    class ArrangementChanged(Message):
        """The user resized or hid panes: store the arrangement."""

        arrangement: OverviewLayout

    def __init__(
        self, traces: TracesPane, timeline: Pane, calls: Pane, alerts: Pane, above: Widget
    ) -> None:
        super().__init__(traces, timeline, calls, alerts, id="panes")
        self.panes: tuple[Pane, ...] = (traces, timeline, calls, alerts)
        self.arrangement = OverviewLayout()
        self.zoomed: Pane | None = None
        self._traces, self._timeline, self._calls, self._alerts = traces, timeline, calls, alerts
        self._above = above
        self._compact = False

    def apply_layout(self, *, compact: bool) -> None:
        """Apply the wide or compact layout."""
        self._compact = compact
        for pane in self.panes:
            pane.compact = compact
        self._apply_arrangement()

    def set_arrangement(self, arrangement: OverviewLayout) -> None:
        """Show and size the panes."""
        self.arrangement = arrangement
        self._traces.by_session = arrangement.by_session
        if self.is_mounted:
            self._apply_arrangement()
            self.post_message(self.ArrangementChanged(arrangement))

    @on(TracesPane.GroupingChanged)
    def _grouped(self, message: TracesPane.GroupingChanged) -> None:
        self.set_arrangement(replace(self.arrangement, by_session=message.by_session))

    def zoom(self, pane: Pane | None) -> None:
        """Show only this pane; all panes, if it is None."""
        self.zoomed = pane
        self._apply_arrangement()

    def _apply_arrangement(self) -> None:
        hidden, width = self.arrangement.hidden, self.screen.size.width
        self.set_class(self.zoomed is not None, "-zoomed")
        self._above.display = self.zoomed is None
        for pane in self.panes:
            pane.zoomed = pane is self.zoomed
            pane.display = pane.id not in hidden if self.zoomed is None else pane.zoomed
        if self.zoomed is None and not self._compact:
            self.styles.grid_columns = self.arrangement.columns(width)
            self._apply_rows()
            span = 2 if len(self.arrangement.columns(width).split()) == 1 else 1
            self._traces.styles.column_span = self._timeline.styles.column_span = span
        focused = self.screen.focused
        if focused is None or not focused.display:
            next(pane for pane in self.panes if pane.display).focus()

    def _apply_rows(self) -> None:
        rows = self.arrangement.rows(self.size.height or self.screen.size.height)
        self.styles.grid_rows, self.styles.grid_size_rows = rows, len(rows.split())

    def on_resize(self) -> None:
        """Share out another height: the calls in flight above come and go."""
        if self.zoomed is None and not self._compact:
            self._apply_rows()

    # -- what the user does

    @property
    def _focused(self) -> Pane | None:
        return next((pane for pane in self.panes if pane.has_focus), None)

    def action_zoom(self) -> None:
        """Show only the focused pane, or all again."""
        self.zoom(self._focused if self.zoomed is None else None)

    def action_hide(self) -> None:
        pane = self._focused
        if pane is not None and pane.id is not None:
            self.zoomed = None
            self.set_arrangement(self.arrangement.without(pane.id))
            self.app.clear_notifications()
            self.notify("Pane hidden. X shows all panes.", timeout=2, markup=False)

    def action_unhide(self) -> None:
        self.set_arrangement(self.arrangement.all_panes)

    def action_widen(self, columns: int) -> None:
        """Move the border between Traces and Timeline."""
        self.set_arrangement(self.arrangement.resized("traces", columns))

    def action_heighten(self, rows: int) -> None:
        """Move the border under the top panes; from Calls or Alerts, the one over Alerts."""
        if self._focused in (self._calls, self._alerts):
            self.set_arrangement(self.arrangement.resized("alerts", -rows))
        else:
            self.set_arrangement(self.arrangement.resized("top", rows))
