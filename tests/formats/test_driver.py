"""A file's lines become records, whatever its format, and every line is accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.pairs import FORMATS
from tests.formats.wrappers import NESTING, WRAPPERS, Wrap

from llmlog.record import EVENTS, FIELDS, jsonable
from llmlog_tui.formats.driver import Decoded, Decoder, ReadBack

OWN = {
    "ts": "2026-11-20T09:00:01.000Z",
    "event": "chat_completion",
    "session_id": "9f3a2b1c",
    "trace_id": "7c1d4e8a",
    "step": 0,
    "model": "gpt-5-mini",
    "latency_ms": 812,
}
CHATTER = {"level": "info", "msg": "server started", "time": "2026-11-20T10:00:00Z"}


def dumped(*items: object) -> list[bytes]:
    return [json.dumps(item).encode() for item in items]


def decode(lines: Iterable[bytes], decoder: Decoder | None = None) -> Decoded:
    decoder = decoder or Decoder({}, FORMATS)
    decoded, end = decoder.decode(enumerate(lines)), decoder.finish()
    return Decoded(
        decoded.records + end.records,
        decoded.lines + end.lines,
        decoded.unread + end.unread,
        decoded.foreign + end.foreign,
        decoded.failed + end.failed,
        decoded.taken + end.taken,
        decoded.blanks + end.blanks,
        decoded.lost + end.lost,
    )


def records(decoded: Decoded) -> list[dict[str, object]]:
    return [json.loads(record) for record in decoded.records]


def accounted(decoded: Decoded) -> int:
    skipped = len(decoded.unread) + len(decoded.foreign) + len(decoded.failed)
    return decoded.taken + skipped + decoded.blanks


@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), *NESTING.values()], ids=[*WRAPPERS, *NESTING])
def test_a_record_of_ours_comes_out_of_any_wrapper(wrap: Wrap) -> None:
    decoded = decode([line for own in dumped(OWN, {**OWN, "step": 1}) for line in wrap(own)])
    assert records(decoded) == [OWN, {**OWN, "step": 1}]


@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), *NESTING.values()], ids=[*WRAPPERS, *NESTING])
def test_another_format_comes_out_of_any_wrapper(wrap: Wrap) -> None:
    items = dumped({"pair": "a", "tokens": 3}, {"pair": "b"}, {"pair": "a"}, {"pair": "b"})
    found = records(decode([line for item in items for line in wrap(item)]))
    assert [record["trace_id"] for record in found] == ["a", "b"]
    assert found[0]["prompt_tokens"] == 3


@pytest.mark.parametrize(
    ("item", "ts"),
    [
        ({"timestamp": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z"),
        ({"asctime": "2026-01-01 00:00:00,123"}, "2026-01-01 00:00:00,123"),
        ({"@timestamp": 1795165201}, 1795165201),
    ],
)
def test_a_record_without_ts_has_the_time_of_its_logger(
    item: dict[str, object], ts: object
) -> None:
    bare = {name: value for name, value in OWN.items() if name != "ts"}
    (nested,) = records(decode(dumped({**item, "extra": bare})))
    assert nested["ts"] == ts
    flat = {**bare, **item}  # the reader's schema sees to this one
    assert records(decode(dumped(flat))) == [flat]


def test_a_record_without_ts_has_the_time_of_what_wraps_it() -> None:
    bare = json.dumps({name: value for name, value in OWN.items() if name != "ts"})
    lines = [
        json.dumps({"log": f"{bare}\n", "stream": "stdout", "time": "2026-01-01T00:00:00Z"}),
        f"2026-01-01T00:00:00Z stdout F {bare}",
        json.dumps({"text": "x", "record": {"extra": json.loads(bare), "time": {"timestamp": 7}}}),
    ]
    found = records(decode(line.encode() for line in lines))
    assert [record["ts"] for record in found] == ["2026-01-01T00:00:00Z"] * 2 + [7]


@pytest.mark.parametrize(
    "item",
    [
        CHATTER,
        {"message": "GET /", "status": 200, "latency_ms": 12, "ts": "2026-11-20T10:00:00Z"},
        {"event": "user logged in", "level": "info"},
        {"levelname": "ERROR", "message": "boom", "error": "x"},
        {"data": {"model": "gpt-5"}},
        {},
    ],
)
def test_an_object_that_is_no_call_is_foreign(item: object) -> None:
    decoded = decode(dumped(OWN, item, OWN))
    assert (decoded.foreign, decoded.lines) == ([1], [0, 2])


@pytest.mark.parametrize(
    "item",
    [
        {"model": "gpt-5"},
        {"total_tokens": 4},
        {"finish_reason": "stop"},
        {"tool_name": "search"},
        {"trace_id": "a", "latency_ms": 3},
        {"event": "llm call done", "model": "gpt-5"},
        {"event": "user logged in", "trace_id": "a"},
        {"event": "span"},
    ],
)
def test_an_object_with_our_keys_is_a_record(item: object) -> None:
    assert records(decode(dumped(item))) == [item]


def test_the_first_objects_are_of_the_format_that_a_later_one_tells() -> None:
    decoded = decode(dumped({"x": 1, "pair2": 1}, {"pair": "a"}, {"pair": "a"}))
    assert (decoded.taken, decoded.foreign) == (2, [0])
    held = decode(dumped({"tokens": 1}, {"pair": "a", "tokens": 2}, {"pair": "a"}))
    assert (held.taken, held.lost["pair"]) == (3, 1)


def test_a_file_may_change_its_format_in_the_middle() -> None:
    pair = {"pair": "a"}
    wrapped = WRAPPERS["docker"](dumped(OWN)[0])
    decoded = decode([*dumped(OWN, pair, CHATTER, pair, OWN), *wrapped, b"text"])
    assert [record["trace_id"] for record in records(decoded)] == ["7c1d4e8a", "a"] + [
        "7c1d4e8a"
    ] * 2
    assert (decoded.foreign, decoded.unread) == ([2], [(6, b"text")])


def test_records_of_a_format_are_addressed_by_the_line_they_are_read_back_from() -> None:
    lines = dumped({"pair": "a", "text": "hello"}, {"pair": "b"}, {"pair": "a"}, {"pair": "b"})
    decoder = Decoder({}, FORMATS)
    decoded = decode(lines, decoder)
    assert decoded.lines == [0, 1]
    found = decoder.read_back(lines[0:], records(decoded)[0])
    assert found == ReadBack(FORMATS[0], {"input": "hello"})


@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), *NESTING.values()], ids=[*WRAPPERS, *NESTING])
def test_a_record_of_ours_is_read_back_as_it_was_written(wrap: Wrap) -> None:
    (own,) = dumped({**OWN, "input": [{"role": "user"}], "mine": 1})
    lines = [b"", *wrap(own), *wrap(dumped(OWN)[0])]
    decoder = Decoder({}, FORMATS)
    decoded = decode(lines, decoder)
    found = decoder.read_back(lines[decoded.lines[0] :], OWN)
    assert found is not None
    assert found.line is not None
    assert json.loads(found.line) == json.loads(own)


def test_of_an_array_the_record_that_is_asked_for_is_read_back() -> None:
    lines = [json.dumps([{**OWN, "step": step} for step in range(3)]).encode()]
    decoder = Decoder({}, FORMATS)
    decoded = decode(lines, decoder)
    assert decoded.lines == [0, 0, 0]
    for record in records(decoded):
        found = decoder.read_back(lines, record)
        assert found is not None
        assert json.loads(found.line or b"") == record


def test_lines_without_a_record_are_read_back_as_none() -> None:
    assert Decoder({}, FORMATS).read_back([b"text", *dumped(OWN)], OWN) is None
    assert Decoder({}, FORMATS).read_back([], OWN) is None


def test_a_converter_that_fails_costs_the_object() -> None:
    decoded = decode(dumped({"pair": "raise"}, {"pair": "a"}, {"pair": "a"}))
    assert (decoded.failed, decoded.taken, len(decoded.records)) == ([0], 2, 1)


def test_what_a_converter_lost_is_reported_once() -> None:
    decoder = Decoder({}, FORMATS)
    first = decoder.decode(enumerate(dumped({"pair": 1}, {"pair": 2})))
    assert first.lost == Counter(pair=2)
    assert decoder.decode(enumerate(dumped({"pair": 3}), 2)).lost == Counter(pair=1)
    assert not decoder.finish().lost


def test_a_flush_gives_what_is_complete_only_because_nothing_follows() -> None:
    decoder = Decoder({}, FORMATS)
    assert not decoder.decode(enumerate(dumped({"pair": "a"}))).records
    assert len(decoder.flush().records) == 1
    assert not decoder.flush().records


@pytest.mark.parametrize("lines", [dumped({"figures": 3}), [b"x", b"figure 1"]])
def test_a_format_that_holds_no_calls_is_known(lines: Sequence[bytes]) -> None:
    decoder = Decoder({}, FORMATS)
    assert not decode(lines, decoder).records
    assert decoder.no_calls is FORMATS[1]


def test_files_of_a_log_share_the_state_of_their_format() -> None:
    states: dict[str, dict[str, object]] = {}
    lines = dumped({"pair": "a"}, {"pair": "a"})
    steps = [records(decode(lines, Decoder(states, FORMATS)))[0]["step"] for _ in range(2)]
    assert steps == [0, 1]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(SCALARS, lambda some: st.lists(some, max_size=2), max_leaves=4)
KEYS = st.sampled_from(
    [field.name for field in FIELDS]
    + ["pair", "figures", "log", "stream", "time", "MESSAGE", "message", "msg", "record", "extra"]
)
OBJECTS = st.recursive(
    st.dictionaries(KEYS, JSON, max_size=5),
    lambda some: st.dictionaries(KEYS, JSON | some, max_size=3),
    max_leaves=3,
)
ANY_WRAPPER = st.sampled_from([*WRAPPERS.values(), *NESTING.values()])
OTHER = st.sampled_from([b"", b" ", b"\r", b"{", b"[", b"]", b"},", b"\0{\0", b"\xff\xfe{"]) | (
    st.binary(max_size=20).map(lambda some: some.replace(b"\n", b"?"))
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Lines of objects in wrappers, some pretty-printed, and other bytes between them."""
    lines: list[bytes] = []
    for item in draw(st.lists(OBJECTS, max_size=6)):
        text = json.dumps(item, indent=draw(st.sampled_from([None, None, 2])))
        pieces = text.encode().split(b"\n")
        if len(pieces) > 1 or draw(st.booleans()):
            lines += pieces
        else:
            lines += draw(ANY_WRAPPER)(pieces[0])
        lines += draw(st.lists(OTHER, max_size=2))
    return lines


@given(streams(), st.integers(0, 40))
def test_of_any_stream_in_any_wrapper_every_line_is_accounted_for(
    lines: list[bytes], cut: int
) -> None:
    decoder = Decoder({}, FORMATS)
    numbered = list(enumerate(lines))
    parts = [decoder.decode(numbered[:cut]), decoder.flush(), decoder.decode(numbered[cut:])]
    parts.append(decoder.finish())
    assert sum(map(accounted, parts)) == len(lines)
    assert all(lines[line] == data for part in parts for line, data in part.unread)
    for part in parts:
        assert len(part.records) == len(part.lines)
        assert all(json.loads(record) for record in part.records)
        assert all(0 <= line < len(lines) for line in part.lines)


OWN_RECORDS = st.dictionaries(KEYS, JSON, max_size=4).map(
    lambda some: {"event": "chat_completion", "trace_id": "a"} | {"extra": jsonable(some)}
)


@given(st.lists(OWN_RECORDS, max_size=6), st.lists(OTHER, max_size=4), ANY_WRAPPER)
def test_of_our_own_records_each_is_one_record_wherever_it_comes_from(
    own: list[dict[str, object]], other: list[bytes], wrap: Wrap
) -> None:
    lines = [wrap(json.dumps(each).encode()) for each in own]
    decoded = decode([line for some in lines for line in some])
    assert len(decoded.records) == len(own)
    assert decoded.lines == [sum(map(len, lines[:number])) for number in range(len(own))]
    assert all(record["event"] in EVENTS for record in records(decoded))
    assert accounted(decode([*other, *(line for some in lines for line in some)])) == len(
        other
    ) + sum(map(len, lines))
