"""OTLP/HTTP server: takes /v1/traces and /v1/logs, and acknowledges a batch once it is on disk.

A batch is answered when its records are written. While too many wait, others get 429 with
Retry-After, and 503 when the file cannot be written: exporters send those again. A batch whose
answer was lost is sent again too, and then its records are there twice.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Final

import orjson

from llmlog_tui.errors import reason
from llmlog_tui.formats.json_text import load_repaired
from llmlog_tui.formats.otlp_envelope import logs_in, spans_in
from llmlog_tui.listen import protobuf
from llmlog_tui.listen.body import RequestError, decompress, discard_body, read_body
from llmlog_tui.listen.record_log import ContentPolicy, RecordLog
from llmlog_tui.private_file import open_append

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 4318

MAX_CONNECTIONS: Final = 64
"""Maximum connections; each has a thread."""

MAX_WAITING: Final = 16
"""Maximum requests whose bodies are in memory at once."""

MAX_WAIT_S: Final = 2
"""Seconds that a request waits for its turn before it is refused."""

POLL_S: Final = 0.1
"""Seconds between two looks for whether to stop."""

IDLE_S: Final = 60
"""Seconds without a byte after which a connection is closed."""

_LISTS: Final = {"resourceSpans", "resource_spans", "resourceLogs", "resource_logs"}
"""Members of a body that hold its spans or log records."""

_BUSY_S, _DISK_S = 1, 5
_JSON: Final = "application/json"
_PROTOBUF: Final = "application/x-protobuf"


@dataclass(frozen=True)
class _Signal:
    """What one path takes: its decoders, and where the decoded batch goes."""

    read_json: Callable[[dict[str, Any]], tuple[list[Any], int]]
    read_protobuf: Callable[[bytes], tuple[list[Any], int]]
    rejected: str
    """Name of the number of items that could not be read, in a JSON answer."""


_SIGNALS: Final = {
    "/v1/traces": _Signal(spans_in, protobuf.decode_spans, "rejectedSpans"),
    "/v1/logs": _Signal(logs_in, protobuf.decode_logs, "rejectedLogRecords"),
}
_IGNORED: Final = "/v1/metrics"
"""Path of metrics, which are sums: accepted to satisfy exporters, then dropped."""


class Receiver:
    """A server in its own threads; `port` is the one it listens on.

    Raises OSError if the address cannot be had, ValueError for one beyond this machine without
    `token`.
    """

    def __init__(
        self,
        out: Path,
        *,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        token: str | None = None,
        content: ContentPolicy = "none",
    ) -> None:
        if not is_loopback(host) and not token:
            raise ValueError(f"{host} can be reached from other machines: that needs a token")
        self.out = out
        self.log = RecordLog(out, content)
        self.requests = 0
        self._server = _Server(host, port, self, token)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), name="otlp", daemon=True
        )

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The endpoint for OTEL_EXPORTER_OTLP_ENDPOINT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Accept requests from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, finish accepted requests, write the rest; raises OSError."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.log.close()


class ListenError(Exception):
    """The reason why no receiver can be had, in one line."""


@contextlib.contextmanager
def receiving(
    out: Path,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    content: ContentPolicy = "none",
) -> Iterator[Receiver]:
    """Receive into `out` for as long as the context lasts; raises ListenError."""
    if not protobuf.is_available():
        raise ListenError(protobuf.EXTRA)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_append(out, follow=True))
    except OSError as error:
        raise ListenError(f"{out}: {reason(error)}") from error
    try:
        receiver = Receiver(out, host=host, port=port, token=token, content=content)
    except ValueError as error:
        raise ListenError(f"--host {error}") from error
    except OSError as error:
        raise ListenError(f"{host}:{port}: {reason(error)}") from error
    receiver.start()
    try:
        yield receiver
    finally:
        try:
            receiver.stop()
        except OSError as error:
            raise ListenError(f"{out}: {reason(error)}") from error


def is_loopback(host: str) -> bool:
    """Return whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, receiver: Receiver, token: str | None) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.receiver = receiver
        self.token = token
        self.waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server for the host's name, as HTTPServer would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - a socket
        if not self._connections.acquire(blocking=False):
            request.sendall(_TOO_MANY)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def service_actions(self) -> None:
        """Let the log write calls that count as failed by now."""
        with contextlib.suppress(OSError):  # the next batch will say so
            self.receiver.log.flush_if_quiet()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Say nothing: a client that goes away is no news."""


_TOO_MANY: Final = (
    f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: {_BUSY_S}\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n"
).encode()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "llmlog"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a batch when its records are written."""
        self._has_read_body = False
        try:
            self._check()
            if not self.server.waiting.acquire(timeout=MAX_WAIT_S):
                raise _BusyError(429, _BUSY_S, "too many requests wait")
            try:
                self._receive()
            finally:
                self.server.waiting.release()
        except RequestError as error:
            self._refuse(error)

    def do_GET(self) -> None:
        """Refuse a request that sends no batch."""
        self._has_read_body = True
        self._refuse(RequestError(405 if self._is_known() else 404, "POST to /v1/traces"))

    def _is_known(self) -> bool:
        return self.path in _SIGNALS or self.path == _IGNORED

    def _check(self) -> None:
        """Raise RequestError for a request whose body is not worth reading."""
        if not self._is_known():
            raise RequestError(404, "only /v1/traces, /v1/logs and /v1/metrics are here")
        # A page in a browser could otherwise write into the log.
        if "Origin" in self.headers:
            raise RequestError(403, "no requests from web pages")
        token = self.server.token
        if token is not None:
            sent = self.headers.get("Authorization", "")
            if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
                raise RequestError(401, "Authorization: Bearer TOKEN is wrong or missing")
        if self._media_type() not in (_JSON, _PROTOBUF):
            raise RequestError(415, f"Content-Type is {_PROTOBUF} or {_JSON}")

    def _media_type(self) -> str:
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()

    def _receive(self) -> None:
        body = read_body(self.headers, self.rfile)
        self._has_read_body = True
        if self.path == _IGNORED:
            self._answer(200, self._accepted(0, ""))
            return
        signal = _SIGNALS[self.path]
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        batch, rejected = self._decode(signal, decompress(body, encoding))
        receiver = self.server.receiver
        take = receiver.log.take_logs if self.path == "/v1/logs" else receiver.log.take_spans
        try:
            take(batch, body)
        except OSError as error:
            raise _BusyError(503, _DISK_S, f"cannot write the log: {reason(error)}") from error
        receiver.requests += 1
        self._answer(200, self._accepted(rejected, signal.rejected))

    def _decode(self, signal: _Signal, body: bytes) -> tuple[list[Any], int]:
        try:
            if self._media_type() == _PROTOBUF:
                return signal.read_protobuf(body)
            item = load_repaired(body)
        except ImportError as error:
            raise RequestError(415, protobuf.EXTRA) from error
        except (protobuf.BodyError, orjson.JSONDecodeError) as error:
            raise RequestError(400, f"the body cannot be read: {error}"[:200]) from error
        if not isinstance(item, dict):
            raise RequestError(400, "the body is no object")
        for name in _LISTS & item.keys():
            if not isinstance(item[name], list | None):  # null is none, in JSON of protobuf
                raise RequestError(400, f"{name} is no list")
        return signal.read_json(item)

    def _accepted(self, rejected: int, name: str) -> bytes:
        """Return an ExportServiceResponse; empty unless a part of the batch was bad."""
        why = "without ids, or no object"
        if self._media_type() == _JSON:
            partial = {name: str(rejected), "errorMessage": why}
            return orjson.dumps({"partialSuccess": partial} if rejected else {})
        if not rejected:
            return b""
        partial_success = b"\x08" + _varint(rejected) + _text_field(2, why)
        return b"\x0a" + _varint(len(partial_success)) + partial_success

    def _refuse(self, error: RequestError) -> None:
        if not self._has_read_body and not discard_body(self.headers, self.rfile):
            # What follows on this connection is no request.
            self.close_connection = True
        if self._media_type() == _PROTOBUF:
            status = _text_field(2, str(error))  # google.rpc.Status
        else:
            status = orjson.dumps({"message": str(error)})
        retry = error.retry_s if isinstance(error, _BusyError) else None
        self._answer(error.status, status, retry)

    def _answer(self, status: int, body: bytes, retry_s: int | None = None) -> None:
        self.send_response(status)
        media_type = _PROTOBUF if self._media_type() == _PROTOBUF else _JSON
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if retry_s is not None:
            self.send_header("Retry-After", str(retry_s))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Write no access log: records are what there is to see."""


class _BusyError(RequestError):
    """A request that is to be sent again after `retry_s` seconds."""

    def __init__(self, status: int, retry_s: int, message: str) -> None:
        super().__init__(status, message)
        self.retry_s = retry_s


def _text_field(number: int, text: str) -> bytes:
    """Return a protobuf field of text."""
    encoded = text.encode()
    return bytes((number << 3 | 2,)) + _varint(len(encoded)) + encoded


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
