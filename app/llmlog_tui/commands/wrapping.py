"""Lines of text wrapped at the width of the terminal."""

from __future__ import annotations

import re
import shutil
import sys
from typing import Final

from rich.cells import cell_len

_MIN_TERMINAL: Final = 40
"""Minimum columns of a terminal for whose width lines are wrapped."""
_HANG: Final = "      "
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
_PIECES: Final = re.compile(r"\s*\S+")


def on_terminal(line: str) -> str:
    """Return the line, wrapped between words if stdout is a narrower terminal.

    The terminal would wrap it inside a word. Only a word longer than a line is left to it.
    """
    if sys.stdout is None or not sys.stdout.isatty():  # None: it was closed
        return line
    return wrapped(line, shutil.get_terminal_size().columns)


def wrapped(line: str, columns: int) -> str:
    """Return the line in parts of at most `columns` cells, the later ones indented."""
    if columns < _MIN_TERMINAL or _shown_width(line) <= columns:
        return line
    parts, at, used = [""], 0, 0
    for piece in _PIECES.findall(line):
        width = _shown_width(piece)
        if used and used + width > columns:
            parts.append(_HANG)
            piece, at = piece.lstrip(), at + 1  # noqa: PLW2901 - what separated it from the last
            used, width = len(_HANG), _shown_width(piece)
        parts[at] += piece
        used += width
    return "\n".join(parts)


def _shown_width(text: str) -> int:
    return cell_width(_ESCAPES.sub("", text))


def cell_width(text: str) -> int:
    """Return the number of terminal cells of a text without escapes."""
    if text.isascii():
        return len(text)
    return cell_len(text)
