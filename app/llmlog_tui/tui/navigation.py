"""Going about: from view to view, to a record, and back and forward through the places left."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens
from llmlog_tui.tui.jobs import Errands
from llmlog_tui.tui.status import ReadStatus
from llmlog_tui.tui.views import VIEWS

if TYPE_CHECKING:
    from textual.message import Message

    from llmlog_tui.tui.panes.header import Header
    from llmlog_tui.tui.screens import LogView

_MOST_PLACES: Final = 100

P = TypeVar("P")


class History(Generic[P]):
    """The places that were left, the last ones of them."""

    def __init__(self) -> None:
        self._behind: deque[P] = deque(maxlen=_MOST_PLACES)
        self._ahead: list[P] = []

    def leave(self, place: P) -> None:
        """A jump leads away from `place`; what was ahead is not any more."""
        self._ahead.clear()
        if not self._behind or self._behind[-1] != place:
            self._behind.append(place)

    def step(self, here: P, direction: int) -> P | None:
        """The next place forward, or with -1 back, that is not `here`; None if there is none."""
        source, other = (
            (self._ahead, self._behind) if direction > 0 else (self._behind, self._ahead)
        )
        while source and source[-1] == here:
            source.pop()
        if not source:
            return None
        other.append(here)
        return source.pop()


@dataclass(frozen=True)
class Location:
    """Where one was: the view, what was on top of it, the filter, and the bearings in there."""

    view: str
    on_top: Message | None
    where: str | None
    bearings: object


class Jumps(Errands):
    """The App as far as it goes about.

    Those that inherit show what is to be shown when a filter, a row or a place is another one.
    """

    _where: str | None
    _wanted_row: int | None = None
    _wanted_place: Location | None = None
    _wanted_trace: str | None
    _trail: History[Location]
    _standing: ReadStatus

    @abstractmethod
    def ask_anew(self) -> None:
        """Show what there is, and ask for what is missing."""

    def arrive(self) -> None:
        """Go where one wanted to, once the view has the calls that are to be seen there."""
        row, place = self._wanted_row, self._wanted_place
        self._wanted_row = self._wanted_place = None
        if row is not None:
            self.view.go_to(row)
        if place is not None:
            self.view.return_to(place.bearings)

    def select_wanted_trace(self) -> None:
        """Select the trace that the command line asked for, as soon as it is there."""
        wanted = self._wanted_trace
        if wanted is None:
            return
        overview = self._views[0]
        if isinstance(overview, screens.OverviewScreen) and overview.select_trace(wanted):
            self._wanted_trace = None
        elif self._standing.progress.state != "loading":
            self.notify(f"There is no trace {sanitize(wanted)}.", severity="warning", markup=False)
            self._wanted_trace = None

    # -- jumps

    def on_log_view_left(self, message: LogView.Left) -> None:
        """The view goes to another record by itself."""
        self.leave(message.bearings)

    def on_log_view_filter_wanted(self, message: LogView.FilterWanted) -> None:
        """Other calls are to be shown, maybe elsewhere."""
        self.leave()
        self._where, self._wanted_row = message.where, message.row
        if message.view is not None:
            self.go_to_view(message.view)
        self.ask_anew()

    def on_log_view_go_wanted(self, message: LogView.GoWanted) -> None:
        """A record is to be shown in another view, or past the filter."""
        self.leave()
        self._go(message.view, message.row)

    def on_log_view_replay_wanted(self, message: LogView.ReplayWanted) -> None:
        """A trace is to be replayed."""
        self.leave()
        self._open(message)

    def on_log_view_diff_wanted(self, message: LogView.DiffWanted) -> None:
        """Two traces are to be laid side by side."""
        self.leave()
        self._open(message)

    def go_to_row(self, row: int) -> None:
        """Show a record; a filter that hides it gives way."""
        overview = self._overview
        if overview is None or not overview.has(row):
            self.view.hint(
                "Its record is not on screen: let go of, or newer than where it is frozen."
            )
            return
        self.leave()
        if overview.lets_through(row):
            self.view.go_to(row)
        else:
            self._go(self.current_mode, row)

    def _go(self, view: str, row: int) -> None:
        """Show a record in the view with this name; a filter that hides it gives way."""
        overview = self._overview
        if overview is not None and overview.has(row) and not overview.lets_through(row):
            self._where = None
            self.notify("The filter hid it, and is cleared: < brings it back.", markup=False)
        self._wanted_row = row
        self.go_to_view(view)
        self.ask_anew()

    def on_header_picked(self, message: Header.Picked) -> None:
        """A tab was clicked."""
        self.action_view(message.digit)

    def action_view(self, digit: int) -> None:
        """Go to the view with this digit."""
        names = tuple(VIEWS)
        if digit <= len(names):
            self.leave()
            self.go_to_view(names[digit - 1])

    def go_to_view(self, name: str) -> None:
        """Put another view on screen, and close what was opened on top of it."""
        if self.current_mode != name:
            self.switch_mode(name)
        while len(self.screen_stack) > 1:
            self.pop_screen()

    # -- back and forward

    def _here(self, bearings: object = None) -> Location:
        found = self.view.bearings() if bearings is None else bearings
        return Location(self.current_mode, self.view.reopening, self._where, found)

    def leave(self, bearings: object = None) -> None:
        """A jump leads away from here, or from other bearings in this view."""
        self._trail.leave(self._here(bearings))

    def action_jump(self, direction: int) -> None:
        """Go forward to the place one came back from, or with -1 back to the one before."""
        place = self._trail.step(self._here(), direction)
        if place is None:
            self.view.hint(f"No place {'after' if direction > 0 else 'before'} this one.")
            return
        self._where = place.where
        if (place.view, place.on_top) != (self.current_mode, self.view.reopening):
            self.go_to_view(place.view)
            if place.on_top is not None:
                self._open(place.on_top)
        self._wanted_place = place
        self.ask_anew()

    def _open(self, message: Message) -> None:
        """Open on top of a view what it asked for."""
        if isinstance(message, screens.LogView.ReplayWanted):
            self.push_screen(screens.ReplayScreen(message.trace_id, message.row))
        elif isinstance(message, screens.LogView.DiffWanted):
            self.lay_side_by_side(message.a, message.b)
