"""Small files of the user: bounded, and never waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from llmlog_tui.config.filters import FilterStore
from llmlog_tui.config.rules import read_rules
from llmlog_tui.config.settings import Memory, SettingsError
from llmlog_tui.config.settings_file import read_settings
from llmlog_tui.config.small_file import SmallFileError, read_small


def test_a_file_may_have_as_many_bytes_as_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 2**20)
    assert read_small(file) == b"x" * 2**20
    file.write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(SmallFileError, match="too big, more than 1 MiB"):
        read_small(file)


def test_the_null_device_is_an_empty_file() -> None:
    assert read_small(Path(os.devnull)) == b""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _path: None, "No such file"),
        (Path.mkdir, "is a folder"),
        (os.mkfifo, "is not a regular file"),
    ],
    ids=["missing", "folder", "pipe"],
)
def test_anything_else_is_refused_without_waiting(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    make(tmp_path / "file")
    with pytest.raises(SmallFileError, match=why):
        read_small(tmp_path / "file")


def test_a_pipe_in_place_of_settings_or_filters_does_not_hold_the_dashboard_up(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="pipe: is not a regular file"):
        read_settings(pipe, (), lambda _predicate: "")
    assert FilterStore(pipe).read() == ({}, "pipe: is not a regular file; left unchanged")
    assert Memory(pipe).get("overview") is None


def test_rules_can_come_through_a_pipe() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as writer, os.fdopen(reading):
        writer.write("[truncation]\nwindow_calls = 30\n")
        writer.close()
        assert read_rules(Path(f"/dev/fd/{reading}")).truncation.window_calls == 30
