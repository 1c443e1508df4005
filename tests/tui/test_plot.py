"""Series in cells: what tells them apart, and where a value is."""

from __future__ import annotations

import pytest

from llmlog_tui import humanize
from llmlog_tui.glyphs import in_ascii
from llmlog_tui.tui.widgets.chart import ChartContent, draw_chart
from llmlog_tui.tui.widgets.plot import SAMPLES, Canvas, ChartLine, Stroke


def drawn(line: ChartLine, top: float, rows: int = 2, width: int = 4) -> list[str]:
    canvas = Canvas(rows, width)
    canvas.draw(line, top)
    return ["".join(glyph for glyph, _ in row) for row in canvas.cells()]


LEVEL = [10.0] * 8


@pytest.mark.parametrize(
    ("stroke", "cells"),
    [
        ("line", "⠉⠉⠉⠉"),
        ("thick", "⠛⠛⠛⠛"),
        ("dashed", "⠉⠉ ⠉"),
        ("dotted", "⠁⠈ ⠁"),
        ("sparse", "⠁  ⠁"),
        ("bars", "████"),
    ],
)
def test_strokes_differ_without_colour(stroke: Stroke, cells: str) -> None:
    assert drawn(ChartLine("", LEVEL, "", stroke=stroke), 10)[0] == cells


def test_a_gap_interrupts_a_line_unless_it_is_bridged() -> None:
    values = [0.0, None, None, None, None, None, None, 10.0]
    assert drawn(ChartLine("", values, ""), 10) == ["   ⠈", "⡀   "]
    assert drawn(ChartLine("", values, "", bridged=True), 10) == ["  ⡠⠊", "⡠⠊  "]


def test_bars_have_eighths_of_a_cell_and_a_value_is_never_invisible() -> None:
    values = [8.0, 8.0, 4.5, 4.5, 0.01, 0.01, 0.0, None]
    assert drawn(ChartLine("", values, "", stroke="bars"), 8) == ["█▁  ", "██▁ "]


def test_points_and_crosses_are_where_their_values_are() -> None:
    points = [(0, 10.0), (7, 0.0), (99, 5.0)]
    assert drawn(ChartLine("", (), "", stroke="points", points=points), 10) == ["⠁   ", "   ⢀"]
    assert drawn(ChartLine("", (), "", stroke="crosses", points=points), 10) == ["×   ", "   ×"]


def test_a_line_over_a_bar_keeps_the_bar_behind_it() -> None:
    canvas = Canvas(1, 1)
    canvas.draw(ChartLine("", [1.0, 1.0], "", stroke="bars"), 1)
    canvas.draw(ChartLine("", [1.0, 1.0], "$text-accent"), 1)
    ((glyph, tone),) = canvas.cells()[0]
    assert (glyph, " on " in tone) == ("⠉", True)


def test_the_legend_has_a_sample_of_each_stroke_on_any_terminal() -> None:
    assert "?" not in "".join(in_ascii(sample) for sample in SAMPLES.values())


@pytest.mark.parametrize(
    ("highest", "labels"),
    [(0.4, ["40%", "20%", "0"]), (0.25, ["25%", "0"]), (0.05, ["5.0%", "2.5%", "0"])],
)
def test_a_scale_has_a_middle_label_only_where_that_is_exact(
    highest: float, labels: list[str]
) -> None:
    chart = ChartContent("Share of calls", humanize.percent, [ChartLine("", [highest] * 8, "")])
    rows = [line.plain for line in draw_chart(chart, 40, 10)[1:]]
    assert [row.split("┤")[0].strip() for row in rows if "┤" in row] == labels
