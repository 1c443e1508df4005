"""What all panes share: a table with a title, in a wide and in a compact form."""

from __future__ import annotations

from abc import abstractmethod

from textual.content import Content
from textual.reactive import reactive

from llmlog_tui.text import inert
from llmlog_tui.tui.widgets.table import LineTable


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

    def label(self, title: str, subtitle: str = "") -> None:
        """Set what stands in the frame; values of a log in it stay harmless."""
        labels = inert(title), "" if self.compact else inert(subtitle)
        if labels != self._labels:  # to set them draws the whole pane
            self._labels = labels
            self.border_title, self.border_subtitle = map(Content, labels)

    _labels = "", ""
