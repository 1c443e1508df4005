"""Rows of a CSV file as objects: texts by the names of its header."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from llmlog.record import FIELDS
from llmlog_tui.formats import Item
from llmlog_tui.formats.vocabulary import boolean, integer, number

FORMULA: Final = r"^[=+\-@\t\r\n]"
"""First characters that make a spreadsheet evaluate a cell, or split it.

llmlog's own export writes a `'` before them.
"""

TAG: Final = "extra."
"""Prefix of the columns of an export that are members of `extra`."""

EXPORT_ONLY: Final = frozenset({"file", "line"})
"""Columns of an export that are no fields: the source of a record."""

_NAME: Final = re.compile(r"[A-Za-z_@][\w .@/-]*")
_TELLING: Final = re.compile(r"model|token|latency", re.IGNORECASE)
_MIN_COLUMNS: Final = 4
_MAX_LINES: Final = 10_000
"""Maximum number of lines of one row: a quoted text may have many."""


class CsvRows:
    """State of one file: header, and a row split by a quoted newline.

    `expects_header` is true until the file's first line that is not blank.
    """

    def __init__(self, names: Sequence[str] = (), *, expects_header: bool = True) -> None:
        self.expects_header = expects_header
        self._names = names
        self._is_own = _OWN_COLUMNS.issubset(names)
        self._lines: list[int] = []
        self._texts: list[str] = []
        self._is_quoted = False

    def __bool__(self) -> bool:
        """Whether a line that is no JSON may be a row or the header."""
        return self.expects_header or bool(self._names)

    @property
    def has_header(self) -> bool:
        """Whether the file began with a header."""
        return bool(self._names)

    @property
    def is_inside_row(self) -> bool:
        """Whether the next line continues a quoted text."""
        return self._is_quoted

    def for_single_rows(self) -> CsvRows:
        """Return the same header for reading rows back."""
        return CsvRows(self._names, expects_header=False)

    def begins(self, text: bytes) -> bool:
        """Return whether a file's first line is a header of records."""
        self.expects_header = False
        names = _row(text.decode(errors="replace"))
        self._is_own = _OWN_COLUMNS.issubset(names)
        if self._is_own or _is_header(names):
            self._names = names
        return bool(self._names)

    def feed(self, lines: Sequence[int], text: bytes) -> tuple[list[int], Item] | None:
        """Return a complete row and its lines; None if the row continues.

        The row is {} for a text that is no row.
        """
        self._lines += lines
        self._texts.append(text.decode(errors="replace"))
        self._is_quoted ^= bool(text.count(b'"') % 2)
        if self._is_quoted and len(self._lines) < _MAX_LINES:
            return None
        values = _row("\n".join(self._texts).rstrip("\r"))
        of_row = self.flush()
        if len(values) != len(self._names):
            return of_row, {}
        pairs = zip(self._names, values, strict=True)
        row = {name: value for name, value in pairs if value}
        return of_row, _own_row(row) if self._is_own else row

    def flush(self) -> list[int]:
        """Return the lines of a row that has not ended."""
        lines, self._lines, self._texts = self._lines, [], []
        self._is_quoted = False
        return lines


_OWN_COLUMNS: Final = EXPORT_ONLY | {"ts", "event", "session_id", "trace_id", "span_id", "status"}


def _is_header(names: Sequence[str]) -> bool:
    """Return whether the texts of a line name columns of calls."""
    return (
        len(names) >= _MIN_COLUMNS
        and len(set(names)) == len(names)
        and all(_NAME.fullmatch(name) for name in names)
        and any(_TELLING.search(name) for name in names)
    )


def _own_row(row: dict[str, str]) -> Item:
    """Return a row of llmlog's own export as the record that it was."""
    item: Item = {}
    tags: Item = {}
    for name, value in row.items():
        if name.startswith(TAG):
            tags[name.removeprefix(TAG)] = _inert(value)
        elif name not in EXPORT_ONLY:
            read = _TYPED.get(name, _inert)(value)
            item[name] = value if read is None else read
    return {**item, "extra": tags} if tags else item


def _inert(value: str) -> str:
    """Return a text without the quote that keeps spreadsheets from evaluating it."""
    is_quoted = value.startswith("'") and _EVALUATED.match(value[1:])
    return value[1:] if is_quoted else value


_EVALUATED: Final = re.compile(FORMULA)


def _number(value: str) -> float | None:
    found = number(value)
    return integer(value) if found is not None and found.is_integer() else found


def _texts(value: str) -> list[str]:
    return _inert(value).split(",")


_READ_TYPE: Final[dict[str, Callable[[str], Any]]] = {
    "int": _number,
    "float": _number,
    "bool": boolean,
    "strings": _texts,
}
_TYPED: Final = {field.name: _READ_TYPE[field.type] for field in FIELDS if field.type in _READ_TYPE}


def _row(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []
