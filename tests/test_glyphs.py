"""Signs and their ASCII forms."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest
from rich.cells import cell_len

from llmlog_tui.glyphs import FORMS, in_ascii, steady

_NOT_SHOWN: Final = (
    *("sanitize.py", "bundle.py", "clipboard.py", "folded_text.py", "search.py"),
    "letter_case.py",
)
"""Modules whose signs stand for what a value cannot show, go to a file or match a text."""


def _signs(module: Path) -> set[str]:
    """What is not ASCII in the strings of a module, but for its documentation."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]
    return {sign for text in texts for sign in text if sign.isprintable() and not sign.isascii()}


def test_every_sign_of_the_program_has_a_form(root: Path) -> None:
    modules = sorted((root / "app" / "llmlog_tui").rglob("*.py"))
    shown = set().union(*(_signs(each) for each in modules if each.name not in _NOT_SHOWN))
    assert shown > set("✗┤↻≠▲●‖►▌░▒█▄")
    assert shown <= FORMS.keys()


def test_a_form_is_one_sign_of_ascii_for_one_cell() -> None:
    assert {cell_len(sign) for sign in FORMS} == {1}
    assert {len(form) for form in FORMS.values()} == {1}
    assert all(" " <= form <= "~" for form in FORMS.values())


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("gpt-5 412 ms", "gpt-5 412 ms"),
        ("░░▒▒██┤  ▄▄ ✗ ↻ ≠ ◆", "..--##]  == x r # +"),
        ("▁▂▃▄▅▆▇█", "_.-=+*%#"),
        ("⠉⣀⣿\u2800", "'.* "),
        ("p95 3,413 → 4,401 ms", "p95 3,413-> 4,401 ms"),
        ("\x1b[33m┤ length\x1b[0m\n↻ 2\n", "\x1b[33m] length\x1b[0m\nr 2\n"),
    ],
)
def test_signs_are_put_into_ascii(text: str, form: str) -> None:
    assert in_ascii(text) == form


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("café", "caf?"),
        ("cafe\u0301 au", "caf? au"),
        ("日本 x", "???? x"),
        ("a👩\u200d👧b", "a??b"),
        ("1\ufe0f\u20e3.", "??."),
        ("\u0301x", "x"),
        ("␛[2J\N{REPLACEMENT CHARACTER}", "?[2J?"),
    ],
)
def test_any_other_value_keeps_its_cells(value: str, form: str) -> None:
    assert in_ascii(value) == form
    assert len(form) == cell_len(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("│ café 日本 👩🇩🇪 ┤", "│ café 日本 👩🇩🇪 ┤"),
        ("☺\ufe0f ❤\ufe0f.", "☺  ❤ ."),
        ("1\ufe0f\u20e3.", "1\u20e3 ."),
        ("👍🏽 ok", "👍 ok"),
        ("\U0001f3fd.", "."),
        ("👍\ufe0e.", "👍."),
    ],
)
def test_what_terminals_measure_differently_is_left_out_and_the_cells_stay(
    value: str, form: str
) -> None:
    assert steady(value) == form
    assert cell_len(form) == cell_len(value)
