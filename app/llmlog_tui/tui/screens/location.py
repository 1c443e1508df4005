"""Where one is in a view: the record at hand, and the bearings by which one finds back."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.content import Content
from textual.message import Message
from textual.screen import Screen

from llmlog_tui.tui.panes.pane import CursorState, Pane
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview


class ViewState(NamedTuple):
    """The widget that has the keys, by id; and by the id of each pane the spot it is at."""

    focus: str | None
    spots: tuple[tuple[str | None, CursorState], ...]


class LocatableScreen(Screen[None]):
    """A screen that one leaves by a jump, and can be brought back to."""

    LET_GO: Final = "Its record was let go of: it is older than what --last keeps."

    overview: Overview | None = None
    notes: Mapping[int, str] = MappingProxyType({})
    """By the key of a record with a bookmark: the note on it."""

    @dataclass
    class Left(Message, namespace="view"):
        """A jump within the view leads away from these bearings."""

        bearings: object

    @dataclass
    class CopyWanted(Message, namespace="view"):
        """Something of the record with key `row` is to be copied."""

        row: int

    @property
    def _panes(self) -> list[Pane]:
        return [table for table in self.query(LineTable) if isinstance(table, Pane)]

    @property
    def row(self) -> Hashable:
        """The key of the record that the view is at; None without one."""
        return None

    @property
    def at_hand(self) -> Hashable:
        """The key of the record that is meant by what the user does with one."""
        return self.row

    @property
    def trace_at_hand(self) -> str | None:
        """The trace that is meant by what the user does with one: that of the record at hand."""
        row, overview = self.at_hand, self.overview
        is_there = overview is not None and isinstance(row, int) and overview.has(row)
        return overview.trace_of(row) if overview is not None and is_there else None

    @property
    def reopening(self) -> Message | None:
        """What opens this screen again, if it is one that opens on top of a view."""
        return None

    def bearings(self) -> object:
        """What return_to() needs to come back to this: rows, scroll, zoom."""
        focus = None if self.focused is None else self.focused.id
        return ViewState(focus, tuple((pane.id, pane.spot) for pane in self._panes))

    def return_to(self, bearings: object) -> None:
        """Be as it was when bearings() gave these; what is gone is passed over."""
        if not isinstance(bearings, ViewState):
            return
        spots = dict(bearings.spots)
        for pane in self._panes:
            if pane.id in spots:
                pane.return_to(spots[pane.id])
        for widget in self.query(f"#{bearings.focus}") if bearings.focus else ():
            widget.focus()

    def leave(self) -> None:
        """Say that a jump leads away from here; to be called before it does."""
        self.post_message(self.Left(self.bearings()))

    def action_copy(self) -> None:
        """Ask what of the record at hand is to be copied."""
        if isinstance(self.at_hand, int):
            self.post_message(self.CopyWanted(self.at_hand))
        else:
            self.hint("No record under the cursor to copy from.")

    def hint(self, text: str) -> None:
        """Say something in passing, in place of what was said before."""
        self.app.clear_notifications()
        self.notify(text, timeout=2, markup=False)

    def take_bookmarks(self, notes: Mapping[int, str]) -> None:
        """Mark the records with these keys, and have the notes on them, empty for none."""
        for pane in self._panes:
            pane.take_bookmarks(frozenset(notes))
        if notes != self.notes:
            self.notes = notes
            self.draw_detail()

    def noted(self, row: int) -> Iterator[Content]:
        """The note on the bookmark of the record with this key, as a line of its detail."""
        return record_text.note(self.notes.get(row, ""))

    def draw_detail(self) -> None:
        """Draw the detail of the record at hand, where there is one beside the tables."""
