"""What all views share: header, filter, search, messages to the App, and jumps to records."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.log.decoded_line import DecodedLine
from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import workers
from llmlog_tui.tui.following import FollowMixin
from llmlog_tui.tui.keys.views import VIEW_BINDINGS, VIEWS
from llmlog_tui.tui.navigation import Intent, RestoreState, Search
from llmlog_tui.tui.panes.filter_bar import FilterBar
from llmlog_tui.tui.panes.find_bar import FindBar, FindRow, FindStatus
from llmlog_tui.tui.panes.header import Header
from llmlog_tui.tui.queries import CallOrderQuery, SearchState
from llmlog_tui.tui.runtime.line_compositor import LineCompositor
from llmlog_tui.tui.screens.location import LocatableScreen
from llmlog_tui.tui.widgets.bindings import key_of
from llmlog_tui.tui.widgets.footer import KeyFooter
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.replay import CallKind
    from llmlog_tui.tui.progress import Progress
    from llmlog_tui.tui.queries import Query, StepContent

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 30
"""Minimum columns and rows of a view's wide form."""

SHORT_HEIGHT, LOW_HEIGHT = 24, 16
"""Minimum rows of the full compact form, and of all panes."""


_OF_RECORDS: Final = frozenset(("alert", "copy", "next_call"))
"""Actions that do nothing in a log without records."""


class RecordLine(NamedTuple):
    """Line of the current record, decoded; None until read, or without its file."""

    location: RecordLocation
    decoded: DecodedLine = DecodedLine(None, None)
    is_read: bool = False


class LogView(FollowMixin, LocatableScreen):
    """A screen about the log: header, filter, body, search, keys.

    The App gives it an Overview, and the result of its `current_query`; what the user requests
    goes to the App in the messages below.
    """

    RECORD_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """Actions of the view that do nothing without a record."""

    NAME: ClassVar[str] = ""
    """Name of the view; without a tab, it is shown under the Overview's."""

    CSS_PATH = "views.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*VIEW_BINDINGS]

    @dataclass
    class QueryChanged(Message):
        """The view was opened, or needs another result; `then` is applied with that."""

        view: LogView
        then: Intent | None = None

    @dataclass
    class SearchRequested(Message):
        """Search all records."""

        search: Search

    @dataclass
    class SearchEnded(Message):
        """End the scan for more hits; if it `is_closed`, drop the hits, too."""

        is_closed: bool

    @dataclass
    class FilterRequested(Message):
        """Show only the calls matching the SQL predicate `where`; all, if it is None.

        They are shown in the view of that name, and there the record with key `row`.
        """

        where: str | None
        view: str | None = None
        row: int | None = None

    @dataclass
    class SavedFiltersRequested(Message):
        """List the saved filters; with `is_naming` save the `typed` one, else the current one."""

        typed: str | None = None
        is_naming: bool = False

    @dataclass
    class RecordRequested(Message):
        """Show the whole record at `location`."""

        location: RecordLocation

    @dataclass
    class LineRequested(Message):
        """Read the line at `location` for the view."""

        location: RecordLocation

    @dataclass
    class ContentRequested(Message):
        """Read the content of the record with key `row`, to compare it with `earlier` calls.

        Those are step numbers and keys, the latest first.
        """

        row: int
        earlier: tuple[tuple[int | None, int], ...]

    @dataclass
    class TextDiffRequested(Message):
        """Show how the steps with the keys `a` and `b` differ, as text."""

        a: int
        b: int
        step: str

    @dataclass
    class ReplayRequested(Message):
        """Replay a trace from the step with key `row`, of its record or in flight."""

        trace_id: str
        row: Hashable = None

    @dataclass
    class DiffRequested(Message):
        """Show the diff of two traces."""

        a: str
        b: str

    @dataclass
    class GoToRequested(Message):
        """Show the record with key `row` in the Overview."""

        row: int

    def __init__(self) -> None:
        super().__init__()
        self._compositor = LineCompositor()
        name = VIEWS.get(self.NAME, self.NAME.capitalize())
        self.header = Header(VIEWS.get(self.NAME, VIEWS["overview"]), tuple(VIEWS.values()), name)
        self.filterbar = FilterBar()
        self.findbar = FindBar()
        self.found = FindStatus()
        self._focus_before: Widget | None = None
        self.record_line: RecordLine | None = None
        self.search = SearchState()
        self._alert: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.filterbar
        yield from self.body()
        yield self.found
        yield FindRow(self.findbar)
        yield KeyFooter()

    # -- overridden by views

    @abstractmethod
    def body(self) -> Iterable[Widget]:
        """Return the widgets between filter and search."""

    @property
    def current_query(self) -> Query | None:
        """The query for what this view shows beyond the Overview."""
        return None

    @abstractmethod
    def update_body(self, overview: Overview, result: object | None) -> None:
        """Show an Overview, and the result of `current_query`; None if it is pending."""

    def update_calls(self, overview: Overview) -> None:
        """Show new calls, in a view that has a table of them."""

    def go_to(self, row: Hashable) -> bool:
        """Show the record with this key; False if only the Overview can."""
        del row
        return False

    def apply_intent(self, intent: Intent) -> bool:
        """Apply an intent; False if its data have not loaded yet."""
        if isinstance(intent, RestoreState):
            self.restore_state(intent.state)
        return True

    @property
    def call_order(self) -> CallOrderQuery:
        """The order in which calls are shown."""
        return CallOrderQuery(None)

    @property
    def is_maximised(self) -> bool:
        """Whether one pane has the whole screen."""
        return False

    def follow(self) -> None:
        """Go to the newest record, and follow."""

    def update_progress(self, progress: Progress) -> None:
        """Show missing files, or why one cannot be read, in place of calls."""

    def load_preferences(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Apply preferences of earlier runs, and styles for rows of calls."""

    # -- called by the App

    def update_overview(self, overview: Overview, result: object | None) -> None:
        self._update_counts(overview)
        self.update_body(overview, result)

    def update_newest(self, overview: Overview) -> None:
        """Show an Overview that differs by new records and calls alone (see appended())."""
        self._update_counts(overview)
        self.update_calls(overview)

    def _update_counts(self, overview: Overview) -> None:
        had_records, self.overview = self._has_records, overview
        if had_records != self._has_records:
            self.refresh_bindings()
        calls, total = overview.calls.height, overview.all_calls
        self.filterbar.update(overview.where, calls, total, overview.tags)
        self.record_count_changed(overview.snapshot.counts.records)

    def update_line(self, location: RecordLocation, line: DecodedLine) -> None:
        """Draw the detail with a line, if that is the current record's."""
        if self.record_line is not None and location == self.record_line.location:
            self.record_line = RecordLine(location, line, is_read=True)
            self.draw_detail()

    def update_content(self, content: StepContent) -> None:
        """Draw the detail with a record's content, if that is the current record."""
        if self.record_line is not None and content.location == self.record_line.location:
            read = DecodedLine(content.line, content.record)
            self.record_line = RecordLine(content.location, read, is_read=True)
            self.draw_detail()

    def request_line(self, location: RecordLocation) -> None:
        """Draw the detail of the record at `location`, and again once its line is read."""
        if self.record_line is None or location != self.record_line.location:
            self.record_line = RecordLine(location)
            self.post_message(self.LineRequested(location))
        self.draw_detail()

    def request_record(self, row: object) -> None:
        """Have the whole record with this key shown."""
        location = self.location_of(row)
        if location is not None:
            self.post_message(self.RecordRequested(location))
        elif row is not None:
            self.hint(self.EVICTED)

    def query_changed(self, then: Intent | None = None) -> None:
        self.post_message(self.QueryChanged(self, then))

    def on_screen_resume(self) -> None:
        self.query_changed()

    def on_resize(self, event: events.Resize) -> None:
        """Apply the compact layout on a small screen."""
        self.compact = event.size.width < COMPACT_WIDTH or event.size.height < COMPACT_HEIGHT
        self.set_class(self.compact, "-compact")
        self.set_class(event.size.height < SHORT_HEIGHT, "-short")
        self.set_class(event.size.height < LOW_HEIGHT, "-low")
        self.apply_layout()
        if not self.is_current:  # a dialog on top is not redrawn by itself
            self.call_after_refresh(self.app.screen.refresh)

    compact = False

    def apply_layout(self) -> None:
        """Apply the wide or `compact` layout."""

    # -- search

    @property
    def _has_records(self) -> bool:
        """Whether the log has any record, in this view or not."""
        return self.overview is not None and self.overview.snapshot.counts.records > 0

    @property
    def is_empty(self) -> bool:
        """Whether the view has no record to act on."""
        return self.overview is None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing: of records without any, of the only pane."""
        if action == "pane":
            return len(self.focus_chain) > 1
        if action in _OF_RECORDS and not self._has_records:
            return False
        if action in self.RECORD_ACTIONS and self.is_empty:
            return False
        return super().check_action(action, parameters)

    def action_pane(self, direction: int) -> None:
        """Focus the next pane, or with -1 the previous one."""
        if direction > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_find(self) -> None:
        """Open the search input."""
        self._focus_before = self.focused
        self.findbar.open(self.search.text)

    def on_paste(self, event: events.Paste) -> None:
        """Search for pasted text, such as an id."""
        if self.focused is not self.findbar and event.text.strip():
            self._search(event.text.strip().splitlines()[0])

    @on(FindBar.SearchEntered)
    def _find_wanted(self, message: FindBar.SearchEntered) -> None:
        self._search(message.text)

    def _search(self, text: str) -> None:
        self.post_message(self.SearchRequested(Search(text, -1)))

    @on(FindBar.FindClosed)
    @on(FilterBar.FilterClosed)
    def _prompt_closed(self) -> None:
        if self._focus_before is not None:
            self._focus_before.focus()

    def action_find_next(self, direction: int) -> None:
        """Go to the next hit, or with -1 to the previous one."""
        self.post_message(self.SearchRequested(Search("", direction)))

    def update_search(self, search: SearchState) -> None:
        """Show the state of the search."""
        self.search = search
        self.found.update_search(search)

    def action_escape(self) -> None:
        """End a running scan, else unzoom, drop the hits, or go back."""
        if self.found.display and self.search.is_running:
            self.post_message(self.SearchEnded(is_closed=False))
        elif self.found.display and not self.is_maximised:
            self.post_message(self.SearchEnded(is_closed=True))
        else:
            self.action_back()

    # -- filter

    def action_filter(self) -> None:
        """Open the filter input."""
        self._focus_before = self.focused
        self.filterbar.open()

    @on(FilterBar.PredicateEntered)
    def _filter_wanted(self, message: FilterBar.PredicateEntered) -> None:
        self.post_message(self.FilterRequested(message.where))

    def action_saved_filters(self) -> None:
        """List the saved filters."""
        self.post_message(self.SavedFiltersRequested())

    @on(FilterBar.SavedRequested)
    def _saved_wanted(self, message: FilterBar.SavedRequested) -> None:
        request = self.SavedFiltersRequested(message.where, is_naming=message.is_naming)
        self.post_message(request)

    @on(LineTable.ValuePicked)
    def _picked(self, message: LineTable.ValuePicked) -> None:
        sql = workers.analysis
        predicate = sql.cell_predicate(
            self.overview, message.field, message.value, holds=message.holds
        )
        self.post_message(self.FilterRequested(sql.all_of(self.filterbar.where, predicate)))

    @on(LineTable.SortRequested)
    def _sorted(self) -> None:
        self.query_changed()

    def action_back(self) -> None:
        """Clear the filter; `f` and Enter apply it again."""
        if self.filterbar.where is not None:
            self.post_message(self.FilterRequested(None))
            self.hint("The filter is cleared: f and Enter bring it back.")

    # -- jumps

    def jump_to(self, row: int) -> None:
        """Go to a record, in the Overview if this view cannot show it."""
        self.start_jump()
        if not self.go_to(row):
            self.post_message(self.GoToRequested(row))

    def action_next_call(self, kind: CallKind, direction: int) -> None:
        """Go to the next call of a kind, or with -1 to the previous one."""
        row, back = (
            None if self.overview is None else self.overview.next_call(kind, self.cursor_key, way)
            for way in (direction, -direction)
        )
        if row is not None:
            self.jump_to(row)
            return
        where, other = ("after", "before") if direction > 0 else ("before", "after")
        key = key_of(self, f"next_call('{kind}', {-direction})")
        hint = f"; {key} goes to the one {other}" if key and back is not None else ""
        self.hint(f"No {kind} call {where} this one{hint}.")

    def action_alert(self, direction: int) -> None:
        """Go to the next alert, or with -1 to the previous one, cyclically."""
        alerts = () if self.overview is None else self.overview.alerts
        if not alerts:
            self.hint("No alerts.")
            return
        names = [(alert.rule, alert.row) for alert in alerts]
        current = names.index(self._alert) if self._alert in names else min(0, -direction)
        index = (current + direction) % len(names)
        self._alert = names[index]
        self.go_to_alert(index)

    def go_to_alert(self, index: int) -> None:
        """Go to the record where the alert at this index began."""
        if self.overview is not None:
            alert = self.overview.alerts[index]
            self.jump_to(alert.row)
            name = f"{sanitize(alert.rule)} {sanitize(alert.subject, 40)}"
            self.hint(f"Alert {index + 1} of {len(self.overview.alerts)}: {name}")
