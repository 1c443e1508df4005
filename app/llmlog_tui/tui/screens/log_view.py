"""What all views share: the rows around their body, finding, filtering, and going to a record."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.following import FollowMixin
from llmlog_tui.tui.keys.views import VIEW_BINDINGS
from llmlog_tui.tui.panes.header import Header
from llmlog_tui.tui.queries import CallOrderQuery
from llmlog_tui.tui.screens.location import LocatableScreen
from llmlog_tui.tui.views import VIEWS
from llmlog_tui.tui.widgets.filter_bar import FilterBar
from llmlog_tui.tui.widgets.find_bar import FindBar
from llmlog_tui.tui.widgets.footer import KeyFooter
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.calls.search import Hit
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.queries import Query

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 30
"""Under so many columns or rows a view takes its compact form."""

SHORT_HEIGHT, LOW_HEIGHT = 24, 16
"""Under so many rows what is compact is cut shorter; then only the pane with the keys has rows."""


class LogView(FollowMixin, LocatableScreen):
    """A whole screen about the log: header, filter, body, find line, keys.

    The App gives it an Overview, and the answer to its own `ask` if it has one; what the user wants
    goes up to the App in the messages below.
    """

    NAME: ClassVar[str] = ""
    """What the App knows it by; without a tab of its own, it is under the Overview's."""

    CSS_PATH = "views.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*VIEW_BINDINGS]

    @dataclass
    class Asks(Message):
        """The view wants an answer: it was opened, or it asks something else than before."""

        view: LogView

    @dataclass
    class FindWanted(Message):
        """The next record with `text` is wanted, from the one with key `row` on, or back."""

        text: str
        row: int | None
        direction: int

    @dataclass
    class FilterWanted(Message):
        """Only the calls for which the SQL predicate holds are wanted; all, if it is None.

        They are to be shown in the view with that name, and there the record with key `row`.
        """

        where: str | None
        view: str | None = None
        row: int | None = None

    @dataclass
    class RecordWanted(Message):
        """The record at `place` (path of its file, block, line) is to be shown whole."""

        place: tuple[str, int, int]

    @dataclass
    class LineWanted(Message):
        """The line of the record at `place` is wanted by the view itself."""

        place: tuple[str, int, int]

    @dataclass
    class ReplayWanted(Message):
        """A trace is to be replayed, from the step with key `row` on."""

        trace_id: str
        row: int | None = None

    @dataclass
    class DiffWanted(Message):
        """Two traces are to be laid side by side."""

        a: str
        b: str

    @dataclass
    class GoWanted(Message):
        """The record with key `row` is to be shown in the view called `view`."""

        view: str
        row: int

    def __init__(self) -> None:
        super().__init__()
        self.header = Header(VIEWS.get(self.NAME, VIEWS["overview"]), tuple(VIEWS.values()))
        self.filterbar = FilterBar()
        self.findbar = FindBar()
        self._focus_before: Widget | None = None
        self._sought = ""
        self._alert: tuple[str, int] | None = None
        self._found_row: int | None = None

    def compose(self) -> ComposeResult:
        """The body, between the rows that all views have."""
        yield self.header
        yield self.filterbar
        yield from self.body()
        yield self.findbar
        yield KeyFooter()

    # -- what a view fills in

    @abstractmethod
    def body(self) -> Iterable[Widget]:
        """What stands between filter and find line."""

    @property
    def ask(self) -> Query | None:
        """What this view wants to know beyond the Overview."""
        return None

    @abstractmethod
    def show(self, overview: Overview, answer: object | None) -> None:
        """Show an Overview, and the answer to `ask`; None if it is still on its way."""

    def go_to(self, row: Hashable) -> None:
        """Show the record with this key; a view that cannot, sends the user to the Overview."""
        if isinstance(row, int):
            self.post_message(self.GoWanted("overview", row))

    @property
    def order(self) -> CallOrderQuery:
        """In which order it shows calls."""
        return CallOrderQuery(None)

    def follow(self) -> None:
        """Go to what is newest, and stay there."""

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are waited for, where their calls will be."""

    def recall(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Be as an earlier run has left it; rows of calls have the styles that `rules` say."""

    def take_line(self, place: tuple[str, int, int], line: bytes | None) -> None:
        """Show the line that was wanted; None if its file is gone."""

    # -- what the App calls

    def take(self, overview: Overview, answer: object | None) -> None:
        """Show it, and how much of the log the filter lets through."""
        self.overview = overview
        self.filterbar.say(overview.where, overview.calls.height, overview.all_calls)
        self.saw(overview.snapshot.counts.records)
        self.show(overview, answer)

    def on_screen_resume(self) -> None:
        """Be brought up to date when opened."""
        self.post_message(self.Asks(self))

    def on_resize(self, event: events.Resize) -> None:
        """Take the compact form on a small screen."""
        self.compact = event.size.width < COMPACT_WIDTH or event.size.height < COMPACT_HEIGHT
        self.set_class(self.compact, "-compact")
        self.set_class(event.size.height < SHORT_HEIGHT, "-short")
        self.set_class(event.size.height < LOW_HEIGHT, "-low")
        self.reform()
        if not self.is_current:  # a dialog on top is not painted anew by itself
            self.call_after_refresh(self.app.screen.refresh)

    compact = False

    def reform(self) -> None:
        """Take the form that `compact` says."""

    # -- finding

    def action_find(self) -> None:
        """Ask what to find."""
        self._focus_before = self.focused
        self.findbar.open(self._sought)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted id is looked for at once."""
        if self.focused is not self.findbar and event.text.strip():
            self._find(event.text.strip().splitlines()[0])

    @on(FindBar.Wanted)
    def _find_wanted(self, message: FindBar.Wanted) -> None:
        self._find(message.text)

    def _find(self, text: str) -> None:
        self._sought = text
        self.post_message(self.FindWanted(text, None, -1))

    @on(FindBar.Closed)
    @on(FilterBar.Closed)
    def _prompt_closed(self) -> None:
        if self._focus_before is not None:
            self._focus_before.focus()

    def action_find_next(self, direction: int) -> None:
        """Go to the next match, or with -1 to the one before."""
        if self._sought:
            self.post_message(self.FindWanted(self._sought, self._found_row, direction))
        else:
            self.action_find()

    def found(self, text: str, hit: Hit | None) -> None:
        """Show what was found, and the how manieth it is."""
        if hit is None:
            self.hint(f"Nothing has {sanitize(text, 60)}.")
            return
        self._found_row = hit.row
        self.leave()
        self.go_to(hit.row)
        self.hint(f"{hit.nth:,} of {hit.total:,} with {sanitize(text, 60)}")

    # -- filtering

    def action_filter(self) -> None:
        """Ask for a predicate."""
        self._focus_before = self.focused
        self.filterbar.open()

    @on(FilterBar.Wanted)
    def _filter_wanted(self, message: FilterBar.Wanted) -> None:
        self.post_message(self.FilterWanted(message.where))

    @on(LineTable.Picked)
    def _picked(self, message: LineTable.Picked) -> None:
        from llmlog_tui.analysis.query.sql import all_of, predicate_of  # noqa: PLC0415 - imports polars

        wanted = predicate_of(message.field, message.value, holds=message.holds)
        self.post_message(self.FilterWanted(all_of(self.filterbar.where, wanted)))

    @on(LineTable.Sorted)
    def _sorted(self) -> None:
        self.post_message(self.Asks(self))

    def action_back(self) -> None:
        """Esc at the root: clear the filter, which `f` brings back."""
        if self.filterbar.where is not None:
            self.post_message(self.FilterWanted(None))
            self.hint("The filter is cleared: f and Enter bring it back.")

    # -- going about

    def action_error(self, direction: int) -> None:
        """Go to the next failed call, or with -1 to the one before."""
        row = None
        if self.overview is not None:
            row = self.overview.next_failed(self.row, direction)
        if row is None:
            where = "after" if direction > 0 else "before"
            self.hint(f"No failed call {where} this one.")
        else:
            self.leave()
            self.go_to(row)

    def action_alert(self, direction: int) -> None:
        """Go to the next alert, round and round, or with -1 to the one before."""
        alerts = () if self.overview is None else self.overview.alerts
        if not alerts:
            self.hint("No alerts.")
            return
        names = [(alert.rule, alert.row) for alert in alerts]
        before = names.index(self._alert) if self._alert in names else min(0, -direction)
        at = (before + direction) % len(names)
        self._alert = names[at]
        self.leave()
        self.show_alert(at)

    def show_alert(self, at: int) -> None:
        """Show the alert at this place among all: where it began."""
        if self.overview is not None:
            alert = self.overview.alerts[at]
            self.go_to(alert.row)
            total = len(self.overview.alerts)
            self.hint(
                f"Alert {at + 1} of {total}: {sanitize(alert.rule)} {sanitize(alert.subject, 40)}"
            )
