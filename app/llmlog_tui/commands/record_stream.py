"""The records of a log of any size, frame after frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import polars as pl

from llmlog_tui.analysis.query.sql import filter_records, is_by_row
from llmlog_tui.commands.common import has_window
from llmlog_tui.config.rules import Rules
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.archive_part import archived_tags
from llmlog_tui.log.archive_stream import ArchiveStream
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import SourceError, expand


class _Source(Protocol):
    records: int

    def frames(self) -> Iterator[pl.DataFrame]: ...


class RecordStream:
    """The records that match a predicate, in the order in which they would be loaded."""

    def __init__(self, source: _Source, where: str | None, rules: Rules) -> None:
        self._source = source
        self._where = where
        self._rules = rules

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield frames of records with store.FRAME_SCHEMA, and tags. Raises SourceError."""
        try:
            for frame in self._source.frames():
                if self._where is not None:
                    frame = filter_records(frame, self._where, self._rules)  # noqa: PLW2901
                yield frame
        except OSError as error:
            raise SourceError(f"{error.filename}: {error.strerror}") from error

    @property
    def format(self) -> str | None:
        """Name of the log's format; None if it has no records."""
        return LLMLOG.name if self._source.records else None


def record_stream(
    names: Sequence[str], where: str | None, columns: Collection[str], rules: Rules
) -> RecordStream | None:
    """Return the records of archives, with `columns`; None for other logs.

    Those are to be loaded, as are a window, and a predicate of several records. Raises SourceError.
    """
    if has_window() or not (where is None or is_by_row(where)):
        return None
    paths = expand(names, must_exist=True)
    if not paths or not all(map(is_part, paths)):
        return None
    if where is not None:  # it may name any field
        columns = COLUMNS
    try:
        tags = archived_tags(paths) if columns is COLUMNS else {}
    except OSError as error:
        raise SourceError(f"{error.filename}: {error.strerror}") from error
    return RecordStream(ArchiveStream(paths, columns, tags), where, rules)
