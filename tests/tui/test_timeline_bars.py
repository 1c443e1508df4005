"""Bars on a time axis, cell by cell."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.analysis.traces.timeline import Step
from llmlog_tui.tui.render.timeline_bars import (
    ANSWER,
    CUT,
    EARLIER,
    FIRST_TOKEN,
    GRID,
    LATER,
    TOOL,
    WAIT,
    Axis,
    bar,
    begun_bar,
)

PLAIN = Step(
    row=0,
    step=0,
    event="chat_completion",
    name="m",
    branch="",
    start=0,
    waited=0,
    answer=0,
    end=0,
    latency_ms=0,
    failed=False,
    cut_off=False,
    slow=False,
    notes=(),
)


def step(start: float, waited: float, answer: float, end: float, **others: object) -> Step:
    times = {"start": start, "waited": waited, "answer": answer, "end": end}
    return dataclasses.replace(PLAIN, **{**times, **others})  # type: ignore[arg-type]


def drawn(one: Step, duration_ms: float = 1_000, width: int = 10) -> str:
    """The bar as text; by default a cell is 100 ms, and no tick has room."""
    return "".join(span.text for span in bar(one, Axis(duration_ms, width, duration_ms)))


def test_each_part_of_a_call_has_its_glyph() -> None:
    # 100 to 300 ms waiting, to 600 ms until the first token, to 900 ms the answer
    assert drawn(step(100, 300, 600, 900)) == f" {WAIT * 2}{FIRST_TOKEN * 3}{ANSWER * 3} "


def test_a_part_has_the_cells_whose_middle_it_covers() -> None:
    assert drawn(step(0, 0, 449, 1_000)) == FIRST_TOKEN * 4 + ANSWER * 6
    assert drawn(step(0, 0, 451, 1_000)) == FIRST_TOKEN * 5 + ANSWER * 5


def test_a_tool_has_one_glyph() -> None:
    assert drawn(step(200, 200, 200, 500, event="tool_call")) == f"  {TOOL * 3}     "


@pytest.mark.parametrize("at", [0, 500, 1_000])
def test_a_step_that_took_no_time_keeps_a_cell(at: float) -> None:
    cells = drawn(step(at, at, at, at))
    assert cells.count(ANSWER) == 1
    assert len(cells) == 10
    assert cells.index(ANSWER) == min(at / 100, 9)


@pytest.mark.parametrize(
    ("parts", "cells"),
    [
        ((1, 2, 300), WAIT + FIRST_TOKEN + ANSWER),
        ((298, 299, 300), WAIT + FIRST_TOKEN + ANSWER),
        ((200, 299, 300), WAIT + FIRST_TOKEN + ANSWER),
        ((1, 299, 300), WAIT + FIRST_TOKEN + ANSWER),
        ((0, 1, 300), FIRST_TOKEN + ANSWER * 2),
        ((0, 299, 300), FIRST_TOKEN * 2 + ANSWER),
        ((0, 300, 300), FIRST_TOKEN * 3),
    ],
)
def test_in_three_cells_every_part_that_took_time_keeps_one(
    parts: tuple[float, float, float], cells: str
) -> None:
    assert drawn(step(0, *parts), duration_ms=300, width=3) == cells


@given(
    st.lists(st.floats(0, 10_000), min_size=4, max_size=4).map(sorted),
    st.integers(0, 60),
    st.booleans(),
)
def test_every_part_keeps_a_cell_from_three_on(
    times: list[float],
    width: int,
    cut_off: bool,  # noqa: FBT001 - drawn
) -> None:
    start, waited, answer, end = times
    cells = drawn(step(start, waited, answer, end, cut_off=cut_off), 10_000, width)
    assert len(cells) == width
    parts = [
        (waited - start, WAIT),
        (answer - waited, FIRST_TOKEN),
        (end - answer, ANSWER),
    ]
    if sum(cells.count(glyph) for _, glyph in parts) >= 3:
        assert all(glyph in cells for took, glyph in parts if took > 0)
    assert (CUT in cells) == (cut_off and width > 0)


def test_a_cut_off_answer_has_its_mark_behind_it() -> None:
    assert drawn(step(0, 0, 0, 500, cut_off=True)) == f"{ANSWER * 5}{CUT}    "


def test_at_the_end_of_the_axis_the_mark_takes_the_last_cell() -> None:
    assert drawn(step(0, 0, 0, 1_000, cut_off=True)) == ANSWER * 9 + CUT
    assert drawn(step(900, 900, 900, 1_000, cut_off=True)) == " " * 8 + ANSWER + CUT


def test_in_a_single_cell_only_the_mark_is_left() -> None:
    assert drawn(step(0, 0, 0, 1_000, cut_off=True), width=1) == CUT


def test_without_width_there_is_no_bar() -> None:
    assert bar(PLAIN, Axis.of(1_000, 0)) == ()
    assert Axis.of(1_000, 0).labels() == ""


def test_without_duration_there_is_still_a_bar() -> None:
    cells = bar(PLAIN, Axis.of(0, 20))
    assert cells[0].text == ANSWER
    assert len(cells) == 20


@pytest.mark.parametrize(("failed", "tone"), [(False, "primary"), (True, "error")])
def test_a_failed_step_is_red(failed: bool, tone: str) -> None:  # noqa: FBT001 - a parameter
    cells = bar(step(0, 0, 500, 1_000, failed=failed), Axis(1_000, 4, 1_000))
    assert {span.tone for span in cells} == {tone}


def test_ticks_are_drawn_where_no_bar_is() -> None:
    # 50 ms a cell: ticks on cells 10, 20 and 30; the bar has the first 12.
    cells = "".join(s.text for s in bar(step(0, 0, 0, 600), Axis(2_000, 40, 500)))
    assert cells == ANSWER * 12 + " " * 8 + GRID + (" " * 9 + GRID) + " " * 9


@pytest.mark.parametrize(
    ("duration_ms", "width", "tick_ms"),
    [
        # 80 cells have room for 10 ticks: 10,000 ms in steps of 1,000
        (10_000, 80, 1_000),
        (10_001, 80, 2_000),
        (20_001, 80, 5_000),
        (50_001, 80, 10_000),
        (80, 80, 10),
        (0, 80, 0.1),
        (700, 7, 1_000),
    ],
)
def test_ticks_are_round_numbers(duration_ms: float, width: int, tick_ms: float) -> None:
    assert Axis.of(duration_ms, width).tick_ms == pytest.approx(tick_ms)


@given(st.floats(0, 1e12), st.integers(0, 300))
def test_ticks_stand_eight_or_more_cells_apart_within_the_axis(
    duration_ms: float, width: int
) -> None:
    axis = Axis.of(duration_ms, width)
    cells = [0, *(at for at, _ in axis.ticks())]
    assert all(after - before >= 8 for before, after in itertools.pairwise(cells))
    assert all(at < width - 2 for at in cells[1:])
    assert len(axis.labels()) <= width


def test_labels_stand_over_their_ticks() -> None:
    axis = Axis.of(10_000, 80)
    assert axis.ticks()[:2] == [(8, 1_000), (16, 2_000)]
    assert axis.labels().startswith("0 s     1       2       3")


def test_short_axes_are_labelled_in_milliseconds() -> None:
    assert Axis.of(80, 80).labels().startswith("0 ms      10        20")


def test_a_step_of_unknown_length_is_a_point() -> None:
    unknown = dataclasses.replace(step(50, 50, 50, 50), latency_ms=None)
    drawn = bar(unknown, Axis(100, 10, 1_000))
    assert "".join(span.text for span in drawn) == "     ·    "


NEAR = Axis(400, 10, 1_000, begin_ms=300)
"""300 to 700 ms, 40 ms a cell, without ticks."""


def near(one: Step) -> str:
    return "".join(span.text for span in bar(one, NEAR))


def test_of_a_step_before_or_after_what_is_shown_the_edge_tells() -> None:
    assert near(step(0, 0, 0, 200)) == EARLIER + " " * 9
    assert near(step(0, 0, 0, 300)) == EARLIER + " " * 9
    assert near(step(800, 800, 800, 900)) == " " * 9 + LATER
    assert near(step(700, 700, 700, 900)) == " " * 9 + LATER
    assert near(step(700, 700, 700, 700)) == " " * 9 + ANSWER, "it ends here too"


def test_a_step_that_goes_on_outside_has_the_parts_in_sight_and_says_so() -> None:
    # The first token came at 500 ms, cell 5 of what is shown.
    assert near(step(100, 100, 500, 900)) == EARLIER + FIRST_TOKEN * 4 + ANSWER * 4 + LATER
    assert near(step(340, 340, 340, 900)) == " " + ANSWER * 8 + LATER
    assert near(step(0, 200, 200, 380)) == EARLIER + ANSWER + " " * 8


def test_where_an_answer_was_cut_off_is_marked_if_it_is_in_sight() -> None:
    assert near(step(100, 100, 100, 500, cut_off=True)) == EARLIER + ANSWER * 4 + CUT + " " * 4
    assert near(step(100, 100, 100, 900, cut_off=True)) == EARLIER + ANSWER * 8 + LATER


def test_labels_say_where_the_axis_begins_and_the_ticks_are_round() -> None:
    # 4,210 to 5,310 ms in 40 cells: ticks every 500 ms, 18.2 cells apart.
    axis = Axis.of(1_100, 40, begin_ms=4_210)
    assert axis.tick_ms == 500
    assert axis.labels() == "4.21 s    4.5               5"
    assert axis.range_label() == "4.21 – 5.31 s"


def test_near_the_begin_the_axis_is_in_milliseconds() -> None:
    # 20 ms stands on cell 3, where the begin's own label is.
    assert Axis.of(90, 40, begin_ms=12).labels() == "12 ms       40       60       80"


@given(st.floats(0, 1e7), st.floats(1, 1e7), st.integers(1, 200))
def test_an_axis_keeps_to_its_width_wherever_it_begins(
    begin: float, length: float, width: int
) -> None:
    axis = Axis.of(length, width, begin)
    assert len(axis.labels()) <= width
    assert all(0 < at < width for at, _ in axis.ticks())


@pytest.mark.parametrize("duration_ms", [1.7e308, float("inf"), 1e18, 1.0])
@pytest.mark.parametrize("begin_ms", [0.0, 1e15, 1e299])
def test_no_time_is_too_far_for_an_axis(duration_ms: float, begin_ms: float) -> None:
    axis = Axis.of(duration_ms, 80, begin_ms)
    assert len(axis.labels()) <= 80
    assert len(axis.ticks()) <= 11
    for end in (5.0, 1.7e308, float("inf")):
        assert len(bar(step(0, 0, 0, end, latency_ms=end), axis)) == 80
        assert len(begun_bar(0, end, axis, is_tool=False)) == 80
