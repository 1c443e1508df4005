"""How the App is dressed: in one of our themes, and in ASCII where the terminal has no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

from llmlog_tui.config.settings import Settings
from llmlog_tui.glyphs import in_ascii, steady
from llmlog_tui.tui.theme import DARK, LIGHT, ParsedOnce


class GlyphFilter(LineFilter):
    """Puts whatever any widget draws, borders and scrollbars included, into other signs.

    `form` gives a text that takes as many cells; ASCII is left as it is.
    """

    def __init__(self, form: Callable[[str], str]) -> None:
        super().__init__()
        self._form = form

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments with their text in its form."""
        return [
            each
            if each.control or each.text.isascii()
            else Segment(self._form(each.text), each.style)
            for each in segments
        ]


_IN_ASCII: Final = GlyphFilter(in_ascii)
_STEADY: Final = GlyphFilter(steady)


class GlyphApp(App[str]):
    """The App as far as its looks go. Those that inherit own the settings."""

    _settings: Settings

    def dress(self) -> None:
        """Take our themes, before it runs: a change restyles everything."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = LIGHT.name if self._settings.theme == "light" else DARK.name
        self.stylesheet = ParsedOnce(self.get_css_variables())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through on its way to the terminal."""
        ours = _IN_ASCII if self._settings.ascii else _STEADY
        return [*super().get_line_filters(), ours]
