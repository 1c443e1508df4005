"""Search records for a text in their ids, model, tool or error."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from llmlog_tui.log.schema import ID_FIELDS

SEARCHED: Final = (
    *(*ID_FIELDS, "span_id", "tool_call_id"),
    *("model", "requested_model", "tool_name", "name", "trace_name"),
    *("finish_reason", "system_fingerprint", "error_type", "error_code"),
)
"""The searched fields."""


@dataclass(frozen=True)
class Hit:
    """The record with key `row`, the `nth` (from 1) of `total` that match.

    Records that the frame no longer has are -1, -2 and so on, the newest of them first.
    """

    row: int
    nth: int
    total: int


def step_of(frame: pl.DataFrame, trace_id: str, number: int) -> Hit | None:
    where = (pl.col("trace_id") == trace_id) & (pl.col("step") == number)
    rows = frame.select_seq("row", "trace_id", "step").filter(where)["row"]
    return Hit(int(rows[0]), 1, len(rows)) if len(rows) else None


def search(  # noqa: PLR0913 - what matches, and from where
    frame: pl.DataFrame,
    text: str,
    row: int | None,
    direction: int,
    *,
    found: Collection[int] = (),
    older: int = 0,
) -> Hit | None:
    """Return the next match after record `row`, before it with direction -1.

    Records with the keys `found` match, too; `older` is the number of matches before the frame.
    Case-insensitive, and wraps around. From None it searches backwards from the newest record.
    With direction 0 it is `row` itself, if that matches. None without a match.
    """
    contains = [
        pl.col(name).cast(pl.String).str.to_lowercase().str.contains(text.lower(), literal=True)
        for name in SEARCHED
    ]
    if found:
        contains.append(pl.col("row").is_in(pl.Series(list(found), dtype=pl.UInt32).implode()))
    matching = (
        frame.select_seq("row", match=pl.any_horizontal(contains).fill_null(value=False))
        .with_row_index("position")
        .filter("match")
    )
    # Older records precede the first position.
    before = pl.int_range(-older, 0, dtype=pl.Int64, eager=True)
    positions = pl.concat([before, matching["position"].cast(pl.Int64)])
    rows = pl.concat([before, matching["row"].cast(pl.Int64)])
    if not len(positions):
        return None
    if row is None or row >= 0:
        here = frame.height if row is None else frame["row"].index_of(row)
        at = frame.height if here is None else here
    else:
        at = row
    if direction == 0:
        nth = int((positions < at).sum())
        if nth == len(positions) or positions[nth] != at:
            return None
    elif direction > 0:
        nth = int((positions <= at).sum()) % len(positions)
    else:
        nth = (int((positions < at).sum()) - 1) % len(positions)
    return Hit(int(rows[nth]), nth + 1, len(positions))
