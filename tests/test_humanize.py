"""Numbers and times as people read them."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui import humanize

NOON = datetime(2026, 11, 23, 12, 0, 5, 482_900, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "–"), (0, "0"), (2_870, "2,870"), (1.5, "2"), (12_345_678, "12,345,678")],
)
def test_whole_numbers_have_all_their_digits(number: float | None, text: str) -> None:
    assert humanize.integer(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (28_849, "28.8k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (1_204_000, "1.20M"),
        (9_994_999, "9.99M"),
        (9_995_000, "10.0M"),
        (2_500_000_000, "2.50G"),
        (1e15, "1e+15"),
    ],
)
def test_counts_are_exact_to_ten_thousand_then_three_digits(
    number: float | None, text: str
) -> None:
    assert humanize.count(number) == text


@given(st.integers(10_000, 10**12 - 10**9))
def test_a_count_is_never_wider_than_five_cells(number: int) -> None:
    assert len(humanize.count(number)) <= 5


def test_all_digits_are_shown_where_they_fit() -> None:
    assert humanize.fit_number(123_456, 7) == "123,456"
    assert humanize.fit_number(123_456, 6) == "123k"
    assert humanize.fit_number(None, 1) == "–"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (412.4, "412 ms"),
        (999.4, "999 ms"),
        (999.5, "1.00 s"),
        (2_870, "2.87 s"),
        (9_994, "9.99 s"),
        (9_995, "10.0 s"),
        (99_949, "99.9 s"),
        (99_950, "1 min 40 s"),
        (250_000, "4 min 10 s"),
        (3_599_400, "59 min 59 s"),
        (3_600_000, "1 h 0 min"),
        (7_500_000, "2 h 5 min"),
        (3_600_000_000, "1,000 h 0 min"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_durations_have_three_digits_and_a_unit(ms: float | None, text: str) -> None:
    assert humanize.duration(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (64.4, "64 ms"),
        (99.4, "99 ms"),
        (644, "640 ms"),
        (994, "990 ms"),
        (995, "1.0 s"),
        (4_149, "4.1 s"),
        (9_949, "9.9 s"),
        (9_950, "10 s"),
        (38_400, "38 s"),
        (100_000, "1 min 40 s"),
    ],
)
def test_what_is_only_about_right_has_two_digits(ms: float, text: str) -> None:
    assert humanize.rough_duration(ms) == text


@given(st.floats(99_950, 1e12))
def test_no_duration_has_sixty_seconds_or_sixty_minutes(ms: float) -> None:
    assert " 60 " not in f" {humanize.duration(ms)}"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0, "0%"),
        (0.0004, "0.0%"),
        (0.061, "6.1%"),
        (0.0994, "9.9%"),
        (0.0995, "10%"),
        (0.83, "83%"),
        (1, "100%"),
    ],
)
def test_percentages_below_ten_have_a_decimal(share: float | None, text: str) -> None:
    assert humanize.percent(share) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "0"), (0.42, "0.4"), (8, "8"), (9.94, "9.9"), (9.95, "10"), (1_234, "1,234")],
)
def test_rates_below_ten_have_a_decimal_where_it_says_something(
    per_second: float, text: str
) -> None:
    assert humanize.rate(per_second) == text


@pytest.mark.parametrize(
    ("when", "narrow", "wide"),
    [
        (None, "–", "–"),
        (NOON, "12:00:05", "12:00:05.482"),
        (NOON - timedelta(days=1), "22 Nov", "22 Nov 12:00"),
        (NOON.replace(year=2023), "2023-11", "23 Nov 2023"),
        (datetime(1, 2, 3, tzinfo=UTC), "0001-02", "03 Feb 0001"),
    ],
)
def test_moments_say_what_the_newest_does_not(
    when: datetime | None, narrow: str, wide: str
) -> None:
    assert humanize.time_label(when, NOON, 8) == narrow
    assert humanize.time_label(when, NOON, 12) == wide
    assert len(narrow) <= 8
    assert len(wide) <= 12


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(hours=12), "12:00:05"),
        (timedelta(days=7), "23 Nov 12:00"),
        (timedelta(days=400), "23 Nov 2026"),
    ],
)
def test_a_point_in_time_has_its_day_where_there_are_several(ago: timedelta, text: str) -> None:
    with humanize.in_utc():
        assert humanize.time_point(NOON, NOON - ago, NOON) == text
        assert humanize.time_point(None, NOON - ago, NOON) == "–"


def test_without_a_newest_a_moment_is_of_today() -> None:
    assert humanize.time_label(NOON, None, 8) == "12:00:05"


def test_moments_are_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert humanize.time_label(NOON, NOON, 8) == "21:00:05"
    # 16:00 UTC is the next day in Tokyo.
    assert humanize.time_label(NOON, NOON + timedelta(hours=4), 12) == "23 Nov 21:00"


def test_moments_are_in_utc_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    with humanize.in_utc():
        assert humanize.time_label(NOON, NOON + timedelta(hours=4), 8) == "12:00:05"
        assert humanize.zone_note() == " UTC"
    assert humanize.time_label(NOON, NOON, 8) == "21:00:05"
    assert humanize.zone_note() == ""


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "when", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
)
def test_the_edges_of_the_calendar_are_moments_too(
    monkeypatch: pytest.MonkeyPatch, zone: str, when: datetime
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert f"{when.year:04}" in humanize.time_label(when, NOON, 12)


def test_rfc_3339_is_utc_with_microseconds() -> None:
    assert humanize.rfc3339(NOON) == "2026-11-23T12:00:05.482900Z"
    assert humanize.rfc3339(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
    assert humanize.rfc3339(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"
    assert humanize.rfc3339(None) is None


def test_an_id_is_known_by_its_first_eight_characters() -> None:
    assert humanize.short_id("7c1d4e8a99") == "7c1d4e8a"
    assert humanize.short_id("t-1") == "t-1"
    assert humanize.short_id(None) == "–"


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "–"),
        (0, "0.0000"),
        (0.000049, "<0.0001"),
        (0.00005, "0.0001"),
        (0.00381, "0.0038"),
        (12.4149, "12.4149"),
        (124.149, "124.15"),
        (1_204.4, "1,204"),
        (28_849, "28,849"),
        (12_345_678, "12.3M"),
        (1e30, "1e+30"),
        (-0.0021, "-0.0021"),
        (-0.00002, "-<.0001"),
        (-12_345_678, "-12.3M"),
    ],
)
def test_dollars_fit_into_a_column(usd: float | None, text: str) -> None:
    assert humanize.dollars(usd, 7) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "–"),
        (0, "$0.0000"),
        (0.000049, "<$0.0001"),
        (0.0031, "$0.0031"),
        (0.0995, "$0.10"),
        (4.2149, "$4.21"),
        (999.5, "$1,000"),
        (28_849, "$28.8k"),
        (-4.2149, "-$4.21"),
    ],
)
def test_money_has_its_sign_and_sensible_digits(usd: float | None, text: str) -> None:
    assert humanize.money(usd) == text


@pytest.mark.parametrize(
    ("saved_usd", "text"),
    [
        (None, ""),
        (0.0, ""),
        (4.2149, "caching saved $4.21"),
        (-0.0021, "caching cost $0.0021 more"),
        (-0.00001, "caching cost <$0.0001 more"),
    ],
)
def test_caching_saves_or_costs_more(saved_usd: float | None, text: str) -> None:
    assert humanize.caching(saved_usd) == text
