"""`llmlog demo`: a log to look at, at once or live."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.commands.conftest import Run, command, is_refused


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "new" / "calls.jsonl"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Processes started here take SIGINT, even if this one was told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until(condition: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    """Wait for a condition; fails if the process ends before it holds, or after half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"ended with {running.wait(0.02)}")


def test_stats_count_exactly_the_lines_of_twenty_runs(llmlog: Run, out: Path) -> None:
    assert llmlog("demo", "--out", out, "--runs", 20).code == 0
    found = json.loads(llmlog("stats", out, "--json").out)
    assert found["records"] == lines(out) >= 20 * 3
    assert (found["blanks"], found["skipped"], found["nulled"]) == (0, {}, {})
    assert found["traces"] == 20


def test_what_was_done_is_chatter_and_no_data(llmlog: Run, out: Path) -> None:
    done = llmlog("demo", "--out", out, "--runs", 1)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{out}: 1 run written; llmlog-tui {out} shows them\n"


def test_the_same_seed_writes_the_same_bytes_in_every_process(
    llmlog: Run, process: Run, tmp_path: Path
) -> None:
    here, there, other = (tmp_path / name for name in ("here", "there", "other"))
    assert llmlog("demo", "--out", here, "--runs", 4, "--seed", 5).code == 0
    hashes = {**os.environ, "PYTHONHASHSEED": "5"}  # of sets and dicts: other than here
    ended = process("demo", "--out", there, "--runs", "4", "--seed", "5", env=hashes)
    assert ended.code == 0
    assert llmlog("demo", "--out", other, "--runs", 4, "--seed", 6).code == 0
    assert here.read_bytes() == there.read_bytes() != other.read_bytes()


def test_runs_are_appended(llmlog: Run, out: Path) -> None:
    assert llmlog("demo", "--out", out, "--runs", 1).code == 0
    first = out.read_bytes()
    assert llmlog("demo", "--out", out, "--runs", 1).code == 0
    assert out.read_bytes() == first * 2


@pytest.mark.parametrize("line", ['{"event": "chat_completion", "extra": {}}', "[1]", "no JSON"])
def test_a_log_of_an_application_is_refused_and_left_as_it_is(
    llmlog: Run, out: Path, line: str
) -> None:
    out.parent.mkdir()
    out.write_text(line + "\n")
    for options in ([], ["--rate", "5"]):
        done = llmlog("demo", "--out", out, "--runs", 1, *options)
        assert is_refused(done, "has records that are not the demo's: give another file with --out")
    assert out.read_text() == line + "\n"


def test_a_demo_is_written_even_where_recording_is_switched_off(
    llmlog: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLOG_DISABLED", "1")
    assert llmlog("demo", "--out", out, "--runs", 1).code == 0
    assert lines(out) > 0


def test_a_folder_is_no_log_to_write_to(llmlog: Run, tmp_path: Path) -> None:
    assert is_refused(llmlog("demo", "--out", tmp_path), str(tmp_path), "directory")


def test_a_place_that_cannot_be_written_is_one_line(llmlog: Run, sample: Path) -> None:
    assert is_refused(llmlog("demo", "--out", sample / "x.jsonl"), "x.jsonl: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
@pytest.mark.parametrize("options", [[], ["--rate", "20", "--seed", "4"]])  # a quick first call
def test_a_full_disk_is_said_and_ends_the_demo(process: Run, options: list[str]) -> None:
    done = process("demo", "--out", "/dev/full", "--runs", "1", *options)
    assert done.code == 2
    assert done.err.splitlines()[-1] == "llmlog: /dev/full: a record could not be written"
    assert len(done.err.splitlines()) == 1 + bool(options)


def test_live_traffic_ends_after_the_runs_asked_for(process: Run, out: Path) -> None:
    quick = ("--rate", "20", "--seed", "6")  # of eight records within a second
    done = process("demo", "--out", out, "--runs", "1", *quick)
    assert done.code == 0
    assert len({json.loads(line)["trace_id"] for line in out.read_bytes().splitlines()}) == 1


@pytest.mark.usefixtures("ctrl_c")
def test_live_traffic_is_in_real_time_until_ctrl_c_which_ends_it_quietly(out: Path) -> None:
    begin = datetime.now(UTC)
    demo = command("headless", "demo", "--out", out, "--rate", "20")
    with subprocess.Popen(demo, text=True, stdout=-1, stderr=-1) as running:
        try:
            until(lambda: lines(out) >= 5, running)
            seen = lines(out)
            until(lambda: lines(out) > seen, running)
            running.send_signal(signal.SIGINT)
            said = running.communicate(timeout=10)
        finally:
            running.kill()
    assert said[0] == ""
    # click ends the line on which a terminal shows ^C
    assert said[1].rstrip("\n") == f"{out}: about 20 records a second; Ctrl-C ends it"
    assert running.returncode == 130
    records = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert all(
        begin <= datetime.fromisoformat(record["ts"]) <= datetime.now(UTC) for record in records
    )
