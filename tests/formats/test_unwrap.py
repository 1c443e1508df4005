"""Objects come out of whatever is around them; every line is accounted for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from tests.formats.wrappers import PART, WRAPPERS, Wrap, cri_split, docker_split

from llmlog_tui.formats.unwrap import Outcome, Structural, Unread, Unwrapped, Unwrapper

ONE = b'{"event": "chat_completion", "trace_id": "7c1d4e8a", "model": "gpt-5-mini", "step": 0}'
TWO = b'{"event": "tool_call", "trace_id": "7c1d4e8a", "tool_name": "f", "extra": {"a": {"b": 1}}}'


def unwrap(lines: Sequence[bytes]) -> list[Outcome]:
    unwrapper = Unwrapper()
    outcomes = [
        outcome
        for number, line in enumerate(lines)
        if line or unwrapper.is_inside_line
        for outcome in unwrapper.feed(number, line)
    ]
    return outcomes + unwrapper.flush()


def items(outcomes: Sequence[Outcome]) -> list[object]:
    return [
        item for outcome in outcomes if isinstance(outcome, Unwrapped) for item in outcome.items
    ]


def unread(outcomes: Sequence[Outcome]) -> list[int]:
    return [line for outcome in outcomes if isinstance(outcome, Unread) for line in outcome.lines]


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_an_object_comes_out_of_its_wrapping_with_all_its_lines(wrap: Wrap) -> None:
    lines = [*wrap(ONE), *wrap(TWO)]
    outcomes = unwrap(lines)
    assert items(outcomes) == [json.loads(ONE), json.loads(TWO)]
    assert sorted(line for outcome in outcomes for line in outcome.lines) == list(range(len(lines)))


def test_an_object_of_many_lines_begins_at_the_first_of_them() -> None:
    (whole,) = unwrap(docker_split(ONE))
    assert len(ONE) > PART
    assert whole.lines == list(range(-(-len(ONE) // PART)))


def test_lines_of_two_streams_that_were_split_are_joined_by_stream() -> None:
    out = cri_split(ONE)
    err = [line.replace(b"stdout", b"stderr") for line in cri_split(TWO)]
    mixed = [line for pair in zip(out, err, strict=False) for line in pair]
    rest = out[len(err) :] or err[len(out) :]
    assert items(unwrap([*mixed, *rest])) == [json.loads(ONE), json.loads(TWO)]


def test_a_split_line_whose_end_is_lost_costs_itself() -> None:
    lines = [*docker_split(ONE)[:-1], b'{"log": "\\n", "stream": "stdout"}', *docker_split(TWO)]
    assert items(unwrap(lines)) == [json.loads(TWO)]


def test_text_is_unread_and_an_object_that_wraps_text_is_foreign() -> None:
    lines = [b"server started", b'{"log": "server started\\n", "stream": "stdout"}', b"[1]", b"42"]
    outcomes = unwrap(lines)
    assert outcomes[:2] == [Unread((0,), is_object=False), Unread((1,), is_object=True)]
    assert unread(outcomes) == [0, 1, 2, 3]


@pytest.mark.parametrize("line", [ONE[:-9], b"api-1 | " + TWO[:-1], TWO[:-2], ONE + TWO])
def test_of_a_torn_object_no_inner_one_is_taken(line: bytes) -> None:
    assert unread(unwrap([line, ONE])) == [0]


@pytest.mark.parametrize("prefix", ["", "api-1  | ", "2026-01-01 12:00:0{} "])
@pytest.mark.parametrize("indent", [1, 2, 4])
def test_objects_printed_over_many_lines_one_after_another(prefix: str, indent: int) -> None:
    texts = [json.dumps(json.loads(each), indent=indent) for each in (ONE, TWO)]
    lines = [line for text in texts for line in text.split("\n")]
    prefixed = [prefix.format(number % 10) + line for number, line in enumerate(lines)]
    outcomes = unwrap([line.encode() for line in prefixed])
    assert items(outcomes) == [json.loads(ONE), json.loads(TWO)]
    assert [outcome.lines[0] for outcome in outcomes] == [0, texts[0].count("\n") + 1]


def test_objects_printed_by_two_containers_at_once() -> None:
    one, two = (json.dumps(json.loads(each), indent=2).split("\n") for each in (ONE, TWO))
    lines = [
        f"{name} | {line}".encode()
        for pair in zip(one, two, strict=False)
        for name, line in zip("ab", pair, strict=True)
    ]
    rest = [f"b | {line}".encode() for line in two[len(one) :]]
    assert items(unwrap([*lines, *rest])) == [json.loads(ONE), json.loads(TWO)]


def test_a_printed_object_that_breaks_off_costs_its_own_lines() -> None:
    printed = json.dumps(json.loads(ONE), indent=2).encode().split(b"\n")
    outcomes = unwrap([*printed[:3], TWO, *printed])
    assert items(outcomes) == [json.loads(TWO), json.loads(ONE)]
    assert unread(outcomes) == [0, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        b"[" + ONE + b", " + TWO + b"]",
        b"[\n" + ONE + b",\n" + TWO + b"\n]",
        json.dumps([json.loads(ONE), json.loads(TWO)], indent=2).encode(),
    ],
    ids=["on one line", "a line each", "pretty-printed"],
)
def test_arrays_are_the_objects_in_them(text: bytes) -> None:
    outcomes = unwrap(text.split(b"\n"))
    assert items(outcomes) == [json.loads(ONE), json.loads(TWO)]
    assert not unread(outcomes)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["plain", "Ċ 一 ਗੁ 中文", "\U0001f600"])
def test_utf_16_is_read_whatever_bytes_its_characters_have(encoding: str, text: str) -> None:
    item = {"model": "m", "input": text}
    lines = json.dumps(item, ensure_ascii=False) + "\r\n"
    data = (lines + lines).encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    outcomes = unwrap(data.split(b"\n"))
    assert items(outcomes) == [item, item]


def test_a_utf_16_line_that_a_shell_appended_to_a_utf_8_file_is_read() -> None:
    appended = (ONE.decode() + "\r\n").encode("utf-16-le")
    lines = [TWO, *appended.split(b"\n")]
    outcomes = unwrap(lines)
    assert items(outcomes) == [json.loads(TWO), json.loads(ONE)]
    assert isinstance(outcomes[-1], Structural)


def test_rows_of_a_csv_file_are_objects_of_texts() -> None:
    lines = [b"id,model,prompt_tokens,note", b'1,gpt-5,18,"two', b'lines, ""x"""', b"2,gpt-5,,"]
    assert items(unwrap(lines)) == [
        {"id": "1", "model": "gpt-5", "prompt_tokens": "18", "note": 'two\nlines, "x"'},
        {"id": "2", "model": "gpt-5"},
    ]


def test_text_with_commas_is_no_csv_file() -> None:
    lines = [b"Loading model, tokenizer, weights, cache", b"a, b, c, d"]
    assert unread(unwrap(lines)) == [0, 1]
