"""Charts as SVG: positions worked out by hand, round labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from llmlog_tui import humanize
from llmlog_tui.analysis.reports.svg_charts import Series, TimeAxis, chart

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AXIS = TimeAxis(BEGIN, BEGIN + timedelta(minutes=10))


def points(svg: str) -> list[str]:
    return re.findall(r'points="([^"]*)"', svg)


def test_a_line_runs_from_slice_to_slice_on_a_scale_from_zero() -> None:
    svg = chart("ms", [Series("p50", [0.0, 10.0])], AXIS, humanize.duration)
    # The area is 494 wide from x = 58, and 144 high above y = 168.
    assert points(svg) == ["181.5,168.0 428.5,24.0"]


def test_unknown_values_interrupt_a_line_and_a_lone_value_is_a_point() -> None:
    svg = chart("ms", [Series("p50", [1.0, 1.0, None, 1.0])], AXIS, humanize.duration)
    assert [len(line.split()) for line in points(svg)] == [2, 1]
    assert svg.count("<circle") == 1


def test_bars_have_the_height_of_their_values() -> None:
    series = [Series("calls", [2.0, 4.0]), Series("failed", [0.0, 1.0], is_bad=True)]
    svg = chart("calls", series, AXIS, humanize.count_label, bars=True)
    assert re.findall(r'height="(\d+\.\d)" class="fill-blue"', svg) == ["72.0", "144.0"]
    assert re.findall(r'height="(\d+\.\d)" class="fill-bad"', svg) == ["36.0"]


@pytest.mark.parametrize(
    ("greatest", "label"), [(0.0, "1"), (3.3, "4"), (41.0, "50"), (99.0, "100"), (1_234.0, "2,000")]
)
def test_the_scale_ends_at_a_round_number(greatest: float, label: str) -> None:
    svg = chart("calls", [Series("calls", [greatest])], AXIS, humanize.count_label)
    labels = re.findall(r">([^<]*)</text>", svg)
    assert label in labels


def test_an_alert_is_a_line_at_its_time() -> None:
    axis = TimeAxis(AXIS.begin, AXIS.end, [BEGIN + timedelta(minutes=5)])
    svg = chart("calls", [Series("calls", [1.0])], axis, humanize.count_label)
    assert re.findall(r'x1="([\d.]+)" x2="[\d.]+" y1="24" y2="168" class="mark"', svg) == ["305.0"]


def test_without_values_the_chart_is_a_sentence() -> None:
    assert "no values" in chart("cost", [Series("cost", [None])], AXIS, humanize.money)
