"""SQL: what a name that is not there may have meant, and how words are completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO

import polars as pl
import pytest
from tests.analysis.conftest import Log

from llmlog_tui.analysis.query.columns import NO_RECORDS, narrow
from llmlog_tui.analysis.query.completion import complete_predicate, complete_query
from llmlog_tui.analysis.query.predicate import (
    all_of,
    filter_records,
    first_match,
    in_time_range,
    predicate_problem,
    time_range,
)
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.sql import columns_of, query, tables_of
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log.store import FRAME_SCHEMA

NOTHING = pl.DataFrame(schema=FRAME_SCHEMA)
LONG = " and ".join(f"step <> {n}" for n in range(600))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("latency", "the nearest is latency_ms"),
        ("latncy_ms", "the nearest is latency_ms"),
        ("tokens", "the nearest are tokens_per_sec, max_tokens, total_tokens"),
        ("prom", "the nearest is prompt_tokens"),
        ("zzz", "there are "),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_the_nearest(name: str, near: str) -> None:
    assert predicate_problem(f"{name} > 3").startswith(f"no column {name}; {near}")
    with pytest.raises(QueryError, match=f"no column {name}; {near}"):
        query(NOTHING, f"select {name} from calls")  # noqa: S608 - a test's own
    assert len(predicate_problem(f"{name} > 3")) < 80


def test_what_is_no_query_is_told_so_in_a_whole_line() -> None:
    with pytest.raises(QueryError, match=r"set is not supported: a log is only read; .*with$"):
        query(NOTHING, "set x = 1")


@pytest.mark.parametrize("sql", ["SHOW  tables", "show tables;", "show tables ;\n"])
def test_the_tables_can_be_listed(sql: str) -> None:
    assert set(query(NOTHING, sql).to_series()) == {"calls", "traces", "records"}


@pytest.mark.parametrize("table", ["calls", "records"])
def test_a_predicate_with_a_query_in_it_is_told_so(table: str) -> None:
    predicate = f"latency_ms > (select avg(latency_ms) from {table})"  # noqa: S608 - a test's own
    assert predicate_problem(predicate).startswith("the predicate: takes no subquery; ")


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ("lat", "ency_ms"),
        ("model = 'm' and cost", "_usd"),
        ("latency_ms", ""),
        ("latency_ms > 5", ""),
        ("model = 'lat", ""),
        ("", ""),
        ("zzz", ""),
    ],
)
def test_the_last_word_of_a_predicate_is_completed(typed: str, missing: str) -> None:
    assert complete_predicate(typed) == missing


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ("sel", "ect"),
        ("SEL", "ECT"),
        ("select comp", "letion_tokens"),
        ("select trace_id, tool", "_calls"),
        ("select steps, errors from t", "races"),
        ("select * from c", "alls"),
        ("select * from calls\ngro", "up by"),
        ("select 'fro", ""),
    ],
)
def test_the_last_word_of_a_query_is_completed_to_a_column_a_table_or_a_word_of_sql(
    typed: str, missing: str
) -> None:
    assert complete_query(typed) == missing


@pytest.mark.parametrize(
    "predicate",
    [
        "count(*) > 3",
        "max(latency_ms) > 3",
        "count(distinct model) = 1 and 1 = 1",
        "latency_ms > 5 and count(*) > 3",
        "latency_ms > 5 or not (model like 'gpt%' and count(*) over () > 3)",
        "(step = 1 or max(ts) > '2026-11-23') and ts >= '2026-11-23'",
        "latency_ms > avg(latency_ms) and sum(retries) > 3",
        "3 between min(step) and max(step) and step > 3",
        "1 = 1 and count(*) > 3",
        pytest.param(f"count(*) > 3 and {LONG}", id="long"),
    ],
)
def test_a_condition_over_all_records_together_is_refused(predicate: str) -> None:
    assert "one answer for all records together" in predicate_problem(predicate)
    with pytest.raises(QueryError, match="one answer for all records together"):
        filter_records(NO_RECORDS, predicate)


@pytest.mark.parametrize(
    "predicate",
    [
        "true",
        "latency_ms > avg(latency_ms)",
        "true and not (latency_ms < avg(latency_ms) or step < 3)",
        "count(*) over (partition by trace_id) > 3 and ts >= '2026-11-23'",
        "max(latency_ms > 500) over (partition by trace_id)",
        "latency_ms between 1 and max(latency_ms) - 1",
        "latency_ms > quantile_cont(latency_ms, 0.9)",
        "max(latency_ms) over (partition by model) > 3",
        "1=1 and latency_ms > avg(latency_ms)",
        "2 > 1 and latency_ms < max(latency_ms)",
        "lower('A') = 'a' and latency_ms < max(latency_ms)",
        pytest.param(f"latency_ms > avg(latency_ms) and {LONG}", id="long"),
    ],
)
def test_a_record_may_be_compared_with_all_of_them(predicate: str) -> None:
    assert predicate_problem(predicate) == ""


def test_of_several_predicates_the_first_counts_that_holds_for_a_call() -> None:
    calls = pl.DataFrame({"step": [0, 1, 2, None]})
    assert first_match(calls, ["step > 1", "step > 0 -- a remark"]) == [None, 1, 0, None]


NINE, TEN = (datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (9, 10))
FROM_NINE = "ts >= '2026-11-23 09:00:00.000000' and ts <= '2026-11-23 10:00:00.000000'"
FROM_TEN = FROM_NINE.replace("10:00", "11:00").replace("09:00", "10:00")


@pytest.mark.parametrize("before", [None, "step = 1", "step = 1 or step = 2"])
def test_a_range_of_time_is_put_into_a_predicate_moved_and_taken_out(before: str | None) -> None:
    first = in_time_range(before, (NINE, TEN))
    assert first is not None
    assert first.endswith(FROM_NINE)
    assert time_range(first) == (NINE, TEN)
    moved = in_time_range(first, (TEN, TEN + timedelta(hours=1)))
    assert moved == first.replace(FROM_NINE, FROM_TEN)
    assert in_time_range(moved, None) == (
        before if before != "step = 1 or step = 2" else f"({before})"
    )


def test_what_was_added_to_a_range_stays_when_it_goes() -> None:
    assert in_time_range(f"{FROM_NINE} and step = 1", None) == "step = 1"
    assert in_time_range(f"step = 0 and {FROM_NINE} and step = 1", None) == "step = 0 and step = 1"


@pytest.mark.parametrize("where", [None, "step = 1", "ts >= 'now' and ts <= 'then'"])
def test_a_predicate_without_a_range_is_left_as_it_is(where: str | None) -> None:
    assert time_range(where) is None
    assert in_time_range(where, None) == where


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select count(*) from calls", {"step"}),
        ("select Model, sum(latency_ms) from calls group by 1", {"model", "latency_ms"}),
        ("select c.ts from calls c where c.status = 'error'", {"ts", "status"}),
        ("select model from calls order by cost_usd", {"model", "cost_usd"}),
    ],
)
def test_a_table_has_only_the_columns_that_a_query_names(
    log: Log, sql: str, columns: set[str]
) -> None:
    table = tables_of(log([{"model": "m"}]).frame, sql, DEFAULT)["calls"]
    assert set(table.columns) == columns


def test_a_table_has_all_columns_where_a_query_takes_them_all(log: Log) -> None:
    frame = log([{"model": "m"}]).frame
    for sql in ("select * from calls", "from calls", "select c.* from calls c"):
        every = columns_of(frame, sql, DEFAULT)["calls"]
        assert tables_of(frame, sql, DEFAULT)["calls"].columns == every


@pytest.mark.parametrize("latency", [-1e300, 1e300, -(2.0**63), 2.0**53])
def test_a_number_that_is_no_integer_of_a_computer_stays_as_it_is(log: Log, latency: float) -> None:
    frame = log([{"latency_ms": latency}, {"latency_ms": 5}]).frame
    assert query(frame, "select latency_ms from calls").to_series().to_list() == [latency, 5.0]


HUGE = 2**62


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select sum(prompt_tokens) from calls", [3.0 * HUGE]),
        ("select sum(-prompt_tokens) from calls", [-3.0 * HUGE]),
        ("select sum(prompt_tokens) from calls group by model order by model", [2.0 * HUGE, HUGE]),
        ("select prompt_tokens from calls", [HUGE, HUGE, HUGE]),
        ("select sum(step) from calls", [6]),
        ("select prompt_tokens * 4 from calls", [4.0 * HUGE] * 3),
        ("select prompt_tokens + prompt_tokens + prompt_tokens from calls", [3.0 * HUGE] * 3),
        ("select step * 4 from calls", [4, 8, 12]),
        (
            "select prompt_tokens from calls where prompt_tokens > sum(prompt_tokens) / 4",
            [HUGE] * 3,
        ),
    ],
)
def test_sums_and_multiples_of_huge_numbers_do_not_wrap(
    log: Log, sql: str, expected: list[float]
) -> None:
    calls = [{"model": m, "prompt_tokens": HUGE, "step": n} for n, m in enumerate("aab", 1)]
    found = query(log(calls).frame, sql).to_series()
    assert found.to_list() == expected
    assert found.dtype in (pl.Int64, pl.Float64)


def test_a_predicate_compares_with_sums_that_do_not_wrap(log: Log) -> None:
    frame = log([{"prompt_tokens": HUGE}, {"prompt_tokens": HUGE}, {"prompt_tokens": 5}]).frame
    assert filter_records(frame, "prompt_tokens < sum(prompt_tokens)").height == 3


def test_a_result_has_only_types_that_every_output_has() -> None:
    beyond, within = (pl.Series([[n], None, []], dtype=pl.List(pl.Int128)) for n in (2**70, 7))
    found = pl.DataFrame({"a": beyond, "b": within, "c": [b"x\xff", None, b""], "d": [[b"y"]] * 3})
    assert narrow(found).to_dict(as_series=False) == {
        "a": [[float(2**70)], None, []],
        "b": [[7], None, []],
        "c": ["x\ufffd", None, ""],
        "d": [["y"]] * 3,
    }
    narrow(found).write_ndjson(BytesIO())


def test_a_predicate_is_not_added_twice() -> None:
    one, other = "model = 'm'", "session_id = 's'"
    both = f"{one} and {other}"
    assert [all_of(None, one), all_of(one, one), all_of(one, other)] == [one, one, both]
    assert all_of(both, other) == both
    # Of the alternatives, only the last one has it.
    assert all_of(f"tool_name = 't' or {both}", other) == (
        f"(tool_name = 't' or {both}) and {other}"
    )
