"""SQL is checked before it is run: it reads the log's tables, and nothing else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.analysis.query.columns import NO_RECORDS
from llmlog_tui.analysis.query.predicate import filter_records, first_match, predicate_problem
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.sql import query
from llmlog_tui.analysis.query.statement import (
    StatementError,
    check_query,
    is_linear,
    names_in,
    tokens,
)

READERS = ("read_csv", "read_json", "read_ndjson", "read_parquet", "read_ipc", "scan_csv")
WAYS = (
    "select * from {0}('{1}')",
    "SELECT * FROM {0}  ('{1}')",
    "select * from \"{0}\"('{1}')",
    "select * from `{0}`('{1}')",
    "select * from {0}/* , */('{1}')",
    "select * from {0} -- x\n('{1}')",
    "select * from calls, {0}('{1}')",
    "select * from calls join {0}('{1}') as x on true",
    "with x as (select * from {0}('{1}')) select * from x",
    "select * from calls where model in (select q from {0}('{1}'))",
    "select 1 union all select * from {0}('{1}')",
    "explain select * from {0}('{1}')",
    "/* /* */ ' */ select * from {0}('{1}') -- '",
    "select $$ ' $$ as a from {0}('{1}') -- '",
)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("q\nhidden\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reader", READERS)
def test_no_query_reads_a_file(secret: Path, way: str, reader: str) -> None:
    for name in (reader, reader.upper()):
        with pytest.raises(QueryError) as refused:
            query(NO_RECORDS, way.format(name, secret))
        assert "\n" not in str(refused.value)
        assert "hidden" not in str(refused.value)


def test_a_reader_is_refused_before_it_looks_for_its_file() -> None:
    with pytest.raises(QueryError, match=r"read_csv\(…\) reads files; only the log is read"):
        query(NO_RECORDS, "select * from read_csv('http://127.0.0.1:9/x.csv')")


@pytest.mark.parametrize(
    "sql", ["select * from generate_series(1, 9)", "select * from calls, unnest([1]) as t(n)"]
)
def test_a_table_function_is_no_table_of_the_log(sql: str) -> None:
    with pytest.raises(QueryError, match="is no table of the log"):
        query(NO_RECORDS, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "create table x as select 1",
        "drop table calls",
        "delete from calls",
        "truncate calls",
        "insert into calls values (1)",
        "update calls set model = 'x'",
        "alter table calls add x int",
        "copy calls to 'x'",
        "explain delete from calls",
        "set x = 1",
        "  -- first\n drop table calls",
    ],
)
def test_statements_that_would_change_something_are_refused_in_one_line(sql: str) -> None:
    with pytest.raises(QueryError, match=r"^the query: \w+ is not supported: a log is only read"):
        query(NO_RECORDS, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select extract(year from ts), round(latency_ms) from calls",
        "select trim(both 'x' from model), abs(step) from calls",
        "select model is distinct from coalesce(provider, 'x') from calls",
        "select 'read_csv' as a, model from calls where tool_name in ('read_file') or (step > 1)",
        "with x as (select model from calls) select count(*) from x",
        "(select model from calls)",
        "from calls",
        "show tables",
        "explain select model from calls",
    ],
)
def test_queries_of_the_log_are_run(sql: str) -> None:
    assert isinstance(query(NO_RECORDS, sql), pl.DataFrame)


@pytest.mark.parametrize(
    "predicate",
    [
        "trace_id in (select trace_id from records)",
        "trace_id in (from records)",
        "latency_ms in (values (1))",
        "exists (select 1)",
        "model = 'x' or exists (with a as (select 1) select 1)",
        "trace_id in (/* x */ select 'x')",
    ],
)
def test_a_predicate_takes_no_subquery(predicate: str) -> None:
    assert "takes no subquery" in predicate_problem(predicate)
    with pytest.raises(QueryError, match="takes no subquery"):
        first_match(NO_RECORDS, [predicate])


@pytest.mark.parametrize("reader", READERS)
def test_a_predicate_reads_no_file(secret: Path, reader: str) -> None:
    for predicate in (
        f"model in (select q from {reader}('{secret}'))",  # noqa: S608 - to be refused
        f"model in (from {reader}('{secret}'))",
        f"exists (from {reader}('{secret}'))",
    ):
        with pytest.raises(QueryError, match="reads files"):
            filter_records(NO_RECORDS, predicate)


def test_words_of_sql_in_a_text_are_no_sql() -> None:
    for predicate in ("model = 'select'", "model like '%values (1)%'", "\"model\" <> 'with'"):
        assert predicate_problem(predicate) == ""


@pytest.mark.parametrize(
    ("sql", "linear"),
    [
        ("select count(*) from calls", True),
        ("select model, avg(latency_ms) from calls group by model order by 2 limit 3", True),
        ("select extract(year from ts) from calls", True),
        ("select a.model from calls a, calls b", False),
        ("select * from calls join traces on calls.trace_id = traces.trace_id", False),
        ("select * from calls natural join traces", False),
        ("with x as (select 1) select * from x", False),
        ("select model from calls union all select model from calls", False),
        ("select model from calls where trace_id in (select trace_id from traces)", False),
        ("select rpad(model, 1000000000, 'x') from calls", False),
    ],
)
def test_only_one_pass_over_one_table_is_sure_to_end(sql: str, linear: bool) -> None:  # noqa: FBT001 - a test's parameter
    assert is_linear(sql) is linear


def test_the_names_a_query_may_use_are_known_unless_it_asks_for_all() -> None:
    names = names_in("select count(*), Model from calls where \"trace_id\" = 'step'")
    assert names is not None
    assert {"model", "trace_id"} <= names
    assert "step" not in names
    assert names_in("select * from calls") is None
    assert names_in("select c.* from calls c") is None
    assert names_in("from calls") is None


@settings(max_examples=examples(300))
@given(st.text(alphabet="selctfrom()'\"`$;-*/,.\n x1", max_size=40))
def test_any_text_is_split_or_refused_at_once(sql: str) -> None:
    try:
        tokens(sql)
        check_query(sql)
    except StatementError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most texts raise nothing
