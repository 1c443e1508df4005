"""Texts that repeat are kept once; the column stays the same."""

from __future__ import annotations

import polars as pl
import pytest

from llmlog_tui.log.repeated_text import share_repeats

ROWS = 4_096
LONG = "a trace id of more than twelve bytes, "


@pytest.mark.parametrize(
    "texts",
    [
        [LONG + str(n // 8) for n in range(ROWS)],
        [LONG + str(n % 8) if n % 3 else None for n in range(ROWS)],
        [LONG + "ä" * (n % 40) for n in range(ROWS)],
        [f"short{n % 8}" for n in range(ROWS)],
        [LONG + str(n) for n in range(ROWS)],
        [None] * ROWS,
        ["", None, LONG],
    ],
    ids=["runs", "with nulls", "other lengths", "short", "no repeats", "no text", "few rows"],
)
def test_the_column_stays_the_same(texts: list[str | None]) -> None:
    column = pl.Series("trace_id", texts, pl.String)
    found = share_repeats(column)
    assert found.equals(column, check_names=True, check_dtypes=True)
    assert found.null_count() == column.null_count()


def test_repeated_texts_are_one_in_memory() -> None:
    column = pl.Series("trace_id", [LONG + str(n // 8) for n in range(ROWS)])
    shared = share_repeats(column)
    assert len(_text_of(shared)) < len(_text_of(column)) / 7
    unique = pl.Series("id", [LONG + str(n) for n in range(ROWS)])
    assert share_repeats(unique) is unique


def _text_of(column: pl.Series) -> bytes:
    """All that the column's buffers hold beside its rows, as Arrow's file format writes them."""
    return bytes(
        column.to_frame().write_ipc(None, compat_level=pl.CompatLevel.newest()).getvalue()
    )[16 * len(column) :]
