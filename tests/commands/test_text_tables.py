"""Lines for people: whatever a value holds, what stands behind it is in its column."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from rich.cells import cell_len
from tests.commands.conftest import Run, Written

from llmlog_tui.commands.text_tables import fitted
from llmlog_tui.commands.wrapping import on_terminal, wrapped

NAMES = ("plain", "gpt-⚠\ufe0fai", "👍🏽 ok", "1\ufe0f\u20e3.", "日本語", "cafe\u0301")


QUERY = "select model, trace_id, latency_ms from calls"


@pytest.mark.parametrize("arguments", [["slow"], ["traces"], ["sql", QUERY]])
def test_columns_stand_in_line_in_every_terminal(
    llmlog: Run, written: Written, arguments: list[str]
) -> None:
    path = written(
        {"trace_id": name[:8], "model": name, "step": 8, "latency_ms": 777} for name in NAMES
    )
    lines = llmlog(*arguments, path).out.splitlines()[-len(NAMES) :]
    at = {cell_len(line[: line.index("777")]) for line in lines}
    assert len(at) == 1
    assert not {"\ufe0f", "🏽"} & set("".join(lines))


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("gpt-⚠\ufe0fai", "gpt-⚠ "),
        ("abc", "abc   "),
        ("日本語日本", "日本語"),
        ("a日本語日", "a日本 "),
        ("cafe\u0301-long", "cafe\u0301-l"),
    ],
)
def test_a_value_fits_in_just_so_many_cells(value: str, fits: str) -> None:
    assert fitted(value, 6) == fits
    assert cell_len(fits) == 6


def test_the_list_of_commands_says_in_a_line_what_each_is_for(process: Run) -> None:
    lines = process("--help", env={**os.environ, "COLUMNS": "80"}).out.splitlines()
    listed = lines[lines.index("Commands:") + 1 :]
    told = {line.split()[0]: line for line in listed[: listed.index("")]}
    assert told.keys() > {"find", "check", "sql"}
    cut = {name for name, line in told.items() if line.endswith(("...", "e.g."))}
    assert cut == set()


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("short", ["short"]),
        ("a" * 40, ["a" * 40]),
        ("time    what  " + "b" * 30, ["time    what", "      " + "b" * 30]),
        ("one " * 20, ["one " * 10, *["      " + "one " * 8] * 1, "      one one"]),
        ("日本語 " * 8, ["日本語 " * 5 + "日本語"[:0], "      日本語 日本語 日本語"]),
        ("c" * 90, ["c" * 90]),
        ("\x1b[31m" + "d" * 38 + "\x1b[0m", ["\x1b[31m" + "d" * 38 + "\x1b[0m"]),
    ],
    ids=["short", "fits", "columns", "words", "wide", "one word", "colours"],
)
def test_a_line_is_wrapped_between_words_and_its_later_parts_are_indented(
    line: str, parts: list[str]
) -> None:
    assert [part.rstrip() for part in wrapped(line, 40).split("\n")] == [
        part.rstrip() for part in parts
    ]


def test_lines_are_wrapped_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "word " * 30
    assert on_terminal(line) == line, "a pipe gets the lines as they are"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((60, 24)))
    assert max(map(len, on_terminal(line).split("\n"))) <= 60
