"""First frame."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.views import VIEWS
from llmlog_tui.tui.panes.header import Header, HeaderState
from llmlog_tui.tui.widgets.footer import KeyFooter


class SplashScreen(Screen[None]):
    """The first frame, with the rows of a view: nothing moves when that opens."""

    def __init__(self, headline: HeaderState) -> None:
        super().__init__()
        tabs = tuple(VIEWS.values())
        self.header = Header(tabs[0], tabs)
        self.header.headline = headline

    def compose(self) -> ComposeResult:
        yield self.header
        yield Static(Content(f"Reading {sanitize(self.header.headline.file, 60)}"))
        yield KeyFooter()
