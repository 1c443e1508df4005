"""Sequences of lines that are made when drawn, and finding words in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import overload

from llmlog_tui.tui.render.search_text import rows_pattern
from llmlog_tui.tui.widgets.folded_text import FoldedText, Line
from llmlog_tui.tui.widgets.row_source import CellSpan, Tone


class FoldedLines(Sequence[Line]):
    """Rows of a long text as lines of one span."""

    def __init__(self, text: FoldedText, tone: Tone) -> None:
        self.text = text
        self._tone = tone

    def __len__(self) -> int:
        return len(self.text)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        return [CellSpan(self.text[index], self._tone)]


class ChainedLines(Sequence[Line]):
    """Several sequences of lines as one."""

    def __init__(self, chunks: Sequence[Sequence[Line]]) -> None:
        self.chunks = chunks
        self._ends = list(accumulate(map(len, chunks)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        at = bisect_right(self._ends, index)
        return self.chunks[at][index - (self._ends[at - 1] if at else 0)]


def find_line(lines: Sequence[Line], words: str) -> int | None:
    """Return the index of the first line with words; None without one."""
    if isinstance(lines, FoldedLines):
        return lines.text.find(words)
    if isinstance(lines, ChainedLines):
        before = 0
        for chunk in lines.chunks:
            if (found := find_line(chunk, words)) is not None:
                return before + found
            before += len(chunk)
        return None
    texts = "\n".join("".join(span.text for span in line) for line in lines)
    hit = rows_pattern(words).search(texts)
    return None if hit is None else texts.count("\n", 0, hit.start())
