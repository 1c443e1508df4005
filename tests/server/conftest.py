"""Servers to poll: a real exporter in a process of its own, and sockets that answer anything."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest

EXPORTER = Path(__file__).with_name("exporter.py")
PATIENCE_SECONDS = 30.0


class Exporter:
    """The process of exporter.py; calling it sets what it exports."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(EXPORTER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{self._answer()}/metrics"

    def __call__(self, **values: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(values) + "\n")
        self._process.stdin.flush()
        assert self._answer() == "ok"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        with self._process:
            self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as running:
        yield running


class AnyServer:
    """A server that sends these pieces to whoever connects, and closes, or holds on to it.

    With `drip` it sends that for ever after, 50 times a second.
    """

    def __init__(self, pieces: tuple[bytes, ...], *, hold: bool, drip: bytes) -> None:
        self._pieces, self._hold, self._drip = pieces, hold, drip
        self._stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/metrics"

    def _answer(self) -> None:
        with suppress(OSError):  # shut down
            while True:
                connection, _ = self._listening.accept()
                self._held.append(connection)
                with connection, suppress(OSError):
                    self._send(connection)

    def _send(self, connection: socket.socket) -> None:
        connection.recv(65_536)
        for piece in self._pieces:
            connection.sendall(piece)
        while self._drip and not self._stopped.wait(0.02):
            connection.sendall(self._drip)
        while self._hold and connection.recv(1):
            pass

    def stop(self) -> None:
        self._stopped.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        for connection in self._held:
            with suppress(OSError):  # it was closed
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_SECONDS)
        self._listening.close()


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(bytes, …, hold=False, drip=b"")`: the URL of an AnyServer."""
    with ExitStack() as resources:

        def start(*pieces: bytes, hold: bool = False, drip: bytes = b"") -> str:
            server = AnyServer(pieces, hold=hold, drip=drip)
            resources.callback(server.stop)
            return server.url

        yield start


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def wait_until(condition: Callable[[], Any], name: str) -> None:
    """Wait for a condition that another thread makes true, or fail with its name."""
    deadline, changed = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {name}"
        changed.wait(0.005)
