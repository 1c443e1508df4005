"""Numbers, texts and files without a limit meet one: a line of text, and no crash."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from llmlog_tui.analysis.query.predicate import predicate_problem
from llmlog_tui.config.rules import OnAlert, RulesError, read_rules
from llmlog_tui.config.settings import SettingsError
from llmlog_tui.config.settings_file import read_settings
from llmlog_tui.notify import NoticeError, send
from llmlog_tui.tui.workers.export import write_file

NESTED = ["x = " + "[" * 5_000 + "]" * 5_000, "x = " + "{a=" * 5_000 + "1" + "}" * 5_000]


@pytest.mark.parametrize("text", NESTED, ids=["lists", "tables"])
def test_toml_nested_five_thousand_deep_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text)
    with pytest.raises(RulesError, match="nested too deep"):
        read_rules(path)
    with pytest.raises(SettingsError, match="nested too deep"):
        read_settings(path, (), predicate_problem)


def test_a_predicate_that_would_overflow_the_stack_is_an_error() -> None:
    assert "operators" in predicate_problem(" and ".join(["step > 1"] * 20_000))
    assert predicate_problem(" or ".join(["step > 1"] * 400)) == ""
    ids = ", ".join(f"'{n}'" for n in range(20_000))
    assert predicate_problem(f"trace_id in ({ids})") == ""


def test_half_a_surrogate_pair_in_a_predicate_is_an_error() -> None:
    assert "surrogate" in predicate_problem("model = '\ud800'")


@pytest.mark.parametrize("path", ["a\0b.md", "\ud800.md", "~nobody-of-that-name/x.md"])
def test_a_name_that_no_file_can_have_is_an_error(path: str) -> None:
    assert write_file(path, {".md": lambda file: file.write(b"")}, (), replace=False).why


def test_a_command_with_a_nul_is_an_error() -> None:
    for command in (("a\0b",), ("true", "a\0b")):
        with pytest.raises(NoticeError, match="on_alert: "):
            send(b"{}", OnAlert(command=command))


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends a byte of a header now and then, and never all of it."""
    stopped, served = Event(), socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = served.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not stopped.wait(0.02):
                    connection.sendall(b"x")
            except OSError:
                return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.getsockname()[1]}/"
    stopped.set()
    thread.join(60)
    served.close()


def test_a_webhook_that_drips_ends_at_its_timeout(dripping: str) -> None:
    with pytest.raises(NoticeError, match="timed out"):
        send(b"{}", OnAlert(webhook=dripping, timeout_s=0.3))


TAIL = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"


def test_any_number_of_lines_may_be_asked_for(sample: Path) -> None:
    arguments = ["tail", str(sample), "--json", "--no-follow", "--lines", str(10**30)]
    done = subprocess.run([sys.executable, "-c", TAIL, *arguments], capture_output=True, check=True)
    assert done.stdout == sample.read_bytes()


def test_tail_ends_when_its_reader_does_though_the_log_is_quiet(sample: Path) -> None:
    command = [sys.executable, "-c", TAIL, "tail", str(sample), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.stdout.close()
        assert tail.wait(timeout=60) == 141
        assert tail.stderr.read() == b""


def test_tail_of_a_quiet_pipe_ends_when_its_reader_does() -> None:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-c", TAIL, "tail", "-"]
    with subprocess.Popen(
        command, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as tail:
        os.close(read_end)
        assert tail.stdout is not None
        tail.stdout.close()
        assert tail.wait(timeout=60) in (0, 141)
    os.close(write_end)
