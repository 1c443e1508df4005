"""Base of the dialogs that show one text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import ModalScreen

from llmlog_tui.tui.widgets.text_pane import TextPane


class TextDialog(ModalScreen[None]):
    """A text that scrolls, whether it has the focus or not."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = TextPane()

    def compose(self) -> ComposeResult:
        yield self.sheet

    def on_click(self) -> None:
        self.sheet.focus()  # a click beside it has taken the focus away

    def action_page(self, pages: float) -> None:
        self.sheet.action_page(pages)

    def action_all(self, direction: int) -> None:
        self.sheet.action_all(direction)
