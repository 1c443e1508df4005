"""Current record of a view, and saving/restoring its state."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.tui.panes.pane import CursorState, Pane
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview

_BURST_S: Final = 0.08
"""Maximum seconds between two cursor moves of a burst, as of a key held down."""


class ViewState(NamedTuple):
    """Id of the focused widget, and the cursor of each pane by id."""

    focus: str | None
    cursors: tuple[tuple[str | None, CursorState], ...]


class LocatableScreen(Screen[None]):
    """A screen with a current record, whose state can be saved and restored."""

    EVICTED: Final = "Its record was evicted: it is older than what --last keeps."

    overview: Overview | None = None
    notes: Mapping[int, str] = MappingProxyType({})
    """Notes on bookmarked records, by key."""

    @dataclass
    class JumpStarted(Message, namespace="log_view"):
        """A jump within the view leads away from this state."""

        state: object

    @dataclass
    class CopyRequested(Message, namespace="log_view"):
        """Copy something of the record with key `row`, or of its `message` (from 0)."""

        row: int
        message: int | None = None

    @property
    def _panes(self) -> list[Pane]:
        return [table for table in self.query(LineTable) if isinstance(table, Pane)]

    @property
    def cursor_key(self) -> Hashable:
        """Key of the record under the view's cursor; None without one."""
        return None

    @property
    def target_key(self) -> Hashable:
        """Key of the record that a command applies to."""
        return self.cursor_key

    def location_of(self, row: object) -> RecordLocation | None:
        """Return the location of a record; None if it was evicted, or is no record."""
        # A pane may show more than the Overview has: sorted calls stay while new ones arrive.
        if self.overview is None or not isinstance(row, int) or not self.overview.has(row):
            return None
        return self.overview.location(row)

    @property
    def target_message(self) -> int | None:
        """Index of the message that a copy applies to; None for the newest."""
        return None

    @property
    def target_trace(self) -> str | None:
        """The trace that a command applies to: by default that of the target record."""
        return None if self.overview is None else self.overview.trace_of(self.target_key)

    @property
    def reopen_message(self) -> Message | None:
        """The message that opens this screen again; None for a view with a tab."""
        return None

    def get_state(self) -> object:
        """Return what restore_state() needs: cursors, scroll offsets, focus."""
        focus = None if self.focused is None else self.focused.id
        return ViewState(focus, tuple((pane.id, pane.cursor_state) for pane in self._panes))

    def restore_state(self, state: object) -> None:
        """Restore what get_state() returned; rows that are gone are skipped."""
        if not isinstance(state, ViewState):
            return
        cursors = dict(state.cursors)
        for pane in self._panes:
            if pane.id in cursors:
                pane.restore_cursor(cursors[pane.id])
        for widget in self.query(f"#{state.focus}") if state.focus else ():
            widget.focus()

    def start_jump(self) -> None:
        """Add the current state to the history; call it before the cursor moves."""
        self.post_message(self.JumpStarted(self.get_state()))

    def action_copy(self) -> None:
        """Ask what to copy of the target record."""
        if isinstance(self.target_key, int):
            self.post_message(self.CopyRequested(self.target_key, self.target_message))
        else:
            self.hint("No record under the cursor to copy from.")

    def hint(self, text: str) -> None:
        """Show a short toast in place of earlier ones."""
        self.app.clear_notifications()
        self.notify(text, timeout=2, markup=False)

    def update_bookmarks(self, notes: Mapping[int, str]) -> None:
        """Mark the records with these keys; `notes` are empty where there is no note."""
        for pane in self._panes:
            pane.set_bookmarks(frozenset(notes))
        if notes != self.notes:
            self.notes = notes
            self.draw_detail()

    def note_lines(self, row: int) -> Iterator[Content]:
        """Return the note on a record as lines of its detail."""
        return record_text.note(self.notes.get(row, ""))

    def draw_detail(self) -> None:
        """Draw the detail of the current record, in views that have one."""


class DetailTimer:
    """Draws the current record's detail: at once, or after a burst of moves."""

    def __init__(self, view: Screen[None], update: Callable[[], object]) -> None:
        self._view = view
        self._update = update
        self._timer: Timer | None = None
        self._moved = float("-inf")

    def restart(self) -> None:
        """Note a move of the cursor."""
        now = time.monotonic()
        is_burst, self._moved = now - self._moved < _BURST_S, now
        self.stop()
        if is_burst:
            self._timer = self._view.set_timer(_BURST_S, self._update)
        else:
            self._view.call_after_refresh(self._update)  # the cursor moves first

    def stop(self) -> None:
        """Draw nothing but for the first move of a burst."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
