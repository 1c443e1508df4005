"""Records of llmlog's own files whose lines contain words, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.analysis.traces.text_search import Excerpt, TextQuery
from llmlog_tui.errors import reason
from llmlog_tui.formats.json_text import without_bom
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.parse import parse
from llmlog_tui.log.peek import has_own_lines
from llmlog_tui.log.schema import decategorize, restore_integers
from llmlog_tui.log.sources import SourceError, expand, path_text
from llmlog_tui.log.text_scan import MatchingLine, scan

Found = tuple[dict[str, Any], Excerpt]
"""A record as `find --json` prints it, and where the words are in it."""

Keep = Callable[[pl.DataFrame], pl.DataFrame]
"""Returns the records to keep."""

_ROWS = 1_000
"""Records that are parsed at a time."""

_BATCH_S = 0.2
"""Seconds between two batches of matching lines."""


def _all(records: pl.DataFrame) -> pl.DataFrame:
    return records


def are_plain(names: Sequence[str]) -> bool:
    """Return whether all are files of lines that begin with records of llmlog's."""
    for path in expand(names, must_exist=True):
        try:
            if not has_own_lines(path):
                return False
        except OSError as error:
            raise SourceError(f"{path}: {reason(error)}") from error
    return True


def in_plain_files(query: TextQuery, names: Sequence[str], keep: Keep = _all) -> Iterator[Found]:
    """Yield the records that contain the words and that `keep` keeps. Raises SourceError."""
    paths = expand(names, must_exist=True)
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            for lines in _batches(scan(path, query.line_pattern)):
                yield from _in_lines(query, path, lines, keep)
        except OSError as error:
            raise SourceError(f"{path}: {reason(error)}") from error


def _batches(blocks: Iterator[list[MatchingLine]]) -> Iterator[list[MatchingLine]]:
    """Yield the first matching lines at once, later ones in batches."""
    batch: list[MatchingLine] = []
    due = 0.0  # parsing few lines takes as long as parsing a thousand
    for lines in blocks:
        batch += lines
        if len(batch) >= _ROWS or time.monotonic() >= due:
            yield batch
            batch, due = [], time.monotonic() + _BATCH_S
    if batch:
        yield batch


def _in_lines(
    query: TextQuery, path: Path, lines: Sequence[MatchingLine], keep: Keep
) -> Iterator[Found]:
    """Yield the records among matching lines whose content does contain the words."""
    whole = ((each.number, without_bom(each.line)) for each in lines)
    hits = [
        (number, line, excerpt)
        for number, line in whole
        if (excerpt := query.excerpt(decode(line) or {})) is not None
    ]
    frame = keep(parse(b"\n".join(line for _, line, _ in hits)).frame)
    for record in restore_integers(decategorize(frame)).iter_rows(named=True):
        number, _, excerpt = hits[record.pop("line")]
        place = {"file": path_text(path), "line": number, "format": LLMLOG.name}
        yield {**record, **place}, excerpt
