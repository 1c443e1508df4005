"""A dialog that is one long sheet: the keys of tables roll it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from llmlog_tui.tui.bindings import ROLLING_BINDINGS


class RollingScreen(ModalScreen[None]):
    """Those that inherit fill the `sheet`."""

    BINDINGS: ClassVar[list[BindingType]] = [*ROLLING_BINDINGS]

    def __init__(self, sheet: VerticalScroll) -> None:
        super().__init__()
        self.sheet = sheet

    def compose(self) -> ComposeResult:
        """The sheet alone."""
        yield self.sheet

    def action_roll(self, lines: int) -> None:
        """Roll by so many lines."""
        self.sheet.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: float) -> None:
        """Roll by so many times what is on screen."""
        self.action_roll(round(pages * self.sheet.size.height))

    def action_all(self, direction: int) -> None:
        """Roll to the end, or with -1 to the beginning."""
        self.action_roll(direction * self.sheet.virtual_size.height)
