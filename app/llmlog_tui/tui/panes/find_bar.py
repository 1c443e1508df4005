"""The search input, and the row with the current search's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from llmlog_tui.tui.keys.dialogs import FIND_BINDINGS
from llmlog_tui.tui.queries import SearchState
from llmlog_tui.tui.render import search_text
from llmlog_tui.tui.widgets.safe_input import MAX_CHARACTERS, SAFE_HIGHLIGHTER


class FindBar(Input):
    """An input, hidden until opened; Enter searches, Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*FIND_BINDINGS]

    @dataclass
    class SearchEntered(Message):
        """Search for a text."""

        text: str

    class FindClosed(Message):
        """The input was closed: focus a pane."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="an id, a model, a tool, words in content; then n next, N previous",
            compact=True,
            highlighter=SAFE_HIGHLIGHTER,
            max_length=MAX_CHARACTERS,
            id="find",
        )
        self.display = False

    def open(self, text: str = "") -> None:
        """Show the input with `text` in it."""
        self.value = text[:MAX_CHARACTERS]
        self._show(is_open=True)
        self.focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.post_message(self.SearchEntered(event.value.strip()))
        self.action_close()

    def action_close(self) -> None:
        self._show(is_open=False)
        self.post_message(self.FindClosed())

    def on_blur(self, event: events.Blur) -> None:
        """Close on a click elsewhere, too."""
        del event
        self._show(is_open=False)

    def _show(self, *, is_open: bool) -> None:
        self.display = is_open
        if isinstance(self.parent, FindRow):
            self.parent.display = is_open


class FindRow(Horizontal):
    """The input after its label, as the filter has one; hidden with it."""

    def __init__(self, bar: FindBar) -> None:
        label = Static(Content.styled(" find  ", "$text-primary bold"), id="find-label")
        super().__init__(label, bar)
        self.display = False


class FindStatus(Widget):
    """Progress of a search in content, and where its current hit is; hidden without either."""

    def __init__(self) -> None:
        super().__init__(id="found")
        self._search = SearchState()
        self.display = False

    def update_search(self, search: SearchState) -> None:
        """Show the state of a search."""
        if search != self._search:
            self._search = search
            self.display = search_text.is_worth_a_row(search)
            self.refresh()

    def render(self) -> Content:
        return search_text.status(self._search, self.size.width)
