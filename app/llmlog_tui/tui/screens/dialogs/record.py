"""Dialogs for one record: all its fields, and what to copy of it."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.log.decoded_line import DecodedLine
from llmlog_tui.tui.keys.dialogs import COPY_BINDINGS, RECORD_BINDINGS
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.screens.dialogs.text_dialog import TextDialog

_CLOSE: Final = "escape"


class RecordDialog(TextDialog):
    """All fields of a record, in the order of its line."""

    BINDINGS: ClassVar[list[BindingType]] = [*RECORD_BINDINGS]

    def __init__(self, file: str, line: DecodedLine) -> None:
        super().__init__()
        self._file, self._line = file, line

    def on_mount(self) -> None:
        texts = record_text.fields(self._line, self._file, self.app.size.width)
        self.sheet.update(self._file, texts, "Esc back")


class CopyMenu(ModalScreen[str]):
    """Returns the key that was pressed; a capital one saves to a file."""

    BINDINGS: ClassVar[list[BindingType]] = [*COPY_BINDINGS]

    def compose(self) -> ComposeResult:
        choices = [
            Content.assemble((f" {binding.key} ", "$text-primary bold"), binding.description)
            for binding in COPY_BINDINGS
            if binding.key != _CLOSE and binding.key.islower()
        ]
        title = Content.styled("Copy  (a capital saves it to a file)", "bold")
        yield Static(Content("\n").join([title, Content(""), *choices]))
