"""The records of a log of any size, frame after frame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import polars as pl

from llmlog_tui.analysis.query.columns import COSTS, with_costs
from llmlog_tui.analysis.query.predicate import (
    fields_of,
    filter_records,
    is_by_row,
    matching,
    predicate_problem,
)
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.tag_names import EXTRA
from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.commands.open_log import is_plain, report_window
from llmlog_tui.commands.options import current_window, has_window
from llmlog_tui.commands.table_where import TablePredicate, table_predicate
from llmlog_tui.config.rules import Rules
from llmlog_tui.errors import reason
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.archive_stream import ArchiveStream
from llmlog_tui.log.load import read_all
from llmlog_tui.log.parse_cache import user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import STDIN, SourceError, expand, url_of
from llmlog_tui.log.store import FRAME_SCHEMA
from llmlog_tui.log.table_pages import TablePages
from llmlog_tui.log.table_queries import Condition
from llmlog_tui.log.table_source import DEFAULT_WINDOW


class RecordStream(Protocol):
    """The records of a log that match a predicate, in the order of loading."""

    @property
    def records(self) -> int:
        """Number of records read, whether they match or not."""
        ...

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield frames of records with the columns. Raises UserError."""
        ...


def format_of(stream: RecordStream) -> str | None:
    """Return the name of a log's format; None if it has no records."""
    return LLMLOG.name if stream.records else None


@contextmanager
def record_stream(
    names: Sequence[str], where: str | None, columns: Collection[str], rules: Rules
) -> Iterator[RecordStream | None]:
    """Give the records of archives or a table, with `columns`; None for other logs.

    Of archives and files together the files are in memory. Other logs are to be loaded, as is a
    table for a predicate that its server cannot answer. Raises UserError.
    """
    paths = expand(names, must_exist=True)
    if len(paths) == 1 and (url := url_of(paths[0])):
        with closing(_TableRecords(url, where, columns)) as table:
            yield table if table.is_usable() else None
    elif is_archive_stream(paths):
        yield ArchiveRecords(paths, where, columns, rules)
    elif not has_window() and any(map(is_part, paths)):
        kept = columns if where is None else COLUMNS
        others = _own_records([path for path in paths if not is_part(path)], kept)
        is_usable = others is not None
        yield ArchiveRecords(paths, where, columns, rules, others=others) if is_usable else None
    else:
        yield None


def _own_records(files: Sequence[Path], columns: Collection[str]) -> pl.DataFrame | None:
    """Return the records of files in llmlog's own format; None for any other."""
    if STDIN in files or any(map(url_of, files)):
        return None
    with closing(Reader(files, columns=columns, cache=user_cache())) as reader:
        snapshot = read_all(reader)
    return snapshot.frame if is_plain(snapshot) else None


def is_archive_stream(paths: Sequence[Path]) -> bool:
    """Return whether only parts of archives are read, and in the order of time."""
    is_in_order = len(paths) > 1 or not has_window()
    return is_in_order and bool(paths) and all(map(is_part, paths))


class ArchiveRecords:
    """The records of an archive that match a predicate, one part after the other."""

    def __init__(  # noqa: PLR0913 - options by name
        self,
        paths: Sequence[Path],
        where: str | None,
        columns: Collection[str],
        rules: Rules,
        *,
        with_lines: bool = False,
        others: pl.DataFrame | None = None,
    ) -> None:
        """Raise SourceError for a part that cannot be read."""
        self._where = where
        self._rules = rules
        self._stream_of = partial(ArchiveStream, paths, window=current_window(), others=others)
        if where is not None:  # it may name any field
            columns = COLUMNS
        if with_lines:
            columns = (*columns, "line")
        self._columns = columns
        self._parts = self._stream_of(columns, with_lines=with_lines)
        with _as_source_errors():
            self.total = self._parts.total
            """Number of records of the archive."""
            self.nulled = self._parts.nulled
            """Numbers of values of a wrong type, by field."""
            if where is not None:
                self._parts.unify_tags()
        self.kept = 0
        """Number of records in the window so far."""
        self.lines = self._parts.lines

    @property
    def records(self) -> int:
        return self._parts.records

    def frames(self) -> Iterator[pl.DataFrame]:
        with _as_source_errors():
            for frame in self._parts.frames():
                self.kept += frame.height
                yield self._filter(frame)
            if has_window():
                report_window(self.kept, self.total)

    def frames_again(self) -> Iterator[pl.DataFrame]:
        """Yield the frames of frames() once more; nothing is counted."""
        with _as_source_errors():
            stream = self._stream_of(self._columns)
            if self._where is not None:
                stream.unify_tags()
            yield from map(self._filter, stream.frames())

    @cached_property
    def _filter(self) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """Return the function that selects the records of a frame. Raises QueryError."""
        where, rules = self._where, self._rules
        if where is None:
            return lambda frame: frame
        if is_by_row(where):
            return lambda frame: filter_records(frame, where, rules)
        matches = self._matching(where)
        return lambda frame: frame.filter(matches.gather(frame["row"]))

    def _matching(self, where: str) -> pl.Series:
        """Return, by key, whether a record matches a predicate that reads several of them.

        Only the columns that it names are read and kept.
        """
        tags, rules = self._parts.tags, self._rules
        filter_records(pl.DataFrame(schema={**FRAME_SCHEMA, **tags}), where, rules)
        named = fields_of(where, tags)
        has_costs = not named.isdisjoint(COSTS)
        kept = ["row", *(name for name in (*COLUMNS, *COSTS) if name in named or name == "event")]
        kept += [name for name in tags if name in named or EXTRA in named]
        stream = self._stream_of(COLUMNS if has_costs else {"event", *named})
        stream.unify_tags()
        frames = (with_costs(frame, rules) if has_costs else frame for frame in stream.frames())
        keys = matching(pl.concat([frame.select(kept) for frame in frames]), where, rules)
        return pl.repeat(value=False, n=stream.records, eager=True).scatter(keys, values=True)


@contextmanager
def _as_source_errors() -> Iterator[None]:
    """Raise the OSError of a part as SourceError."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{error.filename}: {reason(error)}") from error


class _TableRecords:
    def __init__(self, url: str, where: str | None, columns: Collection[str]) -> None:
        if where is not None and (why := predicate_problem(where)):
            raise QueryError(why)
        self._predicate = TablePredicate() if where is None else table_predicate(where)
        self._columns = columns
        window = current_window() if has_window() else DEFAULT_WINDOW
        self._pages = TablePages(TableUrl.of(url), window)
        self.records = 0

    def is_usable(self) -> bool:
        """Return whether the server can answer the predicate, and has the columns."""
        return self._predicate is not None and self._pages.has(self._columns)

    def frames(self) -> Iterator[pl.DataFrame]:
        assert self._predicate is not None  # noqa: S101 - as is_usable()
        condition = Condition(self._predicate.sql, self._predicate.values)
        total = self._pages.total()
        yield from self._pages.frames(self._columns, condition)
        self.records = rows = self._pages.rows
        report_window(rows, total)

    def close(self) -> None:
        self._pages.close()
