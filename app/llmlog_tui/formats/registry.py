"""The log formats llmlog reads."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Format
from llmlog_tui.formats.llmlog import LLMLOG

FORMATS: Final[tuple[Format, ...]] = ()
"""Formats of other tools, in the order they are asked; the first that detects a file has it."""

OWN: Final[Format] = LLMLOG
"""llmlog's own records, and flat records with its field names."""
