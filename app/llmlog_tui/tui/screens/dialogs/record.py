"""One record, whole: its line as it stands in the file, made readable."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from llmlog_tui.tui.keys.dialogs import RECORD_BINDINGS
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.widgets.text_pane import TextPane


class RecordDialog(ModalScreen[None]):
    """All fields of a record, in the order its line has them."""

    BINDINGS: ClassVar[list[BindingType]] = [*RECORD_BINDINGS]

    def __init__(self, file: str, line: bytes | None) -> None:
        super().__init__()
        self.sheet = TextPane()
        self._file, self._line = file, line

    def compose(self) -> ComposeResult:
        """The sheet alone."""
        yield self.sheet

    def on_mount(self) -> None:
        """Fill it."""
        self.sheet.hold(self._file, record_text.fields(self._line, self._file), "Esc back")
