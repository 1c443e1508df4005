"""Count calls and failures per provider and model, up to any call of a log."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls.call_model import MODEL, UNANSWERED
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.log.chunked_frame import ChunkedFrame

KEYS: Final = ("provider", "model")
"""Columns of with_model()."""

COUNTS_BEFORE: Final = {
    "calls_before": pl.int_range(pl.len()).over(KEYS),
    "failed_before": (FAILED.cast(pl.Int64).cum_sum() - FAILED.cast(pl.Int64)).over(KEYS),
}
"""Numbers of earlier calls, and failures, with the same KEYS, within one frame of calls."""

_TOTALS: Final = {"calls": pl.len().cast(pl.Int64), "failed": FAILED.sum().cast(pl.Int64)}


class Counts(NamedTuple):
    """Numbers of calls, and of failed ones among them."""

    calls: int
    failed: int

    def plus(self, other: Counts) -> Counts:
        return Counts(self.calls + other.calls, self.failed + other.failed)

    def minus(self, other: Counts) -> Counts:
        return Counts(self.calls - other.calls, self.failed - other.failed)


def with_model(calls: Calls) -> pl.LazyFrame:
    """Return calls whose `model` is the requested one where none answered."""
    return calls.lazy().with_columns(model=MODEL)


class CallCounts:
    """Counts of all calls so far, by key; unanswered ones by position, too.

    Whether such a call counts for another model than the requested one, which may be a router's
    name, is known only by what later calls requested.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._totals: pl.DataFrame | None = None
        self._unanswered = ChunkedFrame()

    def add(self, calls: Calls) -> None:
        """Count more calls."""
        new = with_model(calls).group_by(KEYS).agg(**_TOTALS).collect()
        if self._totals is not None:
            sums = pl.concat([self._totals, new]).group_by(KEYS)
            new = sums.agg(pl.col("calls", "failed").sum())
        self._totals = new
        if calls["model"].null_count():
            unanswered = calls.lazy().select(
                *KEYS,
                "requested_model",
                position=(pl.int_range(pl.len()) + self._calls).cast(pl.Int64),
                failed=FAILED,
            )
            found = unanswered.filter(UNANSWERED).drop("model")
            self._unanswered.append(found.collect())
        self._calls += calls.height

    def with_earlier(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the next calls; COUNTS_BEFORE include the calls of add()."""
        if self._totals is None or not rows.height:
            return rows
        joined = rows.join(self._totals, KEYS, "left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(
            pl.col("calls_before") + pl.col("calls").fill_null(0),
            pl.col("failed_before") + pl.col("failed").fill_null(0),
        ).drop("calls", "failed")

    def unanswered(self, start: int, stop: int, provider: str | None, models: pl.Series) -> Counts:
        """Count calls that no model answered at positions `start` to `stop`, by requested model."""
        if not self._unanswered.height:
            return Counts(0, 0)
        found = self._unanswered.frame().lazy()
        counted = found.filter(
            pl.col("position").is_between(start, stop, closed="left"),
            pl.col("provider").eq_missing(pl.lit(provider)),
            pl.col("requested_model").is_in(models.implode()),
        ).select(calls=pl.len(), failed=pl.col("failed").sum())
        return Counts(*counted.collect().row(0))
