"""What llmlog writes is its owner's alone, complete or not there, and never over a log."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmlog_tui.config.bookmarks import BookmarkStore
from llmlog_tui.config.settings import Memory
from llmlog_tui.log.record_key import Bookmark, parse_record_key
from llmlog_tui.private_file import open_append, replace_text, replacing

UMASKS = [0o000, 0o022, 0o077, 0o777]


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("umask")
def test_a_file_is_its_owners_whatever_the_umask(tmp_path: Path) -> None:
    replaced, appended = tmp_path / "a.csv", tmp_path / "b.jsonl"
    replaced.touch(0o666)
    with replacing(replaced) as file:
        file.write(b"x")
    os.close(open_append(appended))
    Memory(tmp_path / "dashboard.json").put("x", 1)
    log, record = tmp_path / "calls.jsonl", parse_record_key({"id": "r"})
    assert record is not None
    assert BookmarkStore().put(Bookmark(record), log) == ""
    assert [oct(mode(path)) for path in sorted(tmp_path.iterdir())] == ["0o600"] * 4


@pytest.mark.parametrize("kind", ["file", "missing"])
def test_a_symbolic_link_is_replaced_and_its_target_untouched(tmp_path: Path, kind: str) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    if kind == "file":
        target.write_text("precious")
    writes: list[Callable[[], None]] = [
        lambda: replace_text(link, "new"),
        lambda: os.close(open_append(link)),
    ]
    for write in writes:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        write()
        assert not link.is_symlink()
        assert (target.read_text() if target.exists() else "precious") == "precious"
        assert target.exists() == (kind == "file")


def test_the_sidecar_of_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "calls.jsonl.bookmarks").symlink_to(target)
    record = parse_record_key({"id": "r"})
    assert record is not None
    assert BookmarkStore().put(Bookmark(record), tmp_path / "calls.jsonl") == ""
    assert target.read_text() == "precious"
    assert len(BookmarkStore().read([tmp_path / "calls.jsonl"])[0]) == 1


def test_a_log_is_not_replaced_under_whatever_name(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_text("{}\n")
    (tmp_path / "hard").hardlink_to(log)
    (tmp_path / "soft").symlink_to(log)
    for name in ("calls.jsonl", "hard", "soft", "../" + tmp_path.name + "/calls.jsonl"):
        with (
            pytest.raises(OSError, match="is one of the logs being read"),
            replacing(tmp_path / name, [tmp_path / "gone", log]),
        ):
            raise AssertionError
    assert log.read_text() == "{}\n"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError, match="is not a regular file"), replacing(tmp_path / name):
            raise AssertionError
    assert (tmp_path / "link").is_symlink()


def test_a_file_that_fails_half_way_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
