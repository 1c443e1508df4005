"""Find the lines in memory that match a regular expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import polars as pl
from polars.exceptions import PolarsError

BLOCK_BYTES = 2**19
"""Bytes per string of the first search: more calls if smaller."""

_PIECE_BYTES = 2**14
"""Bytes per string of the second search, within matching blocks."""

_ONE_LINE = 1
"""Bytes per string that make each line a string."""

_NEWLINES = pl.col("text").str.count_matches("\n", literal=True).alias("newlines")

_Numbered = tuple[int, bytes]
"""The number of the first line from 0, and whole lines."""


class Matches(NamedTuple):
    """Matching lines with their numbers from 0, the last first, and the number of newlines.

    `newlines` is None if it was not asked for and no line matches.
    """

    lines: Sequence[tuple[int, bytes]]
    newlines: int | None


def search(blocks: Sequence[bytes], pattern: str, *, count_newlines: bool = False) -> Matches:
    """Search consecutive blocks of whole lines; polars does it without the interpreter's lock."""
    texts = _as_texts(blocks)
    is_match = pl.col("text").str.contains(pattern).alias("is_match")
    # A single expression is handed to a thread of polars, which takes longer than a second one.
    found = texts.select_seq(is_match, _NEWLINES if count_newlines else pl.col("text").is_null())
    matching = found["is_match"].arg_true().to_list()
    if not (matching or count_newlines):
        return Matches([], None)
    counts = found if count_newlines else texts.select_seq(_NEWLINES)
    before = list(accumulate(counts["newlines"], initial=0))
    parts: Iterable[_Numbered] = ((before[index], blocks[index]) for index in matching)
    if matching:
        parts = _search_within(_search_within(parts, _PIECE_BYTES, is_match), _ONE_LINE, is_match)
    lines = [(number, line.removesuffix(b"\n")) for number, line in parts]
    return Matches(lines[::-1], before[-1])


def matching_lines(data: bytes, pattern: str) -> Sequence[tuple[int, bytes]]:
    """Return (number from 0, line) of matching lines, the last first."""
    return search([*_cut(data, BLOCK_BYTES)], pattern).lines


def _search_within(parts: Iterable[_Numbered], size: int, is_match: pl.Expr) -> list[_Numbered]:
    """Cut parts into strings of about `size` bytes; return the matching ones."""
    cut = [(number, [*_cut(data, size)]) for number, data in parts]
    # A call of polars compiles the pattern: one for the strings of all parts.
    texts = _as_texts([each for _, strings in cut for each in strings])
    found = texts.select_seq(is_match, _NEWLINES).iter_rows()
    matching: list[_Numbered] = []
    for first, strings in cut:
        number = first
        for each, (matches, newlines) in zip(strings, found, strict=False):
            if matches:
                matching.append((number, each))
            number += newlines
    return matching


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    """Yield whole lines, about `size` bytes at a time."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + size - 1) + 1 or len(data)
        yield data[start:end]
        start = end


def _as_texts(parts: Sequence[bytes]) -> pl.DataFrame:
    try:
        texts = pl.Series(parts, dtype=pl.Binary).cast(pl.String)
    except PolarsError:  # not UTF-8
        texts = pl.Series([part.decode(errors="replace") for part in parts], dtype=pl.String)
    return texts.alias("text").to_frame()
