"""Bars and sparklines, and when they are drawn."""

from __future__ import annotations

import math

import pytest

from llmlog_tui.commands.text_charts import TextCharts, text_charts

PLAIN = TextCharts(colour=False)


@pytest.mark.parametrize(
    ("value", "bar"), [(12, "█" * 12), (6, "█" * 6), (0.5, "▌"), (0.001, "▏"), (0, "")]
)
def test_a_bar_has_twelve_cells_for_the_most(value: float, bar: str) -> None:
    assert PLAIN.bar(value, 12) == bar


def test_there_is_no_bar_of_nothing() -> None:
    assert PLAIN.bar(0, 0) == ""


def test_a_sparkline_goes_from_zero_to_the_greatest() -> None:
    assert PLAIN.sparkline([0, 1, None, 4, 8]) == "▁▂ ▅█"
    assert PLAIN.sparkline([0, 0]) == "▁▁"
    assert PLAIN.sparkline([]) == ""


def test_a_sum_that_overflowed_has_the_least_bar_and_no_cell() -> None:
    assert PLAIN.bar(math.inf, math.inf) == PLAIN.bar(1, math.inf) == "▏"
    assert PLAIN.sparkline([math.inf, 4, math.nan, 8]) == " ▅ █"


@pytest.mark.parametrize(
    ("environment", "colour"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colour_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    colour: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert text_charts() == TextCharts(colour)
    assert ("\x1b" in TextCharts(colour).bar(1, 1)) is colour


def test_what_is_no_terminal_gets_no_pictures() -> None:
    assert text_charts() is None
