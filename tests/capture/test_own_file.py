"""Writers keep to their own file, and no one else's lock, leftover or change costs a record."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import llmlog
from llmlog import _content, testing

if TYPE_CHECKING:
    from pathlib import Path


def steps(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_bytes().splitlines()]


def descriptor_of(path: Path) -> int:
    for number in range(3, 256):
        try:
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except OSError:
            continue
    raise AssertionError


def test_a_descriptor_that_the_application_closed_and_reused_is_left_alone(tmp_path: Path) -> None:
    log, other = tmp_path / "calls.jsonl", tmp_path / "other"
    session = llmlog.session(log)
    trace = session.trace()
    trace.record(event="embedding")
    number = descriptor_of(log)
    os.close(number)  # as a daemon closes all there are
    assert os.open(other, os.O_RDWR | os.O_CREAT) == number
    trace.record(event="embedding")
    assert steps(log) == [0, 1]
    assert other.read_bytes() == b""
    assert session.faults == 0
    del session, trace
    assert os.fstat(number).st_ino == other.stat().st_ino  # still open
    os.close(number)


def test_a_descriptor_that_the_application_closed_is_opened_again(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    session = llmlog.session(log)
    trace = session.trace()
    for _ in range(3):
        trace.record(event="embedding")
        os.close(descriptor_of(log))
    assert steps(log) == [0, 1, 2]
    assert session.faults == 0


@pytest.mark.parametrize("rotate", [None, 1])
def test_a_lock_that_is_held_for_good_delays_one_call_and_loses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotate: int | None
) -> None:
    waited: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    log = tmp_path / "calls.jsonl"
    log.touch()
    session = llmlog.session(log, rotate_bytes=rotate)
    trace = session.trace()
    with log.open("rb") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        with pytest.warns(llmlog.CaptureWarning, match="LockTimeoutError"):
            trace.record(event="embedding")
        first = sum(waited)
        trace.record(event="embedding")
        assert 1 <= first < 2.5
        assert sum(waited) == first  # waited for once
        assert (steps(log), session.faults) == ([0, 1], 2)
    trace.record(event="embedding")
    assert session.faults == 2
    found = [step for path in sorted(tmp_path.iterdir()) for step in steps(path)]
    assert sorted(found) == [0, 1, 2]


def test_pruning_keeps_owner_and_mode(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_text('{"ts": "2020-01-01T00:00:00Z"}\n{"ts": "2999-01-01T00:00:00Z"}\n')
    log.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(log, 1234, 4321)
    before = log.stat()
    assert llmlog.prune(log, timedelta(days=1)) == 1
    after = log.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (
        before.st_uid,
        before.st_gid,
        0o640,
    )


def test_an_owner_that_cannot_be_kept_leaves_the_log_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_text('{"ts": "2020-01-01T00:00:00Z"}\n')
    real = os.fstat

    def of_another(descriptor: int) -> os.stat_result:
        status = list(real(descriptor))
        if status[1] == log.stat().st_ino:
            status[4] = 99_999
        return os.stat_result(status)

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fstat", of_another)
    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(PermissionError):
        llmlog.prune(log, timedelta(days=1))
    assert log.read_text() == '{"ts": "2020-01-01T00:00:00Z"}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["calls.jsonl"]


def test_left_over_files_of_a_dead_process_are_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, key = tmp_path / "calls.jsonl", tmp_path / "llmlog" / "key"
    log.write_text('{"ts": "2020-01-01T00:00:00Z"}\n')
    log.with_name(f".calls.jsonl.{os.getpid()}").touch()
    assert llmlog.prune(log, timedelta(days=1)) == 1
    key.parent.mkdir()
    key.with_name(f"key.{os.getpid()}").touch()
    monkeypatch.setattr(_content, "_data_folder", lambda: tmp_path)
    _content._user_key.cache_clear()  # noqa: SLF001 - a key of this test's own
    assert len(_content._user_key()) == 32  # noqa: SLF001
    _content._user_key.cache_clear()  # noqa: SLF001


@pytest.mark.parametrize("content", [b"", b"short"])
def test_an_empty_key_file_is_refused_and_the_record_has_no_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    key = tmp_path / "llmlog" / "key"
    key.parent.mkdir()
    key.write_bytes(content)
    monkeypatch.setattr(_content, "_data_folder", lambda: tmp_path)
    _content._user_key.cache_clear()  # noqa: SLF001
    with pytest.raises(ValueError, match="holds no key of 32 bytes"):
        _content._user_key()  # noqa: SLF001


def test_arguments_that_change_while_they_are_copied_lose_no_record(
    memory: testing.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(_: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("dictionary changed size during iteration")

    session = llmlog.session(memory, content="full")
    trace = session.trace()
    monkeypatch.setattr(_content, "jsonable", changing)
    with pytest.warns(llmlog.CaptureWarning), trace.tool("search", {"a": 1}) as run:
        run.result = "found"
    (record,) = memory.records()
    assert (record["tool_name"], record["status"], record["output"]) == ("search", "ok", "found")
    assert session.faults == 1
