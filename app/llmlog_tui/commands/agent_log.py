"""The log that `llmlog mcp` answers about: read again when it has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.analysis.query.predicate import filter_records
from llmlog_tui.analysis.reports.stats import Stats
from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.commands.open_log import OpenLog, open_log
from llmlog_tui.commands.options import within
from llmlog_tui.commands.stats import stats_of_all
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.archive_part import BIG_WINDOW, is_big
from llmlog_tui.log.file_identity import file_identity
from llmlog_tui.log.retention import EVERYTHING
from llmlog_tui.log.sources import expand, url_of
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.table_queries import TableQueries
from llmlog_tui.log.tags import tag_types

CONTENT: Final = ("input", "output", "extra")
"""Fields of a line with content."""

_State = list[tuple[Path, tuple[int, ...]]]
"""Each file or table, and numbers that change whenever it does."""


class AgentLog:
    """One log, for one question at a time; without `content`, its records have none.

    It is kept in memory until it changes. Of a table or a big archive that is a window, and the
    records with an id are read from all of it.
    """

    def __init__(self, names: Sequence[str], rules: Rules, *, content: bool) -> None:
        self._names = names
        self._rules = rules
        self._content = content
        self._lock = threading.Lock()  # a log is read by one thread
        self._open = ExitStack()
        self._log: OpenLog | None = None
        self._state: _State = []

    def close(self) -> None:
        self._open.close()

    @contextmanager
    def reading(self, where: str = "", ids: Sequence[str] = ()) -> Iterator[OpenLog]:
        """Open the log for one answer, in which `ids` are looked up."""
        with self._lock:
            if ids and self._is_window():
                with open_log(self._names, rules=self._rules, ids=ids) as log:
                    yield self._allowed(log)
                return
            log = self._current()
            if where:
                log = replace(log, frame=filter_records(log.frame, where, self._rules))
            yield log

    def stats_of_all(self, where: str, over_ms: float, by: str) -> tuple[Snapshot, Stats] | None:
        """Return the statistics of a log that is more than its window; None for another."""
        with self._lock:
            if not self._is_window():
                return None
            found = stats_of_all(
                self._names, where or None, over_ms=over_ms, by=by, rules=self._rules
            )
            return None if found is None else (found[0], found[2])

    def _is_window(self) -> bool:
        """Return whether not all of the log is kept in memory."""
        files = expand(self._names, must_exist=True)
        return any(map(url_of, files)) or is_big(files)

    def _current(self) -> OpenLog:
        """Return the open log; read again if it has changed since."""
        state = _state(self._names)
        if self._log is None or state != self._state:
            self._log = None
            self._open.close()
            window = BIG_WINDOW if is_big([path for path, _ in state]) else EVERYTHING
            with within(window):
                log = self._open.enter_context(open_log(self._names, rules=self._rules))
            self._log = self._allowed(log)
            self._state = state
        return self._log

    def _allowed(self, log: OpenLog) -> OpenLog:
        return log if self._content else _without_content(log)


def _state(names: Sequence[str]) -> _State:
    return [(path, _state_of(path)) for path in expand(names, must_exist=True)]


def _state_of(path: Path) -> tuple[int, ...]:
    if url := url_of(path):
        with closing(TableQueries(TableUrl.of(url))) as queries:
            return queries.extent()
    return file_identity(path.stat())


def _without_content(log: OpenLog) -> OpenLog:
    """Return the log without tags, unknown fields and error messages: each may hold a prompt."""
    message = pl.lit(None, pl.String).alias("error_message")
    return replace(log, frame=log.frame.drop(tag_types(log.frame)).with_columns(message))
