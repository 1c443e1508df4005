"""Which files a command line means."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmlog_tui.log.sources import SourceError, Sources, expand, unread_parts


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


@pytest.mark.parametrize("must_exist", [True, False])
def test_an_empty_name_is_no_folder(must_exist: bool) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(SourceError, match="is a variable empty"):
        Sources([""], must_exist=must_exist)


def test_a_file_is_that_file_only(tmp_path: Path) -> None:
    for name in ("calls.jsonl", "calls.jsonl.1"):
        (tmp_path / name).touch()
    sources = Sources([str(tmp_path / "calls.jsonl")], must_exist=True)
    assert sources.files() == [tmp_path / "calls.jsonl"]
    assert not sources.may_grow


ROTATED = [
    "agent-2026-11-21.jsonl.zst",
    "agent-2026-11-22.jsonl",
    "calls.jsonl.10.gz",
    "calls.jsonl.2.gz",
    "calls.jsonl.1",
    "calls.jsonl",
    "dated.jsonl-20261121.gz",
    "dated.jsonl-20261122",
    "dated.jsonl",
]


def test_a_folder_is_its_logs_each_rotated_set_from_the_oldest_on(tmp_path: Path) -> None:
    for name in [*sorted(ROTATED), "notes.txt", "calls.jsonl.bak.tar", "data.json", "app.py"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.jsonl").mkdir()
    found = expand([str(tmp_path)], must_exist=True)
    assert [path.name for path in found if "bak" not in path.name] == ROTATED


def test_hidden_files_of_editors_and_copiers_are_no_logs_of_a_folder(tmp_path: Path) -> None:
    for name in ("calls.jsonl", ".calls.jsonl.swp", ".calls.jsonl.1.gz.x7Qf2a"):
        (tmp_path / name).touch()
    assert expand([str(tmp_path)], must_exist=True) == [tmp_path / "calls.jsonl"]
    hidden = tmp_path / ".calls.jsonl.swp"
    assert expand([str(hidden)], must_exist=True) == [hidden], "named, it is read"


def test_a_glob_is_what_it_matches_now(tmp_path: Path) -> None:
    sources = Sources([str(tmp_path / "calls.jsonl*")], must_exist=False)
    assert sources.files() == []
    assert sources.may_grow
    for name in ("calls.jsonl", "calls.jsonl.1", "other.jsonl"):
        (tmp_path / name).touch()
    assert [path.name for path in sources.files()] == ["calls.jsonl.1", "calls.jsonl"]


def test_a_name_with_the_marks_of_a_glob_that_is_there_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "calls[1].jsonl").touch()
    assert expand([str(tmp_path / "calls[1].jsonl")], must_exist=True) == [
        tmp_path / "calls[1].jsonl"
    ]


@pytest.mark.parametrize(
    ("name", "message"), [("", "no log in there"), ("*.jsonl", "no such file")]
)
def test_a_folder_or_glob_without_a_log_is_one_clear_line(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        expand([str(tmp_path / name)], must_exist=True)


def test_a_dash_is_standard_input() -> None:
    assert expand(["-"], must_exist=True) == [Path("-")]


def test_bookmarks_beside_a_log_are_no_log_in_a_folder_a_glob_or_what_a_shell_made_of_one(
    tmp_path: Path,
) -> None:
    names = [str(tmp_path / name) for name in ("calls.jsonl", "calls.jsonl.bookmarks")]
    for name in names:
        Path(name).touch()
    for asked in ([str(tmp_path)], [str(tmp_path / "calls*")], names):
        assert expand(asked, must_exist=True) == [tmp_path / "calls.jsonl"]
    with pytest.raises(SourceError, match="is a bookmarks file, not a log"):
        expand(names[1:], must_exist=True)


@pytest.mark.parametrize("must_exist", [True, False])
@pytest.mark.parametrize("name", ["logs", "logs/calls.jsonl", "logs/*.jsonl"])
def test_what_may_not_be_looked_at_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    must_exist: bool,  # noqa: FBT001 - a parameter
) -> None:
    named = tmp_path / name
    (tmp_path / "logs").mkdir()

    def denied(path: Path, **_: object) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    if name == "logs":
        monkeypatch.setattr(os, "scandir", denied)
    else:
        monkeypatch.setattr(Path, "stat", denied)
    with pytest.raises(SourceError) as error:
        Sources([str(named)], must_exist=must_exist)
    assert str(error.value) == f"{named}: Permission denied"


def test_a_folder_without_logs_is_its_logs_below_as_coding_agents_keep_them(tmp_path: Path) -> None:
    sessions = [
        "shop/one.jsonl",
        "shop/one/subagents/agent-a.jsonl",
        "shop/two.jsonl",
        "web/three.jsonl",
        "gemini/chats/session-1.json",
    ]
    for name in [*sessions, "shop/other/four.jsonl", ".hidden/five.jsonl", "web/data.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = expand([str(tmp_path)], must_exist=True)
    assert {str(path.relative_to(tmp_path)) for path in found} == set(sessions)
    (tmp_path / "calls.jsonl").touch()
    assert expand([str(tmp_path)], must_exist=True) == [tmp_path / "calls.jsonl"]


def test_a_folder_is_not_searched_without_end(tmp_path: Path) -> None:
    deep = tmp_path / "2026/11/23/a/b"
    deep.mkdir(parents=True)
    (deep / "calls.jsonl").touch()
    assert expand([str(tmp_path / "2026")], must_exist=True) == [deep / "calls.jsonl"]
    with pytest.raises(SourceError, match="no log in there"):
        expand([str(tmp_path)], must_exist=True)


@pytest.mark.parametrize("name", ["x.jsonl", "below/*.jsonl", "*/x.jsonl"])
def test_a_follower_does_not_wait_for_a_folder(tmp_path: Path, name: str) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SourceError, match="there is no folder"):
        expand([str(missing / name)], must_exist=False)
    missing.mkdir()
    if "below" not in name:
        assert len(expand([str(missing / name)], must_exist=False)) == ("*" not in name)


def test_a_hint_names_rotated_parts_that_are_not_read(tmp_path: Path) -> None:
    beside = ("r.jsonl", "r.jsonl.1", "r.jsonl.2.gz", "r.jsonl-20261123.zst", "r.jsonl.bookmarks")
    for name in (*beside, "r.jsonl.tmp", "other.jsonl", "other.jsonl.1", "alone.jsonl"):
        (tmp_path / name).touch()
    log, other, alone = (str(tmp_path / name) for name in ("r.jsonl", "other.jsonl", "alone.jsonl"))
    whole = "not read; all of it is"
    assert unread_parts([log]) == f"3 rotated parts beside r.jsonl {whole} '{log}*'"
    assert unread_parts([log, f"{log}.1", f"{log}.2.gz", other, alone]) == (
        f"1 rotated part beside r.jsonl {whole} '{log}*'; "
        f"1 rotated part beside other.jsonl {whole} '{other}*'"
    )
    for names in ([str(tmp_path)], [f"{log}*"], [f"{log}.1"], [alone], ["-"], ["clickhouse://h/t"]):
        assert unread_parts(names) == ""


def test_the_glob_of_the_hint_matches_the_log_and_its_parts_alone(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1]*?"
    folder.mkdir()
    for name in ("a[1].jsonl", "a[1].jsonl.1", "a1.jsonl", "a1.jsonl.1"):
        (folder / name).touch()
    command = unread_parts([str(folder / "a[1].jsonl")]).partition("all of it is ")[2]
    found = expand(shlex.split(command), must_exist=True)
    assert found == [folder / "a[1].jsonl.1", folder / "a[1].jsonl"]
