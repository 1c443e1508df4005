"""Bars and sparklines for a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import click

from llmlog_tui import humanize

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_BAR_CELLS: Final = 12


@dataclass(frozen=True)
class TextCharts:
    """Draws, in colour or without."""

    colour: bool

    def bar(self, value: float, most: float) -> str:
        """A bar, 12 cells long for `most`; what is not zero shows at least an eighth of a cell."""
        eighths = round(value / most * _BAR_CELLS * 8) if most else 0
        full, part = divmod(max(eighths, 1 if value else 0), 8)
        return self._painted(("█" * full + _EIGHTHS[part]).strip(), "blue")

    def sparkline(self, values: Sequence[float | None]) -> str:
        """A cell for each value, from zero to the greatest; blank where there is none."""
        return self._painted(humanize.spark(values), "cyan")

    def _painted(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour) if self.colour else text


def text_charts() -> TextCharts | None:
    """What draws on stdout; None if that is no terminal, which gets plain text, or closed.

    In colour unless NO_COLOR is set to something (no-color.org) or TERM is dumb.
    """
    stdout = sys.stdout
    if stdout is None or not stdout.isatty() or not stdout.encoding.lower().startswith("utf"):
        return None
    return TextCharts(colour=not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
