"""Calls and tools in flight: lines with event `start` whose record has not come yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from llmlog_tui.log.inference import distinct
from llmlog_tui.log.schema import COLUMNS

GONE_AFTER: Final = timedelta(minutes=10)
"""Time after which a step, and its process, is taken to be dead."""

_MAX_OPEN: Final = 10_000
"""Maximum starts that are kept until their records come; the oldest are evicted."""

_FIELDS: Final = (
    *("ts", "session_id", "trace_id", "step", "span_id", "parent_span_id"),
    *("requested_model", "tool_name", "trace_name"),
)
NO_STARTS: Final = pl.DataFrame(schema={name: COLUMNS[name] for name in _FIELDS})


@dataclass(frozen=True)
class RunningStep:
    """A call or tool execution that has begun; fields as in its record."""

    ts: datetime | None
    session_id: str | None
    trace_id: str | None
    step: int | None
    span_id: str
    parent_span_id: str | None
    requested_model: str | None
    tool_name: str | None
    trace_name: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """Its ids that are known."""
        return tuple(filter(None, (self.span_id, self.trace_id, self.session_id)))

    @property
    def label(self) -> str:
        return self.tool_name or self.requested_model or "call"

    def is_gone(self, now: datetime) -> bool:
        """Return whether it has probably died with its process."""
        return self.ts is not None and now - self.ts > GONE_AFTER

    @property
    def gone_after(self) -> timedelta:
        """Time without an end after which it is taken to be gone."""
        return GONE_AFTER

    def elapsed_ms(self, now: datetime) -> float | None:
        """Return the time since it began; None if that is unknown."""
        return None if self.ts is None else max(0.0, (now - self.ts).total_seconds() * 1_000)


def split_starts(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of a frame without starts, and the starts."""
    if "start" not in distinct(frame["event"]).to_list():
        return frame, NO_STARTS
    is_start = frame["event"] == "start"
    return frame.filter(~is_start).rechunk(), frame.filter(is_start).select(_FIELDS)


class StartTracker:
    """Joins starts and records by span_id, whichever comes first."""

    def __init__(self) -> None:
        self._open: dict[str, RunningStep] = {}

    def add(self, starts: pl.DataFrame, records: pl.DataFrame) -> None:
        """Take the starts and the records of a block."""
        if starts.height:
            has_ended = pl.col("span_id").is_in(records["span_id"].implode())
            for row in starts.filter(pl.col("span_id").is_not_null() & ~has_ended).rows(named=True):
                self._open[row["span_id"]] = RunningStep(**row)
            for span_id in list(self._open)[:-_MAX_OPEN]:
                del self._open[span_id]
        self.settle(records)

    def settle(self, records: pl.DataFrame) -> None:
        """Drop the starts of these records."""
        if self._open:
            span_ids = pl.Series(list(self._open), dtype=pl.String)
            for span_id in span_ids.filter(span_ids.is_in(records["span_id"].implode())):
                del self._open[span_id]

    def running(self) -> tuple[RunningStep, ...]:
        """Return the steps that have not ended, in the order of their lines."""
        return tuple(self._open.values())


def joined(starts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(starts) if len(starts) > 1 else starts[0]
