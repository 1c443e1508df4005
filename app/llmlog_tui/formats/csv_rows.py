"""Rows of a CSV file as objects: texts by the names of its header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Final

from llmlog_tui.formats import Item

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
        self._lines: list[int] = []
        self._texts: list[str] = []
        self._is_quoted = False

    def __bool__(self) -> bool:
        """Whether a line that is no JSON may be a row or the header."""
        return self.expects_header or bool(self._names)

    def for_single_rows(self) -> CsvRows:
        """Return the same header for reading rows back."""
        return CsvRows(self._names, expects_header=False)

    def begins(self, text: bytes) -> bool:
        """Return whether a file's first line is a header of records."""
        self.expects_header = False
        names = _row(text.decode(errors="replace"))
        if (
            len(names) >= _MIN_COLUMNS
            and len(set(names)) == len(names)
            and all(_NAME.fullmatch(name) for name in names)
            and any(_TELLING.search(name) for name in names)
        ):
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
        values = _row("\n".join(self._texts))
        of_row = self.flush()
        if len(values) != len(self._names):
            return of_row, {}
        pairs = zip(self._names, values, strict=True)
        return of_row, {name: value for name, value in pairs if value}

    def flush(self) -> list[int]:
        """Return the lines of a row that has not ended."""
        lines, self._lines, self._texts = self._lines, [], []
        self._is_quoted = False
        return lines


def _row(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []
