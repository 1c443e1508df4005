"""How the App is dressed: in one of our themes, and in ASCII where the terminal has no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

from llmlog_tui.glyphs import in_ascii
from llmlog_tui.settings_file import Settings
from llmlog_tui.tui.themes import DARK, LIGHT, ParsedOnce


class InAscii(LineFilter):
    """Puts whatever any widget draws into ASCII, borders and scrollbars included."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments with their text in as many cells."""
        return [
            each
            if each.control or each.text.isascii()
            else Segment(in_ascii(each.text), each.style)
            for each in segments
        ]


_IN_ASCII: Final = InAscii()


class Dressed(App[str]):
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
        filters = super().get_line_filters()
        return [*filters, _IN_ASCII] if self._settings.ascii else filters
