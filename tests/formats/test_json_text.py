"""JSON with half a surrogate pair."""

from __future__ import annotations

import json

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.formats.json_text import replace_lone_surrogates
from llmlog_tui.sanitize import encodable


@given(st.text(st.characters() | st.sampled_from('\ud83d\ude00\\"ud83'), max_size=8))
@example("\ud83d\ud83d\ude00")
@example("\\ud83d\ude00")
@example("\ude00\ud83d")
@settings(max_examples=examples(300))
def test_half_a_surrogate_pair_is_replaced_and_nothing_else(text: str) -> None:
    line = json.dumps({"a": text}).encode()
    assert orjson.loads(replace_lone_surrogates(line)) == {"a": encodable(text)}


def test_the_digits_of_an_escape_may_be_of_any_case() -> None:
    assert replace_lone_surrogates(rb'["\uD83D\ude00\uD83D"]') == rb'["\uD83D\ude00\ufffd"]'


def test_json_without_such_halves_is_unchanged() -> None:
    line = rb'{"a":"\ud83d\uDE00 \\ud83d \u00e9\n","b":1.50}'
    assert replace_lone_surrogates(line) == line
