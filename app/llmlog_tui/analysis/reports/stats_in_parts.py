"""Statistics of a log that is too big for memory, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import most_frequent, priced, rates, unpriced_models
from llmlog_tui.analysis.calls.percentiles import FIGURES, grouping
from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.analysis.reports.stats import (
    TOKENS,
    TOTALS,
    Stats,
    call_totals,
    group_totals,
    grouped_records,
    needed_columns,
    remaining_prices,
)
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import IS_CALL, without_nulls

_MEASURES: Final = ("latency_ms", "tokens_per_sec", "ttft_ms")
"""Columns of percentiles.FIGURES: percentiles need all of their values."""

_FIRST: Final = ("first_ts", "nth")
"""Columns of groups: time and number of their first record."""

_MERGED: Final = 16
"""Frames of distinct ids, and of groups, that are merged into one."""


class StatsInParts:
    """Sums up the frames of a log; result() is stats() of all.

    Sums of USD may differ from it in the last digit. Of each call its latency, tokens per second,
    ts, group and status are kept: about 40 bytes.
    """

    def __init__(
        self, *, over_ms: float = 500.0, by: str = "model", rules: Rules = DEFAULT
    ) -> None:
        self._over_ms = over_ms
        self._by = by
        self._grouping = grouping(by)
        self._rates = rates(rules)
        self._unused_prices: Sequence[str] = list(rules.prices)
        self._records = 0
        self._ids: dict[str, list[pl.Series]] = {"session_id": [], "trace_id": []}
        self._totals: list[pl.DataFrame] = []
        self._of_calls: list[pl.DataFrame] = []
        self._groups: list[pl.DataFrame] = []
        self._unpriced: list[pl.DataFrame] = []
        self._measures: list[pl.DataFrame] = []
        self._calls: list[pl.DataFrame] = []  # of calls that are not grouped

    def add(self, frame: pl.DataFrame) -> None:
        """Add the next records, with needed_columns()."""
        frame = frame.select_seq(needed_columns(self._by))
        for name, hashes in self._ids.items():
            hashes.append(frame[name].drop_nulls().unique().hash())
            if len(hashes) >= _MERGED:
                hashes[:] = [pl.concat(hashes).unique()]
        self._totals.append(frame.select_seq(**TOTALS))
        calls = priced(model_calls(frame), self._rates)
        self._of_calls.append(calls.select(**call_totals(self._over_ms)))
        self._unpriced.append(unpriced_models(calls))
        self._unused_prices = remaining_prices(self._unused_prices, calls)
        records = (
            grouped_records(frame, calls, self._grouping)
            .with_columns(key=self._grouping.key, first_ts=pl.col("ts").forward_fill())
            .with_row_index("nth", self._records)
        )
        if records.schema["key"] == pl.String():
            records = records.with_columns(pl.col("key").cast(pl.Categorical))
        groups = records.group_by("key", maintain_order=True)
        first = {"first_ts": pl.col("first_ts").min(), "nth": pl.col("nth").min()}
        self._groups.append(groups.agg(**group_totals(), **first))
        if len(self._groups) >= _MERGED:
            self._groups = [_merged(self._groups)]
        self._measures.append(without_nulls(records.select("key", "ts", "status", *_MEASURES)))
        if self._grouping.records is not IS_CALL:
            self._calls.append(calls.select("ts", "status", "latency_ms"))
        self._records += frame.height

    def result(self) -> Stats:
        """Return the statistics of all records so far; at least one frame was added."""
        totals = pl.concat(self._totals).select(
            pl.col("records", "tools", "errors").sum(),
            pl.col("first_ts").min(),
            pl.col("last_ts").max(),
        )
        of_calls = pl.concat(self._of_calls).select(
            _sum(name) for name in self._of_calls[0].columns
        )
        measures = pl.concat(self._measures, rechunk=False)
        calls = pl.concat(self._calls) if self._calls else measures
        sessions, traces = (pl.concat(hashes).n_unique() for hashes in self._ids.values())
        return Stats(
            sessions=sessions,
            traces=traces,
            **totals.row(0, named=True),
            **of_calls.row(0, named=True),
            groups=self._all_groups(measures),
            unpriced_models=most_frequent(self._unpriced),
            unused_prices=self._unused_prices,
            priced=calls.select("ts", "status", "latency_ms"),
        )

    def _all_groups(self, measures: pl.DataFrame) -> pl.DataFrame:
        groups = _merged(self._groups).sort("first_ts", "nth", nulls_last=False)
        for measure in _MEASURES:
            figures = {
                name: figure
                for name, figure in FIGURES.items()
                if figure.meta.root_names() == [measure]
            }
            # One measure at a time: a group's values are copied.
            found = measures.select("key", measure).group_by("key").agg(**figures)
            groups = groups.join(
                found, on="key", how="left", nulls_equal=True, maintain_order="left"
            )
        return groups.drop(_FIRST).sort("calls", descending=True, maintain_order=True)


def _merged(groups: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return groups of several frames as one."""
    together = pl.concat(groups)
    figures = [name for name in together.columns if name not in ("key", *_FIRST)]
    return together.group_by("key", maintain_order=True).agg(
        *(_sum(name) for name in figures), pl.col(_FIRST).min()
    )


def _sum(name: str) -> pl.Expr:
    """Return the sum of known values, null if none is known."""
    if name in TOKENS:
        return count_sum(pl.col(name))
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
