"""How likely a difference is although nothing changed."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.analysis.numeric.significance import (
    batch_means_t,
    fisher_exact_greater,
    fisher_exact_two_sided,
    mann_whitney,
    two_proportion_z,
)


def series(*values: float | None) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)


def two_tails(z: float) -> float:
    return math.erfc(z / math.sqrt(2))


def test_mann_whitney_of_two_sets_apart() -> None:
    # U = 3 * 3 = 9, mean 4.5, variance 9 * 7 / 12 = 5.25: z = (4.5 - 0.5) / sqrt(5.25) = 1.745743
    found = mann_whitney(series(1, 2, 3), series(4, 5, 6))
    assert found == pytest.approx(two_tails(1.745743), rel=1e-6)
    assert mann_whitney(series(4, 5, 6), series(1, 2, 3)) == found


def test_mann_whitney_with_ties() -> None:
    # Ranks 1, 2.5, 2.5, 4; rank sum after 6.5, U = 6.5 - 3 = 3.5, mean 2.
    # One tie of two: variance 4 / 12 * (5 - 6 / 12) = 1.5; z = (1.5 - 0.5) / sqrt(1.5) = 0.8164966
    found = mann_whitney(series(1, 2), series(2, 3))
    assert found == pytest.approx(two_tails(0.8164966), rel=1e-6)


def test_mann_whitney_knows_nothing_from_nothing() -> None:
    assert mann_whitney(series(), series(1)) is None
    assert mann_whitney(series(1), series(None, None)) is None


def test_values_that_are_all_alike_differ_by_chance() -> None:
    assert mann_whitney(series(5, 5, None), series(5, 5)) == 1.0


@pytest.mark.parametrize(
    ("freedom", "t", "chance"),
    [(1, 12.706, 0.025), (2, 4.303, 0.025), (3, 3.182, 0.025), (4, 2.776, 0.025),
     (10, 2.228, 0.025), (30, 2.042, 0.025), (9, 4.297, 0.001), (20, 3.850, 0.0005)],
)  # fmt: skip
def test_the_chance_of_a_higher_mean_agrees_with_the_tables_of_t(
    freedom: int, t: float, chance: float
) -> None:
    # The variance is 1 and the sides have `freedom` + 1 and 1 values.
    rise = t * math.sqrt(1 / (freedom + 1) + 1)
    assert batch_means_t(rise, 1.0, freedom + 1, 1) == pytest.approx(chance, rel=2e-3)


def test_what_never_varied_rises_for_a_reason() -> None:
    assert (batch_means_t(0.1, 0.0, 4, 1), batch_means_t(0.0, 0.0, 4, 1)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "chance"),
    [
        # The lady tasting tea, 3 of 4 right: (16 + 1) / 70
        ((1, 4), (3, 4), 17 / 70),
        ((0, 4), (4, 4), 1 / 70),
        # 0 of 5, 2 of 5: C(5, 2) / C(10, 2)
        ((0, 5), (2, 5), 10 / 45),
        ((2, 5), (0, 5), 1.0),
        ((5, 5), (5, 5), 1.0),
        ((0, 5), (0, 5), 1.0),
    ],
)
def test_fishers_exact_test(before: tuple[int, int], after: tuple[int, int], chance: float) -> None:
    assert fisher_exact_greater(*before, *after) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("before", "after", "z"),
    [
        # pooled 16/150, p1 - p0 = 14/50 - 2/100 = 0.26,
        # sqrt(16/150 * 134/150 * (1/100 + 1/50)) = sqrt(0.0952889 * 0.03) = 0.0534665
        ((2, 100), (14, 50), 0.26 / 0.0534665),
        # pooled 1/2, difference 0.2, sqrt(0.25 * 0.04) = 0.1
        ((20, 50), (30, 50), 2.0),
        ((30, 50), (20, 50), -2.0),
        ((10, 50), (10, 50), 0.0),
    ],
)
def test_the_two_proportion_z_test(
    before: tuple[int, int], after: tuple[int, int], z: float
) -> None:
    assert two_proportion_z(*before, *after) == pytest.approx(two_tails(z) / 2, rel=1e-4)
    assert two_proportion_z(0, 50, 0, 50) == 1.0


def test_a_difference_in_either_direction_counts_twice() -> None:
    assert fisher_exact_two_sided(1, 4, 3, 4) == fisher_exact_two_sided(3, 4, 1, 4)
    assert fisher_exact_two_sided(1, 4, 3, 4) == pytest.approx(34 / 70)
    assert fisher_exact_two_sided(2, 4, 2, 4) == 1.0


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_chance_is_a_probability_and_falls_with_more_hits(
    calls_before: int, calls: int, data: st.DataObject
) -> None:
    hits_before = data.draw(st.integers(0, calls_before))
    hits = data.draw(st.integers(0, calls - 1))
    fewer = fisher_exact_greater(hits_before, calls_before, hits, calls)
    more = fisher_exact_greater(hits_before, calls_before, hits + 1, calls)
    assert 0 <= more <= fewer * (1 + 1e-9) <= 1 + 1e-9
