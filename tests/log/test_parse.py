"""What a block of lines becomes: every good line a row, every bad one a count with its place."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import polars as pl
import pytest
import zstandard

from llmlog.record import checked, to_line
from llmlog_tui.formats.llmlog import is_record
from llmlog_tui.log.parse import FOREIGN, Parsed, parse
from llmlog_tui.log.schema import COLUMNS

GOOD = b'{"trace_id": "t", "step": 1, "latency_ms": 12}'
DEEP = b'{"x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"
AT = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)


def call(fields: str = "") -> str:
    """A line with these fields, by its event a record whatever they are."""
    return f'{{"event": "chat_completion", {fields}}}' if fields else '{"event": "chat_completion"}'


def value(line: str, column: str) -> object:
    """What `column` holds for the one record in `line`."""
    parsed = parse(line.encode())
    assert parsed.frame.height == 1
    return parsed.frame[column][0]


def nulled(line: str) -> dict[str, int]:
    parsed = parse(line.encode())
    assert parsed.frame.height == 1
    return dict(parsed.nulled.counts)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, zstandard.compress])
def test_packed_bytes_in_a_log_are_bad_lines_and_never_unpacked(
    pack: Callable[[bytes], bytes],
) -> None:
    packed = pack(GOOD)
    parsed = parse(packed + b"\n" + GOOD)
    assert parsed.frame.height == 1
    assert parsed.skipped.counts.total() == packed.count(b"\n") + 1
    assert parse(GOOD + b"\n" + packed).frame.height == 1


def test_a_line_of_our_own_comes_back_as_it_was_written() -> None:
    fields = {
        "ts": "2026-11-23T12:00:00.250000Z",
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": "t",
        "step": 3,
        "span_id": "a",
        "status": "ok",
        "latency_ms": 812,
        "model": "gpt-5",
        "prompt_tokens": 10,
        "tokens_per_sec": 12.5,
        "stream": True,
        "tool_calls": ["search", "read"],
    }
    parsed = parse(to_line(checked(fields)))
    row = parsed.frame.row(0, named=True)
    assert {name: row[name] for name in fields} == fields | {"ts": AT, "latency_ms": 812.0}
    assert row["finish_reason"] is None
    assert row["line"] == 0


def test_the_frame_has_every_column_in_its_dtype_whatever_the_lines_hold() -> None:
    schema = {**COLUMNS, "line": pl.UInt32()}
    for block in (b"", b"\n\n", b"no json", GOOD, b'{"x": 1}', GOOD + b"\n{"):
        assert dict(parse(block).frame.schema) == schema


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"Traceback (most recent call last):", "not_json"),
        (b'{"step": 1,}', "not_json"),
        (b"{'step': 1}", "not_json"),
        (b'{"step": 1} and more', "not_json"),
        (b'{"x": "a\tb"}', "not_json"),
        (b"[1]", "not_object"),
        (b"42", "not_object"),
        (b"null", "not_object"),
        (b'"{}"', "not_object"),
        (b'{"step": 1, "mod', "torn"),
        (b'{"step": 1, "model": nul', "torn"),
        (b'{"step": 1, "x": {"a": 1}', "torn"),
        (b'{"x": "\xff\xfe"}', "invalid_utf8"),
        (b"\xc3", "invalid_utf8"),
        (b"\0\0\0\0", "nul"),
        (b'{"x": "a\0b"}', "nul"),
        (b"\xef\xbb\xbf" + GOOD, "bom"),
        (b"\f" + GOOD, "not_json"),
        (GOOD + b"\xc2\xa0", "not_json"),
        (GOOD + GOOD, "two_objects"),
        (GOOD + b" " + GOOD, "two_objects"),
        (b'{"latency_ms": NaN}', "not_finite"),
        (b'{"x": [-Infinity]}', "not_finite"),
        (b'{"x": 1e400}', "number_too_large"),
        (b'{"x": ' + b"9" * 5_000 + b"}", "number_too_large"),
        (DEEP, "too_deep"),
        (b"[" * 5_000, "too_deep"),
    ],
)
@pytest.mark.parametrize("neighbours", [0, 1, 400])
def test_a_bad_line_costs_itself_and_is_counted_by_kind_with_its_place(
    line: bytes, kind: str, neighbours: int
) -> None:
    good = [GOOD] * neighbours
    parsed = parse(b"\n".join([*good, line, *good, line, *good]) + b"\n")
    assert parsed.skipped.counts == {kind: 2}
    assert parsed.skipped.first == {kind: neighbours}
    assert parsed.lines == 3 * neighbours + 2
    assert parsed.blanks == 0
    assert parsed.frame["step"].to_list() == [1] * (3 * neighbours)
    is_bad = {neighbours, 2 * neighbours + 1}
    assert parsed.frame["line"].to_list() == [n for n in range(parsed.lines) if n not in is_bad]


def test_every_kind_at_once_is_told_apart() -> None:
    lines = [GOOD, b"chatter", b"[]", b'{"a": ', b'{"a": NaN}', GOOD + GOOD, b"", GOOD, b"chatter"]
    parsed = parse(b"\n".join(lines))
    assert parsed.skipped.counts == {
        "not_json": 2,
        "not_object": 1,
        "torn": 1,
        "not_finite": 1,
        "two_objects": 1,
    }
    assert parsed.skipped.first == {
        "not_json": 1,
        "not_object": 2,
        "torn": 3,
        "not_finite": 4,
        "two_objects": 5,
    }
    assert (parsed.blanks, parsed.frame["line"].to_list()) == (1, [0, 7])


def test_blank_lines_and_carriage_returns_are_no_faults() -> None:
    parsed = parse(b"\r\n" + GOOD + b"\r\n\r\n \t\n" + GOOD + b"\n\n")
    assert (parsed.lines, parsed.blanks, parsed.frame.height) == (6, 4, 2)
    assert parsed.frame["line"].to_list() == [1, 4]
    assert not parsed.skipped.counts


def test_blank_lines_and_carriage_returns_are_no_faults_beside_a_bad_line() -> None:
    parsed = parse(b"\r\n" + GOOD + b"\r\nbad\r\n\r\n" + GOOD)
    assert (parsed.lines, parsed.blanks, parsed.frame.height) == (5, 2, 2)
    assert parsed.skipped.counts == {"not_json": 1}


def test_a_bom_is_only_right_at_the_start_of_a_file() -> None:
    block = b"\xef\xbb\xbf" + GOOD
    assert parse(block, at_start=True).frame.height == 1
    assert parse(block).skipped.counts == {"bom": 1}
    assert parse(b"\xef\xbb\xbf", at_start=True).lines == 0


def test_a_last_line_without_its_end_is_a_line() -> None:
    parsed = parse(GOOD + b"\n" + GOOD)
    assert (parsed.lines, parsed.frame.height) == (2, 2)


def test_an_object_over_two_lines_is_two_bad_lines() -> None:
    parsed = parse(b'{"step":\n1}')
    assert parsed.skipped.counts == {"torn": 1, "not_json": 1}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('"step": "first"', "step"),
        ('"step": true', "step"),
        ('"step": [1]', "step"),
        ('"step": 99999999999999999999', "step"),
        ('"prompt_tokens": {}', "prompt_tokens"),
        ('"latency_ms": "fast"', "latency_ms"),
        ('"latency_ms": "NaN"', "latency_ms"),
        ('"latency_ms": "inf"', "latency_ms"),
        ('"stream": 1', "stream"),
        ('"stream": "yes"', "stream"),
        ('"tool_calls": "search"', "tool_calls"),
        ('"tool_calls": {"name": "search"}', "tool_calls"),
        ('"tool_calls": 2', "tool_calls"),
        ('"ts": "yesterday"', "ts"),
        ('"ts": true', "ts"),
        ('"ts": "0000-01-01T00:00:00Z"', "ts"),
        ('"ts": "0000-01-01T00:00:00.000000Z"', "ts"),
        ('"ts": "2026-02-29T00:00:00.000000Z"', "ts"),
        ('"ts": -99999999999', "ts"),
    ],
)
def test_a_value_of_the_wrong_type_nulls_its_field_and_keeps_the_row(text: str, field: str) -> None:
    good = b'{"model": "m"}\n'
    bad = b'{"model": "m", ' + text.encode() + b"}\n"
    parsed = parse(good * 300 + bad + good + bad)
    assert parsed.frame["model"].to_list() == ["m"] * 303
    assert parsed.frame[field].null_count() == 303
    assert parsed.nulled.counts == {field: 2}
    assert parsed.nulled.first == {field: 300}
    assert not parsed.skipped.counts


def test_several_wrong_fields_of_one_line_are_counted_each() -> None:
    line = call('"step": "x", "stream": 0, "latency_ms": 5, "ts": "?"')
    assert nulled(line) == {"step": 1, "stream": 1, "ts": 1}


def test_text_fields_take_any_value_as_its_json_text() -> None:
    assert value(call('"session_id": 7'), "session_id") == "7"
    assert value(call('"error_code": {"a": [1]}'), "error_code") == '{"a": [1]}'
    assert nulled(call('"session_id": 7')) == {}


def test_null_is_a_value_nobody_knew_and_no_fault() -> None:
    line = call(", ".join(f'"{name}": null' for name in COLUMNS if name != "event"))
    row = parse(line.encode()).frame.row(0, named=True)
    assert nulled(line) == {}
    known = {name for name, have in row.items() if have is not None}
    assert known == {"event", "status", "line"}


@pytest.mark.parametrize("latency", ["12", "12.0", '"12"', '"12.0"', "1.2e1"])
def test_a_latency_is_a_number_or_numeric_text(latency: str) -> None:
    line = call(f'"latency_ms": {latency}')
    assert value(line, "latency_ms") == 12.0
    assert nulled(line) == {}


@pytest.mark.parametrize("tokens", ["7", "7.0", '"7"', '"7.0"'])
def test_a_count_may_be_written_as_a_float(tokens: str) -> None:
    assert value(f'{{"total_tokens": {tokens}}}', "total_tokens") == 7


@pytest.mark.parametrize(
    "ts",
    [
        '"2026-11-23T12:00:00.250000Z"',
        '"2026-11-23T12:00:00.25Z"',
        '"2026-11-23T12:00:00.250000+00:00"',
        '"2026-11-23T12:00:00.250Z"',
        '"2026-11-23T12:00:00.250000123Z"',
        '"2026-11-23T13:30:00.25+01:30"',
        '"2026-11-23t12:00:00.25z"',
        '"2026-11-23 12:00:00.25Z"',
        '"2026-11-23T12:00:00.25"',
        '"2026-11-23 12:00:00.25"',
        "1795435200.25",
        '"1795435200.25"',
        "1795435200250",
        "1795435200250000",
        "1795435200250000000",
        "1.79543520025e9",
    ],
)
def test_ts_is_rfc_3339_or_an_epoch_told_by_its_magnitude(ts: str) -> None:
    line = call(f'"ts": {ts}')
    assert value(line, "ts") == AT
    assert nulled(line) == {}


@pytest.mark.parametrize("ts", ["1093126751.587401", '"1087052587.298910"'])
def test_an_epoch_in_seconds_keeps_its_microseconds(ts: str) -> None:
    micros = int(ts.strip('"').replace(".", ""))
    assert parse(call(f'"ts": {ts}').encode()).frame["ts"].dt.epoch("us").to_list() == [micros]


@pytest.mark.parametrize(
    "first",
    [
        *('"2026-11-23T12:00:00.250000Z"', '"2026-11-23T12:00:00.250000+00:00"'),
        *('"2026-11-23T12:00:00.250Z"', "1795435200.25", "null"),
    ],
)
def test_one_block_may_hold_every_form_of_ts(first: str) -> None:
    forms = [first, '"2026-11-23T12:00:00.25Z"', '"2026-11-23T12:00:00.250000Z"', '"1795435200.25"']
    lines = [call(f'"ts": {ts}') for ts in (*forms, "null", '"2026-11-31T12:00:00.250000Z"')]
    parsed = parse("\n".join(lines).encode())
    assert parsed.frame["ts"].to_list()[1:] == [AT, AT, AT, None, None]
    assert parsed.frame["ts"][0] == (None if first == "null" else AT)
    assert (parsed.nulled.counts, parsed.nulled.first) == ({"ts": 1}, {"ts": 5})


@pytest.mark.parametrize(
    "form",
    ["%(date)s,250", "%(date)s.250", "%(date)s,250000"],
)
def test_ts_may_have_the_comma_of_python_s_logging(form: str) -> None:
    ts = form % {"date": "2026-11-23 12:00:00"}
    assert value(call(f'"ts": "{ts}"'), "ts") == AT


@pytest.mark.parametrize("name", ["timestamp", "time", "@timestamp", "asctime"])
@pytest.mark.parametrize("other", [b"", b"bad\n", b'{"event": "span", "latency_ms": "x"}\n'])
def test_a_logger_s_own_time_stands_in_for_ts(name: str, other: bytes) -> None:
    line = call(f'"{name}": "2026-11-23 12:00:00,250"').encode()
    with_ts = call(f'"ts": "2026-11-23T12:00:00.25Z", "{name}": "2020-01-01T00:00:00Z"').encode()
    parsed = parse(other + line + b"\n" + with_ts, columns={"ts"})
    assert parsed.frame["ts"].tail(2).to_list() == [AT, AT]
    assert "ts" not in parsed.nulled.counts


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ('{"model": "m"}', "chat_completion"),
        ('{"requested_model": "m"}', "chat_completion"),
        ('{"request_model": "m"}', "chat_completion"),
        ('{"prompt_tokens": 1}', "chat_completion"),
        ('{"completion_tokens": 1}', "chat_completion"),
        ('{"total_tokens": 1}', "chat_completion"),
        ('{"finish_reason": "stop"}', "chat_completion"),
        ('{"trace_id": "t", "latency_ms": 1}', "chat_completion"),
        ('{"tool_name": "search"}', "tool_call"),
        ('{"tool_name": "search", "model": "m"}', "tool_call"),
        ('{"event": "embedding", "tool_name": "search"}', "embedding"),
        ('{"event": "span"}', "span"),
        ('{"event": "cache_hit", "trace_id": "t"}', "cache_hit"),
        ('{"event": "llm call done", "model": "m"}', "chat_completion"),
        ('{"event": "llm call done", "prompt_tokens": 1, "trace_id": "t"}', "chat_completion"),
        ('{"event": "tool done", "tool_name": "search"}', "tool_call"),
    ],
)
@pytest.mark.parametrize("columns", [COLUMNS, {"ts"}], ids=["all columns", "one column"])
@pytest.mark.parametrize("other", ["", "bad", '{"model": "m", "latency_ms": "x"}'])
def test_an_event_is_told_by_what_a_record_has(
    line: str, event: str, columns: Collection[str], other: str
) -> None:
    parsed = parse(f"{line}\n{other}".encode(), columns=columns)
    assert parsed.frame["event"][0] == event
    assert FOREIGN not in parsed.skipped.counts
    assert is_record(json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"x": 1}',
        '{"event": "user logged in"}',
        '{"event": null}',
        '{"trace_id": "t"}',
        '{"latency_ms": 12, "status": 200}',
        '{"error": "boom"}',
        '{"tool_calls": 1}',
    ],
)
@pytest.mark.parametrize("columns", [COLUMNS, {"ts"}], ids=["all columns", "one column"])
@pytest.mark.parametrize("other", [b"", b"bad\n"])
def test_an_object_that_is_no_call_is_foreign_and_never_a_row(
    line: str, columns: Collection[str], other: bytes
) -> None:
    parsed = parse(other + GOOD + b"\n" + line.encode() + b"\n" + GOOD, columns=columns)
    bad = len(other) > 0
    assert parsed.frame["line"].to_list() == [bad, 2 + bad]
    assert parsed.skipped.counts == {FOREIGN: 1} | ({"not_json": 1} if other else {})
    assert parsed.refused[-1] == (1 + bad, FOREIGN)
    assert not parsed.nulled.counts
    assert not is_record(json.loads(line))


def test_where_only_our_events_are_asked_for_all_else_is_refused() -> None:
    lines = [b'{"event": "span"}', GOOD, b'{"event": "x", "model": "m"}', b'{"event": "span"}']
    parsed = parse(b"\n".join(lines), only_ours=True)
    assert parsed.frame["line"].to_list() == [0, 3]
    assert parsed.refused == [(1, FOREIGN), (2, FOREIGN)]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("", "ok"),
        ('"error": "boom"', "error"),
        ('"error": {"code": 1}', "error"),
        ('"error_type": "APITimeoutError"', "error"),
        ('"error_status": 429', "error"),
        ('"http_status": 503', "error"),
        ('"http_status": 200', "ok"),
        ('"error_status": 200', "ok"),
        ('"error": false', "ok"),
        ('"error": ""', "ok"),
        ('"error": {}', "ok"),
        ('"error": null', "ok"),
        ('"status": "ok", "error": "kept out"', "ok"),
        ('"status": "pending", "error": "boom"', "error"),
    ],
)
def test_an_absent_status_is_told_by_the_signs_of_an_error(fields: str, status: str) -> None:
    assert value(call(fields), "status") == status


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ('"failed"', "error", None),
        ('"failure"', "error", None),
        ('"ERROR"', "error", None),
        ('"Timeout"', "error", None),
        ("false", "error", None),
        ("503", "error", 503),
        ('"429"', "error", 429),
        ('"success"', "ok", None),
        ('"OK"', "ok", None),
        ("200", "ok", None),
        ("true", "ok", None),
        ('"whatever"', "ok", None),
    ],
)
def test_a_status_in_other_words_is_read_for_what_it_says(
    said: str, status: str, code: int | None
) -> None:
    lines = "\n".join([call(f'"status": {said}'), call('"status": "ok"')])
    frame = parse(lines.encode()).frame
    assert frame["status"].to_list() == [status, "ok"]
    assert frame["error_status"].to_list() == [code, None]


def test_other_logs_names_stand_in_for_ours() -> None:
    assert value('{"request_model": "m"}', "requested_model") == "m"
    assert value('{"request_model": "m", "requested_model": "n"}', "requested_model") == "n"
    assert value(call('"http_status": 503'), "error_status") == 503
    assert value(call('"http_status": 200'), "error_status") is None


def test_unknown_fields_of_any_shape_do_no_harm() -> None:
    lines = [call(f'"step": 1, "x": {x}') for x in ("1", '{"y": []}', '"z"')]
    parsed = parse("\n".join(lines).encode())
    assert parsed.frame["step"].to_list() == [1, 1, 1]
    assert not parsed.nulled.counts


def test_half_a_character_in_an_escape_costs_no_line() -> None:
    fields = ('"step": 1, "x": "\\ud83d\\u0041"', '"step": 2, "model": "\\ud83d\\u0041"')
    parsed = parse("\n".join(map(call, fields)).encode())
    assert parsed.frame["step"].to_list() == [1, 2]
    assert parsed.frame["model"].to_list() == [None, "�A"]


def test_a_line_means_the_same_whatever_stands_beside_it() -> None:
    line = b'{"ts": 1795435200.25, "step": 1.0, "model": 5, "error": {"a": 1.5}, "tool_calls": [1]}'
    alone = parse(line).frame.drop("line")
    assert alone.equals(
        first_row(parse(line + b'\n{"model": "m", "latency_ms": "12"}'))
    )  # read as text
    assert alone.equals(
        first_row(parse(line + b'\n{"model": "m", "tool_calls": 1}'))
    )  # lists apart
    assert alone.equals(
        first_row(parse(line + b'\n{"model": "m", "tool_calls": "[1]"}'))
    )  # line by line


def first_row(parsed: Parsed) -> pl.DataFrame:
    assert parsed.frame.height == 2
    return parsed.frame.drop("line").head(1)


@pytest.mark.parametrize("no_list", ["1", '"x"', '"[1]"', '{"a": 1}', "true"])
def test_what_is_no_list_costs_itself_and_not_the_lists_around_it(no_list: str) -> None:
    fields = ('"tool_calls": ["a"]', "", f'"step": 7, "tool_calls": {no_list}')
    lines = [*map(call, fields), "bad", call('"tool_calls": ["b", "c"]')]
    parsed = parse("\n".join(lines).encode())
    assert parsed.frame["tool_calls"].to_list() == [["a"], None, None, ["b", "c"]]
    assert parsed.frame["step"].to_list() == [None, None, 7, None]
    assert (parsed.nulled.counts, parsed.nulled.first) == ({"tool_calls": 1}, {"tool_calls": 2})


@pytest.mark.parametrize(
    "bad", [b"", b"bad\n", b'{"model": "m", "tool_calls": 1, "latency_ms": "x"}\n']
)
def test_only_the_columns_asked_for_have_values_and_what_does_not_fit_counts_in_them(
    bad: bytes,
) -> None:
    lines = (
        b'{"model": "m", "step": "x", "http_status": 503, "request_model": "n", "id": "i"}\n'
        b'{"model": "m", "error_status": "x", "latency_ms": "x"}\n'
    )
    columns = {"model", "status", "event", "error_status"}
    parsed = parse(lines + bad, columns=columns)
    row = parsed.frame.row(0, named=True)
    assert {name for name, have in row.items() if have is not None} == columns | {"line"}
    assert (row["model"], row["status"], row["error_status"]) == ("m", "error", 503)
    assert dict(parsed.frame.schema) == {**COLUMNS, "line": pl.UInt32()}
    assert (parsed.nulled.counts, parsed.nulled.first) == ({"error_status": 1}, {"error_status": 1})
    assert parse(lines).nulled.counts == {"step": 1, "error_status": 1, "latency_ms": 1}


@pytest.mark.parametrize("no_list", ["1", '"[1]"', '{"a": 1}', '[{"name": "search"}]'])
def test_what_is_no_list_costs_no_care_where_lists_are_not_asked_for(
    no_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "llmlog_tui.log.parse.make_suspect_check", None
    )  # no line is looked at alone
    line = call(f'"tool_calls": {no_list}, "step": 3')
    parsed = parse(f"{line}\n{line}".encode(), columns={"step"})
    assert (parsed.frame["step"].to_list(), parsed.nulled.counts) == ([3, 3], {})
