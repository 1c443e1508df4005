"""Frames as CSV: lists as text, and no spreadsheet formulas."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import polars as pl

from llmlog_tui.formats.csv_rows import FORMULA
from llmlog_tui.log.schema import decategorize, restore_integers


def flat(
    frame: pl.DataFrame,
    *,
    keep_formulas: bool = False,
    integers: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return the frame for CSV: lists as values with commas, durations as text.

    `integers` are latencies without a fraction, by default those of this frame. Texts that a
    spreadsheet would evaluate (`=HYPERLINK(…)`) get a `'` in front, column names too, as they may
    come from a log; with `keep_formulas` they are unchanged.
    """
    frame = decategorize(restore_integers(frame, integers))
    frame = frame.with_columns(
        _as_text(pl.col(name), dtype)
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List | pl.Duration)
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


def _as_text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return values as text, durations as in JSON, lists joined."""
    if isinstance(dtype, pl.List):
        inner = cast("pl.DataType", dtype.inner)
        return values.list.eval(_as_text(pl.element(), inner)).list.join(",")
    if isinstance(dtype, pl.Duration):
        return values.map_batches(_duration_texts, pl.String)
    return values.cast(pl.String)


def _duration_texts(durations: pl.Series) -> pl.Series:
    return pl.Series([None if each is None else str(each) for each in durations], dtype=pl.String)
