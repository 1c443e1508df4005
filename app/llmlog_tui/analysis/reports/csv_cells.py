"""Frames as CSV: lists as text, and no spreadsheet formulas."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from llmlog_tui.formats.csv_rows import FORMULA
from llmlog_tui.log.schema import decategorize, restore_integers


def flat(
    frame: pl.DataFrame,
    *,
    keep_formulas: bool = False,
    integers: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return the frame for CSV: a list as its values, separated by commas.

    `integers` are latencies without a fraction, by default those of this frame. Texts that a
    spreadsheet would evaluate (`=HYPERLINK(…)`) get a `'` in front, column names too, as they may
    come from a log; with `keep_formulas` they are unchanged.
    """
    frame = decategorize(restore_integers(frame, integers))
    frame = frame.with_columns(
        _joined(pl.col(name), dtype)
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List)
    )
    if keep_formulas:
        return frame
    texts = pl.col(pl.String)
    inert = pl.when(texts.str.contains(FORMULA)).then("'" + texts).otherwise(texts)
    is_formula = pl.Series(frame.columns, dtype=pl.String).str.contains(FORMULA)
    names = zip(frame.columns, is_formula, strict=True)
    return frame.with_columns(inert.name.keep()).rename(
        {name: f"'{name}" for name, formula in names if formula}
    )


def _joined(lists: pl.Expr, dtype: pl.List) -> pl.Expr:
    """Return lists as text, and lists in them."""
    if isinstance(dtype.inner, pl.List):
        lists = lists.list.eval(_joined(pl.element(), dtype.inner))
    return lists.cast(pl.List(pl.String)).list.join(",")
