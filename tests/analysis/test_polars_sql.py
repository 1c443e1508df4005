"""What SQL says of times and numbers, and how polars is to read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import polars as pl
import pytest
from tests.analysis.conftest import Log

from llmlog_tui.analysis.query.columns import NO_RECORDS
from llmlog_tui.analysis.query.polars_sql import polars_sql
from llmlog_tui.analysis.query.predicate import filter_records, first_match, predicate_problem
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.sql import query

AT_TEN_PAST: Final = "'2026-11-23T10:10:00+01:00'"  # 9:10 UTC


@pytest.fixture
def three(log: Log) -> pl.DataFrame:
    """Three calls, at 9:09, 9:10 and 9:11 UTC; of the last one a tag is a time as text."""
    records = [
        {"ts": f"2026-11-23T09:{minute}:00Z", "step": step, "extra": {"began": "long ago"}}
        for step, minute in enumerate(("09", "10", "11"), 1)
    ]
    records[2]["extra"] = {"began": AT_TEN_PAST[1:-1]}
    return log(records).frame


@pytest.mark.parametrize(
    ("predicate", "steps"),
    [
        (f"ts >= {AT_TEN_PAST}", [2, 3]),
        (f"ts = {AT_TEN_PAST}", [2]),
        (f"{AT_TEN_PAST} < ts", [3]),
        ("ts >= '2026-11-23 10:10:00+0100'", [2, 3]),
        ("ts >= '2026-11-23T10:10+01'", [2, 3]),
        ("ts >= '2026-11-23T10:10:00.000 +01:00'", [2, 3]),
        ("ts >= '2026-11-23T04:10:00-05:00'", [2, 3]),
        ("ts >= '2026-11-23T09:10:00Z'", [2, 3]),
        ("ts >= '2026-11-23T09:10:00z'", [2, 3]),
        ("ts >= '2026-11-23 09:10:00'", [2, 3]),
        (f"ts between {AT_TEN_PAST} and '2026-11-23T10:10:30+01:00'", [2]),
        (f"ts not between {AT_TEN_PAST} and '2026-11-23T10:10:30+01:00'", [1, 3]),
        (f"ts in ({AT_TEN_PAST}, '2026-11-23T10:11:00+01:00')", [2, 3]),
        (f"ts not in ({AT_TEN_PAST})", [1, 3]),
        (f"ts > timestamp {AT_TEN_PAST}", [3]),
        (f"ts > cast({AT_TEN_PAST} as timestamp)", [3]),
        (f"ts > {AT_TEN_PAST}::timestamp", [3]),
        (f"ts - {AT_TEN_PAST} > interval '30 seconds'", [3]),
        (f"step < 3 and {AT_TEN_PAST} <= ts", [2]),
    ],
)
def test_a_time_with_an_offset_is_that_instant(
    three: pl.DataFrame, predicate: str, steps: list[int]
) -> None:
    assert filter_records(three, predicate)["step"].to_list() == steps
    sql = f"select step from calls where {predicate}"  # noqa: S608 - a test's own
    assert query(three, sql)["step"].to_list() == steps
    found = first_match(three, [predicate])
    assert [step for step, first in enumerate(found, 1) if first == 0] == steps


def test_a_text_that_looks_like_a_time_is_compared_as_it_is(three: pl.DataFrame) -> None:
    for name in ("extra.began", 'extra."began"'):
        predicate = f"ts > {AT_TEN_PAST} and {name} = {AT_TEN_PAST}"
        assert filter_records(three, predicate)["step"].to_list() == [3]
    assert polars_sql(f"select {AT_TEN_PAST}", {}) == f"select {AT_TEN_PAST}"
    assert polars_sql(f"model = {AT_TEN_PAST}", {}) == f"model = {AT_TEN_PAST}"


@pytest.mark.parametrize("offset", ["+25:00", "-99"])
def test_an_impossible_offset_is_told_so(offset: str) -> None:
    wrong = f"'2026-11-23T10:10:00{offset}'"
    assert predicate_problem(f"ts > {wrong}") == f"the predicate: {wrong} is no time"


@pytest.mark.parametrize(
    "predicate",
    [
        *("ts > 1900000000", "1900000000 < ts", "ts <> -1.5", "ts between 5 and 6", "ts in (5)"),
        *("ts between '2026-11-23' and 6", "latency_ms > 5 and ts = 6", "cast(ts as date) > 5"),
        *("step = 1 and max(ts) > 5", '"ts" > 5', "ts::date > 5", "now() > 5", "5 < current_date"),
        *("now() - ts > 3600", "3600 < now() - ts", "(now() - ts) > 5", "max(ts) - min(ts) > 60"),
        *("ts - '2026-11-23' > 5", "ts - timestamp '2026-11-23' > 5"),
        pytest.param("(" * 990 + "ts" + ")" * 990 + " > 5", id="deep"),
    ],
)
def test_a_time_is_compared_with_no_number(predicate: str) -> None:
    written = r"a time is compared with the number [\d.]+; write '2026-11-23 10:10:00' \(UTC\) or "
    with pytest.raises(QueryError, match=written):
        filter_records(NO_RECORDS, predicate)
    with pytest.raises(QueryError, match=written):
        query(NO_RECORDS, f"select * from calls where {predicate}")  # noqa: S608 - a test's own


@pytest.mark.parametrize(
    "predicate",
    [
        *("date_part('year', ts) > 2025", "2025 < extract(year from ts)", "ts > '2026-11-23'"),
        *("ts > '2026-11-23' and 2 * latency_ms > 5", "step in (1, 2) and ts > '2026-11-23'"),
        *("ts > '2026-11-23' and step between 1 and 2", "(ts > '2026-11-23') = (step > 5)"),
        *("now() - ts > interval '1 hour'", "cast(now() - ts as bigint) > 5"),
        *("(step - 1) > 5 and ts > '2026-11-23'", "length(cast(ts as text)) > 5"),
    ],
)
def test_numbers_beside_a_time_are_no_times(predicate: str) -> None:
    assert predicate_problem(predicate) == ""


def test_a_text_that_is_no_time_is_told_how_to_write_one() -> None:
    assert predicate_problem("ts > 'yesterday'") == (
        "the predicate: a time is compared with a text that is none; "
        "write '2026-11-23 10:10:00' (UTC) or '2026-11-23T10:10:00+01:00'"
    )


def test_the_day_of_a_call_is_a_date(three: pl.DataFrame) -> None:
    assert filter_records(three, "date(ts) = '2026-11-23'").height == 3
    assert query(three, "select date(ts) as day from calls limit 1")["day"].dtype == pl.Date
    with pytest.raises(QueryError, match=r"given a time; cast\(ts as date\) is its day$"):
        query(three, "select date(min(ts)) from calls")


@pytest.mark.parametrize(
    ("present", "type_"),
    [
        *((name, "timestamp") for name in ("now()", "current_timestamp", "localtimestamp")),
        *((name, "date") for name in ("current_date", "CURRENT_DATE()")),
        *((name, "time") for name in ("current_time", "localtime")),
    ],
)
def test_the_present_is_that_of_utc(present: str, type_: str) -> None:
    before = datetime.now(UTC)
    read = polars_sql(f"ts > {present}", {})
    assert read.startswith(f"ts > {type_} '")
    if type_ == "timestamp":
        told = datetime.fromisoformat(read.split("'")[1]).replace(tzinfo=UTC)
        assert before <= told <= datetime.now(UTC)


def test_a_column_of_the_present_is_named_as_written(three: pl.DataFrame) -> None:
    found = query(three, "select current_date, now(), 1.5 from calls limit 1")
    assert found.columns == ["current_date", "now()", "1.5"]


@pytest.mark.parametrize(
    "sql", ["'now()'", '"now"', "now", "ts as current_date", "t.current_date", "-- now()\n1"]
)
def test_names_and_texts_are_not_the_present(sql: str) -> None:
    assert polars_sql(sql, {}) == sql


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("1.5 + .5 + 2. + 1e5 + 1.5e3 + 7", "1.5e0 + .5e0 + 2.e0 + 1e5 + 1.5e3 + 7"),
        ("""t.a, "1.5", '1.5' -- 1.5""", """t.a, "1.5", '1.5' -- 1.5"""),
    ],
)
def test_a_number_with_a_point_is_a_float(sql: str, read: str) -> None:
    assert polars_sql(sql, {}) == read


def test_a_share_has_all_its_digits(three: pl.DataFrame) -> None:
    share = query(three, "select 1.0 * sum(step) / (count(*) + 4) as share from calls")
    assert share["share"].to_list() == [6 / 7]
    assert query(three, "select 0.1 + 0.2 as sum from calls limit 1")["sum"].to_list() == [
        0.1 + 0.2
    ]


def test_a_list_of_any_length_is_read_in_one_pass() -> None:
    numbers = ", ".join(map(str, range(10_000)))
    assert polars_sql(f"step in ({numbers})", {}) == f"step in ({numbers})"
