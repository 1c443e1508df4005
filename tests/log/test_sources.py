"""Which files a command line means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmlog_tui.log.sources import SourceError, expand


def test_files_come_once_each_in_the_order_given(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("b.jsonl", "a.jsonl", "b.jsonl")]
    for name in names:
        Path(name).touch()
    assert expand(names, must_exist=True) == [Path(names[0]), Path(names[1])]


def test_a_follower_may_wait_for_a_file_that_is_not_there_and_a_reader_may_not(
    tmp_path: Path,
) -> None:
    name = str(tmp_path / "later.jsonl")
    assert expand([name], must_exist=False) == [Path(name)]
    with pytest.raises(SourceError, match=r"later\.jsonl: no such file"):
        expand([name], must_exist=True)


def test_what_can_never_be_a_log_is_one_clear_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe: is not a regular file"):
        expand([str(tmp_path / "pipe")], must_exist=False)
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="Not a directory"):
        expand([str(tmp_path / "file" / "x")], must_exist=False)
