"""A few plain lines are read as polars reads them, and all others are left to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.searches import examples

from llmlog.record import FIELDS, jsonable
from llmlog_tui.log import few_lines
from llmlog_tui.log.few_lines import read_few
from llmlog_tui.log.parse import Parsed, parse

TEXTS = st.text(max_size=6) | st.sampled_from(
    [
        "",
        "null",
        "true",
        "1",
        "1.5",
        "NaN",
        "[]",
        "{}",
        '"',
        "\\",
        "\\n",
        "\x00",
        "\u2028",
        "é",
        "😀",
    ]
)
TIMES = st.sampled_from(
    [
        *("2026-11-23T12:00:00.250000Z", "2026-11-23T12:00:00.250001+00:00"),
        *("2026-11-23T12:00:00Z", "2026-11-23T12:00:00.250Z", "2026-11-23 12:00:00.250000Z"),
        *("2026-11-23T24:00:00.000000Z", "2026-02-30T12:00:00.250000Z", "x" * 27, "x" * 32),
        *("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "1764500000.25", ""),
        *("2026-11-23T12:00:60.000000Z", "2026-11-23T12:00:00.2500-0Z"),
    ]
)
EPOCHS = st.floats(-1e12, 1e12) | st.integers(0, 2 * 10**18) | st.floats(1.7e9, 1.8e9)
NUMBERS = st.integers(-(2**65), 2**65) | st.integers(0, 9_999) | st.floats(allow_nan=False)
OF_TYPE: Mapping[str, st.SearchStrategy[object]] = {
    "int": st.integers(0, 9_999) | NUMBERS,
    "float": st.floats(0, 1_000) | NUMBERS,
    "str": TEXTS,
    "bool": st.booleans(),
    "time": TIMES | EPOCHS,
    "strings": st.lists(TEXTS, max_size=2) | st.lists(st.none() | TEXTS, max_size=2),
    "json": st.lists(st.integers(), max_size=2) | st.fixed_dictionaries({"a": TEXTS}),
}
ANY = st.none() | st.one_of(*OF_TYPE.values())
ANY_OF_TYPE = {each.name: OF_TYPE[each.type] for each in FIELDS}
# After a quote a colon looks like the end of a name.
PLAIN_TEXTS = TEXTS.filter(lambda text: ":" not in text)
EXACT = st.integers(-(2**53) + 1, 2**53 - 1)
PLAIN_OF_TYPE: Mapping[str, st.SearchStrategy[object]] = {
    "int": EXACT | st.integers(0, 9_999),
    "float": EXACT | st.floats(allow_nan=False, allow_infinity=False),
    "str": PLAIN_TEXTS,
    "bool": st.booleans(),
    "time": st.floats(0, 9e10)
    | st.floats(1.7e9, 1.8e9)
    | st.builds(
        lambda ts, zone: ts.isoformat(timespec="microseconds") + zone,
        st.datetimes(),
        st.sampled_from(["Z", "+00:00"]),
    ),
    "strings": st.lists(PLAIN_TEXTS, max_size=2),
}
FIELD = st.sampled_from([each for each in FIELDS if each.type != "json"]).flatmap(
    lambda each: st.tuples(st.just(each.name), st.none() | PLAIN_OF_TYPE[each.type])
)
PLAIN = st.builds(
    lambda fields, event: {**dict(fields), "event": event},
    st.lists(FIELD, max_size=8),
    st.sampled_from(["chat_completion", "tool_call", "span"]),
)
ODD = st.dictionaries(
    st.sampled_from([*ANY_OF_TYPE, "request_model", "http_status", "error", "time", "x"]),
    ANY,
    max_size=2,
)


def written(fields: Mapping[str, object], separators: tuple[str, str] = (", ", ": ")) -> bytes:
    text = json.dumps(jsonable(fields), ensure_ascii=False, separators=separators)
    return text.encode(errors="replace")


RECORDS = st.builds(written, PLAIN, st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : ")]))
LINES = (
    RECORDS
    | st.builds(lambda plain, odd: written({**plain, **odd}), PLAIN, ODD)
    | st.fixed_dictionaries({}, optional=ANY_OF_TYPE).map(written)
    | st.builds(lambda line, at: line[: at % len(line)], RECORDS, st.integers(0))
    | st.builds(lambda line: line[:-1] + b', "event": "span"}', RECORDS)
    | st.sampled_from([b"", b" ", b"\r", b"{}", b"[]", b"null", b'{"event": ["span"]}', b"\xff"])
)


def as_polars_reads(block: bytes) -> Parsed:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_lines, "MAX_BYTES", -1)
        return parse(block)


def assert_same(block: bytes) -> None:
    found, wanted = parse(block), as_polars_reads(block)
    assert_frame_equal(found.frame, wanted.frame, categorical_as_str=True, check_exact=True)
    assert_frame_equal(found.starts, wanted.starts, categorical_as_str=True)
    assert list(found.refused) == list(wanted.refused)
    for name in ("lines", "blanks", "skipped", "nulled", "strictness", "tags", "filled"):
        assert getattr(found, name) == getattr(wanted, name), name


@settings(max_examples=examples(600))
@given(st.lists(LINES, min_size=1, max_size=4), st.sampled_from([b"", b"\n"]))
@example([b'{"event": "span", "ts": 1764500000.0000005}'], b"\n")
@example([b'{"event" : "chat_completion", "event": "span"}'], b"")
@example([b'{"event": "span", "status": null, "error_type": "E"}', b'{"event": "span"}'], b"")
def test_any_lines_are_read_as_polars_reads_them(lines: list[bytes], end: bytes) -> None:
    assert_same(b"\n".join(lines) + end)


@settings(max_examples=examples(300))
@given(st.lists(st.builds(written, PLAIN), min_size=1, max_size=4))
def test_plain_records_are_read_here_and_as_polars_reads_them(lines: list[bytes]) -> None:
    block = b"\n".join(lines) + b"\n"
    assert read_few(block) is not None
    assert_same(block)


RECORD = {
    **{each.name: None for each in FIELDS if each.type != "json"},
    "v": 1,
    "ts": "2026-11-23T12:00:00.250000Z",
    "event": "chat_completion",
    "trace_id": "7c1d4e8a",
    "status": "ok",
    "latency_ms": 250,
    "top_p": 1,
    "stream": False,
    "tool_calls": ["search"],
    "prefix_hashes": ["a1"],
    "completion_tokens": 9,
}


def test_a_record_of_llmlog_without_content_needs_no_parser_of_polars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = written(RECORD) + b"\n"
    assert_same(block * 3)
    monkeypatch.delattr(pl, "read_ndjson")
    row = parse(block).frame.row(0, named=True)
    assert row["tool_calls"] == ["search"]
    assert (row["latency_ms"], row["top_p"], row["completion_tokens"]) == (250.0, 1.0, 9)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "span", "event": "span"}',
        b'{"event" : "chat_completion", "event": "span"}',
        b'{"event": "span", "x": 1}',
        b'{"event": "span", "extra": {"x": 1}}',
        b'{"event": "start"}',
        b'{"event": "span", "step": 1.5}',
        b'{"event": "span", "step": 9007199254740993}',
        b'{"event": "span", "trace_id": 1}',
        b'{"event": "span", "trace_id": ":"}',
        b'{"event": "span", "ts": "2026-11-23 12:00:00.250000Z"}',
        b'{"model": "m"}',
    ],
)
def test_whatever_needs_more_than_its_own_type_is_left_to_polars(line: bytes) -> None:
    assert read_few(line) is None
    assert_same(line)


def test_a_big_block_is_left_to_polars() -> None:
    line = written(RECORD) + b"\n"
    assert read_few(line) is not None
    assert read_few(line * few_lines.MAX_BYTES) is None
