"""Scan a file's bytes for a pattern, newest lines first, without parsing the other lines."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl
from polars.exceptions import PolarsError

from llmlog_tui.log.compressed import SUFFIXES, lines_of
from llmlog_tui.log.line_splitter import MAX_LINE_BYTES, Block, count_newlines

BLOCK_BYTES = 2**18
"""Bytes per block of a scan: more leave the processor's cache."""
_BLOCKS_PER_CALL = 8
"""Blocks per call of polars, which compiles the pattern each time."""

_AHEAD = 2
"""Maximum calls that are prepared ahead."""

_Placed = tuple[int, bytes]
"""Offset and bytes of a block."""


class MatchingLine(NamedTuple):
    """A line without its newline, and its number from 1 in its file."""

    number: int
    line: bytes


def scan(path: Path, pattern: str) -> Iterator[list[MatchingLine]]:
    """Yield the lines that match a regular expression, the last first, by block.

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
        if _contains([block.data], pattern)[0]:
            matching = _matching(block.data, pattern)
            found.append([MatchingLine(before + index, line) for index, line in matching])
        before += count_newlines(block.data)
    yield from reversed(found)


def _scan_backwards(file: int, pattern: str) -> Iterator[list[MatchingLine]]:
    before: int | None = None  # lines before the block, counted once there is a match
    for batch, matches in _searched(_blocks_backwards(file), pattern):
        for (start, data), is_matching in zip(batch, matches, strict=True):
            if before is not None:
                before -= count_newlines(data)
            elif is_matching:
                before = _count_lines(file, start)
            if is_matching and before is not None:
                found = _matching(data, pattern)
                yield [MatchingLine(before + index, line) for index, line in found]


def _searched(blocks: Iterator[_Placed], pattern: str) -> Iterator[tuple[list[_Placed], pl.Series]]:
    """Yield several blocks, and which of them match; later ones are read meanwhile."""
    searching: deque[tuple[list[_Placed], Future[pl.Series]]] = deque()
    with ThreadPoolExecutor(1, "llmlog-scan") as pool:
        while batch := list(islice(blocks, _BLOCKS_PER_CALL)):
            searching.append((batch, pool.submit(_contains, [data for _, data in batch], pattern)))
            if len(searching) > _AHEAD:
                first, found = searching.popleft()
                yield first, found.result()
        for first, found in searching:
            yield first, found.result()


def _blocks_backwards(file: int) -> Iterator[_Placed]:
    """Yield offset and bytes of blocks of whole lines, the last first."""
    end = os.fstat(file).st_size
    while end:
        start, data = _last_lines(file, end)
        yield start, data
        end = start


def _last_lines(file: int, end: int) -> tuple[int, bytes]:
    """Return offset and bytes of about the last block of whole lines before `end`."""
    size = BLOCK_BYTES
    while True:
        start = max(0, end - size)
        data = os.pread(file, end - start, start)
        if start == 0:
            return 0, data
        first = data.find(b"\n", 0, len(data) - 1) + 1
        if first:
            return start + first, data[first:]
        if size > 2 * MAX_LINE_BYTES:  # no record is as long
            return start, b""
        size *= 2


def matching_lines(data: bytes, pattern: str) -> list[tuple[int, bytes]]:
    """Return (number from 0, line) of matching lines, the last first."""
    found: list[tuple[int, bytes]] = []
    chunks = list(_chunks(data))
    matches = _contains(chunks, pattern)
    before = count_newlines(data) if matches.any() else 0
    for chunk, is_matching in zip(reversed(chunks), reversed(matches.to_list()), strict=True):
        before -= count_newlines(chunk) if before else 0
        if is_matching:
            found += [(before + number - 1, line) for number, line in _matching(chunk, pattern)]
    return found


def _chunks(data: bytes) -> Iterator[bytes]:
    """Yield whole lines, about a block's bytes at a time."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + BLOCK_BYTES) + 1 or len(data)
        yield data[start:end]
        start = end


def _matching(data: bytes, pattern: str) -> list[tuple[int, bytes]]:
    """Return (number from 1, line) of the matching lines of a block, the last first."""
    lines = data.split(b"\n")
    matches = _contains(lines, pattern).arg_true().to_list()
    return [(index + 1, lines[index]) for index in reversed(matches)]


def _contains(parts: list[bytes], pattern: str) -> pl.Series:
    try:
        texts = pl.Series(parts, dtype=pl.Binary).cast(pl.String)
    except PolarsError:  # not UTF-8
        texts = pl.Series([part.decode(errors="replace") for part in parts])
    return texts.str.contains(pattern)


def _count_lines(file: int, end: int) -> int:
    return sum(
        count_newlines(os.pread(file, min(BLOCK_BYTES, end - start), start))
        for start in range(0, end, BLOCK_BYTES)
    )
