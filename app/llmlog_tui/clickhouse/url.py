"""Addresses of tables, `clickhouse[s]://user@host:port/db.table`, and the login for them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from llmlog_tui.errors import UserError

PASSWORD_VARIABLE: Final = "CLICKHOUSE_PASSWORD"  # noqa: S105 - a name, no password
"""Environment variable with the password: a command line is public, and history keeps it."""

CA_VARIABLE: Final = "LLMLOG_CLICKHOUSE_CA"
"""Environment variable with the file of --ca."""

INSECURE_VARIABLE: Final = "LLMLOG_CLICKHOUSE_INSECURE"
"""Environment variable that stands for --insecure, unless it is empty."""

_PORTS: Final = {"clickhouse": 8123, "clickhouses": 8443}
_DEFAULT_USER: Final = "default"
_NAME: Final = re.compile(r"[\w$-]{1,100}")
"""Name of a database or table: between backticks it needs no escapes."""
_EXAMPLE: Final = "clickhouse://user@host:8123/db.table"


class TableUrlError(UserError):
    """A text that is no address of a table, or an unsafe login."""


@dataclass(frozen=True)
class TableUrl:
    """The address of a table; it has no password."""

    host: str
    port: int
    database: str
    table: str
    user: str = _DEFAULT_USER
    is_tls: bool = False

    @classmethod
    def of(cls, text: str) -> TableUrl:
        """Return the address in `clickhouse[s]://user@host:port/db.table`.

        Default ports are 8123, and 8443 with TLS; the default user is `default`.
        Raises TableUrlError, whose text never repeats a password.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:  # its message may repeat a part of the URL
            raise TableUrlError(f"not an address such as {_EXAMPLE}") from None
        if parts.password is not None:
            raise TableUrlError(f"no password in the URL: set {PASSWORD_VARIABLE} instead")
        is_plain = text.isprintable() and " " not in text and port != 0
        if parts.scheme not in _PORTS or not host or not is_plain:
            raise TableUrlError(f"not an address such as {_EXAMPLE}")
        if parts.query or parts.fragment:
            raise TableUrlError(f"an address ends with its table, as in {_EXAMPLE}")
        database, table = _names(unquote(parts.path.removeprefix("/")))
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            database=database,
            table=table,
            user=unquote(parts.username or _DEFAULT_USER),
            is_tls=parts.scheme == "clickhouses",
        )

    def __str__(self) -> str:
        """Return the address for screens and messages."""
        scheme = "clickhouses" if self.is_tls else "clickhouse"
        user = f"{quote(self.user, safe='')}@" if self.user != _DEFAULT_USER else ""
        port = f":{self.port}" if self.port != _PORTS[scheme] else ""
        return f"{scheme}://{user}{self._host}{port}/{self.name}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def server(self) -> str:
        """Host and port, for messages."""
        return f"{self._host}:{self.port}"

    @property
    def name(self) -> str:
        """The table's name for messages: `db.table`."""
        return f"{self.database}.{self.table}"

    @property
    def quoted(self) -> str:
        """The table's name for SQL."""
        return f"{quoted(self.database)}.{quoted(self.table)}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True)
class Login:
    """Password for a server, and the authority behind its certificate."""

    password: str = field(default="", repr=False)
    ca: Path | None = None

    @classmethod
    def to(cls, url: TableUrl) -> Login:
        """Return the login by the environment; see connecting().

        Raises TableUrlError if a password would cross a network in the clear, unless that is
        permitted, and if the authority is no file.
        """
        password = os.environ.get(PASSWORD_VARIABLE, "")
        is_permitted = url.is_tls or url.is_loopback or bool(os.environ.get(INSECURE_VARIABLE))
        if password and not is_permitted:
            raise TableUrlError(
                f"{url.server}: a password would be sent without TLS;"
                " use clickhouses://, or --insecure in a network you trust"
            )
        ca = os.environ.get(CA_VARIABLE)
        if ca and url.is_tls and not Path(ca).is_file():
            raise TableUrlError(f"{ca}: no such file")
        return cls(password, Path(ca) if ca else None)


@contextlib.contextmanager
def connecting(*, ca: Path | None = None, insecure: bool = False) -> Iterator[None]:
    """Connect with an authority's certificate, or without TLS, here and in started processes."""
    given = {CA_VARIABLE: os.fspath(ca) if ca else "", INSECURE_VARIABLE: "1" if insecure else ""}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update({name: value for name, value in given.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_table_url(text: str) -> bool:
    """Return whether a LOG is meant as the address of a table."""
    return text.startswith(tuple(f"{scheme}://" for scheme in _PORTS))


def quoted(name: str) -> str:
    """Return the name of a database, table or column for SQL; raises TableUrlError."""
    return f"`{checked_name(name)}`"


def checked_name(name: str) -> str:
    """Return a name that needs no escapes; raises TableUrlError for another."""
    if not _NAME.fullmatch(name):
        raise TableUrlError(f"{name[:40]!r}: a name has letters, digits, _, - and $ only")
    return name


def _names(path: str) -> tuple[str, str]:
    database, dot, table = path.partition(".")
    if not dot:
        raise TableUrlError(f"the address names no db.table, as in {_EXAMPLE}")
    return checked_name(database), checked_name(table)
