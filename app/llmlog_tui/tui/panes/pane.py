"""What all panes share: a table with a title, in a wide and in a compact form."""

from __future__ import annotations

from abc import abstractmethod

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from llmlog_tui.text import inert
from llmlog_tui.tui.widgets.table import LineTable

_CORNERS = 4


class Pane(LineTable):
    """A table that draws itself anew from what it was last given."""

    compact: reactive[bool] = reactive(default=False, toggle_class="-compact")

    def watch_compact(self) -> None:
        """Take the columns of the other form."""
        self.redraw()

    def on_resize(self) -> None:
        """Take the columns of another width."""
        super().on_resize()
        self.redraw()

    @abstractmethod
    def redraw(self) -> None:
        """Make a source, a title and a subtitle of what the pane holds."""

    def label(self, title: str, *subtitles: str) -> None:
        """Set what stands in the frame, the first subtitle that fits; values stay harmless."""
        room = self.size.width - _CORNERS
        subtitle = next((text for text in subtitles if cell_len(text) <= room), "")
        labels = inert(title), "" if self.compact else inert(subtitle)
        if labels != self._labels:  # to set them draws the whole pane
            self._labels = labels
            self.border_title, self.border_subtitle = map(Content, labels)

    _labels = "", ""
