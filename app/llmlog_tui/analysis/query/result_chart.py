"""Charts of a query's result: bars by name, or series over time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

import polars as pl

_UNITS: Final = (
    (re.compile(r"^count\b"), ""),
    (re.compile(r"tokens_per_sec"), "tok/s"),
    (re.compile(r"(^|_)ms\b|latency"), "ms"),
    (re.compile(r"(^|_)usd\b|cost"), "$"),
    (re.compile(r"tokens"), "tokens"),
)
"""Pattern of a column's name -> its unit; the first one that matches."""

_SHARES: Final = re.compile("share|ratio|percent")
_CODES: Final = frozenset({"step", "error_status", "error_code", "seed", "v", "row"})
"""Numbers that name or order rows, and measure nothing."""

_MAX_NAMES: Final = 3
"""Maximum columns of text in the name of a bar."""
_MAX_NAME: Final = 60
"""Maximum characters of each."""
_ID: Final = 8
"""Characters of an id."""
_MAX_GROUPS: Final = 4
"""Maximum series of one number."""
_MAX_GROUP_VALUES: Final = 12
"""Maximum values of a column that rows are grouped by; ids have more."""
_MEDIANS: Final = 40
"""Minimum medians of a series whose rows are too dense for a line."""
_LEVELS: Final = 200
"""Distinct heights of the points of a dense series."""
_UNKNOWN: Final = "–"


class Number(NamedTuple):
    """A column of numbers: its name, unit, and greatest absolute value."""

    name: str
    unit: str
    top: float


@dataclass(frozen=True, eq=False)
class BarChart:
    """Bars: a name per row, from the columns `by`, and its numbers."""

    by: str
    names: Sequence[str]
    numbers: Sequence[Number]
    values: Sequence[Sequence[float | None]]


class TimeSeries(NamedTuple):
    """A group's values, one per slice of time, or its (slice, value) points.

    `is_median`: each value is the median of several rows.
    """

    group: str
    values: Sequence[float | None]
    points: Sequence[tuple[int, float]] = ()
    is_median: bool = False


@dataclass(frozen=True, eq=False)
class TimeChart:
    """Numbers over the time in column `by`, UTC without a zone, from `begin` to `end`.

    Rows have a series per value of `group_by`, the commonest first; `left_out` counts the values
    without one. Without `group_by` there is one series, called "".
    """

    by: str
    begin: datetime
    end: datetime
    numbers: Sequence[Number]
    group_by: str
    groups: Sequence[str]
    left_out: int
    _rows: pl.DataFrame

    def series(self, number: Number, slices: int) -> list[TimeSeries]:
        """Return the series of a number in `slices` slices of time."""
        column = _column(self.numbers.index(number))
        rows = self._sliced(slices).select("slice", "group", value=column).drop_nulls("value")
        is_dense = rows.select("slice", "group").is_duplicated().any()
        if is_dense and len(self.groups) == 1:
            return [TimeSeries(self.groups[0], (), _points(rows, number.top))]
        if is_dense:
            width = max(2, slices // _MEDIANS)
            middle = pl.min_horizontal(pl.col("slice") // width * width + width // 2, slices - 1)
            rows = rows.group_by(slice=middle, group="group").agg(pl.col("value").median())
        return [
            TimeSeries(group, _per_slice(of_group, slices), is_median=bool(is_dense))
            for group, of_group in self._by_group(rows)
        ]

    def stops(self, slices: int) -> dict[int, int]:
        """Return slice -> row of the result, that with the greatest first number."""
        rows = self._sliced(slices).sort(_column(0), nulls_last=False)
        return dict(sorted(rows.select("slice", "row").iter_rows()))

    def time_of(self, index: int, slices: int) -> datetime:
        return self.begin + (self.end - self.begin) * index / max(1, slices - 1)

    def _sliced(self, slices: int) -> pl.DataFrame:
        number = (pl.col("share") * (slices - 1)).round().cast(pl.Int64)
        return self._rows.with_columns(slice=number)

    def _by_group(self, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        for group in self.groups:
            yield group, rows.filter(pl.col("group") == group)


ResultChart: TypeAlias = BarChart | TimeChart


def result_chart(frame: pl.DataFrame) -> ResultChart | None:
    """Return the chart of a result; None without a number and a time or name."""
    numbers = [
        Number(name, _unit(name, frame[name]), _top(frame[name]))
        for name, dtype in frame.schema.items()
        if dtype.is_numeric() and name.lower() not in _CODES
    ]
    names = [name for name, dtype in frame.schema.items() if dtype in (pl.String, pl.Boolean)]
    times = [name for name, dtype in frame.schema.items() if dtype in (pl.Datetime, pl.Date)]
    if not frame.height:
        return None
    if times and numbers and frame[times[0]].drop_nulls().n_unique() > 1:
        return _time_chart(frame, times[0], names, numbers)
    names += times
    if not names and len(numbers) > 1:
        first, *numbers = numbers  # such as the hour of the day
        names = [first.name]
    return _bar_chart(frame, names, numbers) if names and numbers else None


def _bar_chart(frame: pl.DataFrame, names: Sequence[str], numbers: Sequence[Number]) -> BarChart:
    named = names[:_MAX_NAMES]
    parts = [pl.col(name).cast(pl.String).str.slice(0, _name_length(name)) for name in named]
    name = pl.concat_str([part.fill_null(_UNKNOWN) for part in parts], separator=" · ")
    values = [_floats(frame[number.name]).to_list() for number in numbers]
    return BarChart(" · ".join(named), frame.select(name).to_series().to_list(), numbers, values)


def _time_chart(
    frame: pl.DataFrame, time: str, names: Sequence[str], numbers: Sequence[Number]
) -> TimeChart:
    group_by = next((name for name in names if _is_group(frame[name])), "")
    ts = frame[time].cast(pl.Datetime("us"))
    group = (
        frame[group_by].cast(pl.String).str.slice(0, _MAX_NAME).fill_null(_UNKNOWN)
        if group_by
        else pl.repeat("", frame.height, dtype=pl.String, eager=True)
    )
    rows = pl.DataFrame(
        [
            *(_floats(frame[each.name]).alias(_column(n)) for n, each in enumerate(numbers)),
            pl.int_range(frame.height, eager=True).alias("row"),
            group.alias("group"),
            ts.alias("ts"),
        ]
    ).drop_nulls("ts")
    begin, end = rows.select(begin=pl.col("ts").min(), end=pl.col("ts").max()).row(0)
    share = (pl.col("ts") - begin) / (end - begin)
    groups = rows["group"].value_counts().sort("count", "group", descending=[True, False])["group"]
    shown = groups.head(_MAX_GROUPS).to_list()
    kept = rows.filter(pl.col("group").is_in(shown)).with_columns(share=share)
    return TimeChart(time, begin, end, numbers, group_by, shown, groups.len() - len(shown), kept)


def _column(index: int) -> str:
    """Return the column of a number, which no other column of ours is called."""
    return f"number {index}"


def _name_length(column: str) -> int:
    return _ID if column == "id" or column.endswith("_id") else _MAX_NAME


def _is_group(column: pl.Series) -> bool:
    values = column.n_unique()
    return 1 < values <= _MAX_GROUP_VALUES and values < column.len()


def _floats(column: pl.Series) -> pl.Series:
    """Return the column as floats, null where it is no finite number."""
    floats = column.cast(pl.Float64, strict=False)
    return floats.set(~floats.is_finite(), None)


def _top(column: pl.Series) -> float:
    top = _floats(column).abs().max()
    return float(top) if isinstance(top, int | float) else 0.0


def _unit(name: str, column: pl.Series) -> str:
    """Return the unit of a column by its name: `%` for shares up to 1."""
    lower = name.lower()
    if _SHARES.search(lower) and _top(column) <= 1:
        return "%"
    return next((unit for pattern, unit in _UNITS if pattern.search(lower)), "")


def _per_slice(rows: pl.DataFrame, slices: int) -> list[float | None]:
    values: list[float | None] = [None] * slices
    for index, value in rows.select("slice", "value").iter_rows():
        values[index] = value
    return values


def _points(rows: pl.DataFrame, top: float) -> list[tuple[int, float]]:
    """Return the points that differ on screen: there may be a million rows."""
    level = (pl.col("value") / (top or 1.0) * _LEVELS).round() if top else pl.lit(0.0)
    distinct = rows.group_by("slice", level.alias("level")).agg(pl.col("value").first())
    return list(distinct.sort("slice", "value").select("slice", "value").iter_rows())
