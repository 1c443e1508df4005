"""`llmlog tail`: the last records, and those that come."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import pytest
from tests.commands.conftest import Run, command, is_refused

from llmlog_tui.log.compressed import CompressedFollower
from llmlog_tui.log.follow import Follower

Tail: TypeAlias = Callable[..., "subprocess.Popen[bytes]"]


def line(step: int) -> bytes:
    return b'{"odd": "\xc3\xa9",  "event":"span", "trace_id":"t", "step": %d}\n' % step


def append(path: Path, data: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(data)


def take(stream: IO[bytes] | None) -> bytes:
    """The next line; the test's own time limit is pytest's, none comes only if tail is broken."""
    assert stream is not None
    return stream.readline()


@pytest.fixture
def tail() -> Iterator[Tail]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - Popen's
        process = subprocess.Popen(
            command("headless", "tail", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def test_the_last_lines_stand_as_they_are(llmlog: Run, log: Path) -> None:
    log.write_bytes(line(1) + b"bad\n" + line(2) + b"\n" + line(3) + b"[]\n")
    done = llmlog("tail", log, "--json", "--lines", "2", "--no-follow")
    assert done == (0, (line(2) + line(3)).decode(), "")


def test_lines_that_stand_together_are_unpacked_together(
    llmlog: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Counted(CompressedFollower):
        def reread(self, *at: int) -> bytes | None:
            opened.append(at)
            return super().reread(*at)

    monkeypatch.setattr("llmlog_tui.log.open_sources.CompressedFollower", Counted)
    lines = b"".join(map(line, range(100)))
    packed = log.with_name("calls.jsonl.1.gz")
    packed.write_bytes(gzip.compress(lines))
    done = llmlog("tail", packed, "--json", "--lines", "100", "--no-follow")
    assert (done.out.encode(), len(opened)) == (lines, 1)


def test_ten_lines_without_asking(llmlog: Run, log: Path) -> None:
    log.write_bytes(b"".join(map(line, range(20))))
    done = llmlog("tail", log, "--json", "--no-follow")
    assert [json.loads(each)["step"] for each in done.out.splitlines()] == list(range(10, 20))


def test_no_lines_to_begin_with(llmlog: Run, log: Path) -> None:
    log.write_bytes(line(1))
    assert llmlog("tail", log, "--json", "--no-follow", "--lines", "0").out == ""


def test_what_stands_behind_the_last_newline_is_a_line_too(llmlog: Run, log: Path) -> None:
    log.write_bytes(b"\xef\xbb\xbf" + line(1) + line(2).rstrip())
    done = llmlog("tail", log, "--json", "--no-follow")
    assert done.out.encode() == line(1) + line(2)


def test_people_read_one_line_a_record(llmlog: Run, log: Path) -> None:
    log.write_text('{"ts": 1795424400, "trace_id": "t-123456789", "tool_name": "\\u001b[2J"}\n')
    titles, record = llmlog("tail", log, "--no-follow").out.splitlines()
    assert titles.split()[:4] == ["time", "trace", "step", "what"]
    assert record.split()[1:5] == ["09:00:00.000", "t-123456", "–", "␛[2J"]


def test_a_missing_file_is_refused_where_nobody_waits_for_it(llmlog: Run, log: Path) -> None:
    assert is_refused(llmlog("tail", log, "--no-follow"), "no such file")


def test_a_file_that_is_not_there_yet_is_waited_for(tail: Tail, log: Path) -> None:
    process = tail(log, "--json")
    assert take(process.stderr) == f"llmlog: {log}: does not exist yet, waiting for it\n".encode()
    append(log, line(1) + b"bad\n" + line(2)[:10])
    assert take(process.stdout) == line(1)
    append(log, line(2)[10:])
    assert take(process.stdout) == line(2)


def test_a_rotated_file_is_followed(tail: Tail, log: Path) -> None:
    append(log, line(1) + line(2))
    process = tail(log, "--json", "--lines", "1")
    assert take(process.stdout) == line(2)
    log.rename(log.with_name("calls.jsonl.1"))
    append(log.with_name("calls.jsonl.1"), line(3))
    assert take(process.stdout) == line(3)
    append(log, line(4))
    assert take(process.stdout) == line(4)


def test_a_file_that_is_gone_is_waited_for(tail: Tail, log: Path) -> None:
    append(log, line(1))
    process = tail(log, "--json")
    assert take(process.stdout) == line(1)
    log.unlink()
    assert take(process.stderr) == f"llmlog: {log}: was deleted, waiting for a new file\n".encode()
    append(log, line(2))
    assert take(process.stdout) == line(2)


def test_many_records_come_whole_and_in_order(tail: Tail, log: Path) -> None:
    append(log, line(0))
    process = tail(log, "--json", "--lines", "1")
    assert take(process.stdout) == line(0)
    append(log, b"".join(map(line, range(1, 5_001))))
    assert [take(process.stdout) for _ in range(5_000)] == [line(n) for n in range(1, 5_001)]


def test_records_whose_lines_are_gone_are_printed_with_their_fields(
    llmlog: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, line(1))
    monkeypatch.setattr(Follower, "reread", lambda *_: None)
    done = llmlog("tail", log, "--json", "--no-follow").out
    assert {"event": "span", "trace_id": "t", "step": 1}.items() <= json.loads(done).items()


def test_ctrl_c_ends_it_quietly(tail: Tail, log: Path) -> None:
    append(log, line(1))
    process = tail(log, "--json")
    take(process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (b"", b"\n")  # the prompt gets a line of its own
    assert process.returncode == 130


def test_a_closed_pipe_ends_it_quietly(tail: Tail, log: Path) -> None:
    append(log, line(1))
    process = tail(log, "--json")
    take(process.stdout)
    assert process.stdout is not None
    process.stdout.close()
    append(log, line(2))
    assert process.wait(timeout=60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_a_pipe_is_read_to_its_end(tail: Tail) -> None:
    read, write = os.pipe()
    process = tail("-", "--json", stdin=read)
    os.write(write, line(1))
    assert take(process.stdout) == line(1)
    os.write(write, line(2).rstrip())
    os.close(write)
    os.close(read)
    assert process.communicate(timeout=60) == (line(2), b"")
    assert process.returncode == 0
