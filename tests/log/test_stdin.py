"""Standard input is a log that grows, and can be read again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from llmlog_tui.log.stdin import StdinFollower

LINE = b'{"event": "span", "step": 1}\n'


@pytest.fixture
def pipe() -> Iterator[tuple[StdinFollower, int]]:
    source, writer = os.pipe()
    piped = StdinFollower(source)
    yield piped, writer
    piped.close()
    with suppress(OSError):
        os.close(writer)


def test_what_has_arrived_is_read_without_waiting_for_more(pipe: tuple[StdinFollower, int]) -> None:
    piped, writer = pipe
    assert piped.read() is None
    os.write(writer, LINE + LINE[:4])
    block = piped.read()
    assert block is not None
    assert block.data == LINE
    assert piped.read() is None
    os.write(writer, LINE[4:])
    block = piped.read()
    assert block is not None
    assert (block.data, block.offset) == (LINE, len(LINE))


def test_its_end_is_known_and_the_last_line_needs_none(pipe: tuple[StdinFollower, int]) -> None:
    piped, writer = pipe
    os.write(writer, LINE[:-1])
    os.close(writer)
    assert piped.wait()
    assert piped.read() is None
    assert piped.has_ended
    assert not piped.wait()
    last = piped.finish()
    assert last is not None
    assert last.data == LINE[:-1]


def test_what_was_read_can_be_read_again(pipe: tuple[StdinFollower, int]) -> None:
    piped, writer = pipe
    os.write(writer, LINE * 3)
    block = piped.read()
    assert block is not None
    assert piped.reread(block.generation, block.offset, len(block.data)) == LINE * 3


def test_the_spool_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source, writer = os.pipe()
    piped = StdinFollower(source)
    os.write(writer, LINE)
    piped.read()
    assert list(tmp_path.iterdir()) == []
    piped.close()
    os.close(writer)


def test_a_reader_takes_standard_input_to_its_end() -> None:
    program = (
        "import pathlib; from llmlog_tui.log.load import load;"
        "print(load([pathlib.Path('-')]).counts.records)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=LINE * 5_000, capture_output=True, check=True
    )
    assert done.stdout == b"5000\n"


def test_taking_standard_input_without_a_terminal_leaves_it_where_it_is() -> None:
    program = (
        "import os; from llmlog_tui.terminal import detach_stdin;"
        "print(os.read(detach_stdin(), 100).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=b"hello",
        capture_output=True,
        check=True,
        start_new_session=True,
    )
    assert done.stdout == b"hello\n"
