"""Cut a window off the end of records that come in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl


def last_records(frames: Iterator[pl.DataFrame], dropped: int) -> Iterator[pl.DataFrame]:
    """Yield all but the first records."""
    for frame in frames:
        if dropped < frame.height:
            yield frame.slice(dropped)
        dropped = max(0, dropped - frame.height)


def records_since(
    frames: Iterator[pl.DataFrame], oldest: datetime, newest: datetime, *, is_cut: bool
) -> Iterator[pl.DataFrame]:
    """Yield the records from the first one between two times on, as Segment.drop_before().

    Records before it are dropped if one of them, or with `is_cut` one that is not among them, is
    older.
    """
    leading: list[pl.DataFrame] = []
    for frame in frames:
        is_within = frame["ts"].is_between(oldest, newest).fill_null(value=False)
        first = is_within.arg_max() or 0 if is_within.any() else frame.height
        is_cut |= bool((frame["ts"].head(first) < oldest).any())
        leading = [] if is_cut else [*leading, frame.head(first)]
        if first < frame.height:
            yield from leading
            yield frame.slice(first)
            break
    yield from frames
