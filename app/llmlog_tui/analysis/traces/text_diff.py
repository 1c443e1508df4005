"""Differences of two texts, line by line and within changed lines word by word.

The shortest edit script by Myers' algorithm ("An O(ND) Difference Algorithm", 1986), bounded:
difflib is cubic for texts with few distinct words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")
_MAX_LINE_EDITS: Final = 600
"""Maximum lines inserted and deleted; texts with more are compared line by line."""
_MAX_WORD_EDITS: Final = 120
"""Maximum words inserted and deleted in a line; beyond, all of it differs."""
_MAX_WORD_DIFFS: Final = 300
"""Maximum changed lines of a text that are compared word by word."""
_MAX_ALIGNED: Final = 50
"""Maximum lines of a replaced block that are aligned by their words."""
_MIN_ALIKE: Final = 0.3
"""Minimum share of equal characters in a changed line that is compared by words."""


class Run(NamedTuple):
    """A run of text, and whether the other side lacks it."""

    text: str
    differs: bool = False


@dataclass(frozen=True)
class DiffLine:
    """A line of A beside that of B; None where only the other has one."""

    a: tuple[Run, ...] | None
    b: tuple[Run, ...] | None

    @property
    def differs(self) -> bool:
        return self.a is None or self.b is None or any(run.differs for run in (*self.a, *self.b))


class _Block(NamedTuple):
    """A range of A and one of B, equal or replaced."""

    a: slice
    b: slice
    is_equal: bool = True


def text_diff(a: str, b: str) -> tuple[DiffLine, ...]:
    """Return the lines of two texts beside each other, the words that differ marked."""
    one, other = a.split("\n"), b.split("\n")
    lines: list[DiffLine] = []
    by_words = _MAX_WORD_DIFFS
    for block in _blocks(one, other, _MAX_LINE_EDITS):
        if block.is_equal:
            lines += map(_equal, one[block.a])
            continue
        for x, y in _aligned(one[block.a], other[block.b]):
            if x is None or y is None or by_words <= 0:
                lines.append(_equal(x) if x is not None and x == y else _replaced(x, y))
            else:
                lines.append(word_diff(x, y))
                by_words -= 1
    return tuple(lines)


def _aligned(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """Pair the lines of a replaced block with the most similar ones."""
    if len(a) == len(b) or max(len(a), len(b)) > _MAX_ALIGNED:
        yield from zip_longest(a, b)
        return
    if len(a) > len(b):
        yield from ((x, y) for y, x in _aligned(b, a))
        return
    words = [set(_WORDS.findall(line)) for line in b]
    at = 0
    for n, line in enumerate(a):
        own = set(_WORDS.findall(line))
        choices = range(at, len(b) - (len(a) - n - 1))
        best = max(choices, key=lambda m: len(own & words[m]))
        yield from ((None, each) for each in b[at:best])
        yield line, b[best]
        at = best + 1
    yield from ((None, each) for each in b[at:])


def word_diff(a: str, b: str) -> DiffLine:
    """Return two lines with differing words marked; all if little is alike."""
    if a == b:
        return _equal(a)
    one, other = _WORDS.findall(a), _WORDS.findall(b)
    runs_a, runs_b, alike = [], [], 0
    for block in _blocks(one, other, _MAX_WORD_EDITS):
        text_a, text_b = "".join(one[block.a]), "".join(other[block.b])
        alike += len(text_a.strip()) if block.is_equal else 0
        runs_a.append(Run(text_a, not block.is_equal))
        runs_b.append(Run(text_b, not block.is_equal))
    if alike < _MIN_ALIKE * min(len(a), len(b)):
        return _replaced(a, b)
    return DiffLine(_filled(runs_a), _filled(runs_b))


def _filled(runs: Sequence[Run]) -> tuple[Run, ...]:
    return tuple(run for run in runs if run.text)


def _equal(line: str) -> DiffLine:
    return DiffLine((Run(line),), (Run(line),))


def _replaced(a: str | None, b: str | None) -> DiffLine:
    runs = (None if line is None else (Run(line, differs=True),) for line in (a, b))
    return DiffLine(*runs)


def _blocks(a: Sequence[str], b: Sequence[str], max_edits: int) -> Iterator[_Block]:
    """Yield the equal and the replaced blocks of two sequences, in order."""
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    end_a, end_b = len(a) - tail, len(b) - tail
    at_a = at_b = 0
    matches = _matches(a[head:end_a], b[head:end_b], max_edits)
    inner = [
        _Block(slice(x + head, x + n + head), slice(y + head, y + n + head)) for x, y, n in matches
    ]
    ends = _Block(slice(end_a, len(a)), slice(end_b, len(b)))
    for block in (_Block(slice(head), slice(head)), *inner, ends):
        start_a, start_b = block.a.start or 0, block.b.start or 0
        if start_a > at_a or start_b > at_b:
            yield _Block(slice(at_a, start_a), slice(at_b, start_b), is_equal=False)
        if block.a.stop > start_a:
            yield block
        at_a, at_b = block.a.stop, block.b.stop


def _matches(a: Sequence[str], b: Sequence[str], max_edits: int) -> list[tuple[int, int, int]]:
    """Return matching runs (start in `a`, in `b`, length); none above the bound of edits."""
    path = _path(a, b, max_edits)
    runs: list[tuple[int, int, int]] = []
    for (x, y), (to_x, to_y) in pairwise(path):
        length = min(to_x - x, to_y - y)
        if length > 0:  # an edit, then a diagonal
            runs.append((to_x - length, to_y - length, length))
    return runs


def _path(a: Sequence[str], b: Sequence[str], max_edits: int) -> list[tuple[int, int]]:
    """Return the ends of the diagonals of the shortest edit path, from (0, 0)."""
    trace: list[dict[int, int]] = []
    reach = {1: 0}
    for edits in range(min(len(a) + len(b), max_edits) + 1):
        trace.append(dict(reach))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= len(a) and y >= len(b):
                return _backtracked(trace, x, y)
    return []


def _backtracked(trace: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    path = [(x, y)]
    for edits in range(len(trace) - 1, 0, -1):
        reach, k = trace[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        k = k + 1 if down else k - 1
        x, y = reach[k], reach[k] - k
        path.append((x, y))
    path.append((0, 0))
    return path[::-1]


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    pairs = zip(a, b, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(a), len(b)))
