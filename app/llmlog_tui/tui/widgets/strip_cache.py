"""Rows as they stand on screen: each is drawn once, and kept while it looks the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from llmlog_tui.tui.widgets.column_layout import blank, lay_out
from llmlog_tui.tui.widgets.row_source import CellSpan, Column, Row, Tone

GUTTER: Final = 2
"""Cells before the first column: the cursor, and the row's mark."""

_GAP: Final = CellSpan(" ")


class LineState(NamedTuple):
    """Everything that a line's looks depend on, but for widths and styles.

    `ground` is a component class of the table, without `table--`; empty for the table's own.
    """

    row: Row
    pointer: CellSpan
    ground: str


class StripCache:
    """Draws lines. `style` gives a component class's style, a partial one to lay over another."""

    def __init__(self, style: Callable[[str, bool], Style]) -> None:
        self._style = style
        self._styles: dict[tuple[str, str], Style] = {}
        self._drawn: dict[Hashable, tuple[LineState, Strip]] = {}

    def forget(self) -> None:
        """Styles, columns or widths are others: draw anew."""
        self._styles.clear()
        self._drawn.clear()

    def keep(self, lines: Iterable[Hashable]) -> None:
        """Forget all lines but these."""
        self._drawn = {line: self._drawn[line] for line in lines if line in self._drawn}

    def style(self, ground: str, tone: str = "") -> Style:
        """A tone on a ground."""
        found = self._styles.get((ground, tone))
        if found is None:
            found = self._style(ground, False)  # noqa: FBT003 - the signature is our own
            if tone:
                found += self._style(tone, True)  # noqa: FBT003 - as above
            self._styles[ground, tone] = found
        return found

    def draw(
        self,
        line: Hashable,
        look: LineState,
        columns: Sequence[Column],
        widths: Sequence[int],
        width: int,
    ) -> Strip:
        """The line known as `line`, `width` cells wide."""
        drawn = self._drawn.get(line)
        if drawn is None or drawn[0] != look:
            drawn = look, self._strip(look, columns, widths, width)
            self._drawn[line] = drawn
        return drawn[1]

    def _strip(
        self, look: LineState, columns: Sequence[Column], widths: Sequence[int], width: int
    ) -> Strip:
        if not look.row.cells:
            return Strip.blank(width, self.style(look.ground))
        spans, cells = [look.pointer, look.row.mark], GUTTER
        for column, cell, room in zip(columns, look.row.cells, widths, strict=False):
            spans += lay_out(cell, room, column.align)
            spans.append(_GAP)
            cells += room + 1
        spans.append(blank(width - cells))
        segments = [Segment(text, self.style(look.ground, tone)) for text, tone in _joined(spans)]
        return Strip(segments, max(cells, width)).adjust_cell_length(width)


def _joined(spans: Sequence[CellSpan]) -> Iterator[tuple[str, Tone]]:
    """The spans, those of one tone behind each other as one."""
    joined, last = "", spans[0].tone
    for text, tone in spans:
        if tone == last:
            joined += text
        else:
            yield joined, last
            joined, last = text, tone
    yield joined, last
