"""The line in which a search is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from llmlog_tui.tui.keys.dialogs import FIND_BINDINGS
from llmlog_tui.tui.widgets.safe_input import INERT, MOST_CHARACTERS


class FindBar(Input):
    """Hidden until it is opened; Enter searches, Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*FIND_BINDINGS]

    @dataclass
    class Wanted(Message):
        """A text is to be found."""

        text: str

    class Closed(Message):
        """The search was given up or is done: the panes have the keys again."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="find an id, a model, a tool, an error; Enter finds, n and N go on",
            compact=True,
            highlighter=INERT,
            max_length=MOST_CHARACTERS,
            id="find",
        )
        self.display = False

    def open(self, text: str = "") -> None:
        """Show the line, with `text` in it."""
        self.value = text[:MOST_CHARACTERS]
        self.display = True
        self.focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.post_message(self.Wanted(event.value.strip()))
        self.action_close()

    def action_close(self) -> None:
        """Hide the line."""
        self.display = False
        self.post_message(self.Closed())

    def on_blur(self, event: events.Blur) -> None:
        """A click elsewhere closes it too."""
        del event
        self.display = False
