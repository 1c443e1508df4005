"""Round numbers and times for axes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from llmlog_tui.scale import round_times, round_up, time_tick

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

SPANS = [
    (timedelta(seconds=3), ["09:00:00", "09:00:01", "09:00:02", "09:00:03"]),
    (timedelta(minutes=33), ["09:00:00", "09:10:00", "09:20:00", "09:30:00"]),
    (timedelta(hours=5), ["09:00:00", "10:00:00", "11:00:00", "12:00:00", "13:00:00", "14:00:00"]),
    (timedelta(days=3), ["12:00:00", "00:00:00"] * 3),
]


@pytest.mark.parametrize(("span", "times"), SPANS)
def test_times_are_round_and_few(span: timedelta, times: list[str]) -> None:
    assert [f"{when:%H:%M:%S}" for when in round_times(BEGIN, BEGIN + span, 6)] == times


def test_a_time_axis_over_a_thousand_years_has_few_labels() -> None:
    assert len(round_times(BEGIN, BEGIN + timedelta(days=365_000), 6)) <= 11


@pytest.mark.parametrize(
    ("value", "top"),
    [(0.0, 1), (-3.0, 1), (0.0031, 0.004), (3.3, 4), (99.0, 100), (1_001.0, 2_000)],
)
def test_a_scale_ends_at_a_round_number_that_is_not_below_its_values(
    value: float, top: float
) -> None:
    assert round_up(value) == pytest.approx(top)


def test_a_label_has_seconds_days_or_years_only_if_the_axis_needs_them() -> None:
    labels = [
        time_tick(BEGIN + after, BEGIN, BEGIN + span)
        for after, span in (
            (timedelta(minutes=5), timedelta(hours=1)),
            (timedelta(seconds=5), timedelta(seconds=30)),
            (timedelta(hours=15), timedelta(days=2)),
            (timedelta(hours=20), timedelta(days=2)),
            (timedelta(days=30), timedelta(days=400)),
        )
    ]
    assert labels == ["09:05", "09:00:05", "24 Nov", "24 Nov 05:00", "23 Dec 2026"]
