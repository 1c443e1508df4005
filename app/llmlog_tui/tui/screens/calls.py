"""Calls: all model calls on a screen of their own, with the detail of one in a drawer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.tui.keys.panes import ALL_CALLS_BINDINGS
from llmlog_tui.tui.keys.views import CALLS_VIEW_BINDINGS
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.queries import CallOrderQuery
from llmlog_tui.tui.render import detail_text, record_text
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview

_DETAIL_AFTER_SECONDS: Final = 0.08


class AllCalls(CallsPane):
    """The table: Enter opens the drawer."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALL_CALLS_BINDINGS]


class CallsScreen(LogView):
    """The table, and the drawer when it is open."""

    NAME = "calls"
    AUTO_FOCUS = "#all-calls"
    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_VIEW_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.calls = AllCalls(id="all-calls")
        self.drawer = TextPane(id="drawer")
        self.drawer.display = False
        self._settling: Timer | None = None
        self._line_of: tuple[str, int, int] | None = None
        self._line: bytes | None = None
        self._line_is_read = False  # a line that was read may be None: it is gone
        self._shows_line = False

    def body(self) -> Iterable[Widget]:
        """Table and drawer, side by side."""
        yield Horizontal(self.calls, self.drawer, id="calls-body")

    def on_mount(self) -> None:
        """Label what has nothing yet."""
        self.calls.redraw()

    def reform(self) -> None:
        """Take the narrow columns on a small screen."""
        self.calls.compact = self.compact

    def recall(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Have the columns of an earlier run."""
        self.calls.recall(memory.get("calls"), rules)

    @property
    def order(self) -> CallOrderQuery:
        """That of the table."""
        return CallOrderQuery(self.calls.sort)

    @property
    def ask(self) -> CallOrderQuery:
        """The order of the calls."""
        return self.order

    def show(self, overview: Overview, answer: object | None) -> None:
        """Show the calls of an Overview."""
        first = self.calls.cursor_key is None
        self.calls.hold(overview, self._trace(overview), cast("pl.Series | None", answer))
        if first or self._line_of is None:
            self._settle()

    def _trace(self, overview: Overview) -> str | None:
        return None if self.row is None else overview.trace_of(self.row)

    @property
    def row(self) -> Hashable:
        """The call under the cursor."""
        return self.calls.cursor_key

    def go_to(self, row: Hashable) -> None:
        """Put the cursor on a call; what is no call, or not let through, is in the Overview."""
        if self.calls.move_to(row):
            self._settle()
        else:
            super().go_to(row)

    def return_to(self, bearings: object) -> None:
        """Be as it was, in the drawer too."""
        super().return_to(bearings)
        self._settle()

    @property
    def following(self) -> bool:
        """Whether the newest call is on screen."""
        return self.calls.following and self.calls.sort is None

    def follow(self) -> None:
        """Go to the newest call, and stay there."""
        self.calls.follow()
        self.post_message(self.Asks(self))

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are waited for."""
        self.calls.wait_for(files)

    # -- the drawer

    @on(LineTable.Highlighted, "#all-calls")
    def _highlighted(self, message: LineTable.Highlighted) -> None:
        message.stop()
        if self.overview is not None:
            self.calls.mark(self._trace(self.overview))
        if self._settling is not None:
            self._settling.stop()
        if self.drawer.display:
            self._settling = self.set_timer(_DETAIL_AFTER_SECONDS, self._settle)

    @on(LineTable.Selected, "#all-calls")
    def _toggle(self) -> None:
        self.drawer.display = not self.drawer.display
        self.call_after_refresh(self._settle)  # when it has its width

    def _settle(self) -> None:
        """Show the detail of the call under the cursor, and have its line read."""
        if not self.drawer.display or self.overview is None or not isinstance(self.row, int):
            return
        place = self.overview.place(self.row)
        if place != self._line_of:
            self._line_of, self._line, self._line_is_read = place, None, False
            self.post_message(self.LineWanted(place))
        self.draw_detail()

    def take_line(self, place: tuple[str, int, int], line: bytes | None) -> None:
        """The line of the call under the cursor is here."""
        if place == self._line_of:
            self._line, self._line_is_read = line, True
            self.draw_detail()

    def draw_detail(self) -> None:
        """Draw that of the call under the cursor."""
        if self.overview is None or self._line_of is None or not isinstance(self.row, int):
            return
        record = self.overview.record(self.row)
        step = humanize.UNKNOWN if record["step"] is None else str(record["step"])
        title = f"Step {step} · {record['event']}"
        if self._shows_line:
            is_read = self._line_is_read
            lines = list(record_text.raw(self._line)) if is_read else [Content("reading …")]
        else:
            width = self.drawer.size.width - 2
            lines = [*self.noted(self.row)]
            lines += detail_text.of(self.overview, record, None, width)
            lines += record_text.tags(self._line)
            lines += [Content(""), *record_text.greps(self._line, self._line_of[0])]
        self.drawer.hold(title, lines, "v: fields, raw line")

    # -- what the user does

    def action_view_as(self) -> None:
        """Fields, or the raw line."""
        self._shows_line = not self._shows_line
        self.drawer.display = True
        self._settle()

    def action_record(self) -> None:
        """Show the whole record."""
        if self.overview is not None and isinstance(self.row, int):
            self.post_message(self.RecordWanted(self.overview.place(self.row)))

    def action_trace(self) -> None:
        """Go to this call's trace in the Overview."""
        if isinstance(self.row, int):
            self.post_message(self.GoWanted("overview", self.row))

    def action_back(self) -> None:
        """Esc: first the drawer, then as anywhere."""
        if self.drawer.display:
            self.drawer.display = False
        else:
            super().action_back()
