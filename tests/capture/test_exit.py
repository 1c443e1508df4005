"""A stream that is open when the process forks or exits is recorded exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests import forked

PRELUDE = """
import os, sys
sys.path.insert(0, {root!r})
import llmlog
from tests.capture.conftest import *
session = llmlog.session({path!r})
client = session.wrap(client_of(lambda _: streamed(chunk("a"), last_chunk())))
stream = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
next(stream)
"""


def run(path: Path, code: str, *, in_child: bool = False) -> list[Any]:
    prelude = PRELUDE.format(root=str(Path(__file__).parents[2]), path=str(path))
    if in_child:
        prelude = f"PRELUDE = {prelude!r}\n"
    program = prelude + textwrap.dedent(code)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # What the program imports of llmlog, it imports itself.
    done = forked.run_program(program, imported=("openai", "pytest"), env=env)
    assert done.returncode in {0, 3}, done.stderr
    done.check_returncode()
    return [json.loads(line).get("stream_end") for line in path.read_text().splitlines()]


def test_a_stream_open_at_exit_is_recorded_as_abandoned(tmp_path: Path) -> None:
    assert run(tmp_path / "calls.jsonl", "") == ["abandoned"]


def test_a_stream_open_when_the_program_fails_is_recorded(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(tmp_path / "calls.jsonl", "raise SystemExit(3)")
    assert (tmp_path / "calls.jsonl").read_text().count('"abandoned"') == 1


def test_a_stream_open_across_a_fork_is_recorded_by_the_parent_only(tmp_path: Path) -> None:
    code = """
    if os.fork() == 0:
        sys.exit(0)
    os.wait()
    list(stream)
    """
    assert run(tmp_path / "calls.jsonl", code) == ["complete"]


def test_calls_after_a_fork_are_recorded_by_parent_and_child(tmp_path: Path) -> None:
    code = """
    child = os.fork()
    for _ in range(100):
        client.chat.completions.create(model="m", messages=QUESTION, stream=True).close()
    if child:
        os.wait()
    stream.close()
    """
    assert run(tmp_path / "calls.jsonl", code) == ["closed"] * 201


def test_a_call_that_a_daemon_thread_waits_for_at_exit_is_recorded_as_failed(
    tmp_path: Path,
) -> None:
    code = """
    import threading
    asked = threading.Event()
    def never(_):
        asked.set()
        threading.Event().wait()
    waiting = session.wrap(client_of(never))
    call = lambda: waiting.chat.completions.create(model="m", messages=QUESTION)
    threading.Thread(target=call, daemon=True).start()
    asked.wait()
    stream.close()
    """
    log = tmp_path / "calls.jsonl"
    run(log, code)
    left = json.loads(log.read_text().splitlines()[1])
    assert (left["status"], left["error_type"]) == ("error", "Abandoned")


def test_steps_of_a_trace_do_not_repeat_in_the_processes_forked_from_it(tmp_path: Path) -> None:
    code = """
    def call():
        client.chat.completions.create(model="m", messages=QUESTION, stream=True).close()
    with session.trace("forked"):
        call()
        children = [os.fork() for _ in range(2)]  # the first child forks, too
        for _ in range(50):
            call()
        for child in children:
            if child:
                os.waitpid(child, 0)
    stream.close()
    """
    log = tmp_path / "calls.jsonl"
    run(log, code)
    steps = sorted(
        record["step"]
        for record in map(json.loads, log.read_text().splitlines())
        if record["trace_id"] == "forked"
    )
    assert steps == list(range(201))


def test_a_fork_leaves_an_application_that_closes_all_descriptors_its_own_files(
    tmp_path: Path,
) -> None:
    code = """
    import tempfile
    with session.trace("daemon"):
        if os.fork() == 0:
            os.closerange(3, 256)
            file = tempfile.TemporaryFile()
            own = file.fileno()
            others = [os.dup(own) for _ in range(50)]
            os.write(own, b"untouched")
            for _ in range(3):
                client.chat.completions.create(model="m", messages=QUESTION, stream=True).close()
            os._exit(0 if os.pread(own, 100, 0) == b"untouched" else 1)
        assert os.wait()[1] == 0
    stream.close()
    """
    log = tmp_path / "calls.jsonl"
    run(log, code)
    assert log.read_text().count('"daemon"') == 3


def test_a_stream_open_when_a_child_of_multiprocessing_ends_is_recorded(tmp_path: Path) -> None:
    code = """
    import multiprocessing
    def leave_open():
        global other
        other = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
    child = multiprocessing.get_context("fork").Process(target=leave_open)
    child.start()
    child.join()
    stream.close()
    """
    assert run(tmp_path / "calls.jsonl", code) == ["abandoned", "closed"]


def test_a_stream_open_when_a_child_that_imports_llmlog_ends_is_recorded(tmp_path: Path) -> None:
    code = """
    import multiprocessing, sys
    def leave_open():
        exec(PRELUDE, globals())
    child = multiprocessing.get_context("fork").Process(target=leave_open)
    child.start()
    child.join()
    assert "llmlog" not in sys.modules
    """
    assert run(tmp_path / "calls.jsonl", code, in_child=True) == ["abandoned"]
