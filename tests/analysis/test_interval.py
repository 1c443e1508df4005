"""A stretch of an axis, zoomed and moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.analysis.numeric.interval import Interval

WHOLE = Interval(0, 100)


def test_scaling_keeps_a_point_where_it_was() -> None:
    # 40 stands at a quarter of 30 to 70, and still does at half the length.
    assert Interval(30, 70).zoom(0.5, around=40) == (35, 55)
    assert Interval(30, 70).zoom(2, around=40) == (20, 100)


def test_moving_goes_by_a_share_of_the_length() -> None:
    assert Interval(30, 70).shift(0.5) == (50, 90)
    assert Interval(30, 70).shift(-0.25) == (20, 60)


def test_around_a_point_it_is_as_long_as_before() -> None:
    assert Interval(30, 70).center(10) == (-10, 30)


@pytest.mark.parametrize(
    ("there", "kept"),
    [((-10, 30), (0, 40)), ((80, 120), (60, 100)), ((30, 70), (30, 70)), ((-50, 300), (0, 100))],
)
def test_it_is_kept_within_the_whole(there: tuple[float, float], kept: tuple[float, float]) -> None:
    assert Interval(*there).clamp(WHOLE) == kept


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ((65, 90), (30, 70)),  # some of it is in sight
        ((0, 100), (30, 70)),
        ((30, 30), (30, 70)),
        ((80, 90), (70, 110)),  # 40 long: a quarter is 10 before 80
        ((70, 90), (60, 100)),  # what begins at the end is not in sight
        ((10, 20), (0, 40)),
    ],
)
def test_it_moves_to_what_is_to_be_seen_only_if_that_is_out_of_sight(
    part: tuple[float, float], shown: tuple[float, float]
) -> None:
    assert Interval(30, 70).scroll_to(Interval(*part)) == shown


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6), st.floats(0.01, 100), st.floats(0, 1))
def test_whatever_is_scaled_stays_in_the_whole_and_in_order(
    begin: float, length: float, factor: float, at: float
) -> None:
    found = Interval(begin, begin + length).zoom(factor, begin + length * at).clamp(WHOLE)
    assert WHOLE.begin <= found.begin <= found.end <= WHOLE.end + 1e-9
