"""Send alerts to a command or a webhook, from a separate thread."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

import orjson

from llmlog_tui.analysis.alerts.alert import Alert, as_object
from llmlog_tui.config.rules import OnAlert
from llmlog_tui.errors import reason

_MAX_WAITING: Final = 100
"""Maximum notices in the queue."""
_BAD_STATUS: Final = 300
"""Lowest HTTP status that counts as a failure."""
_MINUTE: Final = 60.0
_POLL_S: Final = 0.1
"""Seconds between two checks for stop()."""


class NoticeError(Exception):
    """A notice could not be delivered; the message is one line."""


class Notifier:
    """Sender of one notice per alert that fires while the log is followed.

    At most `per_minute` notices a minute, and one a minute per rule; the others are dropped and
    counted. A notice is alert.as_object() as JSON. It is sent by a thread, which calls `problem`
    with one line if that fails.
    """

    def __init__(
        self,
        on_alert: OnAlert,
        problem: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dropped = 0
        """Number of notices dropped by the limits."""
        self._on_alert = on_alert
        self._problem = problem
        self._clock = clock
        self._seen: set[tuple[str, str, int]] = set()
        self._sent: deque[float] = deque()
        self._sent_of_rule: dict[str, float] = {}
        self._waiting: Queue[bytes] = Queue(_MAX_WAITING)
        self._stopped = Event()
        if on_alert.command or on_alert.webhook:
            Thread(target=self._run, name="llmlog-notify", daemon=True).start()

    def offer(self, alerts: Iterable[Alert], live_from: int | None) -> list[Alert]:
        """Queue notices of new alerts; return all new ones, queued or dropped. Never blocks.

        `live_from` is the key of the first record that arrived while following, see Snapshot.
        """
        new = []
        for alert in alerts:
            name = alert.rule, alert.subject, alert.row
            if live_from is None or alert.fired_row < live_from or name in self._seen:
                continue
            self._seen.add(name)
            new.append(alert)
            if self._on_alert.command or self._on_alert.webhook:
                self._queue(alert)
        return new

    def mark_reported(self, alerts: Iterable[Alert]) -> None:
        """Report none of these alerts from now on."""
        self._seen.update((alert.rule, alert.subject, alert.row) for alert in alerts)

    def stop(self) -> None:
        """End the thread; queued notices are discarded."""
        self._stopped.set()

    def _queue(self, alert: Alert) -> None:
        now = self._clock()
        while self._sent and now - self._sent[0] >= _MINUTE:
            self._sent.popleft()
        last = self._sent_of_rule.get(alert.rule)
        is_soon = last is not None and now - last < _MINUTE
        if is_soon or len(self._sent) >= self._on_alert.per_minute:
            self.dropped += 1
            return
        try:
            self._waiting.put_nowait(orjson.dumps(as_object(alert)))
        except Full:
            self.dropped += 1
            return
        self._sent.append(now)
        self._sent_of_rule[alert.rule] = now

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(Empty):
                body = self._waiting.get(timeout=_POLL_S)
                try:
                    send(body, self._on_alert)
                except NoticeError as error:
                    self._problem(str(error))


def send(body: bytes, to: OnAlert) -> None:
    """Send one notice within `to.timeout_s` seconds in all. Raises NoticeError."""
    if to.command:
        _run_command(body, to)
    else:
        _post(body, to)


def _run_command(body: bytes, to: OnAlert) -> None:
    name, quiet = to.command[0], subprocess.DEVNULL
    try:
        # In its own process group, so that a timeout also kills the children of the command.
        running = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            to.command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
        )
    except OSError as error:
        raise NoticeError(f"on_alert: {name}: {reason(error)}") from error
    except ValueError as error:  # a NUL in a word
        raise NoticeError(f"on_alert: {name!r}: {error}") from error
    with running:
        try:
            running.communicate(body + b"\n", timeout=to.timeout_s)
        except subprocess.TimeoutExpired as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            raise NoticeError(f"on_alert: {name}: took over {to.timeout_s:g} s") from error
    if running.returncode:
        raise NoticeError(f"on_alert: {name}: exit code {running.returncode}")


def _post(body: bytes, to: OnAlert) -> None:
    url = urlsplit(to.webhook)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=to.timeout_s)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    answers: Queue[int | Exception] = Queue()

    def post() -> None:
        try:
            connection.request("POST", path, body, {"content-type": "application/json"})
            answers.put(connection.getresponse().status)
        except Exception as error:  # noqa: BLE001 - raised again in the other thread
            answers.put(error)
        finally:
            connection.close()

    # A timeout of the socket is per operation: a server that drips bytes, or a name server that
    # does not answer, would take any time.
    Thread(target=post, name="llmlog-webhook", daemon=True).start()
    try:
        answer = answers.get(timeout=to.timeout_s)
    except Empty:
        _shut_down(connection)
        raise NoticeError(f"on_alert: {url.hostname}: timed out after {to.timeout_s:g} s") from None
    if isinstance(answer, OSError | http.client.HTTPException):
        why = str(answer) or type(answer).__name__
        raise NoticeError(f"on_alert: {url.hostname}: {why}") from answer
    if isinstance(answer, Exception):
        raise answer
    if answer >= _BAD_STATUS:  # redirects, too: following one would send data to another host
        raise NoticeError(f"on_alert: {url.hostname}: HTTP status {answer}")


def _shut_down(connection: http.client.HTTPConnection) -> None:
    """End what another thread waits for."""
    with contextlib.suppress(OSError, AttributeError):  # not connected yet
        connection.sock.shutdown(socket.SHUT_RDWR)
