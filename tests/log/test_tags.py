"""Tags as columns: members of extra, and fields that no record has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.log import follow
from llmlog_tui.log.load import load
from llmlog_tui.log.parse import parse
from llmlog_tui.log.tags import MAX_TAGS, NO_TAGS, tag_types, tags_of, with_same_tags

CALL: dict[str, Any] = {"event": "chat_completion", "trace_id": "t", "step": 0}


def block(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({**CALL, **record}).encode() + b"\n" for record in records)


def values(data: bytes, name: str) -> list[Any]:
    return parse(data).frame[name].to_list()


def test_members_of_extra_are_columns_in_their_own_types() -> None:
    frame = parse(block({"extra": {"tier": "pro", "n": 3, "share": 0.5, "beta": True}}, {})).frame
    assert tag_types(frame) == {
        "extra.tier": pl.Categorical,
        "extra.n": pl.Int64,
        "extra.share": pl.Float64,
        "extra.beta": pl.Boolean,
    }
    assert frame.select(*tag_types(frame)).rows() == [("pro", 3, 0.5, True), (None,) * 4]


def test_a_tag_of_several_types_is_text() -> None:
    data = block({"extra": {"user": "u-1"}}, {"extra": {"user": 7}}, {"extra": {"user": True}})
    assert values(data, "extra.user") == ["u-1", "7", "true"]


def test_a_tag_that_is_an_object_or_a_list_is_its_json() -> None:
    data = block({"extra": {"a": {"b": [1, None]}, "c": ["x"]}}, {"extra": {"a": "t"}})
    assert values(data, "extra.a") == ['{"b": [1, null]}', "t"]
    assert values(data, "extra.c") == ['["x"]', None]


def test_an_unknown_field_is_a_column_of_its_name() -> None:
    data = block({"user_id": "007"}, {"user_id": "8", "shard": 2}, {"shard": 3, "live": True})
    assert values(data, "user_id") == ["007", "8", None]
    assert values(data, "shard") == [None, 2, 3]
    assert values(data, "live") == [None, None, True]


def test_a_field_with_the_name_of_an_internal_column_is_a_tag() -> None:
    frame = parse(block({"line": "app.py:7", "row": 1})).frame
    assert frame["line"].to_list() == [0]
    assert frame["extra.line"].to_list() == ["app.py:7"]


def test_long_texts_and_structures_are_no_tags() -> None:
    frame = parse(block({"prompt": "x" * 1_000, "messages": [{"role": "user"}], "o": {}})).frame
    assert not tag_types(frame)


@pytest.mark.parametrize("extra", ["text", ["a"], 5])
def test_an_extra_that_is_no_object_is_counted_and_its_row_kept(extra: object) -> None:
    parsed = parse(block({"extra": extra}, {"extra": {"a": 1}}))
    assert parsed.nulled.counts == {"extra": 1}
    assert parsed.frame["extra.a"].to_list() == [None, 1]


def test_tags_of_a_block_with_bad_lines_are_kept() -> None:
    data = block({"extra": {"a": "x"}, "u": 1}) + b"torn {\n" + block({"extra": {"a": "y"}})
    frame = parse(data).frame
    assert frame.select("extra.a", "u").rows() == [("x", 1), ("y", None)]


@pytest.mark.parametrize(
    "text", ['": ', 'a": "b', "\\", "C:\\new", "a\tb\n", '\\"', "\u2028", "{", "é"]
)
def test_a_block_read_with_the_tags_of_the_one_before_has_the_same(text: str) -> None:
    known = parse(block({"extra": {"a": "x", "n": 1}})).tags
    for more in ({"a": text, "n": 2}, {"a": text, "new": text}, {"a": text, "n": text}):
        data = block({"extra": more}, {})
        again, alone = parse(data, tags=known).frame, parse(data).frame
        assert again.equals(alone)
        assert again["extra.a"].to_list() == [text, None]


HALVES = ["\ud83d", "day \ud83d", "\ude00 is left", "\ud83d\ud83d\ude00", '\ud83d"\n']


@pytest.mark.parametrize("text", HALVES)
def test_half_a_surrogate_pair_in_a_tag_is_replaced_and_costs_no_other_tag(text: str) -> None:
    whole = text.replace("\ud83d\ude00", "😀").replace("\ud83d", "�").replace("\ude00", "�")
    nested = json.dumps({"deep": [whole]}, ensure_ascii=False)
    for times in (1, 8):
        data = block({"extra": {"tier": "pro", "n": 3, "q": text, "x": {"deep": [text]}}}) * times
        parsed = parse(data + block({"extra": {"tier": "free"}}))
        assert parsed.frame["extra.tier"].to_list() == ["pro"] * times + ["free"]
        assert parsed.frame["extra.n"].to_list() == [3] * times + [None]
        assert parsed.frame["extra.q"].to_list() == [whole] * times + [None]
        assert parsed.frame["extra.x"].to_list() == [nested] * times + [None]
        assert not parsed.nulled.counts


def test_half_a_surrogate_pair_in_a_name_costs_no_other_tag() -> None:
    data = block({"extra": {"tier": "pro", "a\ud83d": 1}})
    assert parse(data).frame.select("extra.tier", "extra.a�").rows() == [("pro", 1)]


@pytest.mark.parametrize("text", HALVES)
def test_an_unknown_field_is_found_beside_half_a_surrogate_pair(text: str) -> None:
    assert values(block({"error_message": text, "user_id": "007"}), "user_id") == ["007"]


TAGS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2, width=16)
    | st.text(st.characters() | st.sampled_from("\ud83d\ude00"), max_size=4)
    | st.lists(st.integers(0, 1), max_size=2),
    max_size=3,
)


@given(st.lists(st.none() | TAGS | st.sampled_from(["{", 1, []]), min_size=1, max_size=4))
@example([{"a": '\\"'}, {"a": '"'}])
@example([{"a": "\ud83d", "b": 1}, {"a": "\ude00"}])
@example([{}])
@settings(max_examples=examples(100))
def test_objects_that_repeat_have_the_tags_of_those_that_do_not(extras: list[object]) -> None:
    once, often = (parse(block(*({"extra": each} for each in extras)) * n) for n in (1, 8))
    assert often.frame.drop("line").equals(pl.concat([once.frame.drop("line")] * 8))
    assert often.frame.schema == once.frame.schema
    assert often.nulled.counts["extra"] == 8 * once.nulled.counts["extra"]
    assert often.nulled.first == once.nulled.first


@pytest.mark.parametrize(
    ("before", "value"), [(1, 1.5), (1, True), (0.5, True), (1, "x"), ("x", "7"), ({"b": 1}, "[")]
)
def test_a_tag_keeps_its_value_when_the_block_before_had_another_type(
    before: object, value: object
) -> None:
    known = parse(block({"extra": {"a": before}})).tags
    again = parse(block({"extra": {"a": value}}), tags=known).frame
    assert repr(again["extra.a"].to_list()) == repr([value])  # True == 1


NESTED = st.fixed_dictionaries({"a": st.lists(st.text(max_size=4), max_size=2)})


@given(*[st.lists(TAGS | NESTED, min_size=1, max_size=3)] * 2)
@example([{"a": "x"}], [{"a": "\ud83d", "b": 1}, {"a": 2.5}])
@example([{"a": ["x"]}], [{"a": ['": ', "\\"]}, {"a": ["y"], "b": 1}])
@example([{"a": {"b": 1}}], [{"a": {"b": {"c": '": '}}}, {"a": {"d": 2.5}}])
@example([{"a": [0]}], [{"a": {"b": 1}}, {"a": [0, 1]}])
@example([{"a": "x", "b": 1}], [{"a": '": null', "c": None}, {"a": None, "c": 1}])
@settings(max_examples=examples(200))
def test_tags_of_earlier_blocks_change_no_value(
    earlier: list[dict[str, Any]], extras: list[dict[str, Any]]
) -> None:
    first = parse(block(*({"extra": each} for each in earlier)))
    data = block(*({"extra": each} for each in extras))
    alone, again = (
        pl.concat(with_same_tags([first.frame, parse(data, tags=known).frame]))
        for known in (NO_TAGS, first.tags)
    )
    assert again.select(sorted(again.columns)).equals(alone.select(sorted(alone.columns)))


def test_only_some_names_become_columns() -> None:
    many = {f"n{n}": n for n in range(MAX_TAGS + 50)}
    assert len(tag_types(parse(block({"extra": many})).frame)) == MAX_TAGS
    assert not tag_types(parse(block({"extra": {"x" * 1_000: 1, "": 2}})).frame)


def test_columns_that_are_asked_for_without_tags_are_read_without_them() -> None:
    data = block({"extra": {"a": "x"}})
    assert not tag_types(parse(data, columns=("step",)).frame)
    assert parse(data, columns=("step", "extra.a")).frame["extra.a"].to_list() == ["x"]


def test_blocks_with_other_tags_are_one_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "BLOCK_BYTES", 1)
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        block({"extra": {"a": 1}}, {}, {"extra": {"a": 2.5, "b": "x"}}, {"extra": {"a": 3}})
    )
    frame = load([log]).frame
    assert frame["extra.a"].to_list() == [1.0, None, 2.5, 3.0]
    assert frame["extra.b"].to_list() == [None, None, "x", None]
    log.write_bytes(log.read_bytes() + block({"extra": {"a": "v"}}))
    assert load([log]).frame["extra.a"].to_list() == ["1.0", None, "2.5", "3.0", "v"]


def test_a_row_gives_its_tags_back() -> None:
    (row,) = parse(block({"extra": {"a": 1, "b": None}, "u": "x"})).frame.rows(named=True)
    assert tags_of(row) == {"a": 1, "u": "x"}
