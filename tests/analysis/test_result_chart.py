"""The chart of a query's result: which one it is, its units, and its values by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from llmlog_tui.analysis.query.result_chart import BarChart, TimeChart, result_chart

NINE = datetime(2026, 11, 23, 9)  # noqa: DTZ001 - as in results: UTC without a zone


def minutes(*values: float) -> list[datetime]:
    return [NINE + timedelta(minutes=value) for value in values]


def bars(frame: pl.DataFrame) -> BarChart:
    chart = result_chart(frame)
    assert isinstance(chart, BarChart)
    return chart


def over_time(frame: pl.DataFrame) -> TimeChart:
    chart = result_chart(frame)
    assert isinstance(chart, TimeChart)
    return chart


def test_numbers_by_name_are_bars_with_units_by_their_columns() -> None:
    columns = {
        "model": ["a", None],
        "trace_id": ["0123456789abcdef", "f"],
        "ok": [True, False],
        "count(*)": [3, 4],
        "avg(latency_ms)": [1.5, float("nan")],
        "cost_usd": [0.5, -2.0],
        "sum(prompt_tokens)": [10, None],
        "tokens_per_sec": [1.0, 2.0],
        "error_share": [0.25, 1.0],
        "step": [1, 2],
    }
    chart = bars(pl.DataFrame(columns))
    assert chart.by == "model · trace_id · ok"
    assert list(chart.names) == ["a · 01234567 · true", "– · f · false"]
    assert [(each.unit, each.top) for each in chart.numbers] == [
        ("", 4),
        ("ms", 1.5),
        ("$", 2),
        ("tokens", 10),
        ("tok/s", 2),
        ("%", 1),
    ]
    assert chart.values[1] == [1.5, None], "no bar for what is no finite number"


def test_of_numbers_alone_the_first_one_is_the_name() -> None:
    chart = bars(pl.DataFrame({"hour": [9, 10], "calls": [5, 6]}))
    assert (chart.by, list(chart.names), [n.name for n in chart.numbers]) == (
        "hour",
        ["9", "10"],
        ["calls"],
    )


@pytest.mark.parametrize(
    "columns",
    [{"model": ["a"]}, {"n": [1]}, {"ts": minutes(0, 1)}, {"model": [], "n": []}, {"l": [[1]]}],
    ids=["text", "one number", "times", "no rows", "lists"],
)
def test_without_a_number_and_a_name_or_time_there_is_no_chart(columns: dict[str, object]) -> None:
    assert result_chart(pl.DataFrame(columns)) is None


def test_a_number_over_time_is_a_line_with_a_value_at_each_row() -> None:
    frame = pl.DataFrame({"day": [date(2026, 11, 1), date(2026, 11, 3)], "calls": [4, 8]})
    chart = over_time(frame)
    (line,) = chart.series(chart.numbers[0], 5)
    assert (line.group, line.values, line.is_median) == ("", [4, None, None, None, 8], False)
    assert (chart.begin.day, chart.end.day) == (1, 3)
    assert chart.stops(5) == {0: 0, 4: 1}


def test_a_text_column_with_few_values_names_the_lines_the_commonest_first() -> None:
    groups = ["b", "a", "a", "b", "a", *"cdef"]
    frame = pl.DataFrame({"ts": minutes(*range(9)), "model": groups, "p95_ms": range(9)})
    chart = over_time(frame)
    assert (chart.group_by, list(chart.groups), chart.left_out) == ("model", [*"abcd"], 2)
    a, b, *_ = chart.series(chart.numbers[0], 9)
    assert a.values[:5] == [None, 1, 2, None, 4]
    assert b.values[:5] == [0, None, None, 3, None]


def test_rows_too_dense_for_a_line_are_points_and_of_several_groups_medians() -> None:
    times = minutes(0, 0, 0, 10)
    one = over_time(pl.DataFrame({"ts": times, "latency_ms": [1.0, 1.0, 5.0, 7.0]}))
    (points,) = one.series(one.numbers[0], 4)
    assert points.points == [(0, 1), (0, 5), (3, 7)], "a point for what looks alike"
    assert one.stops(4) == {0: 2, 3: 3}, "the greatest of several rows"
    several = over_time(
        pl.DataFrame({"ts": times, "model": [*"aaab"], "latency_ms": [1.0, 2.0, 6.0, 7.0]})
    )
    a, b = several.series(several.numbers[0], 4)
    assert (a.values, a.is_median) == ([None, 2, None, None], True)
    assert b.values == [None, None, None, 7]


def test_a_query_may_call_its_columns_as_it_likes() -> None:
    named = {"group": ["x", "y"], "share": [1, 2], "slice": [3, 4]}
    chart = over_time(pl.DataFrame({"ts": minutes(0, 1), **named}))
    assert [chart.series(number, 2)[0].values for number in chart.numbers] == [[1, 2], [3, 4]]
