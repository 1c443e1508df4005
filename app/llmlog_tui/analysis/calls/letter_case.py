"""Equality of letters in any case: one rule for ids, fields, content and raw lines.

It is Unicode's simple case folding, where dotted and dotless i are an i: the rule of Python's
re.IGNORECASE. The regular expressions of polars keep these two apart from i.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import polars as pl

_FORMS_OF_I: Final = "iI\u0130\u0131"
_ANY_I: Final = f"[{_FORMS_OF_I}]"

NON_ASCII_FORMS: Final = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}
"""ASCII letters and their other forms: both Turkish i, Kelvin sign, long s."""


def in_any_case(text: str) -> str:
    """Return the pattern, for polars after (?i), of a text in any case."""
    return "".join(_ANY_I if each in _FORMS_OF_I else pl.escape_regex(each) for each in text)


@cache
def equal_letters(letter: str) -> str:
    """Return the characters that are equal to one whatever their case, itself among them."""
    if letter.isascii():
        lower = letter.lower()
        return "".join({letter, lower, letter.upper(), *NON_ASCII_FORMS.get(lower, "")})
    forms = {letter, letter.lower(), letter.upper(), *_equal_in(_scripts_with_case(), letter)}
    return "".join(form for form in forms if len(form) == 1)


def _equal_in(text: str, letter: str) -> list[str]:
    return re.findall(re.escape(letter), text, re.IGNORECASE)


@cache
def _scripts_with_case() -> str:
    """Return the ranges with letters of more than two cases."""
    blocks = (range(0x600), range(0x1C80, 0x2130), range(0xA640, 0xA660))
    ligatures = range(0xFB00, 0xFB07)
    return "".join(chr(code) for block in (*blocks, ligatures) for code in block)
