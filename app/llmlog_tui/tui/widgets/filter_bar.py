"""The filter's row: the predicate in force, how much it lets through, and where it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.dialogs import FILTER_BINDINGS
from llmlog_tui.tui.widgets.safe_input import INERT, MOST_CHARACTERS

_ROOMY: Final = 100
"""Under so many columns the predicate needs the room more than the hint."""


class FilterBar(Horizontal):
    """Only there while a filter is in force or is being typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*FILTER_BINDINGS]

    @dataclass
    class Wanted(Message):
        """The calls for which this SQL predicate holds are wanted; all, if it is None."""

        where: str | None

    class Closed(Message):
        """The typing is over: the panes have the keys again."""

    def __init__(self) -> None:
        super().__init__(id="filter")
        self.where: str | None = None
        self._last = ""
        self._told: tuple[str, int, int] | None = None
        self._said = Static(id="filter-said")
        self._count = Static(id="filter-count")
        self._typed = Input(
            placeholder="SQL predicate: latency_ms > 500 and model = 'gpt-5-mini'",
            compact=True,
            suggester=_ColumnSuggester(),
            highlighter=INERT,
            max_length=MOST_CHARACTERS,
            id="filter-typed",
        )
        self._problem = Static(id="filter-problem")
        self.display = self._typed.display = self._problem.display = False

    def compose(self) -> ComposeResult:
        """The label, and either what is said or what is typed."""
        yield Static(Content.styled(" filter  ", "$text-accent bold"), id="filter-label")
        yield self._said
        yield self._count
        yield self._typed
        yield self._problem

    def say(self, where: str | None, calls: int, total: int) -> None:
        """The filter in force lets `calls` of `total` calls through."""
        self.where = where
        self._last = where or self._last
        if where is not None and (where, calls, total) != self._told:
            self._told = where, calls, total
            self._said.update(Content.styled(sanitize(where, 400), "$text-accent"))
            self._count.update(
                Content.assemble(
                    (f"  {calls:,} of {total:,} calls", "bold"),
                    ("   f edit" if self.app.size.width >= _ROOMY else "", "$text-muted"),
                    ("  Esc clear ", "$text-muted"),
                )
            )
        self.display = where is not None or self._typed.display

    def open(self) -> None:
        """Have a predicate typed; the last one stands there already."""
        self._typed.value = self._last if len(self._last) <= MOST_CHARACTERS else ""
        self._type(now=True)
        self._typed.focus()

    async def on_click(self) -> None:
        """A click on the filter edits it, as its key does."""
        if not self._typed.display:
            await self.run_action("screen.filter")

    def _type(self, *, now: bool) -> None:
        self._typed.display = self._problem.display = now
        self._said.display = self._count.display = not now
        self.display = now or self.where is not None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._problem.update(Content.styled(sanitize(_problem(event.value), 200), "$text-error"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        where = event.value.strip()
        if not _problem(where):
            self.post_message(self.Wanted(where or None))
            self.action_close()

    def action_complete(self) -> None:
        """Take the suggestion, as the right arrow does."""
        self._typed.action_end()
        self._typed.action_cursor_right()

    def action_close(self) -> None:
        """Type no more; the filter stays as it was."""
        if self._typed.display:
            self._type(now=False)
            self.post_message(self.Closed())


def _problem(where: str) -> str:
    """What is wrong with a predicate; empty if nothing is."""
    from llmlog_tui.analysis.query.sql import predicate_problem  # noqa: PLC0415 - imports polars

    return predicate_problem(where).removeprefix("the predicate: ") if where.strip() else ""


class _ColumnSuggester(Suggester):
    """Completes the name of a column."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """`value` with the column's name complete that it ends with the beginning of."""
        from llmlog_tui.analysis.query.completion import complete_predicate  # noqa: PLC0415 - imports polars

        missing = complete_predicate(value)
        return value + missing if missing else None
