"""A client for one table on one ClickHouse server, over HTTP by clickhouse-connect."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from llmlog_tui.clickhouse.arrow_stream import BrokenStreamError, batches
from llmlog_tui.clickhouse.errors import (
    READONLY,
    ClickHouseError,
    QueryCancelledError,
    ServerGoneError,
    find_exception,
    server_error,
)
from llmlog_tui.clickhouse.url import Login, TableUrl
from llmlog_tui.errors import UserError

if TYPE_CHECKING:
    from clickhouse_connect.driver.httpclient import HttpClient

EXTRA: Final = "a ClickHouse table needs clickhouse-connect: pip install 'llmlog[clickhouse]'"
_CONNECT_SECONDS: Final = 10
_LEVEL: Final = "SELECT getSetting('readonly')"
_STATUS: Final = re.compile(r"received HTTP status (\d{3})")
"""How the driver reports an answer that is not ClickHouse's."""
_ANSWER_SECONDS: Final = 5
"""Seconds a server has to report that a query has exceeded its time."""


@dataclass(frozen=True)
class Limits:
    """Limits of a query, kept by the server: seconds, and rows of its answer."""

    seconds: int = 30
    rows: int = 2_000_000

    @property
    def settings(self) -> dict[str, str]:
        """The limits as ClickHouse's settings."""
        return {"max_execution_time": str(self.seconds), "max_result_rows": str(self.rows)}


READ_ONLY: Final[dict[str, str]] = {
    # Not 2, under which file() and url() read whatever the server can.
    "readonly": "1",
    "cancel_http_readonly_queries_on_client_close": "1",
    # polars cannot read ClickHouse's dictionaries with nulls.
    "output_format_arrow_low_cardinality_as_dictionary": "0",
    "output_format_arrow_string_as_string": "1",
}
"""Settings of a client that only reads."""


@dataclass
class Client:
    """Queries about a table, from one thread; only cancel() is for others.

    It connects with its first query. Every failure is a ClickHouseError with one line; a
    ServerGoneError may pass, and the next query connects again.
    """

    url: TableUrl
    login: Login = field(default_factory=Login)
    limits: Limits = field(default_factory=Limits)
    settings: Mapping[str, str] = field(default_factory=lambda: READ_ONLY)

    def __post_init__(self) -> None:
        """Raise UserError without the extra."""
        if importlib.util.find_spec("clickhouse_connect") is None:
            raise UserError(EXTRA)
        from llmlog_tui.clickhouse.connection import Sockets  # noqa: PLC0415 - needs the extra

        self._sockets = Sockets()
        self._client: HttpClient | None = None
        self._sends_settings = True

    def frame(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        limits: Limits | None = None,
    ) -> pl.DataFrame:
        """Return the answer to a SELECT; `parameters` are for its `{name:Type}`."""
        return pl.concat(list(self.frames(sql, parameters, limits)), rechunk=True)

    def frames(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        limits: Limits | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Yield the answer to a SELECT block by block, in bounded memory.

        The first may be empty. A stream that breaks off raises: it never looks complete.
        """
        with self._translated():
            body = self._stream(self._connect(), sql, parameters, limits)
            try:
                yield from batches(lambda size: body.read(size) or b"")
                body.read(1)  # the end of the response: its connection can be used again
            except BrokenStreamError as error:
                raise self._broken(error.rest) from None
            finally:
                body.close()

    def insert(
        self, table: str, column: str, body: bytes, kind: str, settings: Mapping[str, str]
    ) -> None:
        """Insert a block of values of one column, in the format `kind`; `table` is quoted.

        Raises ClickHouseError if a setting may not be set, too: an insert depends on them.
        """
        with self._translated():
            client = self._connect()
            if refused := settings.keys() - self._allowed(client, settings).keys():
                name = min(refused)
                raise ClickHouseError(f"{self.url.server}: {self.url.user} may not set {name}")
            client.raw_insert(table, [column], body, dict(settings), kind)

    def cancel(self) -> None:
        """End the query that runs, from another thread; it raises QueryCancelledError."""
        self._sockets.shut()

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            client.close_connections()

    def _stream(
        self,
        client: HttpClient,
        sql: str,
        parameters: Mapping[str, object] | None,
        limits: Limits | None,
    ) -> io.IOBase:
        settings = self._allowed(client, limits.settings) if limits else {}
        found: Any = client.raw_stream(
            sql, dict(parameters or {}), settings=settings, fmt="ArrowStream"
        )
        stream: io.IOBase = found
        return stream

    def _connect(self) -> HttpClient:
        if self._client is None:
            # The reader's thread alone pays for these imports, and only for a table.
            from clickhouse_connect.driver import create_client  # noqa: PLC0415

            from llmlog_tui.clickhouse.connection import pool  # noqa: PLC0415 - needs the extra

            client: Any = create_client(
                host=self.url.host,
                port=self.url.port,
                interface="https" if self.url.is_tls else "http",
                username=self.url.user,
                password=self.login.password,
                database=self.url.database,
                pool_mgr=pool(self.url, self.login, self._sockets),
                client_name="llmlog",
                connect_timeout=_CONNECT_SECONDS,
                send_receive_timeout=self.limits.seconds + _ANSWER_SECONDS,
                autogenerate_session_id=False,  # a session allows one query at a time
                show_clickhouse_errors="scrub",
            )
            wanted = {**self.limits.settings, **self.settings}
            for name, value in self._allowed(client, wanted).items():
                client.set_client_setting(name, value)
            self._client = self._secured(client)
        return self._client

    def _allowed(self, client: HttpClient, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the settings that the user may change: a read-only one may change none."""
        known = client.server_settings
        return {
            name: value
            for name, value in settings.items()
            if self._sends_settings and name in known and not known[name].readonly
        }

    def _secured(self, client: HttpClient) -> HttpClient:
        """Return the client, after a query whether its settings are in force.

        A read-only user may change no setting, and need not. This is asked once, not concluded
        from a refused query: one that is refused with the settings must not run without them.
        """
        if self.settings.get("readonly") != "1":
            return client
        try:
            level = str(client.command(_LEVEL))
        except Exception as error:
            if getattr(error, "code", None) != READONLY:
                raise
            for name in (*self.limits.settings, *self.settings):
                client.params.pop(name, None)
            self._sends_settings = False
            level = str(client.command(_LEVEL))
        if level == "0":
            raise ClickHouseError(f"{self.url.server}: the server does not take readonly=1")
        return client

    def _broken(self, rest: bytes) -> ClickHouseError:
        if self._sockets.is_shut:
            return QueryCancelledError("cancelled")
        if text := find_exception(rest):
            return server_error(self.url, None, text)
        return ServerGoneError(f"{self.url.server}: the answer broke off")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the errors of the driver and of its transport into ClickHouseError."""
        from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as the driver, needs the extra

        self._sockets.reopen()
        try:
            yield
        except (DriverError, HTTPError, OSError, ValueError) as error:
            if getattr(error, "code", None) is None:
                self.close()  # another connection may find a server that is well
            if self._sockets.is_shut:
                raise QueryCancelledError("cancelled") from error
            raise self._meant(error) from error

    def _meant(self, error: Exception) -> ClickHouseError:
        """Return the error that the user is to see."""
        from llmlog_tui.clickhouse.connection import transport_reason  # noqa: PLC0415

        code = getattr(error, "code", None)
        reason = None if code else transport_reason(error)
        if reason is not None:
            return ServerGoneError(f"{self.url.server}: {reason}")
        status = _STATUS.search(str(error))
        return server_error(self.url, code, str(error), int(status[1]) if status else 0)
