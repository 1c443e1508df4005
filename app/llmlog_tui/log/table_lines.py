"""Read a window of a ClickHouse table once, in order, and keep nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llmlog_tui.clickhouse.errors import ClickHouseError
from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.log.line_source import LineSource
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import url_of
from llmlog_tui.log.table_pages import TablePages


class TableLines(LineSource):
    """Reads one table; a LineSource whose lines come in order, and cannot be read again.

    A failed query ends it with an OSError.
    """

    def __init__(self, path: Path, window: Retention) -> None:
        self.path = path
        self.is_waiting = False
        self.is_gone = False
        self.is_loaded = False
        """Whether the whole window was read."""
        self.rows_outside = 0
        """Number of rows in the table that are outside the window."""
        self._pages = TablePages(TableUrl.of(url_of(path) or ""), window)
        self._blocks = self._read()
        self._problem = ""
        self._rows = 0

    def read(self) -> Block | None:
        """Return the next lines; None at the end."""
        if self._problem:
            raise OSError(self._problem)
        try:
            return next(self._blocks, None)
        except ClickHouseError as error:
            self._problem = str(error)
            raise OSError(self._problem) from error

    def read_older(self) -> Block | None:
        return None

    def finish(self) -> Block | None:
        return None

    def cancel(self) -> None:
        """End the running query, from any thread."""
        self._pages.cancel()

    def cancel_fetch(self) -> None:
        """Do nothing: ids are looked up in a table that is kept open."""

    def close(self) -> None:
        self._pages.close()

    def position(self) -> tuple[int, int]:
        """Return the rows read, and the rows of the window."""
        return self._rows, self._pages.rows

    def reread(self, generation: int, offset: int, length: int) -> bytes | None:
        del generation, offset, length
        return None

    def _read(self) -> Iterator[Block]:
        total, offset = self._pages.total(), 0
        for lines in self._pages.lines():
            self.rows_outside = total - self._pages.rows
            self._rows += len(lines)
            # A line break between two members of JSON means nothing.
            data = b"\n".join([*(line.replace(b"\n", b" ") for line in lines), b""])
            yield Block(data, offset, 0)
            offset += len(data)
        self.is_loaded = True
