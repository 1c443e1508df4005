"""One record, whole: its line as it stands in the file, made readable."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import RECORD_BINDINGS
from llmlog_tui.tui.widgets import recordtext


class RecordScreen(ModalScreen[None]):
    """All fields of a record, in the order its line has them."""

    BINDINGS: ClassVar[list[BindingType]] = [*RECORD_BINDINGS]

    def __init__(self, file: str, line: bytes | None) -> None:
        super().__init__()
        self._file = file
        self._line = line

    def compose(self) -> ComposeResult:
        """One scrolling sheet."""
        sheet = VerticalScroll(
            Static(Content("\n").join(recordtext.fields(self._line, self._file)))
        )
        sheet.border_title = Content(inert(self._file))
        sheet.border_subtitle = "Esc back"
        yield sheet
