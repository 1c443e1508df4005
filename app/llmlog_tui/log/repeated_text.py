"""Keep each of the repeated texts of a column once."""

from __future__ import annotations

from typing import Final

import polars as pl

_MIN_ROWS: Final = 1_024
"""Minimum rows of a column: of fewer, little is gained."""

_INLINE_BYTES: Final = 12
"""Maximum bytes of a text that polars keeps within its row."""


def share_repeats(column: pl.Series) -> pl.Series:
    """Return an equal column whose equal texts are one in memory, if that is less.

    A trace's id is read once per record, and takes more memory than all numbers of a call.
    """
    if len(column) < _MIN_ROWS or column.str.len_bytes().max() in range(_INLINE_BYTES + 1):
        return column
    distinct = column.unique()
    if len(distinct) > len(column) // 2:
        return column
    # A copy of the texts: distinct.gather() would keep the whole column's buffer alive.
    texts = pl.Series(column.name, distinct.to_list(), pl.String)
    index = texts.to_frame().with_row_index("index")
    rows = column.to_frame().join(
        index, column.name, "left", nulls_equal=True, maintain_order="left"
    )
    return texts.gather(rows["index"])
