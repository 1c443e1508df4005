"""The prose rules hold in docstrings, comments, texts and documents."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.prose import BANNED, LONG_SUMMARY, Prose, Violation, check, files, prose_in, violations

BREACHES = {
    "what is": "Draw what\n    is held.",
    "whom": "Whom a key goes to.",
    "those that": "Those that inherit show it.",
    "that which": "That which was read.",
    "so many": "Cells, as many as there are; so many rows.",
    "how many": "For how many seconds nothing was added.",
    "anew": "Draw the lines anew.",
    "no more": "Files that are there no more.",
    "one has": "As near as one can look.",
    "somebody": "Whether nobody types.",
    "as far as": "The App as far as it goes about.",
    "let go of": "Rows that are let go of.",
    "another one": "The filter is another one.",
    "goes on": "Whether the call goes on.",
    "stands": "Where the replay stands.",
    "says": "The line says so.",
}

SOURCE = '''\
"""A docstring of the module."""

LIMIT = 3
"""A docstring of a constant."""


class Reader:
    """A docstring of a class."""

    size: int
    """A docstring of a field."""

    def read(self) -> str:
        """A docstring of a method."""
        # a comment
        # of two lines
        name = f"an f-string of {self.size:> {LIMIT}} and {'a text in it'}"  # beside a line
        return name + "a text" "in two parts" + "identifier"  # noqa: ISC001
'''


def test_no_text_of_the_repository_breaks_a_rule(root: Path) -> None:
    found = violations(root)
    assert not found, "\n".join(map(str, found))


def test_no_text_of_the_repository_has_the_marks_of_a_merge_conflict(root: Path) -> None:
    for file in files(root):
        lines = (root / file).read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))], file


def test_every_source_file_and_document_is_checked(root: Path) -> None:
    tops = ["app", "capture", "README.md", ".github"]
    listed = subprocess.run(
        ["git", "ls-files", *tops], check=True, cwd=root, capture_output=True, text=True
    )
    readable = [name for name in listed.stdout.splitlines() if name.endswith((".py", ".md"))]
    present = {name for name in readable if (root / name).exists()}
    assert present <= {str(path) for path in files(root)}


@pytest.mark.parametrize("rule", BANNED)
def test_each_banned_construction_is_found_on_its_line(rule: str) -> None:
    text = f"Return the rows.\n\n{BREACHES[rule]}"
    first, *_ = [violation for violation in check(Prose("a.py", 7, text)) if violation.rule == rule]
    assert (first.line, first.text) == (9, BREACHES[rule].splitlines()[0])


@pytest.mark.parametrize(
    "text",
    [
        "Return at most as many rows as fit.",
        "`p50` stands for the median.",
        "Wait no more than a second.",
        "Keep this one if the other one is older.",
        "Return whatever the server answered.",
    ],
)
def test_plain_english_passes(text: str) -> None:
    assert list(check(Prose("a.py", 1, text, is_docstring=True))) == []


def test_a_docstrings_first_line_has_at_most_fifteen_words() -> None:
    fifteen = "Return " + "word " * 14
    assert list(check(Prose("a.py", 1, f"{fifteen}\n\nMore.", is_docstring=True))) == []
    (long,) = check(Prose("a.py", 1, f"{fifteen} word\n\nMore.", is_docstring=True))
    assert long.rule == LONG_SUMMARY
    assert list(check(Prose("a.py", 1, f"{fifteen} word"))) == []


def test_a_modules_prose_is_its_docstrings_texts_and_comments() -> None:
    prose = list(prose_in("a.py", SOURCE))
    docstrings = [part.text for part in prose if part.is_docstring]
    assert docstrings == [
        f"A docstring of {owner}."
        for owner in ("the module", "a constant", "a class", "a field", "a method")
    ]
    others = [(part.line, part.text) for part in prose if not part.is_docstring]
    assert others == [
        (17, "an f-string of … and …"),
        (17, "a text in it"),
        (18, "a textin two parts"),
        (15, " a comment\n of two lines\n beside a line"),
    ]


def test_a_violation_names_its_place_and_its_rule() -> None:
    violation = Violation("app/llmlog_tui/cli.py", 3, "anew", "Draw anew.")
    assert str(violation) == "app/llmlog_tui/cli.py:3: anew: Draw anew."
