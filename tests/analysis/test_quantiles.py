"""Quantiles of numbers to which more are added are those of all of them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.analysis.numeric import quantiles
from llmlog_tui.analysis.numeric.quantiles import RunningQuantiles

NUMBERS = st.lists(st.none() | st.integers(-5, 5) | st.floats(-1e6, 1e6), max_size=30)
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


def series(numbers: list[float | None]) -> pl.Series:
    return pl.Series(numbers, dtype=pl.Float64)


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.integers(0, 40))
@settings(max_examples=examples(150))
def test_quantiles_are_those_of_all_numbers_however_they_came(
    batches: list[list[float | None]], merge_at: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles, "_MERGE_AT", merge_at)
        found = RunningQuantiles(series(batches[0]))
        for batch in batches[1:]:
            found.add(series(batch))
    every = series([number for batch in batches for number in batch])
    assert len(found) == len(every) - every.null_count()
    for q in QUANTILES:
        expected = every.quantile(q, interpolation="linear")
        assert found.quantile(q) == pytest.approx(expected)


def test_a_quantile_lies_between_two_numbers_where_none_stands() -> None:
    found = RunningQuantiles(series([1.0, 2.0]))
    found.add(series([10.0, None]))
    # 0.75 * 2 = 1.5: half way from the second, 2, to the third, 10.
    assert (found.quantile(0.5), found.quantile(0.75)) == (2.0, 6.0)


def test_nothing_has_no_quantile() -> None:
    assert RunningQuantiles(series([None])).quantile(0.5) is None
