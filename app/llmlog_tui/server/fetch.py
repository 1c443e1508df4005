"""GET of a metrics endpoint, bounded in time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from threading import Timer
from typing import Final

from llmlog_tui.server.endpoint import Endpoint

MAX_BYTES: Final = 4 * 2**20
"""Maximum size of an answer; that of vLLM has about 100 KB."""
_CHUNK: Final = 2**16
_MAX_HEADERS: Final = 100
"""That of http.client, which clickhouse-connect raises for the whole process."""
_OK: Final = 200
_MAX_HINT: Final = 40
"""Maximum length of the address that a redirect leads to, in a message."""


class FetchError(Exception):
    """An endpoint gave no answer that can be used; the message is one line."""


def fetch(endpoint: Endpoint, timeout_s: float) -> bytes:
    """Return the body of an answer. Raises FetchError, at the latest after `timeout_s`.

    Redirects are not followed: they would lead to another host.
    """
    kind = http.client.HTTPSConnection if endpoint.is_tls else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=timeout_s)
    # A timeout of the socket is per operation: a server that drips bytes would take any time.
    opened: list[socket.socket] = []
    deadline = Timer(timeout_s, _shut_down, (connection, opened))
    deadline.daemon = True
    began = time.monotonic()
    deadline.start()
    try:
        connection.connect()
        opened.append(connection.sock)
        return _get(connection, endpoint, began + timeout_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() - began >= timeout_s:
            raise FetchError(f"no answer within {timeout_s:g} s") from error
        raise FetchError(_reason(error)) from error
    finally:
        deadline.cancel()
        connection.close()


def _get(connection: http.client.HTTPConnection, endpoint: Endpoint, deadline: float) -> bytes:
    headers = {"Accept": "text/plain;version=0.0.4"}
    if endpoint.authorization:
        headers["Authorization"] = endpoint.authorization
    connection.request("GET", endpoint.path, headers=headers)
    body = bytearray()
    with connection.getresponse() as response:
        if len(response.headers) > _MAX_HEADERS:
            raise FetchError(f"the answer has more than {_MAX_HEADERS} headers")
        if response.status != _OK:
            elsewhere = response.getheader("Location", "")[:_MAX_HINT]
            hint = f", see {elsewhere}" if elsewhere else ""
            raise FetchError(f"HTTP status {response.status}{hint}")
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > MAX_BYTES:
                raise FetchError(f"the answer is over {MAX_BYTES // 2**20} MB")
        if time.monotonic() >= deadline:  # what looks like the end was the deadline
            raise TimeoutError
        if response.length:
            raise FetchError("the answer broke off")
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split())[:80] or type(error).__name__


def _shut_down(connection: http.client.HTTPConnection, opened: list[socket.socket]) -> None:
    """End the operation that another thread waits in."""
    # A connection forgets its socket once an answer without a length begins, though it is read on.
    sock = opened[0] if opened else connection.sock
    with contextlib.suppress(OSError, AttributeError):  # not connected yet
        sock.shutdown(socket.SHUT_RDWR)
