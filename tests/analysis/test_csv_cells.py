"""A value of a log is no formula in the spreadsheet that opens it."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from llmlog_tui.analysis.reports.csv_cells import flat

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x")']


def cells(frame: pl.DataFrame, *, keep_formulas: bool = False) -> list[str]:
    text = flat(frame, keep_formulas=keep_formulas).write_csv()
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_a_text_that_a_spreadsheet_would_evaluate_is_a_text_there(dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"model": pl.Series(FORMULAS, dtype=dtype)})
    assert cells(frame)[1:] == [f"'{text}" for text in FORMULAS]
    assert cells(frame, keep_formulas=True)[1:] == FORMULAS


def test_lists_and_names_of_columns_are_texts_too() -> None:
    frame = pl.DataFrame({"=cmd": [["=a", "b"], ["c", "=d"]]})
    assert cells(frame) == ["'=cmd", "'=a,b", "c,=d"]


def test_numbers_and_other_texts_are_as_they_were() -> None:
    frame = pl.DataFrame({"n": [-1, 2], "x": [-0.5, None], "model": ["gpt-5", None]})
    assert cells(frame) == ["n", "x", "model", "-1", "-0.5", "gpt-5", "2", "", ""]
