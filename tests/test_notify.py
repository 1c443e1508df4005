"""Others are told of alerts: by a real command, by a real server, never in the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from llmlog_tui.analysis.alerts.alert import Alert, as_object
from llmlog_tui.config.rules import OnAlert
from llmlog_tui.notify import NoticeError, Notifier, send


def alert(row: int = 5, rule: str = "latency", fired_row: int = 9) -> Alert:
    ts = datetime(2026, 11, 23, 9, tzinfo=UTC)
    return Alert(
        rule, "m", ts, row, "usual 1 → 2 ms", "p < 0.001", 3, "ongoing", fired_row, None, 8
    )


BODY = b'{"rule": "latency"}'


@pytest.fixture
def server() -> Iterator[tuple[str, Queue[tuple[str, dict[str, Any]]]]]:
    """A server that answers by its path's number, or at once with 200; and what it was told."""
    told: Queue[tuple[str, dict[str, Any]]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.put((self.path, json.loads(body)))
            name = self.path.strip("/")
            self.send_response(int(name) if name.isdigit() else 200)
            self.send_header("location", "/moved")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}", told
        http.shutdown()


@contextmanager
def notifier(
    to: OnAlert, clock: list[float] | None = None
) -> Iterator[tuple[Notifier, Queue[str]]]:
    problems: Queue[str] = Queue()
    now = clock or [0.0]
    made = Notifier(to, problems.put, lambda: now[0])
    try:
        yield made, problems
    finally:
        made.stop()


def python(program: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program, *words)


def test_a_webhook_is_posted_json(server: tuple[str, Queue[tuple[str, dict[str, Any]]]]) -> None:
    url, told = server
    with notifier(OnAlert(webhook=f"{url}/hook?a=1")) as (made, _):
        assert made.offer([alert()], live_from=9) == [alert()]
        assert told.get(timeout=10) == ("/hook?a=1", as_object(alert()))


def test_a_command_gets_json_on_stdin_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = "import sys; open(sys.argv[1], 'w').write(sys.argv[2] + sys.stdin.read())"
    send(BODY, OnAlert(command=python(program, str(out), "$HOME ")))
    assert out.read_bytes() == b"$HOME " + BODY + b"\n"


@pytest.mark.parametrize(
    ("command", "timeout_s", "why"),
    [
        (("no-such-command-here",), 60, "No such file"),
        (python("raise SystemExit(3)"), 60, "exit code 3"),
        (python("import time; time.sleep(3600)"), 0.2, "took over 0.2 s"),
    ],
)
def test_a_command_that_fails_is_a_problem_of_one_line(
    command: tuple[str, ...], timeout_s: float, why: str
) -> None:
    with pytest.raises(NoticeError, match=why):
        send(b"{}", OnAlert(command=command, timeout_s=timeout_s))


def test_a_command_need_not_read_what_it_gets(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    send(b"x" * 2**20, OnAlert(command=python(f"open({str(ran)!r}, 'w').close()")))
    assert ran.exists()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_a_problem_and_no_redirect_is_followed(
    server: tuple[str, Queue[tuple[str, dict[str, Any]]]], status: int
) -> None:
    url, told = server
    with pytest.raises(NoticeError, match=f"HTTP status {status}"):
        send(b"{}", OnAlert(webhook=f"{url}/{status}"))
    assert told.qsize() == 1


def test_a_server_that_is_not_there_is_a_problem_and_the_next_notice_is_tried() -> None:
    to = OnAlert(webhook="http://127.0.0.1:9/")
    with notifier(to) as (made, problems):
        made.offer([alert(rule="a"), alert(rule="b")], live_from=0)
        for _ in range(2):
            assert problems.get(timeout=10).startswith("on_alert: 127.0.0.1: ")


def test_only_what_fired_while_following_is_news_and_only_once() -> None:
    with notifier(OnAlert()) as (made, _):
        assert made.offer([alert(fired_row=9)], live_from=None) == []
        assert made.offer([alert(fired_row=9)], live_from=10) == []
        assert made.offer([alert(fired_row=10)], live_from=10) == [alert(fired_row=10)]
        assert made.offer([alert(fired_row=10)], live_from=10) == []


def test_notices_are_limited_by_rule_and_in_all(
    server: tuple[str, Queue[tuple[str, dict[str, Any]]]],
) -> None:
    url, told = server
    now = [0.0]
    with notifier(OnAlert(webhook=url, per_minute=2), now) as (made, _):
        made.offer([alert(row, rule) for row, rule in enumerate("aabc")], live_from=0)
        assert made.dropped == 2  # the second of a, and c, the third in all
        now[0] = 60.0
        made.offer([alert(9, "a")], live_from=0)
        assert [told.get(timeout=10)[1]["rule"] for _ in range(3)] == ["a", "b", "a"]


@contextmanager
def hanging_server() -> Iterator[tuple[str, Event]]:
    """A server that does not answer until the block ends; and the event that it was asked."""
    asked, done = Event(), Event()

    class Hanging(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            done.wait(60)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hanging) as http:
        Thread(target=http.handle_request, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", asked
        finally:
            done.set()


def test_offering_never_waits_for_a_server_that_hangs() -> None:
    with (
        hanging_server() as (url, asked),
        notifier(OnAlert(webhook=url, timeout_s=60, per_minute=600)) as (made, _),
    ):
        made.offer([alert(rule="first")], live_from=0)
        assert asked.wait(10)
        made.offer([alert(row, f"rule {row}") for row in range(200)], live_from=0)
        assert made.dropped == 100, "100 wait in line, behind the one that hangs"


def test_a_server_that_hangs_is_a_problem() -> None:
    with (
        hanging_server() as (url, _),
        notifier(OnAlert(webhook=url, timeout_s=0.3)) as (made, problems),
    ):
        made.offer([alert()], live_from=0)
        assert "timed out" in problems.get(timeout=10)
