"""One record, whole: its line as it stands in the file, made readable."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import RECORD_BINDINGS
from llmlog_tui.tui.screens.rolling import RollingScreen
from llmlog_tui.tui.widgets import recordtext


class RecordScreen(RollingScreen):
    """All fields of a record, in the order its line has them."""

    BINDINGS: ClassVar[list[BindingType]] = [*RECORD_BINDINGS]

    def __init__(self, file: str, line: bytes | None) -> None:
        text = Static(Content("\n").join(recordtext.fields(line, file)))
        super().__init__(VerticalScroll(text))
        self.sheet.border_title = Content(inert(file))
        self.sheet.border_subtitle = "Esc back"
