"""Find the lines in memory that match a regular expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import polars as pl
from polars.exceptions import PolarsError

BLOCK_BYTES = 2**18
"""Bytes per string that is searched: more leave the processor's cache."""


class Matches(NamedTuple):
    """Matching lines with their numbers from 0, the last first, and the number of newlines.

    `newlines` is None if it was not asked for and no line matches.
    """

    lines: Sequence[tuple[int, bytes]]
    newlines: int | None


def search(blocks: Sequence[bytes], pattern: str, *, count_newlines: bool = False) -> Matches:
    """Search consecutive blocks of whole lines; polars does it without the interpreter's lock."""
    texts = _as_texts(blocks).alias("text").to_frame()
    is_match = pl.col("text").str.contains(pattern).alias("is_match")
    newlines = pl.col("text").str.count_matches("\n", literal=True).alias("newlines")
    found = texts.select_seq(is_match, *([newlines] if count_newlines else ()))
    matching = found["is_match"].arg_true().to_list()
    if not (matching or count_newlines):
        return Matches([], None)
    counts = found if count_newlines else texts.select_seq(newlines)
    before = list(accumulate(counts["newlines"], initial=0))
    if not matching:
        return Matches([], before[-1])
    # A call of polars compiles the pattern: one for the lines of all blocks.
    lines = [
        (before[block] + number, line)
        for block in reversed(matching)
        for number, line in reversed([*enumerate(blocks[block].split(b"\n"))])
    ]
    found_in = _as_texts([line for _, line in lines]).str.contains(pattern).arg_true()
    return Matches([lines[index] for index in found_in], before[-1])


def matching_lines(data: bytes, pattern: str) -> Sequence[tuple[int, bytes]]:
    """Return (number from 0, line) of matching lines, the last first."""
    return search([*_blocks(data)], pattern).lines


def _blocks(data: bytes) -> Iterator[bytes]:
    """Yield whole lines, about a block's bytes at a time."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + BLOCK_BYTES) + 1 or len(data)
        yield data[start:end]
        start = end


def _as_texts(parts: Sequence[bytes]) -> pl.Series:
    try:
        return pl.Series(parts, dtype=pl.Binary).cast(pl.String)
    except PolarsError:  # not UTF-8
        return pl.Series([part.decode(errors="replace") for part in parts], dtype=pl.String)
