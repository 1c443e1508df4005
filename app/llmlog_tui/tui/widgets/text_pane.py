"""Framed text that scrolls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.bindings import TEXT_BINDINGS


class TextPane(VerticalScroll, inherit_bindings=False):
    """Lines under a title; only scrolling keys are its own."""

    BINDINGS: ClassVar[list[BindingType]] = [*TEXT_BINDINGS]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        self._text = Static()
        super().__init__(self._text, id=id)

    def update(self, title: str, lines: Iterable[Content], subtitle: str = "") -> None:
        """Show other lines, scrolled to the top if the title has changed."""
        text = Content(sanitize(title))
        if self.border_title != text.plain:
            self.scroll_home(animate=False)
        self.border_title = text
        self.border_subtitle = Content(subtitle)
        self._text.update(Content("\n").join(lines))

    def action_roll(self, lines: int) -> None:
        self.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: float) -> None:
        self.action_roll(round(pages * self.size.height))

    def action_all(self, direction: int) -> None:
        """Scroll to the end, or with -1 to the beginning."""
        self.action_roll(direction * self.virtual_size.height)
