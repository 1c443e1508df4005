"""Bars and sparklines of the headless commands."""

from __future__ import annotations

import math
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
    """Renderer of bars and sparklines, in colour or without."""

    colour: bool

    def bar(self, value: float, most: float) -> str:
        """Return a bar, 12 cells for `most`, at least an eighth if not zero."""
        is_known = most and math.isfinite(value) and math.isfinite(most)  # a sum may overflow
        eighths = round(value / most * _BAR_CELLS * 8) if is_known else 0
        full, part = divmod(max(eighths, 1 if value else 0), 8)
        return self._coloured(("█" * full + _EIGHTHS[part]).strip(), "blue")

    def sparkline(self, values: Sequence[float | None]) -> str:
        """Return one cell per value, scaled from zero to the greatest; blank for None."""
        return self._coloured(humanize.spark(values), "cyan")

    def _coloured(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour) if self.colour else text


def text_charts() -> TextCharts | None:
    """Return the renderer for stdout; None unless it is a UTF-8 terminal.

    In colour unless NO_COLOR is set (no-color.org) or TERM is dumb.
    """
    stdout = sys.stdout
    if stdout is None or not stdout.isatty() or not stdout.encoding.lower().startswith("utf"):
        return None
    return TextCharts(colour=not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
