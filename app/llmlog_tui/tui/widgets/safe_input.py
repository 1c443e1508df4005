"""Text that is typed or pasted, shown harmless: a value of the log may be in it."""

from __future__ import annotations

from typing import Final

from rich.highlighter import Highlighter
from rich.text import Text

from llmlog_tui.sanitize import sanitize

MOST_CHARACTERS: Final = 10_000
"""No line that is typed gets longer."""


class SafeInput(Highlighter):
    """For an Input: each character has one that is harmless in its place."""

    def highlight(self, text: Text) -> None:
        """Put them there."""
        text.plain = sanitize(text.plain, MOST_CHARACTERS)


INERT: Final = SafeInput()
