"""On a terminal that shows ASCII only, the headless commands print nothing else."""

from __future__ import annotations

import os
import pty
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.commands.conftest import Run
from tests.forked import Child

_C = {"LC_ALL": "C"}
_UTF_8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}


def _on_terminal(
    environment: Mapping[str, str], *arguments: str | Path, code: int = 0, entry: str = "headless"
) -> bytes:
    """What a command that ends with this code prints on a terminal of its own."""
    ours, its = pty.openpty()
    env = {**os.environ, **environment}
    process = Child(entry, *arguments, stdin=its, stdout=its, stderr=its, env=env)
    os.close(its)
    printed = b""
    try:
        while some := os.read(ours, 1 << 16):
            printed += some
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    os.close(ours)
    assert process.wait() == code
    return printed


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (["stats"], b"##"),
        (["traces"], b"x]"),
        (["trace", "38762a22"], b"` text-embedding"),
        (["diff", "38762a22", "7c97b110"], b"< "),
        (["slow"], b"] length"),
        (["alerts"], b"1.6%-> 27%"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_in_the_locale_c_signs_are_ascii(sample: Path, words: list[str], sign: bytes) -> None:
    printed = _on_terminal(_C, *words, sample)
    assert printed.isascii()
    assert sign in printed
    signs = _on_terminal(_UTF_8, *words, sample)
    assert not signs.isascii()
    assert len(signs.decode()) == len(printed), "cell for cell"


def test_so_is_what_is_said_of_an_error() -> None:
    assert _on_terminal(_C, "stats", "café.jsonl", code=2).startswith(b"llmlog: caf?.jsonl: ")
    assert "café".encode() in _on_terminal(_UTF_8, "stats", "café.jsonl", code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-follow", "café.jsonl"], "llmlog-tui: café.jsonl: no such file"),
        (["--slow-ms", "né"], "llmlog-tui: argument --slow-ms: né: not a number"),
        (["--where", "é\x1b > 3"], "llmlog-tui: --where: "),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_so_is_what_the_dashboard_says_when_it_does_not_begin(words: list[str], said: str) -> None:
    printed = _on_terminal(_C, *words, code=2, entry="dashboard")
    assert printed.startswith(said.replace("é", "?").encode())
    assert printed.isascii()
    assert b"\x1b" not in printed
    assert said.encode() in _on_terminal(_UTF_8, *words, code=2, entry="dashboard")
    if words[0] == "--no-follow":
        asked = _on_terminal(_UTF_8, "--ascii", *words, code=2, entry="dashboard")
        assert asked == printed


def test_the_environment_has_the_last_word(sample: Path) -> None:
    assert _on_terminal({**_UTF_8, "LLMLOG_ASCII": "1"}, "alerts", sample).isascii()
    assert not _on_terminal({**_C, "LLMLOG_ASCII": "0"}, "alerts", sample).isascii()


def test_what_is_no_terminal_gets_all_signs(sample: Path, process: Run) -> None:
    done = process("alerts", sample, env={**os.environ, **_C}, encoding="utf-8")
    assert "▲" in done.out
