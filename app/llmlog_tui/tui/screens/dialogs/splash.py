"""The first frame, until the views are there: what is open, and that it is being read."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.panes.header import Header, HeaderState
from llmlog_tui.tui.views import VIEWS
from llmlog_tui.tui.widgets.footer import KeyFooter


class SplashScreen(Screen[None]):
    """Its rows stand where every view has them, so that nothing moves when the first one comes."""

    def __init__(self, headline: HeaderState) -> None:
        super().__init__()
        tabs = tuple(VIEWS.values())
        self.header = Header(tabs[0], tabs)
        self.header.headline = headline

    def compose(self) -> ComposeResult:
        """The top row, what is being done, and the keys."""
        yield self.header
        yield Static(Content(f"Reading {sanitize(self.header.headline.file, 60)}"))
        yield KeyFooter()
