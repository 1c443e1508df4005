"""Cache of drawn lines: a line is drawn again only if its state has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from llmlog_tui.tui.widgets.column_layout import blank, lay_out
from llmlog_tui.tui.widgets.row_source import CellSpan, Column, Row, Tone

GUTTER: Final = 2
"""Cells before the first column: one for the cursor, one for the row's mark."""

_GAP: Final = CellSpan(" ")


class LineState(NamedTuple):
    """All that a line's appearance depends on, except widths and styles.

    `style_class` is a component class of the table, without `table--`; empty for the table's own
    style.
    """

    row: Row
    pointer: CellSpan
    style_class: str


class StripCache:
    """Draw lines, once each; `get_style(name, partial)` is the style of a component class."""

    def __init__(self, get_style: Callable[[str, bool], Style]) -> None:
        self._get_style = get_style
        self._styles: dict[tuple[str, str], Style] = {}
        self._drawn: dict[Hashable, tuple[LineState, Strip]] = {}

    def clear(self) -> None:
        """Invalidate the cache, for other styles, columns or widths."""
        self._styles.clear()
        self._drawn.clear()

    def keep_only(self, lines: Iterable[Hashable]) -> None:
        """Evict all other lines."""
        self._drawn = {line: self._drawn[line] for line in lines if line in self._drawn}

    def style(self, style_class: str, tone: str = "") -> Style:
        """Return the style of a text's tone in a line of this class."""
        style = self._styles.get((style_class, tone))
        if style is None:
            style = self._get_style(style_class, False)  # noqa: FBT003 - the signature is our own
            if tone:
                style += self._get_style(tone, True)  # noqa: FBT003 - as above
            self._styles[style_class, tone] = style
        return style

    def draw(
        self,
        line: Hashable,
        state: LineState,
        columns: Sequence[Column],
        widths: Sequence[int],
        width: int,
    ) -> Strip:
        """Return the strip of the line with the id `line`, `width` cells wide."""
        drawn = self._drawn.get(line)
        if drawn is None or drawn[0] != state:
            drawn = state, self._strip(state, columns, widths, width)
            self._drawn[line] = drawn
        return drawn[1]

    def _strip(
        self, state: LineState, columns: Sequence[Column], widths: Sequence[int], width: int
    ) -> Strip:
        style_class = state.style_class
        if not state.row.cells:
            return Strip.blank(width, self.style(style_class))
        spans, cells = [state.pointer, state.row.mark], GUTTER
        for column, cell, room in zip(columns, state.row.cells, widths, strict=False):
            spans += lay_out(cell, room, column.align)
            spans.append(_GAP)
            cells += room + 1
        spans.append(blank(width - cells))
        segments = [Segment(text, self.style(style_class, tone)) for text, tone in _joined(spans)]
        return Strip(segments, max(cells, width)).adjust_cell_length(width)


def _joined(spans: Sequence[CellSpan]) -> Iterator[tuple[str, Tone]]:
    """Yield the spans, successive ones of one tone joined."""
    joined, last = "", spans[0].tone
    for text, tone in spans:
        if tone == last:
            joined += text
        else:
            yield joined, last
            joined, last = text, tone
    yield joined, last
