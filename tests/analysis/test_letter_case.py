"""Letters that are equal in any case: one rule, whatever compares them."""

from __future__ import annotations

import re
import sys

import polars as pl
import pytest

from llmlog_tui.analysis.calls.letter_case import NON_ASCII_FORMS, equal_letters, in_any_case
from llmlog_tui.analysis.traces.text_search import TextQuery
from llmlog_tui.tui.widgets.folded_text import find_words

CASED = [
    letter
    for letter in map(chr, range(sys.maxunicode + 1))
    if letter not in {letter.lower(), letter.upper()} or letter.lower() != letter.upper()
]


def test_equal_letters_are_those_of_python_and_of_polars() -> None:
    text = "".join(CASED)
    classes = {letter: {*re.findall(re.escape(letter), text, re.IGNORECASE)} for letter in CASED}
    assert {letter: {*equal_letters(letter)} for letter in CASED} == classes
    letters = pl.Series(CASED)
    for letter, equal in classes.items():
        if len(equal) > 2 or ord(letter) < 0x100:  # the others have an upper and a lower case
            found = letters.filter(letters.str.contains(f"(?i){in_any_case(letter)}"))
            assert {*found} == equal, letter


def test_ascii_letters_with_other_forms_are_all_known() -> None:
    ascii_letters = filter(str.islower, map(chr, range(0x80)))
    others = {one: {*equal_letters(one)} - {one, one.upper()} for one in ascii_letters}
    assert {one: {*forms} for one, forms in NON_ASCII_FORMS.items()} == {
        one: forms for one, forms in others.items() if forms
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("istanbul", "in \u0130STANBUL"),
        ("\u0131stanbul", "in Istanbul"),
        ("kelvin", "300 \u212aelvin"),
        ("strasse", "stra\u017f\u017fe"),
        ("STRAẞE", "eine straße"),
        ("ΟΔΟΣ", "η οδος"),
    ],
)
def test_content_raw_lines_and_marked_words_have_the_rule_of_fields(words: str, text: str) -> None:
    query, texts = TextQuery(words), pl.Series([text])
    assert texts.str.contains(f"(?i){in_any_case(words)}").all()
    assert texts.str.contains(query.line_pattern).all()
    assert query.excerpt({"input": text}) is not None
    assert find_words(text, words) is not None
