"""Calls view: all model calls, with the detail of one in a drawer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.tui.keys.panes import ALL_CALLS_BINDINGS
from llmlog_tui.tui.keys.views import CALLS_VIEW_BINDINGS
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.queries import CallOrderQuery
from llmlog_tui.tui.render import detail_text, record_text
from llmlog_tui.tui.screens.location import DetailTimer
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.progress import Progress


class AllCalls(CallsPane):
    """The table: Enter opens the drawer."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALL_CALLS_BINDINGS]


class CallsScreen(LogView):
    """The table, and the drawer."""

    NAME = "calls"
    AUTO_FOCUS = "#all-calls"
    RECORD_ACTIONS = frozenset(("trace", "record", "view_as"))
    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_VIEW_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.calls = AllCalls(id="all-calls")
        self.drawer = TextPane(id="drawer")
        self.drawer.display = False
        self._detail_timer = DetailTimer(self, self._update_detail)
        self._shows_line = False

    def body(self) -> Iterable[Widget]:
        yield Horizontal(self.calls, self.drawer, id="calls-body")

    def on_mount(self) -> None:
        self.calls.redraw()

    def apply_layout(self) -> None:
        self.calls.compact = self.compact

    def load_preferences(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        self.calls.load_preferences(memory.get("calls"), rules)

    @property
    def call_order(self) -> CallOrderQuery:
        return CallOrderQuery(self.calls.sort)

    @property
    def current_query(self) -> CallOrderQuery:
        return self.call_order

    def update_body(self, overview: Overview, result: object | None) -> None:
        first = self.calls.cursor_key is None
        self.calls.update(overview, self._trace(overview), cast("pl.Series | None", result))
        if first or self.record_line is None:
            self._update_detail()

    def update_calls(self, overview: Overview) -> None:
        self.update_body(overview, None)

    def _trace(self, overview: Overview) -> str | None:
        return None if self.cursor_key is None else overview.trace_of(self.cursor_key)

    @property
    def cursor_key(self) -> Hashable:
        return self.calls.cursor_key

    def go_to(self, row: Hashable) -> bool:
        """Go to a call; False for other records, and for calls that the filter hides."""
        is_here = self.calls.move_to(row)
        if is_here:
            self._update_detail()
        return is_here

    def restore_state(self, state: object) -> None:
        super().restore_state(state)
        self._update_detail()

    @property
    def following(self) -> bool:
        return self.calls.following and self.calls.sort is None

    def follow(self) -> None:
        self.calls.follow()
        self.query_changed()

    def update_progress(self, progress: Progress) -> None:
        self.calls.update_progress(progress)

    # -- the drawer

    @on(LineTable.Highlighted, "#all-calls")
    def _highlighted(self, message: LineTable.Highlighted) -> None:
        message.stop()
        if self.overview is not None:
            self.calls.set_trace(self._trace(self.overview))
        if self.drawer.display:
            self._detail_timer.restart()

    @on(LineTable.Selected, "#all-calls")
    def _toggle(self) -> None:
        self.drawer.display = not self.drawer.display
        self.refresh_bindings()  # Tab goes there, too
        self.call_after_refresh(self._update_detail)  # when it has its width

    def _update_detail(self) -> None:
        """Show the detail of the call under the cursor, and have its line read."""
        if not self.drawer.display or self.cursor_key is None:
            return
        if location := self.location_of(self.cursor_key):
            self.request_line(location)
        elif self.overview is not None:
            self.record_line = None
            self.drawer.update("Evicted", [Content.styled(self.EVICTED, "$text-muted")])

    def draw_detail(self) -> None:
        row, read = self.cursor_key, self.record_line
        if self.overview is None or read is None or not isinstance(row, int):
            return
        if not self.overview.has(row):
            return
        detail = self.overview.detail(row)
        record = detail.record
        step = humanize.step_number(record["step"])
        title = f"Step {step} · {record['event']}"
        if self._shows_line:
            lines = list(record_text.raw(read.decoded)) if read.is_read else [Content("reading …")]
        else:
            width = self.drawer.size.width - 2
            lines = [*self.note_lines(row)]
            lines += detail_text.lines(detail, None, width)
            lines += record_text.tags(read.decoded)
            lines += [Content(""), *record_text.greps(read.decoded, read.location[0])]
        self.drawer.update(title, lines, "v: fields, raw line")

    # -- actions

    @property
    def is_empty(self) -> bool:
        return not len(self.calls.source)

    def action_view_as(self) -> None:
        """Toggle between fields and the raw line."""
        self._shows_line = not self._shows_line
        self.drawer.display = True
        self.refresh_bindings()
        self._update_detail()

    def action_record(self) -> None:
        """Show the whole record."""
        self.request_record(self.cursor_key)

    def action_trace(self) -> None:
        """Go to this call's trace in the Overview."""
        if isinstance(self.cursor_key, int):
            self.post_message(self.GoToRequested(self.cursor_key))

    def action_back(self) -> None:
        """Close the drawer; without one, clear the filter."""
        if self.drawer.display:
            self.drawer.display = False
            self.refresh_bindings()
        else:
            super().action_back()
