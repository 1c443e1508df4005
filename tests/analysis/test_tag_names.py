"""Tags in SQL: names, completion, errors and the text of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from llmlog_tui.analysis.query.columns import column_named
from llmlog_tui.analysis.query.completion import complete_predicate, complete_query
from llmlog_tui.analysis.query.predicate import (
    filter_records,
    first_match,
    predicate_of,
    predicate_problem,
)
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.sql import query
from llmlog_tui.analysis.query.tag_names import quote_tags, sql_name
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.tags import tag_types

Log = Callable[[Iterable[dict[str, Any]]], Snapshot]

RECORDS: list[dict[str, Any]] = [
    {"step": 0, "extra": {"tier": "pro", "n": 1, "a b": 'say "hi"'}, "user_id": "u-1"},
    {"step": 1, "extra": {"tier": "free", "n": 2, "http.route": "/x"}, "user_id": "u-2"},
    {"step": 2},
]


@pytest.mark.parametrize(
    ("sql", "quoted"),
    [
        ("extra.tier = 'extra.tier'", "\"extra.tier\" = 'extra.tier'"),
        ("c.extra.tier", 'c."extra.tier"'),
        ("Extra.http.route is null", '"extra.http.route" is null'),
        ('extra."a b" > 1', '"extra.a b" > 1'),
        ("extra like 'x'", "extra like 'x'"),
        ('"avg(extra.n)" -- extra.n', '"avg(extra.n)" -- extra.n'),
    ],
)
def test_a_tag_is_one_quoted_name(sql: str, quoted: str) -> None:
    assert quote_tags(sql) == quoted


@pytest.mark.parametrize(
    ("predicate", "steps"),
    [
        ("extra.tier = 'pro'", [0]),
        ("extra.n > 1", [1]),
        ("extra.tier is null", [2]),
        ('extra."a b" = \'say "hi"\'', [0]),
        ("extra.http.route like '/%'", [1]),
        ("user_id = 'u-2'", [1]),
        ("extra.user_id = 'u-2'", [1]),
        ('extra like \'%"tier": "pro"%\'', [0]),
        ("extra is null", [2]),
    ],
)
def test_a_predicate_reaches_tags(log: Log, predicate: str, steps: list[int]) -> None:
    assert filter_records(log(RECORDS).frame, predicate)["step"].to_list() == steps


def test_a_tag_that_no_record_has_is_an_error_or_null(log: Log) -> None:
    frame = log(RECORDS).frame
    with pytest.raises(QueryError, match=r"no column extra\.teir; the nearest are extra\.tier,"):
        filter_records(frame, "extra.teir = 'pro'")
    for predicate in ("extra.x = 'a'", "extra.x > 5", "extra.x like '%a%'", "lower(extra.x) = 'a'"):
        assert filter_records(frame, predicate, may_lack_tags=True).is_empty()
    assert filter_records(frame, "extra.x is null", may_lack_tags=True).height == len(RECORDS)


def test_a_predicate_is_valid_if_the_log_has_its_tags_or_is_not_known(log: Log) -> None:
    tags = tag_types(log(RECORDS).frame)
    assert not predicate_problem("extra.tier = 'pro' and user_id = 'u-1'", tags)
    assert "nearest is extra.tier" in predicate_problem("extra.tie = 'pro'", tags)
    assert not predicate_problem("extra.anything > 1")


def test_queries_have_tags_as_columns_and_extra_as_text(log: Log) -> None:
    frame = log(RECORDS).frame
    found = query(frame, "select extra.tier, sum(extra.n) from calls group by extra.tier")
    assert found.columns == ["extra.tier", "sum(extra.n)"]
    assert ("free", 2) in found.rows()
    assert query(frame, "select extra from calls where step = 0")["extra"].to_list() == [
        '{"tier": "pro", "n": 1, "a b": "say \\"hi\\"", "user_id": "u-1"}'
    ]
    assert "extra" not in query(frame, "select * from calls").columns
    with pytest.raises(QueryError, match=r"nearest is extra\.tier"):
        query(frame, "select extra.tie from calls")


def test_describe_lists_tags_with_their_types(log: Log) -> None:
    described = query(log(RECORDS).frame, "describe calls").rows()
    assert ("calls", "extra.tier", "text") in described
    assert ("calls", "extra.n", "integer") in described
    assert ("calls", "user_id", "text") in described


def test_styles_of_rows_may_name_tags_of_other_logs(log: Log) -> None:
    frame = log(RECORDS).frame
    assert first_match(frame, ["extra.gone = 'x'", "extra.tier = 'pro'"]) == [1, None, None]


@pytest.mark.parametrize("value", ["pro", 1, 'say "hi"'])
def test_a_picked_value_of_a_tag_is_a_predicate(log: Log, value: object) -> None:
    frame, field = log(RECORDS).frame, {"pro": "extra.tier", 1: "extra.n"}.get(value, "extra.a b")
    assert filter_records(frame, predicate_of(field, value, holds=True))["step"].to_list() == [0]
    assert filter_records(frame, predicate_of(field, value, holds=False)).height == 2


def test_names_of_tags_are_completed() -> None:
    tags = ["extra.user_tier", "extra.a b", "user_id"]
    assert complete_predicate("step > 1 and ex", tags) == "tra.user_tier"
    assert complete_predicate("extra.us", tags) == "er_tier"
    assert complete_predicate("user", tags) == "_id"
    assert complete_query("select avg(extra.u", tags) == "ser_tier"
    assert complete_query("select extra.user_tier from ca", tags) == "lls"
    assert sql_name("extra.a b") == 'extra."a b"'


def test_a_group_is_a_field_or_a_tag(log: Log) -> None:
    frame = log(RECORDS).frame
    assert column_named(frame, "extra.user_id") == "user_id"
    assert column_named(frame, "finish_reason") == "finish_reason"
    with pytest.raises(QueryError, match=r"no column tier; the nearest are extra\.tier,"):
        column_named(frame, "tier")
