"""One record, one line, one write."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import llmlog
from llmlog import testing
from llmlog._writer import open_writer

if TYPE_CHECKING:
    from pathlib import Path


def record(session: llmlog.Session) -> None:
    session.trace().record(event="embedding")


def test_a_file_is_created_with_its_folder_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "calls.jsonl"
    record(llmlog.session(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().count(b"\n") == 1


def test_a_record_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = os.write

    def counting(fd: int, data: memoryview) -> int:
        sizes.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", counting)
    path = tmp_path / "calls.jsonl"
    record(llmlog.session(path))
    assert sizes == [path.stat().st_size]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:100]))
    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path)
    record(session)
    assert path.read_bytes().endswith(b"}\n")
    assert session.faults == 0


def test_a_full_disk_is_counted_and_the_next_record_starts_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    room = [100]

    def full(fd: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(fd, data[: room[0]])
        room[0] -= written
        return written

    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path)
    monkeypatch.setattr(os, "write", full)
    with pytest.warns(llmlog.CaptureWarning):
        record(session)
    record(session)
    monkeypatch.setattr(os, "write", write)
    record(session)
    torn, whole = path.read_bytes().splitlines()
    assert len(torn) == 100
    assert whole.startswith(b"{")
    assert whole.endswith(b"}")
    assert session.faults == 2


def test_a_line_cut_off_by_a_crash_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"v": 1, "ts": "20')
    record(llmlog.session(path))
    assert path.read_bytes().splitlines()[1].startswith(b'{"v": 1')


def test_sessions_on_one_path_share_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_writer("calls.jsonl") is open_writer(tmp_path / "calls.jsonl")


def test_records_go_to_text_files_binary_files_and_functions() -> None:
    text, binary = io.StringIO(), io.BytesIO()
    wrapped = io.TextIOWrapper(io.BytesIO())
    lines: list[bytes] = []
    for target in (text, binary, wrapped, lines.append):
        record(llmlog.session(target))
    assert text.getvalue().endswith("}\n")
    assert binary.getvalue().endswith(b"}\n")
    assert isinstance(wrapped.buffer, io.BytesIO)
    assert wrapped.buffer.getvalue().endswith(b"}\n")
    assert lines[0].endswith(b"}\n")


def test_records_on_stdout_come_after_text_printed_before(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    session = llmlog.session(sys.stdout)
    sys.stdout.write("before ")
    record(session)
    assert capfdbinary.readouterr().out.startswith(b'before {"v": 1')


def test_anything_else_is_no_target() -> None:
    with pytest.raises(TypeError, match="a path, a file or a function, not int"):
        llmlog.session(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_record_written_while_another_is_being_written_comes_after_it() -> None:
    lines: list[bytes] = []

    def take(line: bytes) -> None:
        if not lines:
            writer.write(b"second\n")
        lines.append(line)

    writer = open_writer(take)
    writer.write(b"first\n")
    assert lines == [b"first\n", b"second\n"]


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    session = llmlog.session(path)

    def write_some() -> None:
        for _ in range(50):
            record(session)

    threads = [threading.Thread(target=write_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 400
    assert all(line.startswith(b'{"v": 1') and line.endswith(b"}") for line in lines)


def test_a_compressed_file_takes_lines(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    target: Any
    with gzip.open(path, "wb") as target:
        record(testing.session(target))
    assert gzip.decompress(path.read_bytes()).startswith(b'{"v": 1')
