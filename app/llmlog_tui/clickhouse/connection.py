"""Connections that another thread can break: the one way to end a query that runs."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
import weakref
from collections.abc import Iterator
from threading import Lock
from typing import Any, Final

from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from llmlog_tui.clickhouse.url import Login, TableUrl

# Its warnings would be written over the dashboard; each failure raises, too.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


class Sockets:
    """The open sockets of one client."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = weakref.WeakSet[socket.socket]()
        self.is_shut = False

    def reopen(self) -> None:
        """Permit connections again, for the next query."""
        with self._lock:
            self.is_shut = False

    def add(self, opened: socket.socket) -> None:
        """Keep a socket; raises OSError where a retry would follow shut()."""
        with self._lock:
            if self.is_shut:
                opened.close()
                raise ConnectionAbortedError("cancelled")
            self._open.add(opened)

    def shut(self) -> None:
        """Break all connections, and refuse new ones until reopen()."""
        with self._lock:
            self.is_shut = True
            for opened in self._open:
                with contextlib.suppress(OSError):
                    # Not the method of an SSLSocket: it takes away what the reader is using.
                    socket.socket.shutdown(opened, socket.SHUT_RDWR)
            self._open = weakref.WeakSet()


def pool(url: TableUrl, login: Login, sockets: Sockets) -> PoolManager:
    """Return a pool of connections that are kept in `sockets`; proxies as in the environment."""
    scheme = "https" if url.is_tls else "http"
    options: dict[str, Any] = {"ca_cert": os.fspath(login.ca)} if login.ca else {}
    proxy = None if url.is_loopback else check_env_proxy(scheme, url.host, url.port)
    if proxy:  # never for this machine, to which a password may go without TLS
        options[f"{scheme}_proxy"] = proxy
    manager: PoolManager = get_pool_manager(**options)

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return manager


_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted; --ca FILE names the authority that signed it",
    ),
    (ssl.SSLError, "no TLS connection; clickhouse:// is without TLS"),
    (NameResolutionError, "no such host"),
    (socket.gaierror, "no such host"),
    (ConnectionRefusedError, "connection refused"),
    (HTTPTimeoutError, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (HTTPError, "the connection broke"),
    (OSError, "the connection broke"),
)
"""The causes of an answer that did not come, the most telling first."""


def transport_reason(error: BaseException) -> str | None:
    """Return why no answer came, for a message; None if the server itself refused."""
    causes = list(_causes(error))
    reasons = (text for kind, text in _REASONS if any(isinstance(cause, kind) for cause in causes))
    return next(reasons, None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, and the ones it was raised from or that it wraps."""
    seen = set[int]()
    queue = [error]
    while queue:
        found = queue.pop()
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        queue += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
