"""When answers began to be cut off more often than before."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.truncation import LEVEL, WINDOW_CALLS, chance_of_rise, rises


def window(cut_off: int, of: int = WINDOW_CALLS, model: str = "m") -> Iterator[Record]:
    """Calls of which the last `cut_off` were cut off."""
    for n in range(of):
        yield {"model": model, "finish_reason": "length" if n >= of - cut_off else "stop"}


def windows(*cut_off: int) -> list[Record]:
    return [call for number in cut_off for call in window(number)]


def test_a_window_is_fifty_calls() -> None:
    assert WINDOW_CALLS == 50


def test_a_rise_is_found_at_its_first_cut_off_call(calls: Frame) -> None:
    (rise,) = rises(calls(windows(1, 1, 15)))
    assert (rise.model, rise.ongoing) == ("m", True)
    # 2 of 100 before, 15 of 50 after; of calls 100 to 149 the last 15 were cut off: from 135 on
    assert (rise.before, rise.after, rise.truncated, rise.calls) == (0.02, 0.3, 15, 50)
    assert rise.row == 135
    assert rise.p == chance_of_rise(2, 100, 15, 50) < LEVEL


def test_the_time_of_a_rise_is_that_of_its_first_cut_off_call(calls: Frame) -> None:
    records = windows(0, 20)
    records[80] = {**records[80], "ts": "2026-11-23T09:00:00Z"}
    (rise,) = rises(calls(records))
    assert (rise.row, str(rise.ts)) == (80, "2026-11-23 09:00:00+00:00")


def test_a_rise_goes_on_as_long_as_its_windows_are_high(calls: Frame) -> None:
    (rise,) = rises(calls(windows(1, 1, 15, 20, 10)))
    assert (rise.truncated, rise.calls, rise.ongoing) == (45, 150, True)


def test_a_rise_is_cleared_by_a_window_that_is_low_again(calls: Frame) -> None:
    (rise,) = rises(calls(windows(1, 1, 15, 1)))
    assert (rise.truncated, rise.calls, rise.ongoing) == (15, 50, False)


def test_a_second_rise_is_another_finding(calls: Frame) -> None:
    found = rises(calls(windows(1, 1, 15, 1, 20)))
    assert [(rise.truncated, rise.ongoing) for rise in found] == [(15, False), (20, True)]


def test_a_rise_that_begins_in_the_middle_of_a_window_is_found_in_the_next(calls: Frame) -> None:
    # 8 of 50 is no finding against 1 of 50 (z = 2.45), nor is 14 of 50 against both (z = 3.0),
    # but against the first alone it is: z = 3.64.
    (rise,) = rises(calls(windows(1, 8, 14)))
    assert (rise.before, rise.after, rise.calls) == (0.02, 0.28, 50)


def test_a_high_share_from_the_start_is_no_rise(calls: Frame) -> None:
    assert rises(calls(windows(20, 20, 20))) == []


@pytest.mark.parametrize("cut_off", [(0, 0, 0), (1, 0, 2, 1), (5, 3, 6, 8, 4), (1, 4), (20, 1)])
def test_quiet_logs_are_silent(calls: Frame, cut_off: tuple[int, ...]) -> None:
    assert rises(calls(windows(*cut_off))) == []


def test_a_log_without_calls_is_silent(calls: Frame) -> None:
    assert rises(calls([])) == []


def test_a_rise_needs_a_window_before_it(calls: Frame) -> None:
    assert rises(calls(window(30))) == []


def test_the_last_window_counts_from_half_a_window_on(calls: Frame) -> None:
    assert rises(calls([*windows(0), *window(20, of=24)])) == []
    (rise,) = rises(calls([*windows(0), *window(20, of=25)]))
    assert (rise.truncated, rise.calls) == (20, 25)


def test_calls_without_a_finish_reason_are_in_no_window(calls: Frame) -> None:
    unknown: list[Record] = [{"model": "m"}] * 30
    (rise,) = rises(calls([*windows(0), *unknown, *windows(20)]))
    assert (rise.before, rise.after, rise.row) == (0.0, 0.4, 50 + 30 + 30)


def test_each_model_is_judged_by_itself_and_null_is_one(calls: Frame) -> None:
    mixed = [
        record
        for pair in zip(windows(0, 20), window(40, of=100, model="n"), strict=True)
        for record in pair
    ]
    nameless: list[Record] = [{**record, "model": None} for record in windows(0, 20)]
    found = rises(calls([*mixed, *nameless]))
    # Model n: 0 of its first 50 calls, 40 of its next 50.
    assert [(rise.model, rise.truncated) for rise in found] == [("n", 40), ("m", 20), (None, 20)]


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
def test_chance_is_the_upper_tail_of_z(
    before: tuple[int, int], after: tuple[int, int], z: float
) -> None:
    tail = 0.5 * math.erfc(z / math.sqrt(2))
    assert chance_of_rise(*before, *after) == pytest.approx(tail, rel=1e-4)


def test_chance_agrees_with_the_tables_of_the_normal_distribution() -> None:
    assert chance_of_rise(20, 50, 30, 50) == pytest.approx(0.02275, abs=5e-6)  # z = 2
    assert chance_of_rise(10, 50, 10, 50) == 0.5  # z = 0


@pytest.mark.parametrize("hits", [0, 50])
def test_where_all_calls_are_alike_any_rise_is_chance(hits: int) -> None:
    assert chance_of_rise(hits, 50, hits, 50) == 1.0


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_chance_is_a_probability_and_falls_with_more_hits(
    calls_before: int, calls_after: int, data: st.DataObject
) -> None:
    hits_before = data.draw(st.integers(0, calls_before - 1))  # not all: see the test above
    hits = data.draw(st.integers(0, calls_after - 1))
    fewer = chance_of_rise(hits_before, calls_before, hits, calls_after)
    more = chance_of_rise(hits_before, calls_before, hits + 1, calls_after)
    assert 0 <= more <= fewer <= 1
