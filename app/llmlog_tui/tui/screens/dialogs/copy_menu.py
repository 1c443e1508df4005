"""A small menu: what of a record is to be copied."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.tui.keys.dialogs import COPY_BINDINGS

_BACK = "escape"


class CopyMenu(ModalScreen[str]):
    """Its answer is the key that was pressed; a capital one for a file instead of the clipboard."""

    BINDINGS: ClassVar[list[BindingType]] = [*COPY_BINDINGS]

    def compose(self) -> ComposeResult:
        """The choices, as the bindings have them."""
        choices = [
            Content.assemble((f" {binding.key} ", "$text-primary bold"), binding.description)
            for binding in COPY_BINDINGS
            if binding.key != _BACK and binding.key.islower()
        ]
        title = Content.styled("Copy  (a capital saves it to a file)", "bold")
        yield Static(Content("\n").join([title, Content(""), *choices]))
