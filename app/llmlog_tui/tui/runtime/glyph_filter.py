"""Filter over every drawn line: ASCII, or glyphs of the same width in every terminal."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from llmlog_tui.glyphs import in_ascii, steady


class GlyphFilter(LineFilter):
    """Replaces the glyphs that any widget draws, borders and scrollbars included.

    `form` returns a text of the same width in cells; ASCII text is not passed to it.
    """

    def __init__(self, form: Callable[[str], str]) -> None:
        super().__init__()
        self._form = form

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            each
            if each.control or each.text.isascii()
            else Segment(self._form(each.text), each.style)
            for each in segments
        ]


@cache
def glyph_filter(*, ascii_only: bool) -> GlyphFilter:
    # Always the same one: a line is kept as it was filtered and sent, by its filters.
    return GlyphFilter(in_ascii if ascii_only else steady)
