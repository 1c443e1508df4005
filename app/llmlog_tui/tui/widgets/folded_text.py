"""Texts of any length in rows of a width; rows are made when drawn."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, overload

from rich.cells import cell_len, chop_cells

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.row_source import CellSpan

_WIDE: Final = re.compile("[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uffe6]"
                          "|[\U0001f000-\U0003ffff]")  # fmt: skip
"""Characters that may take two cells."""
_TAB: Final = "    "


class FoldedText(Sequence[str]):
    """The rows of a text; longer lines continue in the next row.

    Only the number of rows of each line is computed: 10 MB take some 20 ms.
    """

    def __init__(self, text: str, width: int) -> None:
        self._lines = text.split("\n")
        self._width = max(2, width)
        self._ends = self._row_ends(is_ascii=text.isascii())

    def _row_ends(self, *, is_ascii: bool) -> Sequence[int]:
        """Return the number of rows up to the end of each line."""
        room, half = self._width, self._width // 2  # `half` characters fit, even wide ones
        lengths = list(map(len, self._lines))
        longest = max(lengths)
        if longest <= (room if is_ascii else half):
            return range(1, len(lengths) + 1)
        if is_ascii:  # without a call for each line, in a third of the time
            return list(accumulate((length - 1) // room + 1 or 1 for length in lengths))
        is_wide = _WIDE.search
        counts = (
            1
            if length <= half
            else -(-length // (room if line.isascii() or not is_wide(line) else half))
            for line, length in zip(self._lines, lengths, strict=True)
        )
        return list(accumulate(counts))

    def _room(self, line: str) -> int:
        """Return the characters in a row: half of them where some may take two cells."""
        narrow = line.isascii() or _WIDE.search(line) is None
        return self._width if narrow else self._width // 2

    def find(self, words: str) -> int | None:
        """Return the first row with words, in any case; None without one."""
        text = "\n".join(self._lines)
        at = find_words(text, words)
        if at is None:
            return None
        line = text.count("\n", 0, at)
        column = at - (text.rfind("\n", 0, at) + 1)
        return (self._ends[line - 1] if line else 0) + column // self._room(self._lines[line])

    def is_continued(self, index: int) -> bool:
        """Return whether a row continues the line of the row before."""
        at = bisect_right(self._ends, index)
        return index > (self._ends[at - 1] if at else 0)

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        at = bisect_right(self._ends, index)
        line = self._lines[at]
        room = self._room(line)
        nth = index - (self._ends[at - 1] if at else 0)
        return sanitize(line[nth * room : (nth + 1) * room].replace("\t", " ").rstrip("\r"))


def words_pattern(words: str) -> re.Pattern[str]:
    """Return the pattern of words in a text, with any white space between them."""
    return re.compile(r"\s+".join(map(re.escape, words.split())), re.IGNORECASE)


def find_words(text: str, words: str) -> int | None:
    """Return where the words are in a text of any length; None without them."""
    parts, lowered = words.lower().split(), text.lower()
    pattern = words_pattern(words)
    # Only ASCII letters are equal whenever their lower case is.
    if not (parts and text.isascii() and words.isascii()):
        found = pattern.search(text)
        return None if found is None else found.start()
    at = lowered.find(parts[0])  # many times faster than a pattern that ignores case
    while at >= 0 and pattern.match(text, at) is None:
        at = lowered.find(parts[0], at + 1)
    return at if at >= 0 else None


def printable_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, sanitized, tabs as spaces."""
    for line in text.split("\n"):
        shown = line.replace("\t", _TAB).rstrip("\r")
        yield sanitize(shown, len(shown))


Line = list[CellSpan]


def wrap_spans(spans: Sequence[CellSpan], width: int) -> Iterator[Line]:
    """Yield printable spans in lines of at most `width` cells, broken between words."""
    width = max(2, width)
    line: Line = []
    used = 0
    for word, length in _words(spans, width):
        if used + length > width and line and word.text.strip():
            yield _trimmed(line)
            line, used = [], 0
        if used or word.text.strip() or not line:
            line.append(word)
            used += length
    yield _trimmed(line)


def _words(spans: Sequence[CellSpan], width: int) -> Iterator[tuple[CellSpan, int]]:
    for text, tone in spans:
        for word in re.findall(r"\s+|\S+", text):
            length = len(word) if word.isascii() else cell_len(word)
            if length <= width:
                yield CellSpan(word, tone), length
            else:
                for piece in chop_cells(word, width):
                    yield CellSpan(piece, tone), cell_len(piece)


def _trimmed(line: Line) -> Line:
    while line and not line[-1].text.strip():
        line.pop()
    joined: Line = []
    for span in line:
        if joined and joined[-1].tone == span.tone:
            joined[-1] = CellSpan(joined[-1].text + span.text, span.tone)
        else:
            joined.append(span)
    return joined
