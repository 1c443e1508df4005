"""The `llmlog` command as its user has it, and DuckDB as the judge of its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
from tests import forked

from llmlog_tui import commands

PROGRAM = "import sys; from llmlog_tui.cli import {0}; sys.exit({0}())"


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Run: TypeAlias = Callable[..., Done]
Written: TypeAlias = Callable[[Iterable[Mapping[str, Any]]], Path]


def command(entry: str, *arguments: str | Path | bytes) -> list[str | bytes]:
    """What runs an entry point of pyproject.toml, exactly as the installed script does."""
    words = [os.fspath(argument) for argument in arguments]
    return [sys.executable, "-c", PROGRAM.format(entry), *words]


def is_refused(done: Done, *words: str) -> bool:
    """One line on stderr with these words, nothing on stdout, exit code 2."""
    assert done.err.count("\n") == 1
    assert done.err.startswith("llmlog")
    assert "Traceback" not in done.err
    assert all(word in done.err for word in words), done.err
    return (done.code, done.out) == (2, "")


@pytest.fixture
def llmlog(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `llmlog` with these arguments, within this process."""

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["llmlog", *map(str, arguments)])
        capsys.readouterr()
        code = commands.main()
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def process() -> Run:
    """Runs `llmlog` with these arguments as a process of its own.

    It is forked from one that has imported llmlog, unless it needs more than other variables.
    """

    def run(*arguments: str | Path | bytes, **options: Any) -> Done:  # noqa: ANN401 - subprocess's
        if not options.keys() - {"env"} and forked.starts_alike(options.get("env", os.environ)):
            ended = forked.run("headless", *arguments, **options)
            return Done(ended.returncode, ended.stdout, ended.stderr)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        done = subprocess.run(
            command("headless", *arguments), text=True, check=False, timeout=60, **streams
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes records to a log."""

    def write(records: Iterable[Mapping[str, Any]]) -> Path:
        path = tmp_path / "written.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


Stats: TypeAlias = Callable[..., Any]
"""What --json prints about a file, with these options."""


@pytest.fixture
def stats(llmlog: Run) -> Stats:
    def of(path: Path, *options: str) -> Any:  # noqa: ANN401 - JSON
        done = llmlog("stats", path, "--json", *options)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    return of
