"""Errors of a ClickHouse server, each one line."""

from __future__ import annotations

import re
from typing import Final

from llmlog_tui.clickhouse.url import PASSWORD_VARIABLE, TableUrl
from llmlog_tui.errors import UserError


class ClickHouseError(UserError):
    """A query that the server refused or did not finish; `code` is ClickHouse's, if any."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class ServerGoneError(ClickHouseError):
    """No server answers, or the connection broke: the same may work later."""


class QueryCancelledError(ClickHouseError):
    """The query was ended by Client.cancel()."""


READONLY: Final = 164
"""Code: a read-only user may not do this, or change this setting."""

_NARROW: Final = "narrow it with --last"
_LOGIN: Final = "{server}: login as {user} failed; the password is read from " + PASSWORD_VARIABLE
_MESSAGES: Final[dict[int, str]] = {
    **dict.fromkeys((192, 193, 194, 516), _LOGIN),
    497: "{server}: user {user} has no right to do this with {name}",
    60: "{server}: no table {name}",
    81: "{server}: no database {database}",
    158: "{server}: the query would read too many rows; " + _NARROW,
    396: "{server}: the answer has too many rows; " + _NARROW,
    159: "{server}: the query took too long; " + _NARROW,
    160: "{server}: the query would take too long; " + _NARROW,
    241: "{server}: not enough memory for the query; " + _NARROW,
    202: "{server}: too many queries run at the same time",
    READONLY: "{server}: not allowed in a read-only query",
    252: "{server}: too many parts; send larger batches, fewer a second",
}
_COLUMN: Final = 47
_TYPE: Final = 43
_STATUS_OF_LOGIN: Final = frozenset({401, 403})
_STATUS_OF_GONE: Final = frozenset({429, 502, 503, 504})

_LONGEST: Final = 200
"""Maximum characters of a server's own message."""
_EXCEPTION: Final = re.compile(r"Code: ([0-9]{1,9})\. DB::(?:\w+::)*\w*Exception: (.*)", re.DOTALL)
_NO_TIME: Final = re.compile(
    r"got: (\w+(?:\([^)]{0,40}\)+)?).*?toUnixTimestamp64Micro\((\w+)\)", re.DOTALL
)
_IDENTIFIER: Final = re.compile(r"(?:identifier|[Mm]issing columns?:?|column) [`']([^`']+)[`']")


def server_error(url: TableUrl, code: int | None, text: str, status: int = 0) -> ClickHouseError:
    """Return the error for a server's message: `text` may have more lines than are shown."""
    if code is None and (found := _EXCEPTION.search(text)):
        code = int(found[1])
    if code is None and status in _STATUS_OF_LOGIN:
        code = 516
    if code is None:
        if status in _STATUS_OF_GONE:
            return ServerGoneError(f"{url.server}: HTTP status {status}")
        return ClickHouseError(f"{url.server}: no ClickHouse server answers here")
    if code == _COLUMN:
        return ClickHouseError(f"{url.name}: {_unknown_column(text)}", code)
    if code == _TYPE and (found := _NO_TIME.search(text)):
        column = f"column {found[2]} is {found[1]}, not DateTime64"
        return ClickHouseError(f"{url.name}: {column}; see llmlog schema clickhouse", code)
    message = _MESSAGES.get(code)
    if message is None:
        return ClickHouseError(f"{url.server}: ClickHouse error {code}: {_own_words(text)}", code)
    values = {"server": url.server, "user": url.user, "name": url.name, "database": url.database}
    return ClickHouseError(message.format_map(values), code)


def find_exception(body: bytes) -> str | None:
    """Return the exception that a server appended to an incomplete body, if any."""
    found = _EXCEPTION.search(body.decode(errors="replace"))
    return found[0] if found else None


def _unknown_column(text: str) -> str:
    found = _IDENTIFIER.search(text)
    return f"no column {found[1][:_LONGEST]}" if found else _own_words(text)


def _own_words(text: str) -> str:
    found = _EXCEPTION.search(text)
    words = " ".join((found[2] if found else text).split())
    words = re.sub(r"(?: ?\([A-Z_]+\))?(?: \(version [^)]*\)+)?(?: ?\([A-Z_]+\))?$", "", words)
    return words[:_LONGEST]
