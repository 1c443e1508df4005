"""Records of a log that contain words and match SQL, or in any format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import polars as pl

from llmlog_tui.analysis.query.predicate import filter_records, reads_several
from llmlog_tui.analysis.traces.text_search import TextQuery
from llmlog_tui.commands.find_lines import Found, are_plain, in_plain_files
from llmlog_tui.commands.open_log import open_log
from llmlog_tui.commands.options import has_window
from llmlog_tui.log.schema import restore_integers

_ROWS = 1_000
"""Records that are read at a time."""


def find_in_log(query: TextQuery, names: Sequence[str], where: str | None) -> Iterator[Found]:
    """Yield the records that contain the words and match `where`, newest first.

    Raises UsageError for a `where` of several records, and as open_log().
    """
    if where is not None and reads_several(where):
        raise click.UsageError("--where with --text compares fields of one record, no aggregates.")
    if has_window() or not are_plain(names):
        return _in_any_format(query, names, where)
    if where is None:
        return in_plain_files(query, names)
    return in_plain_files(query, names, lambda records: _matching(records, where))


def _matching(records: pl.DataFrame, where: str) -> pl.DataFrame:
    numbered = records.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    return filter_records(numbered, where).drop("row")


def _in_any_format(query: TextQuery, names: Sequence[str], where: str | None) -> Iterator[Found]:
    """Yield records of any log or window: their content may be in several lines."""
    with open_log(names, where) as log:
        for end in range(log.frame.height, 0, -_ROWS):
            start = max(0, end - _ROWS)
            part = log.frame[start:end].reverse()
            placed = log.placed(part).with_columns(log.formats(part))
            records = restore_integers(placed).iter_rows(named=True)
            for record, (_, content) in zip(records, log.contents(part), strict=True):
                if (excerpt := query.excerpt(content)) is not None:
                    yield record, excerpt
