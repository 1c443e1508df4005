"""Sanitize the text of inputs: it may be pasted from a hostile source."""

from __future__ import annotations

from typing import Final

from rich.highlighter import Highlighter
from rich.text import Text

from llmlog_tui.sanitize import sanitize

MAX_CHARACTERS: Final = 10_000
"""Maximum length of an input's line."""


class SafeHighlighter(Highlighter):
    """Show a harmless character in place of each harmful one; the value is unchanged."""

    def highlight(self, text: Text) -> None:
        text.plain = sanitize(text.plain, MAX_CHARACTERS)


SAFE_HIGHLIGHTER: Final = SafeHighlighter()
