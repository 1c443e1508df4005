"""Where a share of calls rose, and how long that held."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

from llmlog_tui.analysis.alerts.change_detection import Episode, WindowedSeries, WindowSums
from llmlog_tui.analysis.numeric.significance import fisher_exact_greater
from llmlog_tui.config.rules import DEFAULT, TrendRule

RULE = replace(DEFAULT.truncation, level=0.01)


def values(*hits: int, of: int = 25) -> pl.Series:
    """Windows of 25 calls, of which the last `hits` are 1."""
    return pl.Series(
        [float(n >= of - number) for number in hits for n in range(of)], dtype=pl.Float64
    )


def episodes(values: pl.Series, rule: TrendRule = RULE) -> list[Episode]:
    series = WindowedSeries(rule)
    series.add(values)
    return series.episodes


def found(*hits: int) -> list[Episode]:
    return episodes(values(*hits))


def test_a_rise_is_judged_against_everything_before_it() -> None:
    (rise,) = found(1, 0, 1, 0, 10)
    assert (rise.start, rise.fired, rise.stop, rise.ongoing) == (100, 124, 125, True)
    assert (rise.before, rise.after) == (0.02, 0.4)
    assert rise.p == fisher_exact_greater(2, 100, 10, 25) < 0.01 / 30


def test_a_slow_rise_is_found_over_several_windows() -> None:
    # 3 of 25 is no finding against 1%, 12 of 100 against 2 of 200 is: p < 0.01 / (12 * 13).
    (rise,) = found(1, 0, 0, 0, 1, 0, 0, 0, 3, 3, 3, 3)
    assert (rise.start, rise.before, rise.after) == (200, 0.01, 0.12)


def test_a_rise_holds_through_one_window_that_is_low() -> None:
    (rise,) = found(0, 0, 0, 0, 12, 0, 12, 12, 0, 0)
    assert (rise.start, rise.stop, rise.ongoing) == (100, 200, False)


def test_a_rise_is_over_where_the_windows_that_cleared_it_begin() -> None:
    (rise,) = found(0, 0, 0, 0, 12, 0, 0, 0)
    assert (rise.start, rise.stop, rise.ongoing) == (100, 125, False)


def test_a_second_rise_is_another_finding_and_the_first_is_not_before_it() -> None:
    first, second = found(0, 0, 0, 0, 12, 0, 0, 0, 12)
    assert (first.start, second.start, second.ongoing) == (100, 200, True)
    assert second.before == 0.0


def test_a_high_share_from_the_start_is_no_rise() -> None:
    assert found(12, 12, 12, 12, 12) == []


@pytest.mark.parametrize("hits", [(), (1,), (25,), (0, 20), (1, 0, 2, 1, 3), (12, 2, 2, 2)])
def test_quiet_series_are_silent(hits: tuple[int, ...]) -> None:
    assert found(*hits) == []


def test_a_rise_that_is_too_small_to_matter_is_silent() -> None:
    rule = replace(RULE, least_rise=0.5)
    assert episodes(values(0, 0, 0, 0, 12), rule) == []


def test_a_window_is_judged_when_it_is_full() -> None:
    all_of = values(0, 0, 0, 0, 12)
    assert episodes(all_of.head(124)) == []
    assert len(episodes(all_of)) == 1


def test_the_calls_of_an_ongoing_rise_go_to_the_end() -> None:
    (rise,) = episodes(pl.concat([values(0, 0, 0, 0, 12), values(0).head(7)]))
    assert (rise.stop, rise.ongoing) == (132, True)


def test_latencies_are_judged_by_the_means_of_windows() -> None:
    of_latency = WindowedSeries(DEFAULT.latency, of_latency=True)
    # Windows of 2 with means 1, 2, 3, 2, 2: mean 2, variance (1 + 0 + 1 + 0 + 0) / 4 = 0.5.
    totals = (2.0, 4.0, 6.0, 4.0, 4.0)
    before = WindowSums(sum(totals), sum(total**2 for total in totals), 5, 10)
    # One window with mean 4.5: t = 2.5 / sqrt(0.5 * (1 / 5 + 1)) = 3.22749, 4 degrees of freedom:
    # P(T > t) = 1/2 - (sin + sin cos^2 / 2) / 2 with tan = t / 2
    angle = math.atan(3.2274861 / 2)
    tail = 0.5 - (math.sin(angle) + math.sin(angle) * math.cos(angle) ** 2 / 2) / 2
    assert of_latency.p_value(before, WindowSums(9.0, 81.0, 1, 2)) == pytest.approx(tail, rel=1e-6)
    assert of_latency.p_value(WindowSums(6.0, 20.0, 3, 6), WindowSums(99.0, 9801.0, 1, 2)) == 1.0
