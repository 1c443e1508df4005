"""Scan a file's bytes for a pattern, newest lines first, without parsing the other lines."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from llmlog_tui.log import line_search
from llmlog_tui.log.compressed import SUFFIXES, lines_of
from llmlog_tui.log.line_search import Matches
from llmlog_tui.log.line_splitter import MAX_LINE_BYTES, Block, count_newlines
from llmlog_tui.log.process_memory import keep_freed_memory

_THREADS: Final = 2
_AHEAD: Final = 3
"""Maximum spans in the threads at once."""

_BLOCKS_PER_SPAN: Final = 8
"""Blocks per call of polars, which compiles the pattern each time."""

_MAX_BLOCK_BYTES: Final = 2 * MAX_LINE_BYTES
"""Bytes without a newline that are passed over: no record is as long."""

_PROBE_BYTES: Final = 2**12
"""Bytes that are read at first to find the end of a line."""

HOLD_S = 1.0
"""Maximum seconds a match waits for its line number, which takes all lines before it."""


class MatchingLine(NamedTuple):
    """A line without its newline, and its number from 1 in its file."""

    number: int
    line: bytes


class _Span(NamedTuple):
    """Consecutive blocks of whole lines, each from an offset to an offset.

    One without blocks is inside a line that is too long.
    """

    start: int
    end: int
    blocks: Sequence[tuple[int, int]]


def scan(path: Path, pattern: str) -> Iterator[list[MatchingLine]]:
    """Yield the lines that match a regular expression, the last first.

    A compressed file cannot be read backwards: its lines come at once. Raises OSError.
    """
    if path.suffix in SUFFIXES:
        yield from _scan_forwards(lines_of(path), pattern)
        return
    with path.open("rb") as file:
        yield from _scan_backwards(file.fileno(), pattern)


def _scan_forwards(blocks: Iterator[Block], pattern: str) -> Iterator[list[MatchingLine]]:
    found: list[list[MatchingLine]] = []
    before = 0
    for block in blocks:
        before += block.too_long
        if lines := line_search.matching_lines(block.data, pattern):
            found.append(_numbered(before, lines))
        before += count_newlines(block.data)
    yield from reversed(found)


def _scan_backwards(file: int, pattern: str) -> Iterator[list[MatchingLine]]:
    before: int | None = None  # number of lines before the span, if it is known
    held: list[tuple[Sequence[tuple[int, bytes]], int]] = []  # matches and newlines of spans
    due = 0.0
    for span, matches in _searched(file, pattern):
        if before is None and not held:
            if not matches.lines:
                continue
            due = time.monotonic() + HOLD_S
        newlines = matches.newlines
        if newlines is None:  # it was searched before there was a match
            newlines = _count_newlines(file, span.start, span.end)
        held.append((matches.lines, newlines))
        if before is not None:
            before -= newlines
        elif span.start == 0 or time.monotonic() >= due:
            before = _count_newlines(file, 0, span.start)
        if before is not None:
            yield from _number(held, before)
            held.clear()


def _number(
    held: Sequence[tuple[Sequence[tuple[int, bytes]], int]], before: int
) -> Iterator[list[MatchingLine]]:
    """Yield the matches of spans, the last first, with `before` lines before the last listed."""
    after = before + sum(newlines for _, newlines in held)
    for lines, newlines in held:
        after -= newlines
        if lines:
            yield _numbered(after, lines)


def _numbered(before: int, lines: Sequence[tuple[int, bytes]]) -> list[MatchingLine]:
    return [MatchingLine(before + number + 1, line) for number, line in lines]


class _Search:
    """Searches spans of a file; counts newlines from the first match on."""

    def __init__(self, file: int, pattern: str) -> None:
        self._file = file
        self._pattern = pattern
        self._has_match = False

    def run(self, span: _Span) -> Matches:
        """Search a span; several threads may."""
        if not span.blocks:
            return Matches([], None)
        blocks = [os.pread(self._file, end - start, start) for start, end in span.blocks]
        found = line_search.search(blocks, self._pattern, count_newlines=self._has_match)
        self._has_match |= bool(found.lines)
        return found


def _searched(file: int, pattern: str) -> Iterator[tuple[_Span, Matches]]:
    """Yield the spans of a file, the last first; earlier ones are searched meanwhile."""
    searching: deque[tuple[_Span, Future[Matches]]] = deque()
    search = _Search(file, pattern)
    keep_freed_memory()
    with ThreadPoolExecutor(_THREADS, "llmlog-scan") as pool:
        for span in _spans_backwards(file):
            searching.append((span, pool.submit(search.run, span)))
            if len(searching) > _AHEAD:
                first, found = searching.popleft()
                yield first, found.result()
        for first, found in searching:
            yield first, found.result()


def _spans_backwards(file: int) -> Iterator[_Span]:
    """Yield spans of whole lines, the last first."""
    blocks: list[tuple[int, int]] = []
    end = os.fstat(file).st_size
    while end:
        start = _line_start(file, end)
        if start is not None:
            blocks.append((start, end))
        if blocks and (not start or len(blocks) == _BLOCKS_PER_SPAN):
            yield _Span(blocks[-1][0], blocks[0][1], blocks[::-1])
            blocks = []
        if start is None:
            start = end - _MAX_BLOCK_BYTES
            yield _Span(start, end, [])
        end = start


def _line_start(file: int, end: int) -> int | None:
    """Return the start of a line about a block before `end`.

    None inside a line that is too long.
    """
    size, limit = line_search.BLOCK_BYTES, end - 1  # where the last line's newline may be
    while size < end:
        newline = _find_newline(file, end - size, limit)
        if newline is not None:
            return newline + 1
        if size == _MAX_BLOCK_BYTES:
            return None
        size, limit = min(2 * size, _MAX_BLOCK_BYTES), end - size
    return 0


def _find_newline(file: int, start: int, end: int) -> int | None:
    size = _PROBE_BYTES
    while start < end and (data := os.pread(file, min(size, end - start), start)):
        if (found := data.find(b"\n")) >= 0:
            return start + found
        start += len(data)
        size *= 2
    return None


def _count_newlines(file: int, start: int, end: int) -> int:
    size = line_search.BLOCK_BYTES
    return sum(
        count_newlines(os.pread(file, min(size, end - at), at)) for at in range(start, end, size)
    )
