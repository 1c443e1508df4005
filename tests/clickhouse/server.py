"""ClickHouse behind its HTTP interface: chdb's engine, in a process of its own.

    server.py FOLDER PORT [CERTIFICATE]

Only HTTP and users are imitated: SQL, formats, settings, limits and errors are ClickHouse's own.
It prints its port once it listens; port 0 is any. FOLDER keeps the data of a server that is started
again. With a CERTIFICATE, a PEM file with its key, it speaks TLS. It ends with its stdin. A line on
stdin changes how it answers, as JSON, and is answered by `ok`:

    cut         bytes of an answer after which its connection breaks
    cut_insert  bytes of a request after which its connection breaks, and nothing is done
    lose        break the connection of an insert that is done, in place of its answer
    status      answer with this HTTP status, by no ClickHouse

Users (name: password) are `default`: ``, `writer`: `secret` and `reader`: `secret`, whose profile
is read-only. `GET /running` answers with the number of queries that run.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import itertools
import json
import re
import select
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import chdb

USERS = {"default": "", "writer": "secret", "reader": "secret"}
READ_ONLY = {"reader"}
NO_SETTINGS = {
    *("query", "database", "user", "password", "session_id", "query_id", "default_format"),
    *("wait_end_of_query", "compress", "decompress", "client_protocol_version", "role"),
}
STATUS = {"60": 404, "81": 404, "47": 404, "62": 400, "159": 408, "516": 403}
FORMAT = re.compile(r"\s+format\s+(\w+)\s*$", re.IGNORECASE)
INSERT = re.compile(
    rb"\s*(insert\s+into\s(?:(?!select\b)[^\n])*?)\s+format\s+(\w+)[ \t]*(?:\n|$)(.*)",
    re.IGNORECASE | re.DOTALL,
)
CANCEL = "cancel_http_readonly_queries_on_client_close"
RUNNING = "SELECT count() FROM system.processes WHERE Settings['log_comment'] != ''"


class Result(Protocol):
    """An answer of chdb's."""

    def bytes(self) -> bytes: ...


class Connection(Protocol):
    """A connection of chdb's: settings and the current database are its own."""

    def query(self, sql: str, kind: str = ..., /, *, params: object = ...) -> Result: ...
    def close(self) -> None: ...


Work = Callable[[Connection], bytes]
"""Function that runs a query."""


@dataclass
class Faults:
    """How answers differ from those of a healthy server."""

    cut: int | None = None
    cut_insert: int | None = None
    lose: bool = False
    status: int | None = None


class Engine:
    """The data of one server, and its running queries."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._numbers = itertools.count()
        self._keep: Connection = chdb.connect(
            folder
        )  # else the engine ends with the last connection
        self._lock = threading.Lock()

    def run(
        self,
        work: Work,
        user: str,
        database: str,
        settings: dict[str, str],
        is_gone: Callable[[], bool],
    ) -> bytes:
        """Return what `work` does with a connection; end it if the client is gone.

        Raises as ClickHouse.
        """
        # Not a comment in the query: one with parameters is kept without it.
        name = f"request {next(self._numbers)}"
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._run, work, name, user, database, settings)
            while True:
                try:
                    return running.result(timeout=0.02)
                except TimeoutError:
                    if running.done():
                        raise
                    if is_gone() and settings.get(CANCEL) == "1":
                        self.query(f"KILL QUERY WHERE Settings['log_comment'] = '{name}'")

    def running(self) -> int:
        """Return the number of requests whose query runs."""
        return int(self.query(RUNNING))

    def query(self, sql: str) -> bytes:
        with self._lock:
            return self._keep.query(sql, "TSV").bytes()

    def _run(
        self,
        work: Work,
        name: str,
        user: str,
        database: str,
        settings: dict[str, str],
    ) -> bytes:
        connection: Connection = chdb.connect(self.folder)
        try:
            connection.query(f"SET log_comment = '{name}'")
            connection.query(f"USE `{database}`")
            if user in READ_ONLY:
                connection.query("SET readonly = 1")
            if settings:
                # In one statement, as a server applies those of a URL: readonly comes into force
                # with the others, not before them.
                pairs = ", ".join(f"{name} = {_literal(text)}" for name, text in settings.items())
                connection.query(f"SET {pairs}")
            return work(connection)
        finally:
            connection.close()


def _literal(text: str) -> str:
    return text if re.fullmatch(r"-?\d+", text) else "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = Engine(folder)
        self.faults = Faults()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 2**16
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._answer(200, b"Ok.\n")
        elif self.path == "/running":
            self._answer(200, str(self.server.engine.running()).encode())
        else:
            self._query(b"")

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        limit = self.server.faults.cut_insert
        if limit is not None and limit < length:
            self.rfile.read(limit)
            self._break()
            return
        body = self.rfile.read(length)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self._query(body)

    def _query(self, body: bytes) -> None:
        faults = self.server.faults
        if faults.status:
            self._answer(faults.status, b"<html>no ClickHouse\n")
            return
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        user = self._user(asked)
        if user is None:
            message = b"Code: 516. DB::Exception: x: Authentication failed. (AUTHENTICATION_FAILED)"
            self._answer(403, message, "516")
            return
        sql = f"{asked.get('query', '')}\n".encode() + body
        is_insert = INSERT.match(sql)
        work = _insert(is_insert) if is_insert else self._select(sql.decode(), asked)
        settings = {
            name: text
            for name, text in asked.items()
            if name not in NO_SETTINGS and not name.startswith("param_")
        }
        database = asked.get("database", "default")
        try:
            found = self.server.engine.run(work, user, database, settings, self._is_gone)
        except Exception as error:  # noqa: BLE001 - whatever ClickHouse raises is its answer
            code = said[1] if (said := re.search(r"Code: (\d+)", str(error))) else "1002"
            self._answer(STATUS.get(code, 500), str(error).encode(), code)
            return
        if is_insert and faults.lose:
            self._break()
        else:
            self._answer(200, found)

    def _select(self, sql: str, asked: dict[str, str]) -> Work:
        sql = sql.strip().rstrip(";")
        kind = asked.get("default_format", "TabSeparated")
        if found := FORMAT.search(sql):
            kind, sql = found[1], sql[: found.start()]
        values = {name[6:]: text for name, text in asked.items() if name.startswith("param_")}

        def work(connection: Connection) -> bytes:
            return connection.query(sql, kind, params=values or None).bytes()

        return work

    def _user(self, asked: dict[str, str]) -> str | None:
        """Return the user that a request logs in; None if it does not."""
        user = self.headers.get("X-ClickHouse-User", asked.get("user", "default"))
        password = self.headers.get("X-ClickHouse-Key", asked.get("password", ""))
        kind, _, pair = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            user, _, password = base64.b64decode(pair).decode().partition(":")
        return user if USERS.get(user) == password else None

    def _is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            # Not the method of an SSLSocket, which does not peek.
            return bool(readable) and not socket.socket.recv(self.connection, 1, socket.MSG_PEEK)
        except OSError:
            return True

    def _answer(self, status: int, body: bytes, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = self.server.faults.cut
        is_cut = cut is not None and cut < len(body)
        with contextlib.suppress(OSError):  # the client may be gone
            for part in _parts(body[:cut] if is_cut else body):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            if is_cut:
                self.wfile.flush()
                self._break()
            else:
                self.wfile.write(b"0\r\n\r\n")

    def _break(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _insert(found: re.Match[bytes]) -> Work:
    head, kind, data = found[1].decode(), found[2].decode(), found[3]

    def work(connection: Connection) -> bytes:
        # Not by send_insert(): chdb 4.4 does not report what a view raises.
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            sql = f"{head} FROM INFILE '{file.name}' FORMAT {kind}"
            return connection.query(sql, "TSV").bytes()

    return work


def _parts(body: bytes) -> Iterator[bytes]:
    for first in range(0, len(body), 2**16):
        yield body[first : first + 2**16]


def main() -> None:
    folder, port, *certificate = sys.argv[1:]
    server = Server(folder, int(port))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[0])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201 - for the test
    for line in sys.stdin:  # until the test closes it
        server.faults = Faults(**json.loads(line))
        print("ok", flush=True)  # noqa: T201 - for the test


if __name__ == "__main__":
    main()
