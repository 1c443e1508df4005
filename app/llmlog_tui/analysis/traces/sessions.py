"""Sessions: the traces of one conversation together, and what they come to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

_FLAGS: Final = ("failed", "truncated", "retried", "changed")


@dataclass(frozen=True, eq=False)
class Sessions:
    """The traces of one frame (traces.traces()) by session, the session of the newest trace last.

    `frame` has a row a session: session_id (null: the traces that have none), traces (how many),
    ts (earliest start), time_ms (from there to the latest end; without ts the sum), steps, tokens,
    cost_usd, saved_usd, unpriced_calls, failed, truncated, retried, changed, models (in order of
    first use), first (where its traces begin in `order`). `order` has the positions of all traces,
    session after session, within each as they were.
    """

    frame: pl.DataFrame
    order: pl.Series

    def tree(self, folded: Collection[str | None] = ()) -> Tree:
        """The rows of a tree in which the traces of some sessions, by id, are folded away."""
        is_folded = pl.col("session_id").is_in(list(folded), nulls_equal=True)
        below = pl.when(is_folded).then(0).otherwise("traces")
        rows = self.frame.select(below=below, start=(below + 1).cum_sum() - below - 1)
        return Tree(self, rows["start"], rows["below"])

    @cached_property
    def places(self) -> pl.Series:
        """By the position of a trace, its place in `order`."""
        return self.order.arg_sort()


@dataclass(frozen=True, eq=False)
class Tree:
    """Rows of headings, one a session, each above its traces unless they are folded away.

    By session: its row, `starts`, and how many rows are `below` it.
    """

    sessions: Sessions
    starts: pl.Series
    below: pl.Series

    def __len__(self) -> int:
        if not len(self.starts):
            return 0
        return int(self.starts[-1]) + int(self.below[-1]) + 1

    def at(self, row: int) -> tuple[int, int | None]:
        """(session, position of the trace) that a row shows; None for the heading itself."""
        session = _last_up_to(self.starts, row)
        nth = row - int(self.starts[session]) - 1
        if nth < 0:
            return session, None
        return session, int(self.sessions.order[int(self.sessions.frame["first"][session]) + nth])

    def between(self, start: int, stop: int) -> list[tuple[int, int | None]]:
        """What rows `start` up to `stop` show, each as at() says it."""
        found: list[tuple[int, int | None]] = []
        if stop <= start:
            return found
        last = _last_up_to(self.starts, stop - 1)
        for session in range(_last_up_to(self.starts, start), last + 1):
            heading = int(self.starts[session])
            if heading >= start:
                found.append((session, None))
            since = max(start - heading - 1, 0)
            until = min(stop - heading - 1, int(self.below[session]))
            first = int(self.sessions.frame["first"][session]) + since
            there = self.sessions.order.slice(first, max(0, until - since))
            found += [(session, trace) for trace in there.to_list()]
        return found

    def session_of(self, trace: int) -> int:
        """The session of the trace at this position."""
        return _last_up_to(self.sessions.frame["first"], int(self.sessions.places[trace]))

    def row_of(self, trace: int) -> int | None:
        """The row of the trace at this position; None if it is folded away."""
        session = self.session_of(trace)
        if not self.below[session]:
            return None
        nth = int(self.sessions.places[trace]) - int(self.sessions.frame["first"][session])
        return int(self.starts[session]) + 1 + nth

    def newest_of(self, session: int) -> int:
        """The position of the newest trace of a session."""
        row: dict[str, Any] = self.sessions.frame.row(session, named=True)
        return int(self.sessions.order[row["first"] + row["traces"] - 1])


def _last_up_to(starts: pl.Series, place: int) -> int:
    """The last of these ascending numbers that is not over `place`: where it stands."""
    return int(starts.search_sorted(place, side="right")) - 1


def sessions(traces: pl.DataFrame) -> Sessions:
    """The sessions of traces.traces(), or of some of its rows."""
    placed = traces.with_columns(place=pl.int_range(pl.len(), dtype=pl.UInt32))
    newest = pl.col("place").max().over("session_id")
    order = placed.select(pl.col("place").sort_by(newest, "place")).to_series()
    end = pl.col("ts") + pl.duration(microseconds=pl.col("time_ms").fill_null(0) * 1_000)
    timed = (end.max() - pl.col("ts").min()).dt.total_microseconds() / 1_000
    frame = (
        placed.group_by("session_id")
        .agg(
            pl.col("ts").min(),
            pl.col("steps", "saved_usd", "unpriced_calls").sum(),
            *(_known_sum(name) for name in ("tokens", "cost_usd")),
            pl.col(*_FLAGS).any(),
            traces=pl.len(),
            time_ms=pl.coalesce(timed, _known_sum("time_ms")),
            models=pl.col("models").explode().drop_nulls().unique(maintain_order=True),
            newest=pl.col("place").max(),
        )
        .sort("newest")
        .drop("newest")
    )
    first = frame.select(pl.col("traces").cum_sum() - pl.col("traces")).to_series()
    return Sessions(frame.with_columns(first=first), order)


def _known_sum(name: str) -> pl.Expr:
    """The sum of those that are known; null if none is."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())
