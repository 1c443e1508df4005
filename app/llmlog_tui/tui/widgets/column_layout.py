"""Fit columns into a width, and texts into cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column

MAX_CONTENT: Final = 200
"""Maximum width of a cell's contents that a column is widened to."""


def fit(columns: Sequence[Column], width: int) -> list[int]:
    """Return the widths of the leading columns that fit into `width` cells, one cell apart."""
    widths: list[int] = []
    left = width + 1
    for column in columns:
        if column.width + 1 > left:
            break
        widths.append(column.width)
        left -= column.width + 1
    for n, column in enumerate(columns[: len(widths)]):
        if column.flex:
            widths[n] += left
            break
    return widths


def content_widths(rows: Iterable[Sequence[Cell]], at_least: Sequence[int]) -> list[int]:
    """Return the width of the widest cell per column, none below `at_least`."""
    widest = list(at_least)
    for cells in rows:
        for n, spans in enumerate(cells[: len(widest)]):
            text = "".join([span.text for span in spans])
            if len(text) > widest[n] or not text.isascii():
                widest[n] = max(widest[n], cell_len(sanitize(text, MAX_CONTENT)))
    return widest


def fit_contents(columns: Sequence[Column], contents: Sequence[int], room: int) -> list[int]:
    """Return the widths in `room` cells of columns as wide as their `contents`.

    Columns that lack cells share the spare ones; cells that no column needs stay blank.
    """
    widths = [column.width for column in columns]
    spare = room + 1 - sum(width + 1 for width in widths)
    lacks = {n: contents[n] - width for n, width in enumerate(widths) if contents[n] > width}
    # The smallest lacks first: a bar is as long as its room, and would leave none.
    for n in sorted(lacks, key=lacks.__getitem__):
        by = max(0, min(lacks[n], spare // len(lacks)))
        lacks.pop(n)
        widths[n] += by
        spare -= by
    return widths


def leading_items(text: str, width: int, separators: Sequence[str]) -> str:
    """Return the leading items of a text that fit into `width` cells, at least one."""
    while cell_len(text) > width:
        end = max(text.rfind(separator) for separator in separators)
        if end <= 0:
            break
        text = text[:end]
    return text


def lay_out(spans: Cell, width: int, align: str) -> list[CellSpan]:
    """Return the spans, sanitized, in exactly `width` cells: padded, or cut with an ellipsis."""
    text = spans[0].text if len(spans) == 1 else "".join([span.text for span in spans])
    if len(text) <= width and text.isprintable():  # the common case, without sanitizing
        left = width - (len(text) if text.isascii() else cell_len(text))
        if left >= 0:
            padding = blank(left)
            return [padding, *spans] if align == "right" else [*spans, padding]
    shown: list[CellSpan] = []
    left = width
    # A cell shows `width` cells: sanitizing a value of megabytes further would be wasted.
    pieces = [CellSpan(sanitize(text, 4 * width + 1), tone) for text, tone in spans]
    lengths = [cell_len(piece.text) for piece in pieces]
    too_long = sum(lengths) > width
    for piece, length in zip(pieces, lengths, strict=True):
        if too_long and length >= left:
            if left:
                shown.append(CellSpan(set_cell_size(piece.text, left - 1) + "…", piece.tone))
            return shown
        shown.append(piece)
        left -= length
    padding = blank(left)
    return [padding, *shown] if align == "right" else [*shown, padding]


@lru_cache
def blank(width: int) -> CellSpan:
    return CellSpan(" " * width)
