"""GET of a metrics endpoint, bounded in time and size."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import time
from dataclasses import dataclass
from threading import Timer
from typing import Final
from urllib.parse import unquote, urlsplit

from llmlog_tui.errors import UserError

MAX_BYTES: Final = 4 * 2**20
"""Maximum size of an answer; that of vLLM has about 100 KB."""
_CHUNK: Final = 2**16
_OK: Final = 200


class EndpointError(UserError):
    """A text that is no address of an endpoint; the message is one line."""


class FetchError(Exception):
    """An endpoint gave no answer that can be used; the message is one line."""


@dataclass(frozen=True)
class Endpoint:
    """An address to poll: `url` is shown and kept, and has no credentials."""

    url: str
    host: str
    port: int | None
    path: str
    is_tls: bool
    authorization: str = ""

    @classmethod
    def of(cls, text: str) -> Endpoint:
        """Return the endpoint of `http://host:port/path`; raises EndpointError.

        Without a scheme it is http, without a path `/metrics`.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EndpointError(f"{text}: {error}") from None
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if parts.scheme not in {"http", "https"} or not host or not is_plain:
            raise EndpointError(f"{text}: not a URL such as http://127.0.0.1:8000/metrics")
        path = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
        shown_host = f"[{host}]" if ":" in host else host
        shown = f"{parts.scheme}://{shown_host}{f':{port}' if port else ''}{path}"
        authorization = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return cls(shown, host, port, path, parts.scheme == "https", authorization)


def host_of(url: str) -> str:
    """Return the host of a URL as records name their provider; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_local(host: str) -> bool:
    """Return whether a host is on this machine or network, and no service on the internet."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
    return address.is_private or address.is_loopback


def fetch(endpoint: Endpoint, timeout_s: float) -> bytes:
    """Return the body of an answer. Raises FetchError, at the latest after `timeout_s`.

    Redirects are not followed: they would lead to another host.
    """
    kind = http.client.HTTPSConnection if endpoint.is_tls else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=timeout_s)
    # A timeout of the socket is per operation: a server that drips bytes would take any time.
    deadline = Timer(timeout_s, _shut_down, (connection,))
    deadline.daemon = True
    began = time.monotonic()
    deadline.start()
    try:
        body = _get(connection, endpoint)
        if time.monotonic() - began >= timeout_s:  # what looks like the end was the deadline
            raise TimeoutError
        return body
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() - began >= timeout_s:
            raise FetchError(f"no answer within {timeout_s:g} s") from error
        raise FetchError(_reason(error)) from error
    finally:
        deadline.cancel()
        connection.close()


def _get(connection: http.client.HTTPConnection, endpoint: Endpoint) -> bytes:
    headers = {"Accept": "text/plain;version=0.0.4"}
    if endpoint.authorization:
        headers["Authorization"] = endpoint.authorization
    connection.request("GET", endpoint.path, headers=headers)
    response = connection.getresponse()
    if response.status != _OK:
        raise FetchError(f"HTTP status {response.status}")
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchError(f"the answer is over {MAX_BYTES // 2**20} MB")
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


def _shut_down(connection: http.client.HTTPConnection) -> None:
    """End the operation that another thread waits in."""
    with contextlib.suppress(OSError, AttributeError):  # not connected yet
        connection.sock.shutdown(socket.SHUT_RDWR)
