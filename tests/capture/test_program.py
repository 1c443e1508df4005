"""`python -m llmlog` and `logged_chat`: one record per prompt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests import forked
from tests.capture.conftest import QUESTION, Llmock, free_port

import llmlog
from llmlog.logged_chat import _client


def run(*args: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    return run_into(None, *args, **environment)


def run_into(
    stdout: int | None, *args: str, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m llmlog`, forked from a process that has imported openai."""
    env = {k: v for k, v in {**os.environ, **environment}.items() if v is not None}
    program = 'import runpy; runpy.run_module("llmlog", run_name="__main__", alter_sys=True)'
    return forked.run_program(program, *args, imported=("openai",), stdout=stdout, env=env)


def against(llmock: Llmock) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "sk-test-0123456789",
        "OPENAI_BASE_URL": llmock.base_url,
        "LLMLOG_MODEL": "gpt-4o",
    }


def test_the_record_goes_to_stdout_and_the_answer_to_stderr(llmock: Llmock) -> None:
    llmock.script({"type": "reply", "text": "Hello!"})
    words = ["--session", "s-1", "--trace", "t-1", "--step", "3", "Hi?"]
    done = subprocess.run(
        [sys.executable, "-m", "llmlog", *words],
        env={**os.environ, **against(llmock)},
        capture_output=True,
        text=True,
        check=False,
    )
    record = json.loads(done.stdout)
    assert (record["session_id"], record["trace_id"], record["step"]) == ("s-1", "t-1", 3)
    assert done.stderr.strip() == "Hello!"
    assert done.returncode == 0


def test_each_prompt_is_a_step_of_one_trace(llmock: Llmock) -> None:
    done = run("One?", "Two?", **against(llmock))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["step"] for record in records] == [0, 1]
    assert len({record["trace_id"] for record in records}) == 1


@pytest.mark.parametrize("missing", ["OPENAI_API_KEY", "LLMLOG_MODEL"])
def test_a_missing_variable_is_named_in_one_line(llmock: Llmock, missing: str) -> None:
    done = run("Hi?", **{**against(llmock), missing: None})
    assert done.stderr == f"llmlog: set {missing} in the environment\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_without_the_openai_package_the_extra_is_named(llmock: Llmock) -> None:
    code = "import sys; sys.modules['openai'] = None; from llmlog.__main__ import main; "
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(main(['Hi?']))"],
        env={**os.environ, **against(llmock)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == 'llmlog: the openai package is missing: pip install "llmlog[openai]"\n'
    assert done.returncode == 2


def test_an_api_error_is_one_line_and_still_recorded(llmock: Llmock) -> None:
    llmock.script({"type": "fail", "status": 401})
    done = run("Hi?", **against(llmock))
    assert json.loads(done.stdout)["error_status"] == 401
    assert done.stderr.startswith("llmlog: AuthenticationError: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1


def test_an_unreachable_server_is_one_line(llmock: Llmock) -> None:
    nowhere = {**against(llmock), "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}
    done = run("Hi?", **nowhere)
    assert json.loads(done.stdout)["error_type"] == "APIConnectionError"
    assert done.stderr == "llmlog: APIConnectionError: Connection error.\n"


def test_a_reader_that_goes_away_ends_it_quietly(llmock: Llmock) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        errors = run_into(write, "One?", "Two?", **against(llmock)).stderr
    finally:
        os.close(write)
    assert "Traceback" not in errors
    assert "Exception" not in errors


def test_a_record_that_cannot_be_written_is_an_error(llmock: Llmock) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        process = run_into(full.fileno(), "One?", **against(llmock))
    assert process.stderr.endswith("llmlog: cannot write the record: No space left on device\n")
    assert process.returncode == 1


@pytest.mark.parametrize("argument", ["--step=-1", "--session=", "--trace="])
def test_ids_that_are_none_are_refused(llmock: Llmock, argument: str) -> None:
    done = run(argument, "One?", **against(llmock))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_an_interrupt_ends_it_quietly(llmock: Llmock) -> None:
    llmock.script({"type": "delay", "seconds": 30})
    command = [sys.executable, "-m", "llmlog", "One?"]
    env = {**os.environ, **against(llmock)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while llmock.waiting():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    record, errors = process.communicate()
    assert (json.loads(record)["error_type"], errors) == ("KeyboardInterrupt", b"")
    assert process.returncode == 130


def test_logged_chat_returns_the_completion_and_prints_its_record(
    llmock: Llmock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in against(llmock).items():
        monkeypatch.setenv(name, value)
    _client.cache_clear()
    answers: list[Any] = [
        llmlog.logged_chat("9f3a2b1c", "7c1d4e8a", step, model="gpt-4o", messages=QUESTION)
        for step in (0, 1)
    ]
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["step"] for record in records] == [0, 1]
    assert {record["session_id"] for record in records} == {"9f3a2b1c"}
    assert {record["trace_id"] for record in records} == {"7c1d4e8a"}
    assert [record["id"] for record in records] == [answer.id for answer in answers]
    _client.cache_clear()
