"""Sums of 64-bit counts, which do not wrap."""

from __future__ import annotations

from typing import Final

import polars as pl

_MAX_INT64: Final = pl.lit(2**63 - 1, pl.Int128)


def wide(counts: pl.Expr) -> pl.Expr:
    """Return counts in a dtype in which they can be added."""
    return counts.cast(pl.Int128)


def count_sum(counts: pl.Expr) -> pl.Expr:
    """Return the sum of known counts, Int64, at most its maximum; null without any."""
    total = wide(counts).sum().clip(-_MAX_INT64, _MAX_INT64).cast(pl.Int64)
    return pl.when(counts.is_not_null().any()).then(total)
