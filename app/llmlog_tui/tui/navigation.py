"""Navigation between views and records, with back/forward history."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens
from llmlog_tui.tui.keys.views import VIEWS

if TYPE_CHECKING:
    from textual.message import Message

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.app import LogApp

_MAX_LOCATIONS: Final = 100

L = TypeVar("L")


class History(Generic[L]):
    """Back and forward locations, as in a browser; the oldest are dropped."""

    def __init__(self) -> None:
        self._back: deque[L] = deque(maxlen=_MAX_LOCATIONS)
        self._forward: list[L] = []

    def push(self, location: L) -> None:
        """Add the location that a jump leads away from; drop the forward ones."""
        self._forward.clear()
        if not self._back or self._back[-1] != location:
            self._back.append(location)

    def step(self, here: L, direction: int) -> L | None:
        """Return the next location forward, or back with -1; None at the end.

        Locations equal to `here` are skipped.
        """
        source, other = (
            (self._forward, self._back) if direction > 0 else (self._back, self._forward)
        )
        while source and source[-1] == here:
            source.pop()
        if not source:
            return None
        other.append(here)
        return source.pop()


@dataclass(frozen=True)
class Location:
    """A view, the screen on top of it, the filter, and the view's state."""

    view: str
    on_top: Message | None
    where: str | None
    state: object


@dataclass(frozen=True)
class Search:
    """Find records with `text`; without one go to the next hit, or before with -1.

    It waits for the analysis of records of the revision `since`.
    """

    text: str
    direction: int
    since: int = 0


@dataclass(frozen=True)
class SelectTrace:
    """Select the trace whose id has this prefix, as soon as it is read."""

    prefix: str


@dataclass(frozen=True)
class SelectStep:
    """Select the step with key `row`, once the steps of its trace have loaded."""

    trace_id: str
    row: Hashable


@dataclass(frozen=True)
class ShowRecord:
    """Show the record with key `row`, once the new filter is applied."""

    row: int


@dataclass(frozen=True)
class RestoreState:
    """Restore a view's state, once it has the data."""

    state: object


Intent: TypeAlias = Search | SelectTrace | SelectStep | ShowRecord | RestoreState
"""A navigation that waits until the screen has its data."""


class Navigator:
    """Goes to views, records and earlier locations; `pending` waits for its data.

    At the start that is the `trace` whose id has this prefix, if any.
    """

    def __init__(self, app: LogApp, trace: str | None) -> None:
        self.pending: Intent | None = None if trace is None else SelectTrace(trace)
        self._app = app
        self._history: History[Location] = History()

    def apply_pending(self, overview: Overview) -> None:
        """Apply the pending intent if its data are on screen; else it stays pending."""
        intent = self.pending
        if intent is None or overview.where != self._app.where:
            return
        self.pending = None  # applying it may set the next one
        if not self._apply(intent, overview):
            self.pending = intent

    def _apply(self, intent: Intent, overview: Overview) -> bool:
        """Apply an intent; False if it has to wait."""
        match intent:
            case Search() if overview.snapshot.revision < intent.since:
                return False
            case Search():
                self._app.searching.run(overview, intent)
            case SelectTrace(prefix):
                return self._select_trace(prefix, is_loading=overview.snapshot.is_loading)
            case ShowRecord(row):
                self._show_record(row)
            case SelectStep() | RestoreState():
                return self._app.view.apply_intent(intent)
        return True

    def _select_trace(self, prefix: str, *, is_loading: bool) -> bool:
        overview = self._app.views[0]
        if isinstance(overview, screens.OverviewScreen) and overview.select_trace(prefix):
            return True
        # The log may be loaded while this Overview still covers its first records only.
        if is_loading or self._app.status.progress.state == "loading":
            return False
        why = f"There is no trace {sanitize(prefix)}."
        self._app.notify(why, severity="warning", markup=False)
        return True

    def _show_record(self, row: int) -> None:
        # A view that cannot show a record leaves it to the Overview, which can show any.
        if not self._app.view.go_to(row):
            self._open_record("overview", row)

    # -- jumps

    def set_filter(self, where: str | None, view: str | None, row: int | None) -> None:
        """Filter all views, and show a record in the view of this name."""
        self.push()
        self._app.where = where
        self.pending = None if row is None else ShowRecord(row)
        if view is not None:
            self.go_to_view(view)
        self._app.update_view()

    def search(self, search: Search) -> None:
        """Search now, or as soon as there are records."""
        self.pending = search
        if self._app.overview is not None:
            self.apply_pending(self._app.overview)

    def open_in_overview(self, row: int) -> None:
        """Show a record in the Overview; a filter that hides it is cleared."""
        self.push()
        self._open_record("overview", row)

    def go_to_record(self, row: int) -> None:
        """Show a record, in the current view if possible.

        A filter that hides the record is cleared.
        """
        app, overview = self._app, self._app.overview
        if overview is None or not overview.has(row):
            app.view.hint("Its record is not on screen: evicted, or newer than the frozen screen.")
            return
        self.push()
        if not app.view.go_to(row):
            is_hidden = not overview.matches_filter(row)
            self._open_record(app.current_mode if is_hidden else "overview", row)

    def go_to_trace(self, trace_id: str) -> None:
        """Select a trace in the Overview; a filter that hides it is cleared."""
        app, overview = self._app, self._app.overview
        self.push()
        if overview is not None and overview.find_trace(trace_id) is None and app.where is not None:
            app.where = None
            app.notify("Filter cleared to show this run (< to go back)", markup=False)
        self.pending = SelectTrace(trace_id)
        self.go_to_view("overview")
        app.update_view()

    def go_to_found(self, row: int, *, in_text: bool) -> None:
        """Show a record that was found; if `in_text`, its content in its replay.

        Without a trace, the content is shown in a dialog.
        """
        app, overview = self._app, self._app.overview
        in_replay = isinstance(app.view, screens.ReplayScreen)
        trace = None if overview is None else overview.trace_of(row)
        if overview is None or not overview.has(row) or not (in_text or in_replay):
            self.go_to_record(row)
        elif trace is None:
            self.go_to_record(row)
            app.jobs.show_content(row)
        else:
            self.push()
            self._replay_from(trace, row)

    def _replay_from(self, trace: str, row: int) -> None:
        """Select a record, and show its step in the replay on top."""
        app = self._app
        self._close_dialogs()
        view = app.view
        if isinstance(view, screens.ReplayScreen) and view.target_trace == trace:
            view.go_to(row)
            return
        while len(app.screen_stack) > 1:
            app.pop_screen()
        app.view.go_to(row)
        self._open(screens.LogView.ReplayRequested(trace, row))

    def _close_dialogs(self) -> None:
        while self._app.screen is not self._app.view:
            self._app.pop_screen()

    def _open_record(self, view: str, row: int) -> None:
        app, overview = self._app, self._app.overview
        if overview is not None and overview.has(row) and not overview.matches_filter(row):
            app.where = None
            app.notify("Filter cleared to show this record (< to go back)", markup=False)
        self.pending = ShowRecord(row)
        self.go_to_view(view)
        app.update_view()

    def go_to_tab(self, digit: int) -> None:
        """Go to the view with this digit."""
        names = tuple(VIEWS)
        if digit <= len(names):
            self.push()
            self.go_to_view(names[digit - 1])

    def go_to_view(self, name: str) -> None:
        """Switch to a view, and close the screens on top of it."""
        if self._app.current_mode != name:
            self._app.switch_mode(name)
        while len(self._app.screen_stack) > 1:
            self._app.pop_screen()

    def open(self, message: Message) -> None:
        """Open the replay or the diff that a view requested, on top of it."""
        self.push()
        self._open(message)

    def _open(self, message: Message) -> None:
        if isinstance(message, screens.LogView.ReplayRequested):
            if message.row is not None:
                self.pending = SelectStep(message.trace_id, message.row)
            replay = screens.ReplayScreen(message.trace_id)
            self._app.push_screen(replay)
            self._app.jobs.complete_trace(replay)
        elif isinstance(message, screens.LogView.DiffRequested):
            self._app.jobs.diff(message.a, message.b)

    # -- back and forward

    def _here(self, state: object = None) -> Location:
        view = self._app.view
        found = view.get_state() if state is None else state
        return Location(self._app.current_mode, view.reopen_message, self._app.where, found)

    def push(self, state: object = None) -> None:
        """Add the current location to the history, or another state of the current view."""
        self._history.push(self._here(state))

    def go_back(self, direction: int) -> None:
        """Go back with -1, or forward, in the history."""
        app, location = self._app, self._history.step(self._here(), direction)
        if location is None:
            app.view.hint(f"No place {'after' if direction > 0 else 'before'} this one.")
            return
        app.where = location.where
        if (location.view, location.on_top) != (app.current_mode, app.view.reopen_message):
            self.go_to_view(location.view)
            if location.on_top is not None:
                self._open(location.on_top)
        self.pending = RestoreState(location.state)
        app.update_view()
