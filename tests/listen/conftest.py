"""A receiver within the test's own process, and what an exporter sends to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
from tests.commands.conftest import llmlog

from llmlog_tui.listen.receiver import Receiver

__all__ = ["llmlog"]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Sends one request at a time to a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def send(
        self, body: object, path: str = "/v1/traces", method: str = "POST", **headers: str
    ) -> Answer:
        """Send a body: JSON, or bytes as they are; `Content_Type` means `Content-Type`."""
        named = {"Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.receiver.host, self.receiver.port)
        try:
            connection.request(method, path, sent, named)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def records(out: Path) -> list[dict[str, Any]]:
    """The records of a log."""
    return [json.loads(line) for line in out.read_bytes().splitlines()]


Open: TypeAlias = Callable[..., Client]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def listening(out: Path) -> Iterator[Open]:
    """Opens receivers with these options; all of them end with the test."""
    opened: list[Receiver] = []

    def open_(**options: Any) -> Client:  # noqa: ANN401 - Receiver's own
        receiver = Receiver(out, port=0, **options)
        opened.append(receiver)
        receiver.start()
        return Client(receiver)

    yield open_
    for receiver in opened:
        receiver.stop()


@pytest.fixture
def client(listening: Open) -> Client:
    return listening()
