"""The Overview: traces, the selected one's timeline, calls, alerts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.views import OVERVIEW_BINDINGS
from llmlog_tui.tui.overview_layout import OverviewLayout
from llmlog_tui.tui.panes.alerts import AlertsPane
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.grid import PaneGrid
from llmlog_tui.tui.panes.kpi_row import KpiRow
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.queries import CallOrderQuery, OverviewQuery, OverviewResult
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.screens.location import ViewState


class OverviewScreen(LogView):
    """Everything at a glance."""

    NAME = "overview"
    AUTO_FOCUS = "#traces"
    BINDINGS: ClassVar[list[BindingType]] = [*OVERVIEW_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._marked: str | None = None
        self._wanted_step: Hashable = None
        self._gone_to: int | None = None
        self.kpis = KpiRow()
        self.traces = TracesPane()
        self.timeline = TimelinePane()
        self.calls = CallsPane()
        self.alerts = AlertsPane()
        self.ground = PaneGrid(self.traces, self.timeline, self.calls, self.alerts, self.kpis)

    def body(self) -> Iterable[Widget]:
        """The figures, and the panes."""
        yield self.kpis
        yield self.ground

    @property
    def panes(self) -> tuple[Pane, ...]:
        """All panes, from the top."""
        return self.ground.panes

    def on_mount(self) -> None:
        """Label the panes that have nothing yet."""
        for pane in self.panes:
            pane.redraw()

    def reform(self) -> None:
        """Stack the panes on a small screen."""
        self.ground.reform(compact=self.compact)

    def recall(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Have panes and columns as they were."""
        self.ground.take_arrangement(OverviewLayout.of(memory.get("overview")))
        self.calls.recall(memory.get("calls"), rules)

    @property
    def order(self) -> CallOrderQuery:
        """That of the pane of calls."""
        return CallOrderQuery(self.calls.sort)

    @property
    def ask(self) -> OverviewQuery:
        """The steps of the selected trace; of the newest one while following."""
        trace = None if self.traces.following else self.selected_trace
        return OverviewQuery(trace, self.calls.sort, self.traces.by_session)

    def show(self, overview: Overview, answer: object | None) -> None:
        """Show answers; a timeline of another trace than the selected one is of no use any more."""
        self.kpis.hold(overview.kpis)
        steps = cast("OverviewResult | None", answer)
        self.traces.hold(overview, None if steps is None else steps.sessions)
        self.calls.hold(overview, self.selected_trace, None if steps is None else steps.order)
        self.alerts.hold(overview)
        timeline = None if steps is None else steps.timeline
        if not overview.traces.height:
            self.timeline.clear()
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
        self._gone_to = None

    # -- what is selected

    @property
    def selected_trace(self) -> str | None:
        """The trace under the cursor."""
        return self.traces.trace

    @property
    def row(self) -> Hashable:
        """The call under the cursor."""
        return self.calls.cursor_key

    @property
    def at_hand(self) -> Hashable:
        """The step in Timeline if that has the keys, else the call, of the trace if Traces has."""
        if self.timeline.has_focus:
            return self.timeline.cursor_key
        row, trace = self.row, self.selected_trace
        if self.overview is None or trace is None or not self.traces.has_focus:
            return row
        is_of_it = row is not None and self.overview.trace_of(row) == trace
        return row if is_of_it else self.overview.last_call_of(trace)

    @property
    def trace_at_hand(self) -> str | None:
        """The selected trace."""
        return self.selected_trace

    def select_trace(self, wanted: str) -> bool:
        """Select the trace with this id, or whose id begins so; False if there is none."""
        found = self.overview.trace_like(wanted) if self.overview is not None else None
        if self.overview is None or found is None or not self.traces.move_to(found):
            return False
        self.calls.mark(found)
        return True

    def go_to(self, row: Hashable) -> None:
        """Select a record, its trace and its step, in all panes that have it."""
        self._gone_to = row if isinstance(row, int) else None
        self._select(row)

    def _select(self, row: Hashable) -> None:
        if self.overview is None or not isinstance(row, int):
            return
        if not self.overview.lets_through(row):
            self.post_message(self.GoWanted(self.NAME, row))  # the filter gives way
            return
        self.calls.move_to(row)
        trace = self.overview.trace_of(row)
        if trace is None or not self.traces.move_to(trace):
            return
        self.calls.mark(trace)
        self._wanted_step = None if self.timeline.move_to(row) else row
        self.post_message(self.Asks(self))

    @on(LineTable.Highlighted, "#traces")
    def _trace_highlighted(self, message: LineTable.Highlighted) -> None:
        trace = self.selected_trace
        if self.overview is not None and trace is not None:
            self.calls.mark(trace)
            last = self.overview.last_call_of(trace) if message.by_user else None
            if last is not None:
                self.calls.move_to(last)
        if message.by_user:
            self._gone_to = None
            self._stay(self.traces.following)
        self.post_message(self.Asks(self))

    @on(LineTable.Highlighted, "#timeline")
    def _step_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user and isinstance(message.key, int):
            self._gone_to = None
            self.calls.move_to(message.key)
            self._stay(self.following and self.timeline.following)

    @on(LineTable.Highlighted, "#calls")
    def _call_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            follows = self.calls.following and self.calls.sort is None
            self._gone_to = None
            self._select(message.key)
            self._stay(follows)

    @on(TracesPane.Grouped)
    def _grouped(self) -> None:
        self.post_message(self.Asks(self))

    @on(TimelinePane.Zoomed)
    def _looked_closer(self) -> None:
        self._stay(False)  # noqa: FBT003 - short

    @property
    def following(self) -> bool:
        """Whether the newest trace and call are on screen, and those that come will be."""
        return self.traces.following and self.calls.following

    def _stay(self, follows: bool) -> None:  # noqa: FBT001 - short
        """All panes go with the newest, or none: what is looked at in one stays in the others."""
        self.traces.following = self.calls.following = follows

    # -- what the user does

    @on(LineTable.Selected, "#traces")
    def _open_trace(self, message: LineTable.Selected) -> None:
        trace = str(message.key)
        self.post_message(self.ReplayWanted(trace, self._step_gone_to(trace)))

    def _step_gone_to(self, trace: str) -> int | None:
        """The step of this trace that was gone to, if a cursor has not followed away from it."""
        overview, row = self.overview, self._gone_to
        cursors = self.calls.cursor_key, self.timeline.cursor_key, self._wanted_step
        if overview is None or row is None or row not in cursors or not overview.has(row):
            return None
        return row if overview.trace_of(row) == trace else None

    def action_mark(self) -> None:
        """Mark the trace under the cursor as A; the next one as B, and lay both side by side."""
        trace, a = self.selected_trace, self._marked
        if trace is None:
            return
        self._marked = None if trace == a or a is not None else trace
        self.traces.mark({} if self._marked is None else {trace: "A"})
        if a is None:
            self.hint(
                f"A is {sanitize(humanize.short_id(trace))}. d on another run lays it beside."
            )
        elif trace != a:
            self.app.clear_notifications()  # that A was marked is done with
            self.post_message(self.DiffWanted(a, trace))

    @on(LineTable.Selected, "#timeline")
    def _open_step(self, message: LineTable.Selected) -> None:
        if self.selected_trace is not None and isinstance(message.key, int):
            self.post_message(self.ReplayWanted(self.selected_trace, message.key))

    @on(LineTable.Selected, "#calls")
    def _open_record(self, message: LineTable.Selected) -> None:
        if self.overview is not None and isinstance(message.key, int):
            self.post_message(self.RecordWanted(self.overview.place(message.key)))

    @on(LineTable.Selected, "#alerts")
    def _open_alert(self, message: LineTable.Selected) -> None:
        if isinstance(message.key, tuple):
            self.leave()
            self.go_to(message.key[1])

    def action_trace(self) -> None:
        """From the call under the cursor to its trace."""
        self.leave()
        self.go_to(self.calls.cursor_key)
        self.traces.focus()

    def show_alert(self, at: int) -> None:
        """Put the cursor on an alert, and on the call where it began."""
        key = self.alerts.source.key(at)
        self.alerts.move_to(key)
        if isinstance(key, tuple):
            self.go_to(key[1])

    def bearings(self) -> object:
        """With the pane that has the screen for itself, and the step that was gone to."""
        return super().bearings(), self.ground.zoomed, self._gone_to

    def return_to(self, bearings: object) -> None:
        """Be as it was; a step of another trace is gone to when its timeline is here."""
        wanted = cast("tuple[ViewState, Pane | None, int | None]", bearings)
        shared, zoomed, self._gone_to = wanted
        self.ground.zoom(zoomed)
        super().return_to(shared)
        self._wanted_step = dict(shared.spots)[self.timeline.id].key
        self.post_message(self.Asks(self))

    def action_back(self) -> None:
        """Esc: first the zoomed pane back to its size, then the filter away."""
        if self.ground.zoomed is not None:
            self.ground.zoom(None)
        else:
            super().action_back()
