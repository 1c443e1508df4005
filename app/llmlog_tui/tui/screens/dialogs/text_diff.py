"""Dialog with the texts in which two steps differ."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.tui.keys.panes import TEXT_DIFF_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.render import text_diff_rows
from llmlog_tui.tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from llmlog_tui.tui.queries import TextDiffResult


class TextDiffPane(Pane):
    """The texts; only the words that differ are marked, or whole lines."""

    def __init__(self, result: TextDiffResult) -> None:
        super().__init__(heading=False, id="text-diff")
        self.following = False
        self.by_words = True
        self._result = result
        self._differences: list[int] = []

    def redraw(self) -> None:
        source = text_diff_rows.TextDiffRows(self._result, self.room, by_words=self.by_words)
        self._differences = source.differences
        self.set_source(source)
        self.following = False
        self.set_title(text_diff_rows.title(self._result), text_diff_rows.footer(self._result))

    def go_to_difference(self, direction: int) -> bool:
        """Go to the next difference, or with -1 to the previous one; False without one."""
        places, here = self._differences, self._cursor
        at = bisect_right(places, here) if direction > 0 else bisect_left(places, here) - 1
        if not 0 <= at < len(places):
            return False
        self._go(places[at])
        self.following = False
        return True


class TextDiffDialog(ModalScreen[None]):
    """The texts of two steps, and the figures of both."""

    BINDINGS: ClassVar[list[BindingType]] = [*TEXT_DIFF_BINDINGS]
    AUTO_FOCUS = "#text-diff"

    def __init__(self, result: TextDiffResult) -> None:
        super().__init__()
        self._result = result
        self._is_drawn = False
        self.sides = Static(id="text-diff-sides")
        self.texts = TextDiffPane(result)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self.sides
            yield self.texts
            yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        del event
        self.call_after_refresh(self._draw_sides)  # when it has its width

    def _draw_sides(self) -> None:
        self.sides.update(text_diff_rows.sides(self._result, self.sides.size.width))
        if not self._is_drawn:
            self._is_drawn = True
            self.texts.go_to_difference(1)

    def action_difference(self, direction: int) -> None:
        if not self.texts.go_to_difference(direction):
            where = "after" if direction > 0 else "before"
            self.notify(f"No difference {where} this one.", timeout=2, markup=False)

    def action_units(self) -> None:
        """Mark the words that differ, or whole lines."""
        self.texts.by_words = not self.texts.by_words
        self.texts.redraw()

    def action_back(self) -> None:
        self.dismiss()
