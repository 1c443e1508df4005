"""A ClickHouse server for tests: started, made to fail, stopped and started again."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import urlencode

from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.errors import ClickHouseError, QueryCancelledError
from llmlog_tui.clickhouse.url import TableUrl

SERVER = Path(__file__).with_name("server.py")


class ClickHouse:
    """The process of server.py; stop() and start() keep its data and its port."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self.folder = folder
        self.port = 0
        self._certificate = certificate
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        more = [str(self._certificate)] if self._certificate else []
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.folder), str(self.port), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def stop(self) -> None:
        """End the process at once, as a machine that loses its power does."""
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None

    def fail(self, **faults: bool | int) -> None:
        """Answer with these faults of server.py from now on; without any, answer well again."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(faults) + "\n")
        self._process.stdin.flush()
        assert self._line() == "ok"

    def query(self, sql: str, body: bytes = b"", **settings: str) -> str:
        """Return the answer to a query as its text, past all of llmlog's own code."""
        connection = self._connection()
        try:
            connection.request("POST", f"/?{urlencode({'query': sql, **settings})}", body)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, text
        return text.removesuffix("\n")

    def cpu_seconds(self) -> float:
        """Processor time of the server so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def running(self) -> int:
        """The number of queries that run."""
        connection = self._connection()
        try:
            connection.request("GET", "/running")
            return int(connection.getresponse().read())
        finally:
            connection.close()

    def url(self, name: str = "llm.calls", user: str = "default") -> TableUrl:
        scheme = "clickhouses" if self._certificate else "clickhouse"
        return TableUrl.of(f"{scheme}://{user}@127.0.0.1:{self.port}/{name}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port)
        context = ssl.create_default_context(cafile=self._certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context)

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
PATIENCE_SECONDS = 30.0


def cancel_endless_query(client: Client, server: ClickHouse) -> None:
    """Cancel a query that runs; it ends here and on the server."""
    failed: list[Exception] = []

    def ask() -> None:
        try:
            client.frame(ENDLESS)
        except ClickHouseError as error:
            failed.append(error)

    asking = Thread(target=ask)
    asking.start()
    _until(lambda: server.running() == 1, "the query runs")
    client.cancel()
    asking.join(PATIENCE_SECONDS)
    assert [type(error) for error in failed] == [QueryCancelledError]
    _until(lambda: server.running() == 0, "the query has ended")


def _until(condition: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, name
