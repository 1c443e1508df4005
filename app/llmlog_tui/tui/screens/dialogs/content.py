"""Dialog with the content of a record that is evicted, or has no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from llmlog_tui.tui.keys.dialogs import FOUND_BINDINGS
from llmlog_tui.tui.navigation import Search
from llmlog_tui.tui.panes.content import KEYS_OF_A_HIT, ContentPane
from llmlog_tui.tui.render.replay_text import MODES
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from llmlog_tui.tui.queries import StepContent


class ContentDialog(ModalScreen[None]):
    """A record's content at the words that were found."""

    BINDINGS: ClassVar[list[BindingType]] = [*FOUND_BINDINGS]
    AUTO_FOCUS = "#content"

    def __init__(self, content: StepContent, words: str) -> None:
        super().__init__()
        self._content, self._words = content, words
        self._is_drawn = False
        self.content_pane = ContentPane()
        self.content_pane.keys = KEYS_OF_A_HIT

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self.content_pane
            yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        del event
        if not self._is_drawn:
            self._is_drawn = True
            self.call_after_refresh(self._draw)  # when it has its size

    def update(self, content: StepContent) -> None:
        """Show the content of another record."""
        self._content = content
        self._draw()

    def _draw(self) -> None:
        self.content_pane.mark(self._words)
        file = self._content.location.file
        self.content_pane.update(file, self._content, "")
        self.content_pane.go_to_marked()

    def action_view_as(self) -> None:
        """Conversation, as written, raw line or fields."""
        self.content_pane.set_mode(MODES.index(self.content_pane.mode) + 1)

    def action_find_next(self, direction: int) -> None:
        """Go to the next hit, or with -1 to the previous one."""
        self.post_message(LogView.SearchRequested(Search("", direction)))
