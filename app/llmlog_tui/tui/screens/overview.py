"""Overview: traces, the timeline of the selected one, calls, alerts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual import on
from textual.binding import BindingType
from textual.timer import Timer
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.views import OVERVIEW_BINDINGS
from llmlog_tui.tui.navigation import Intent, SelectStep
from llmlog_tui.tui.overview_layout import OverviewLayout
from llmlog_tui.tui.panes.alerts import AlertsPane
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.grid import PaneGrid
from llmlog_tui.tui.panes.kpi_row import KpiRow
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.panes.running import GROWS_S, RunningPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.queries import CallOrderQuery, OverviewQuery, OverviewResult
from llmlog_tui.tui.screens.location import ViewState
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.progress import Progress


class OverviewState(NamedTuple):
    """State of the panes, the zoomed pane, and the last jump's target."""

    panes: object
    zoomed: Pane | None
    target: int | None


class OverviewScreen(LogView):
    """KPIs above the four panes."""

    NAME = "overview"
    AUTO_FOCUS = "#traces"
    RECORD_ACTIONS = frozenset(("mark", "trace"))
    BINDINGS: ClassVar[list[BindingType]] = [*OVERVIEW_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._marked: str | None = None
        self._target: int | None = None  # the record last jumped to, until the user moves on
        self.kpis = KpiRow()
        self.traces = TracesPane()
        self.running = RunningPane()
        self.timeline = TimelinePane()
        self.calls = CallsPane()
        self.alerts = AlertsPane()
        self.ground = PaneGrid(self.traces, self.timeline, self.calls, self.alerts, self.kpis)
        self._growth: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield self.kpis
        yield self.running
        yield self.ground

    @property
    def panes(self) -> tuple[Pane, ...]:
        return self.ground.panes

    def on_mount(self) -> None:
        for pane in self.panes:
            pane.redraw()
        self._growth = self.set_interval(GROWS_S, self._grow, pause=True)

    def _grow(self) -> None:
        """Let the bars of steps in flight grow; stop once none is left."""
        steps = () if self.overview is None else self.overview.snapshot.running
        now = datetime.now(UTC)
        if self._growth is not None and all(step.is_gone(now) for step in steps):
            self._growth.pause()
        self.traces.grow()
        self.timeline.grow()

    def apply_layout(self) -> None:
        self.running.compact = self.compact
        self.ground.apply_layout(compact=self.compact)

    def load_preferences(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        self.ground.set_arrangement(OverviewLayout.from_object(memory.get("overview")))
        self.calls.load_preferences(memory.get("calls"), rules)

    @property
    def call_order(self) -> CallOrderQuery:
        return CallOrderQuery(self.calls.sort)

    @property
    def current_query(self) -> OverviewQuery:
        """The timeline of the selected trace, or of the newest one while following."""
        trace = None if self.traces.following else self.selected_trace
        return OverviewQuery(trace, self.calls.sort, self.traces.by_session)

    def update_body(self, overview: Overview, result: object | None) -> None:
        self.kpis.update(overview.kpis)
        self.running.update_steps(overview.snapshot.running)
        if overview.snapshot.running and self._growth is not None:
            self._growth.resume()
        steps = cast("OverviewResult | None", result)
        self.traces.update(overview, None if steps is None else steps.sessions)
        self.calls.update(overview, self.selected_trace, None if steps is None else steps.order)
        self.alerts.update(overview)
        timeline = None if steps is None else steps.timeline
        if not len(self.traces.source):
            self.timeline.clear()
        if timeline is not None and timeline.trace_id == self.selected_trace:
            begun = overview.steps_in_flight(timeline.trace_id)
            self.timeline.update(timeline, in_flight=begun)

    def update_calls(self, overview: Overview) -> None:
        self.calls.update(overview, self.selected_trace, None)

    def update_progress(self, progress: Progress) -> None:
        self.calls.update_progress(progress)

    def follow(self) -> None:
        self.traces.follow()
        self.calls.follow()
        self._target = None

    # -- selection

    @property
    def selected_trace(self) -> str | None:
        return self.traces.trace

    @property
    def cursor_key(self) -> Hashable:
        return self.calls.cursor_key

    @property
    def target_key(self) -> Hashable:
        """Key of the last jump's target, else of the focused pane's record.

        A pane's record is a step, a trace or a call.
        """
        if self._is_at_target:
            return self._target
        if self.timeline.has_focus:
            return self.timeline.cursor_key
        row, trace = self.cursor_key, self.selected_trace
        if self.overview is None or trace is None or not self.traces.has_focus:
            return row
        is_of_it = row is not None and self.overview.trace_of(row) == trace
        return row if is_of_it else self.overview.last_call_of(trace)

    @property
    def target_trace(self) -> str | None:
        return self.selected_trace

    def select_trace(self, prefix: str) -> bool:
        """Select the trace whose id has this prefix; False if there is none."""
        found = self.overview.find_trace(prefix) if self.overview is not None else None
        if self.overview is None or found is None or not self.traces.move_to(found):
            return False
        self.calls.set_trace(found)
        return True

    def go_to(self, row: Hashable) -> bool:
        """Select a record, its trace and its step; False if the filter hides it."""
        self._target = row if isinstance(row, int) else None
        return self._select(row)

    def _select(self, row: Hashable) -> bool:
        if self.overview is None or not isinstance(row, int):
            return True
        if not self.overview.matches_filter(row):
            return not self.overview.has(row)
        self.calls.move_to(row)
        trace = self.overview.trace_of(row)
        if trace is None or not self.traces.move_to(trace):
            return True
        self.calls.set_trace(trace)
        is_loaded = self.timeline.move_to(row)
        self.query_changed(None if is_loaded else SelectStep(trace, row))
        return True

    def apply_intent(self, intent: Intent) -> bool:
        if not isinstance(intent, SelectStep):
            return super().apply_intent(intent)
        is_loaded = self.timeline.trace_id == intent.trace_id
        if is_loaded:
            self.timeline.move_to(intent.row)
        # Dropped if another trace was selected meanwhile.
        return is_loaded or self.selected_trace != intent.trace_id

    @on(LineTable.Highlighted, "#traces")
    def _trace_highlighted(self, message: LineTable.Highlighted) -> None:
        trace = self.selected_trace
        if self.overview is not None and trace is not None:
            self.calls.set_trace(trace)
            last = self.overview.last_call_of(trace) if message.by_user else None
            if last is not None:
                self.calls.move_to(last)
        if message.by_user:
            self._target = None
            self._set_following(self.traces.following)
        self.query_changed()

    @on(LineTable.Highlighted, "#timeline")
    def _step_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user and isinstance(message.key, int):
            self._target = None
            self.calls.move_to(message.key)
            self._set_following(self.following and self.timeline.following)

    @on(LineTable.Highlighted, "#calls")
    def _call_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            follows = self.calls.following and self.calls.sort is None
            self._target = None
            self._select(message.key)
            self._set_following(follows)

    @on(TracesPane.GroupingChanged)
    def _grouped(self) -> None:
        self.query_changed()

    @on(TimelinePane.Zoomed)
    def _timeline_zoomed(self) -> None:
        self._set_following(False)  # noqa: FBT003 - short

    @property
    def following(self) -> bool:
        """Whether both traces and calls follow the newest."""
        return self.traces.following and self.calls.following

    def _set_following(self, follows: bool) -> None:  # noqa: FBT001 - short
        """Let all panes follow, or none: they select the same record."""
        self.traces.following = self.calls.following = follows

    # -- actions

    @on(LineTable.Selected, "#traces")
    def _open_trace(self, message: LineTable.Selected) -> None:
        trace = str(message.key)
        self.post_message(self.ReplayRequested(trace, self._target_step(trace)))

    def _target_step(self, trace: str) -> int | None:
        """Return the last jump's target if it is a step of this trace.

        None if the cursors have followed newer records since.
        """
        overview, row = self.overview, self._target
        is_of_it = overview is not None and overview.trace_of(row) == trace
        return row if is_of_it and self._is_at_target else None

    @property
    def _is_at_target(self) -> bool:
        """Whether the last jump's target is still selected, or its steps are still loading."""
        overview, row = self.overview, self._target
        if overview is None or row is None or not overview.has(row):
            return False
        is_loading = self.timeline.trace_id != overview.trace_of(row)
        return is_loading or row in (self.calls.cursor_key, self.timeline.cursor_key)

    @property
    def is_empty(self) -> bool:
        return not (len(self.traces.source) or len(self.calls.source))

    def action_mark(self) -> None:
        """Mark the trace as A; with the next one as B, open their diff."""
        trace, a = self.selected_trace, self._marked
        if trace is None:
            return
        self._marked = None if trace == a or a is not None else trace
        self.traces.set_marks({} if self._marked is None else {trace: "A"})
        if a is None:
            self.hint(
                f"A is {sanitize(humanize.short_id(trace))}. d on another trace opens their diff."
            )
        elif trace != a:
            self.app.clear_notifications()  # the hint above is obsolete
            self.post_message(self.DiffRequested(a, trace))

    @on(LineTable.Selected, "#timeline")
    def _open_step(self, message: LineTable.Selected) -> None:
        trace, key = self.selected_trace, message.key
        if trace is not None:
            self.post_message(self.ReplayRequested(trace, key))

    @on(LineTable.Selected, "#calls")
    def _open_record(self, message: LineTable.Selected) -> None:
        self.request_record(message.key)

    @on(LineTable.Selected, "#alerts")
    def _open_alert(self, message: LineTable.Selected) -> None:
        if isinstance(message.key, tuple):
            self.start_jump()
            self.ground.zoom(None)  # else its call would be in a hidden pane
            if not self.go_to(message.key[1]):
                self.post_message(self.GoToRequested(message.key[1]))

    def action_trace(self) -> None:
        """Go from the call under the cursor to its trace."""
        self.start_jump()
        self.go_to(self.calls.cursor_key)
        self.traces.focus()

    def go_to_alert(self, index: int) -> None:
        """Select an alert, and the call where it began."""
        self.start_jump()
        key = self.alerts.source.key(index)
        self.alerts.move_to(key)
        if isinstance(key, tuple) and not self.go_to(key[1]):
            self.post_message(self.GoToRequested(key[1]))

    def get_state(self) -> object:
        return OverviewState(super().get_state(), self.ground.zoomed, self._target)

    def restore_state(self, state: object) -> None:
        if not isinstance(state, OverviewState):
            return
        self._target = state.target
        self.ground.zoom(state.zoomed)
        super().restore_state(state.panes)
        trace, step = self.selected_trace, None
        if isinstance(state.panes, ViewState):
            step = dict(state.panes.cursors)[self.timeline.id].key
        if trace is not None and isinstance(step, int):
            self.query_changed(SelectStep(trace, step))
        else:
            self.query_changed()

    @property
    def is_maximised(self) -> bool:
        return self.ground.zoomed is not None

    def action_back(self) -> None:
        """Unzoom the zoomed pane; without one, clear the filter."""
        if self.ground.zoomed is not None:
            self.ground.zoom(None)
        else:
            super().action_back()
