"""Values from a log are shown, never obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.sanitize import sanitize


@pytest.mark.parametrize("text", ["", "gpt-4o", "naïve 日本語 🙂", "[bold]markup[/]", "\\x1b"])
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\nb\tc\rd", "a␊b␉c␍d"),
        ("\x00\x07\x1f\x7f", "␀␇␟␡"),
        ("\x9b31m", "�31m"),  # the C1 form of ESC [
        ("\x85", " "),  # next line
    ],
)
def test_control_characters_appear_as_pictures(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    "character",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\ud800",
        "\ue000",
    ],
)
def test_what_reorders_or_hides_text_is_replaced(character: str) -> None:
    assert sanitize(f"a{character}b") == "a�b"


@pytest.mark.parametrize("character", ["\u00a0", "\u2003", "\u2028", "\u2029", "\u3000"])
def test_every_kind_of_space_is_a_space(character: str) -> None:
    assert sanitize(f"a{character}b") == "a b"


def test_length_is_bounded() -> None:
    assert sanitize("x" * 5_000) == "x" * 1_000
    assert sanitize("\x1b" * 50, limit=8) == "␛" * 8


@given(st.text(st.characters(exclude_categories=[])), st.integers(0, 40))
def test_any_text_becomes_printable_a_character_for_each(text: str, limit: int) -> None:
    shown = sanitize(text, limit)
    assert shown.isprintable()
    assert len(shown) == min(len(text), limit)


@given(st.text(st.characters(exclude_categories=[])))
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)
