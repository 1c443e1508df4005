"""The records of a log for an export, frame after frame where possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import polars as pl

from llmlog_tui.analysis.query.predicate import filter_records, is_by_row
from llmlog_tui.commands.open_log import (
    BOM,
    OpenLog,
    check_has_records,
    complete,
    open_log,
    report_source,
)
from llmlog_tui.commands.options import current_window, has_window
from llmlog_tui.commands.progress import Progress
from llmlog_tui.commands.record_stream import ArchiveRecords, is_archive_stream
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log.load import read_all
from llmlog_tui.log.peek import has_own_lines
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import Sources, expand, path_text, url_of
from llmlog_tui.log.tags import tag_types

Consume = Callable[[pl.DataFrame], object]


class ExportSource(Protocol):
    """Records in order; located() and lines() are for the frame that each() is giving."""

    def each(self, consume: Consume) -> None:
        """Call a function with frame after frame. Raises UserError."""
        ...

    def located(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return fields and tags, then `file` and `line` (from 1)."""
        ...

    def lines(self, frame: pl.DataFrame) -> Iterable[bytes]:
        """Return the records as lines of llmlog's own format."""
        ...


@contextmanager
def export_source(
    names: Sequence[str], where: str | None, progress: Progress
) -> Iterator[ExportSource]:
    """Give the records of logs that match `where`.

    An archive is streamed; so are a table and a file of llmlog's own lines, unless the predicate
    is about several records. Others are loaded. Raises UserError.
    """
    paths = expand(names, must_exist=True)
    if is_archive_stream(paths):
        yield _ArchiveSource(paths, where, progress)
    elif (where is None or is_by_row(where)) and len(paths) == 1 and _is_streamed(paths[0]):
        sources = Sources(names, must_exist=True)
        with closing(Reader(sources, window=current_window(), is_stream=True)) as reader:
            yield _StreamSource(reader, names, where, progress)
    else:
        with open_log(names, where, on_step=lambda reader: progress(*reader.progress())) as log:
            yield _LoadedSource(log)


def _is_streamed(path: Path) -> bool:
    try:
        return url_of(path) is not None or (not has_window() and has_own_lines(path))
    except OSError:
        return False  # the reader reports it


class _ArchiveSource:
    def __init__(self, paths: Sequence[Path], where: str | None, progress: Progress) -> None:
        self._names = pl.Series([path_text(path) for path in paths], dtype=pl.String)
        self._records = ArchiveRecords(paths, where, COLUMNS, DEFAULT, with_lines=True)
        self._progress = progress

    def each(self, consume: Consume) -> None:
        for frame in self._records.frames():
            consume(frame)
            self._progress(self._records.records, self._records.total)

    def located(self, frame: pl.DataFrame) -> pl.DataFrame:
        line = frame["line"].cast(pl.Int64) + 1
        return _located(frame, self._names.gather(frame["file"]), line)

    def lines(self, frame: pl.DataFrame) -> Iterable[bytes]:
        return [line.removeprefix(BOM) for line in self._records.lines(frame)]


class _StreamSource:
    def __init__(
        self, reader: Reader, names: Sequence[str], where: str | None, progress: Progress
    ) -> None:
        self._reader = reader
        self._log_names = names
        self._where = where
        self._progress = progress

    def each(self, consume: Consume) -> None:
        def give(frame: pl.DataFrame) -> None:
            if self._where is not None:
                frame = filter_records(frame, self._where, may_lack_tags=True)
            if frame.height:
                consume(frame)

        reader = self._reader
        reader.on_records = give
        snapshot = read_all(reader, on_step=lambda: self._progress(*reader.progress()))
        if self._where is not None:  # a tag of no record is an error, as of a log in memory
            filter_records(snapshot.frame, self._where)
        report_source(reader, self._log_names)
        check_has_records(snapshot)

    def located(self, frame: pl.DataFrame) -> pl.DataFrame:
        (path,) = self._reader.files
        file = pl.Series([path_text(path)]).new_from_index(0, frame.height)
        return _located(frame, file, self._reader.line_numbers(frame))

    def lines(self, frame: pl.DataFrame) -> Iterable[bytes]:
        return complete(self._reader.lines(frame, LineForm.RECORD))


class _LoadedSource:
    def __init__(self, log: OpenLog) -> None:
        self._log = log

    def each(self, consume: Consume) -> None:
        check_has_records(self._log.snapshot)
        consume(self._log.frame)

    def located(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self._log.placed(frame)

    def lines(self, frame: pl.DataFrame) -> Iterable[bytes]:
        return (line for _, line in self._log.lines(frame))


def _located(frame: pl.DataFrame, file: pl.Series, line: pl.Series) -> pl.DataFrame:
    return frame.select(*COLUMNS, *tag_types(frame)).with_columns(
        file.alias("file"), line.alias("line")
    )
