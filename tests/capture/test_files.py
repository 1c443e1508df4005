"""Log files: no record is lost or duplicated by concurrent rotation and pruning."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import llmlog

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys, llmlog
path, name, count, rotate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
session = llmlog.session(path, name, tags={"pad": "x" * 200}, rotate_bytes=rotate or None)
trace = session.trace(name)
for _ in range(count):
    trace.record(event="embedding")
assert session.faults == 0
"""


def start_writers(path: Path, *, writers: int, each: int, rotate: int = 0) -> list[Any]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"writer-{n}", str(each), str(rotate)],
            env=env,
        )
        for n in range(writers)
    ]


def finish(processes: list[Any]) -> None:
    assert [process.wait() for process in processes] == [0] * len(processes)


def seen(paths: list[Path]) -> list[tuple[str, int]]:
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    records = [json.loads(line) for line in lines]
    return sorted((r["trace_id"], r["step"]) for r in records if "trace_id" in r)


def expected(*, writers: int, each: int) -> list[tuple[str, int]]:
    return sorted((f"writer-{n}", step) for n in range(writers) for step in range(each))


def old_line(days: int, step: int) -> bytes:
    ts = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    return json.dumps({"ts": ts, "old": step}).encode() + b"\n"


def test_a_full_file_is_renamed_and_a_new_one_started(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path, rotate_bytes=1000)
    for _ in range(20):
        session.trace("run-1").record(event="embedding")
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert sum(file.read_bytes().count(b"\n") for file in files) == 20


def test_a_record_larger_than_a_file_may_be_is_still_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path, rotate_bytes=10)
    for _ in range(3):
        session.trace().record(event="embedding")
    assert sorted(file.read_bytes().count(b"\n") for file in tmp_path.iterdir()) == [1, 1, 1]


def test_rotation_by_four_processes_loses_nothing(tmp_path: Path) -> None:
    finish(start_writers(tmp_path / "calls.jsonl", writers=4, each=500, rotate=50_000))
    files = list(tmp_path.iterdir())
    assert len(files) > 5
    assert seen(files) == expected(writers=4, each=500)


def test_pruning_again_and_again_under_four_writers_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(old_line(40, step) for step in range(100)))
    processes = start_writers(path, writers=4, each=2000)
    cut = rounds = 0
    while any(process.poll() is None for process in processes):
        # Every record is old enough at once: removed and remaining ones add up to all.
        removed = llmlog.prune(path, timedelta(0))
        cut += removed
        rounds += removed > 0
    finish(processes)
    assert rounds > 1
    assert cut + path.read_bytes().count(b"\n") == 100 + 4 * 2000
    assert [file.name for file in tmp_path.iterdir()] == ["calls.jsonl"]


def test_pruning_old_records_leaves_every_young_record_once(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(old_line(40, step) for step in range(100)))
    processes = start_writers(path, writers=4, each=500)
    assert llmlog.prune(path, timedelta(days=30)) == 100
    finish(processes)
    assert seen([path]) == expected(writers=4, each=500)


def test_pruning_cuts_up_to_the_first_record_that_is_young_enough(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    lines = [b"chatter\n", old_line(40, 0), b"torn {\n", old_line(31, 1)]
    kept = [b"more chatter\n", old_line(29, 2), old_line(40, 3), old_line(0, 4)]
    path.write_bytes(b"".join(lines + kept))
    path.chmod(0o640)
    assert llmlog.prune(path, timedelta(days=30)) == 4
    assert path.read_bytes() == b"".join(kept)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_pruning_a_file_of_young_records_leaves_it_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(old_line(1, 0) + b"no record\n")
    before = path.stat()
    assert llmlog.prune(path, timedelta(days=30)) == 0
    assert path.stat().st_ino == before.st_ino


def test_pruning_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        llmlog.prune(tmp_path / "calls.jsonl", timedelta(days=30))


def test_a_session_continues_in_the_new_file_after_its_own_was_pruned_or_moved(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(old_line(40, 0))
    session = llmlog.session(path)
    session.trace("run-1").record(event="embedding")
    llmlog.prune(path, timedelta(days=30))
    session.trace("run-2").record(event="embedding")
    assert [trace for trace, _ in seen([path])] == ["run-1", "run-2"]
    path.rename(tmp_path / "moved")
    session.trace("run-3").record(event="embedding")
    assert [trace for trace, _ in seen([path])] == ["run-3"]


def test_fsync_waits_for_the_disk_after_each_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    session = llmlog.session(tmp_path / "calls.jsonl", fsync=True)
    for _ in range(3):
        session.trace().record(event="embedding")
    assert len(synced) == 3


def test_every_record_of_a_killed_process_is_there(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    code = WRITER + "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(path), "writer-0", "1000", "0"]
    subprocess.run(command, env=env, check=False)
    assert seen([path]) == expected(writers=1, each=1000)


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
def test_a_path_that_could_not_be_reopened_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path)
    trace = session.trace("run-1")
    trace.record(event="embedding")
    path.unlink()
    path.mkdir()
    trace.record(event="embedding")
    assert session.faults == 1
    path.rmdir()
    trace.record(event="embedding")
    assert session.faults == 1
    assert seen([path]) == [("run-1", 2)]


@pytest.mark.filterwarnings("ignore::llmlog.CaptureWarning")
def test_a_writer_whose_folder_is_gone_holds_no_lock(tmp_path: Path) -> None:
    folder, moved = tmp_path / "logs", tmp_path / "moved"
    session = llmlog.session(folder / "calls.jsonl")
    session.trace().record(event="embedding")
    folder.rename(moved)
    folder.touch()
    session.trace().record(event="embedding")
    assert session.faults == 1
    with (moved / "calls.jsonl").open() as log:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
