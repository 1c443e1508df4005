"""The state of a search as one row, and marks on its words."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.folded_text import words_pattern
from llmlog_tui.tui.widgets.row_source import UNMARKED, Cell, CellSpan, Row, RowSource

if TYPE_CHECKING:
    from llmlog_tui.tui.queries import SearchState

_TEXT: Final = 40
"""Maximum characters of the words in the row."""
_MIN_EXCERPT: Final = 12
_ALL: Final = 100
HIT: Final = CellSpan("●", "warning")
"""Gutter of a row with the words."""
_CUT: Final = r"(?:\n\s*)?"
"""Where a word may continue in the next row."""
_CONTEXT: Final = 2
"""Rows before and after the visible ones in which a hit may begin or end."""


def is_worth_a_row(search: SearchState) -> bool:
    """Return whether there are hits in content, or the scan takes long."""
    takes_long = search.is_outside or 0 < (search.percent or 0) < _ALL
    return search.found > 0 or (search.is_running and takes_long)


def status(search: SearchState, width: int) -> Content:
    """Return the words, the current hit and its excerpt, and how much was scanned."""
    parts: list[tuple[str, str]] = [(f" {sanitize(search.text, _TEXT)}  ", "$text-accent bold")]
    if search.is_outside and search.is_running:
        parts.append(("outside the window  ", "$text-muted"))
    elif search.row is None:
        parts.append(("searching content  ", "$text-muted"))
    elif search.is_running:
        parts.append((f"{search.found:,} found so far  ", "bold"))
    else:
        more = "+" if search.is_cut else ""
        parts.append((f"{search.nth:,} of {search.total:,}{more}  ", "bold"))
    end = f"  {search.percent}%  Esc ends " if search.is_running else "  n N  Esc closes "
    room = width - sum(cell_len(text) for text, _ in parts) - cell_len(end)
    excerpt = Content("")
    if search.excerpt is not None and room >= _MIN_EXCERPT:
        excerpt = _excerpt(search.excerpt.field, search.excerpt.text, search.text, room)
    line = Content.assemble(*parts, excerpt)
    gap = " " * max(0, width - line.cell_length - cell_len(end))
    return Content.assemble(line, gap, (end, "$text-muted"))


def _excerpt(field: str, text: str, words: str, room: int) -> Content:
    """Return the field, and the part of the excerpt around the words that has room."""
    name = f"{sanitize(field, 20)}  "
    text, room = sanitize(text), max(0, room - cell_len(name))
    found = words_pattern(words).search(text)
    start, end = found.span() if found else (0, 0)
    if end > room:
        skipped = min(start, end - room + (room - (end - start)) // 2)
        text = "…" + text[max(0, skipped) + 1 :]
        start, end = start - max(0, skipped), end - max(0, skipped)
    if cell_len(text) > room:
        text = set_cell_size(text, max(0, room - 1)) + "…"
    return Content.assemble(
        (name, "$text-muted"), text[:start], (text[start:end], "bold underline"), text[end:]
    )


def rows_pattern(words: str) -> re.Pattern[str]:
    """Return the pattern of words in rows joined by newlines, where any may be cut."""
    parts = (_CUT.join(map(re.escape, word)) for word in words.split())
    return re.compile(r"\s+".join(parts), re.IGNORECASE)


class MarkedRows(RowSource):
    """The rows of another source, with marks on words."""

    def __init__(self, rows: RowSource, words: str) -> None:
        self.rows_below = rows
        self._pattern = rows_pattern(words)
        self.columns = rows.columns

    def __len__(self) -> int:
        return len(self.rows_below)

    def key(self, index: int) -> Hashable:
        return self.rows_below.key(index)

    def index(self, key: Hashable) -> int | None:
        return self.rows_below.index(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        first, last = max(0, start - _CONTEXT), min(len(self), stop + _CONTEXT)
        rows = self.rows_below.rows(first, last, widths)
        texts = ["".join(span.text for cell in row.cells for span in cell) for row in rows]
        marks = self._marks(texts)
        return [
            _marked(row, marks[n]) if n in marks else row
            for n, row in enumerate(rows[: stop - first])
            if n >= start - first
        ]

    def _marks(self, texts: Sequence[str]) -> dict[int, list[tuple[int, int]]]:
        """Return the marked parts of each row that has any."""
        marks: dict[int, list[tuple[int, int]]] = {}
        for found in self._pattern.finditer("\n".join(texts)):
            begin = 0
            for n, text in enumerate(texts):
                start, end = max(0, found.start() - begin), min(len(text), found.end() - begin)
                part = text[start:end] if start < end else ""
                if part.strip():
                    indent = len(part) - len(part.lstrip())  # of a continued line
                    marks.setdefault(n, []).append((start + indent, end))
                begin += len(text) + 1
        return marks


def _marked(row: Row, marks: Sequence[tuple[int, int]]) -> Row:
    cells: list[Cell] = []
    begin = 0
    for cell in row.cells:
        spans: list[CellSpan] = []
        for span in cell:
            spans += _split(span, begin, marks)
            begin += len(span.text)
        cells.append(spans)
    return row._replace(cells=cells, mark=HIT if row.mark is UNMARKED else row.mark)


def _split(span: CellSpan, begin: int, marks: Sequence[tuple[int, int]]) -> Iterator[CellSpan]:
    at, end = begin, begin + len(span.text)
    for start, stop in marks:
        start, stop = max(start, at), min(stop, end)  # noqa: PLW2901 - clipped to the span
        if start >= stop:
            continue
        if start > at:
            yield CellSpan(span.text[at - begin : start - begin], span.tone)
        yield CellSpan(span.text[start - begin : stop - begin], "hit")
        at = stop
    if at < end:
        yield CellSpan(span.text[at - begin :], span.tone)
