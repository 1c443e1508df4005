"""What standard input is for: the log where that is `-`, else the dashboard's keys."""

from __future__ import annotations

import pty
import subprocess
from os import close

import pytest
from tests.commands.conftest import Done, command, is_refused


def _ended(script: str, words: list[str | bytes], stdin: int | None = None) -> Done:
    """How a command ended that has no terminal but the one on stdin."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *words],
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("entry", "words"), [("headless", ["stats"]), ("dashboard", [])])
def test_a_log_on_a_stdin_that_is_closed_is_one_line(entry: str, words: list[str]) -> None:
    done = _ended('exec "$@" <&-', command(entry, *words, "-"))
    assert is_refused(done, "-: standard input is closed")


def test_a_log_on_a_stdin_that_cannot_be_read_is_one_line() -> None:
    done = _ended('exec "$@" 0>/dev/null', command("headless", "stats", "-"))
    assert is_refused(done, "-: Bad file descriptor")


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
def test_a_dashboard_without_any_terminal_to_take_keys_from_is_one_line(stdin: str) -> None:
    done = _ended(f'exec "$@" {stdin}', command("dashboard", "calls.jsonl"))
    assert is_refused(done, "no terminal to take keys from")


def test_a_dashboard_with_stderr_closed_ends_with_2_all_the_same() -> None:
    done = _ended('exec "$@" 2>&-', command("dashboard", "--slow-ms", "soon"))
    assert (done.code, done.out) == (2, "")


def test_a_dashboard_does_not_take_the_keys_for_a_log() -> None:
    ours, theirs = pty.openpty()
    done = _ended('exec "$@"', command("dashboard", "-"), stdin=theirs)
    close(ours)
    close(theirs)
    assert is_refused(done, "-: standard input is the terminal")
