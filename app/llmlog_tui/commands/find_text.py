"""`llmlog find --text`: records whose content or error text contains words, newest first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click
import polars as pl

from llmlog_tui.analysis.calls.text_search import Excerpt, TextQuery
from llmlog_tui.analysis.query.sql import filter_records, is_by_row
from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.commands.common import (
    echo_json,
    echo_texts,
    open_log,
)
from llmlog_tui.commands.text_tables import head, line_of, on_terminal
from llmlog_tui.errors import reason
from llmlog_tui.formats.json_text import without_bom
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.parse import parse
from llmlog_tui.log.peek import has_own_lines
from llmlog_tui.log.schema import decategorize, restore_integers
from llmlog_tui.log.sources import SourceError, expand, path_text
from llmlog_tui.log.text_scan import MatchingLine, scan
from llmlog_tui.sanitize import sanitize

Found = tuple[dict[str, Any], Excerpt]
"""A record as `find --json` prints it, and where the words are in it."""

_ROWS = 1_000
"""Records that are read at a time."""

_BATCH_S = 0.2
"""Seconds between two batches of matching lines."""


def find_text(words: str, names: Sequence[str], *, as_json: bool, where: str | None) -> bool:
    """Print the records that contain the words, newest first; return whether there are any."""
    try:
        query = TextQuery(words)
    except ValueError as error:
        raise click.UsageError(f"--text: {error}") from error
    if where is not None and not is_by_row(where):
        raise click.UsageError("--where with --text compares fields of one record, no aggregates.")
    search = _in_plain_files if _are_plain(names) else _in_any_format
    found = search(query, names, where)
    first = next(found, None)
    if first is None:
        return False
    records = chain([first], found)
    if as_json:
        echo_json({**record, **_as_object(excerpt)} for record, excerpt in records)
    else:
        _print(records)
    return True


def _as_object(excerpt: Excerpt) -> dict[str, str]:
    return {"found_in": excerpt.field, "excerpt": excerpt.text}


def _print(records: Iterable[Found]) -> None:
    click.echo(on_terminal(head()))
    for record, excerpt in records:  # one by one: the next may take a while
        place = sanitize(f"{record['file']}:{record['line']}")
        echo_texts([line_of(record), f"    {place} {excerpt.field}: {sanitize(excerpt.text)}"])


def _are_plain(names: Sequence[str]) -> bool:
    """Return whether all are files of lines that begin with records of llmlog's."""
    for path in expand(names, must_exist=True):
        try:
            if not has_own_lines(path):
                return False
        except OSError as error:
            raise SourceError(f"{path}: {reason(error)}") from error
    return True


def _in_plain_files(query: TextQuery, names: Sequence[str], where: str | None) -> Iterator[Found]:
    paths = expand(names, must_exist=True)
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            for lines in _batches(scan(path, query.line_pattern)):
                yield from _in_lines(query, path, lines, where)
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
    query: TextQuery, path: Path, lines: Sequence[MatchingLine], where: str | None
) -> Iterator[Found]:
    """Yield the records among matching lines whose content does contain the words."""
    whole = ((each.number, without_bom(each.line)) for each in lines)
    hits = [
        (number, line, excerpt)
        for number, line in whole
        if (excerpt := query.excerpt(decode(line) or {})) is not None
    ]
    frame = parse(b"\n".join(line for _, line, _ in hits)).frame
    if where is not None:
        numbered = frame.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
        frame = filter_records(numbered, where).drop("row")
    for record in restore_integers(decategorize(frame)).iter_rows(named=True):
        number, _, excerpt = hits[record.pop("line")]
        place = {"file": path_text(path), "line": number, "format": LLMLOG.name}
        yield {**record, **place}, excerpt


def _in_any_format(query: TextQuery, names: Sequence[str], where: str | None) -> Iterator[Found]:
    """Yield records of tables, archives and other tools' logs: content may be in several lines."""
    with open_log(names, where) as log:
        for end in range(log.frame.height, 0, -_ROWS):
            start = max(0, end - _ROWS)
            part = log.frame[start:end].reverse()
            placed = log.placed(part).with_columns(log.formats(part))
            records = restore_integers(placed).iter_rows(named=True)
            for record, (_, content) in zip(records, log.contents(part), strict=True):
                if (excerpt := query.excerpt(content)) is not None:
                    yield record, excerpt
