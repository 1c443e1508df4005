"""The filter's row: the current predicate, its number of matches, and its input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import workers
from llmlog_tui.tui.keys.dialogs import FILTER_BINDINGS
from llmlog_tui.tui.widgets.safe_input import MAX_CHARACTERS, SAFE_HIGHLIGHTER

if TYPE_CHECKING:
    from llmlog_tui.log.tags import Types

_NAMES_TIME: Final = re.compile(r"\bts\b")
_HINT_FROM: Final = 100
"""Minimum columns of a screen with a hint beside the predicate."""


class FilterBar(Horizontal):
    """The current filter, or its input; hidden without either."""

    BINDINGS: ClassVar[list[BindingType]] = [*FILTER_BINDINGS]

    @dataclass
    class PredicateEntered(Message):
        """Show only the calls that match this SQL predicate; all, if it is None."""

        where: str | None

    @dataclass
    class SavedRequested(Message):
        """List the saved filters; with `is_naming` save the typed predicate `where`."""

        where: str | None
        is_naming: bool

    class FilterClosed(Message):
        """The input was closed: focus a pane."""

    def __init__(self) -> None:
        super().__init__(id="filter")
        self.where: str | None = None
        self._tags: Types | None = None
        self._last = ""
        self._shown: tuple[str, int, int] | None = None
        self._predicate = Static(id="filter-predicate")
        self._count = Static(id="filter-count")
        self._typed = Input(
            placeholder="SQL predicate: latency_ms > 500 and model = 'gpt-5-mini'",
            compact=True,
            suggester=_ColumnSuggester(lambda: self._tags or ()),
            highlighter=SAFE_HIGHLIGHTER,
            max_length=MAX_CHARACTERS,
            id="filter-typed",
        )
        self._problem = Static(id="filter-problem")
        self.display = self._typed.display = self._problem.display = False

    def compose(self) -> ComposeResult:
        yield Static(Content.styled(" filter  ", "$text-accent bold"), id="filter-label")
        yield self._predicate
        yield self._count
        yield self._typed
        yield self._problem

    def update(self, where: str | None, calls: int, total: int, tags: Types) -> None:
        """Show the current filter, which `calls` of `total` calls match; `tags` are the log's."""
        self.where, self._tags = where, tags
        self._last = where or self._last
        if where is not None and (where, calls, total) != self._shown:
            if self._shown is None or where != self._shown[0]:
                self._predicate.update(Content.styled(sanitize(where, 400), "$text-accent"))
            self._shown = where, calls, total
            self._update_count(calls, total)
        self.display = where is not None or self._typed.display

    def _update_count(self, calls: int, total: int) -> None:
        count = Content.assemble(
            (f"  {calls:,} of {humanize.plural(total, 'call')}", "bold"),
            ("   f edit" if self.app.size.width >= _HINT_FROM else "", "$text-muted"),
            ("  Esc clear ", "$text-muted"),
        )
        # The layout of the whole screen depends on the width alone.
        self._count.update(count, layout=count.cell_length != self._count.size.width)

    def open(self) -> None:
        """Open the input with the last predicate in it."""
        self._typed.value = self._last if len(self._last) <= MAX_CHARACTERS else ""
        self._show_input(is_open=True)
        self._typed.focus()

    async def on_click(self) -> None:
        """Edit the filter."""
        if not self._typed.display:
            await self.run_action("screen.filter")

    def _show_input(self, *, is_open: bool) -> None:
        self._typed.display = self._problem.display = is_open
        self._predicate.display = self._count.display = not is_open
        self.display = is_open or self.where is not None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if why := self._problem_of(event.value):
            self._problem.update(Content.styled(sanitize(why, 200), "$text-error"))
        else:
            hint = "times are UTC" if _NAMES_TIME.search(event.value) else ""
            self._problem.update(Content.styled(hint, "$text-muted"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        where = event.value.strip()
        if not self._problem_of(where):
            self.post_message(self.PredicateEntered(where or None))
            self.action_close()

    def _problem_of(self, where: str) -> str:
        """Return why a predicate is invalid; empty if it is valid."""
        why = workers.analysis.predicate_problem(where, self._tags) if where.strip() else ""
        return why.removeprefix("the predicate: ")

    def action_complete(self) -> None:
        """Accept the suggestion, as the right arrow does."""
        self._typed.action_end()
        self._typed.action_cursor_right()

    def action_list(self) -> None:
        """List the saved filters; the typed one can be saved there, if it is valid."""
        where = self._typed.value.strip()
        self._request_saved("" if self._problem_of(where) else where, is_naming=False)

    def action_save(self) -> None:
        """Save the typed predicate under a name, unless it is invalid."""
        where = self._typed.value.strip()
        if where and not self._problem_of(where):
            self._request_saved(where, is_naming=True)

    def _request_saved(self, where: str, *, is_naming: bool) -> None:
        self.action_close()
        self.post_message(self.SavedRequested(where or None, is_naming))

    def action_close(self) -> None:
        """Close the input; the filter is unchanged."""
        if self._typed.display:
            self._show_input(is_open=False)
            self.post_message(self.FilterClosed())


class _ColumnSuggester(Suggester):
    """Complete the name of a column; `tags` are columns of the log."""

    def __init__(self, tags: Callable[[], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._tags = tags

    async def get_suggestion(self, value: str) -> str | None:
        """Return `value` with the column's name at its end completed."""
        missing = workers.analysis.complete_predicate(value, self._tags())
        return value + missing if missing else None
