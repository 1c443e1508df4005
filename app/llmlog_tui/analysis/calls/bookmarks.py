"""Find bookmarked records in a frame, and the next one from a record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.log.record_key import (
    KEY_FIELDS,
    LINE,
    RecordKey,
    has_id,
    record_key,
    with_line_hash,
)
from llmlog_tui.log.schema import decategorize

Lines = Callable[[pl.DataFrame], Mapping[int, bytes]]
"""Reads raw lines of a frame's records, by key; records of deleted files are missing."""

_LOCATION: Final = ("row", "block", "line")
_MAX_LINES: Final = 10_000
"""Maximum lines read back to distinguish records without ids."""


def find_bookmarked(
    frame: pl.DataFrame, wanted: Collection[RecordKey], lines: Lines, since: int = 0
) -> dict[RecordKey, int]:
    """Return the first `row`, from `since` on, of each wanted record.

    `frame` is a Snapshot's. One pass over the key columns; `lines` are read only for records
    without ids.
    """
    looked_for: dict[str, list[object]] = {}
    for known in wanted:
        name, value = known[0]
        looked_for.setdefault(name, []).append(_value(name, value))
    if not looked_for:
        return {}
    some = pl.any_horizontal(
        _text(name).is_in(values).fill_null(value=False) for name, values in looked_for.items()
    )
    columns = frame.select_seq(*_LOCATION, *KEY_FIELDS)
    candidates = (columns.filter(pl.col("row") >= since) if since else columns).filter(some)
    records = decategorize(candidates.select("row", *KEY_FIELDS)).iter_rows(named=True)
    by_row = {record["row"]: record_key(record) for record in records}
    without_ids = {known[:-1] for known in wanted if known[-1][0] == LINE}
    unsure = [row for row, known in by_row.items() if known in without_ids][:_MAX_LINES]
    if unsure:
        read = lines(candidates.filter(pl.col("row").is_in(unsure)))
        by_row |= {row: with_line_hash(by_row[row], line) for row, line in read.items()}
    wanted = frozenset(wanted)
    return {known: row for row, known in reversed(by_row.items()) if known in wanted}


def record_key_of(frame: pl.DataFrame, row: int, lines: Lines) -> RecordKey | None:
    """Return the RecordKey of a row; None if it needs a deleted file's line."""
    record = frame.select_seq(*_LOCATION, *KEY_FIELDS).filter(pl.col("row") == row)
    known = record_key(decategorize(record.select(KEY_FIELDS)).row(0, named=True))
    if has_id(known):
        return known
    line = lines(record).get(row)
    return None if line is None else with_line_hash(known, line)


class BookmarkNeighbor(NamedTuple):
    """The record with key `row`, the `nth` (from 1) of `total`."""

    row: int
    nth: int
    total: int


def adjacent_bookmark(
    frame: pl.DataFrame, rows: Collection[int], row: int | None, direction: int
) -> BookmarkNeighbor | None:
    """Return the next of the records `rows` after `row`, or before it with direction -1.

    In the frame's order, wrapping around; from None, the first or the last. None without any.
    """
    marked = frozenset(rows)
    stops = {*marked, *([] if row is None else [row])}
    order = frame.select_seq("row").filter(pl.col("row").is_in(list(stops)))["row"].to_list()
    inside = [each for each in order if each in marked]
    if not inside:
        return None
    here = order.index(row) if row in order else (-1 if direction > 0 else len(order))
    after = [each for each in order[here + 1 :] if each in marked]
    before = [each for each in order[: max(0, here)] if each in marked]
    found = (after or inside)[0] if direction > 0 else (before or inside)[-1]
    return BookmarkNeighbor(found, inside.index(found) + 1, len(inside))


def _value(name: str, value: str | int) -> object:
    return datetime.fromisoformat(value) if name == "ts" and isinstance(value, str) else value


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String) if name == "event" else pl.col(name)
