"""A log that is written and followed, or archived."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from llmlog_tui.log.follow import Follower
from llmlog_tui.log.reader import Reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def lines(first: int, after: int) -> bytes:
    return b"".join(b'{"event": "span", "step": %d}\n' % number for number in range(first, after))


def drain(follower: Follower) -> bytes:
    found = b""
    while block := follower.read():
        found += block.data
    return found


def append(path: Path, data: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(data)


def raw_line(reader: Reader, block: int, line: int) -> bytes | None:
    """Return a line as written, given where a row of the frame has it."""
    return next(reader.lines(pl.DataFrame({"block": [block], "line": [line]})))
