"""Statistics of a log: counts, latency, tokens and cost, in total and by group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls import percentiles
from llmlog_tui.analysis.calls.calls import FAILED, MOSTLY_REASONING, TRUNCATED, model_calls, slow
from llmlog_tui.analysis.calls.cost import (
    FIGURES,
    PRICE_KEY,
    models_without_price,
    priced,
    rates,
    unused_prices,
)
from llmlog_tui.analysis.calls.percentiles import IS_TOOL, Grouping, grouping, percentile
from llmlog_tui.analysis.calls.truncation import HAS_ANSWER, HIDDEN
from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import IS_CALL

TOKENS: Final = (
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    "cache_write_tokens",
)

_NEEDED: Final = (
    *("ts", "event", "status", "session_id", "trace_id", "model", "requested_model", "provider"),
    *("finish_reason", "latency_ms", "ttft_ms", "tokens_per_sec", *TOKENS),
    *("max_tokens", "tool_args_ok", "stream_end"),
)


def needed_columns(by: str) -> tuple[str, ...]:
    """Return the columns that stats() reads."""
    return tuple(dict.fromkeys((*_NEEDED, *grouping(by).columns)))


_COUNTED_IDS: Final = ("session_id", "trace_id")


@dataclass(frozen=True, eq=False)
class Stats:
    """The statistics of a frame.

    `records` counts all records, `calls` model calls, `tools` tool executions, `errors` the failed
    ones of both. Token sums are over model calls, None if no call has the field. `truncated` has
    finish_reason length, `hidden_cut` was cut off with any other, both out of `can_be_cut` calls.
    `groups` has one row per group of the grouping's records (model calls; by tool, executions; by
    error, failed ones), the largest first: key, calls, errors, truncated, hidden_cut, the metrics
    of percentiles.FIGURES (over records that have the field), the token sums, and those of
    cost.FIGURES. `unpriced_models` are cost.models_without_price(), `unused_prices` the names of
    the rules' prices that apply to no call. `priced` has the model calls from cost.priced(); at
    least `ts`, `status` and `latency_ms` of them.
    """

    records: int
    sessions: int
    traces: int
    calls: int
    tools: int
    errors: int
    first_ts: datetime | None
    last_ts: datetime | None
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    saved_usd: float | None
    unpriced_calls: int
    slow_calls: int
    slow_mostly_reasoning: int
    truncated: int
    hidden_cut: int
    can_be_cut: int
    groups: pl.DataFrame
    unpriced_models: Sequence[str]
    unused_prices: Sequence[str]
    priced: pl.DataFrame


TIMES: Final = 60
"""Slices of over_time()."""


def over_time(calls: pl.DataFrame) -> pl.DataFrame:
    """Return the calls per slice of the time from the first to the last start.

    Columns: calls, errors, p95_ms (null without calls). One row if all started at once, none if no
    call has a ts.
    """
    us = calls["ts"].drop_nulls().dt.epoch("us")
    if us.is_empty():
        return calls.clear().select(calls=pl.len(), errors=FAILED.sum(), p95_ms="latency_ms")
    first, span = int(us.min()), int(us.max()) - int(us.min())  # type: ignore[arg-type]
    rows = TIMES if span else 1
    nth = (pl.col("ts").dt.epoch("us") - first) * rows // (span + 1)
    found = calls.group_by(nth=nth).agg(
        calls=pl.len(), errors=FAILED.sum(), p95_ms=percentile("latency_ms", 95)
    )
    every = pl.DataFrame({"nth": pl.int_range(rows, eager=True)})
    return every.join(found, on="nth", how="left", maintain_order="left").select(
        pl.col("calls", "errors").fill_null(0), "p95_ms"
    )


def stats(
    frame: pl.DataFrame, *, over_ms: float = 500.0, by: str = "model", rules: Rules = DEFAULT
) -> Stats:
    """Return the statistics of `frame`; a call is slow strictly over `over_ms`.

    `by` is a name of percentiles.GROUPINGS, or a column: a field or a tag.

    Prices of `rules` take precedence over listed ones.
    """
    frame = frame.select_seq(needed_columns(by))  # a filter would copy the other columns too
    distinct = frame.select_seq(
        sessions=pl.col("session_id").drop_nulls().n_unique(),
        traces=pl.col("trace_id").drop_nulls().n_unique(),
    ).row(0, named=True)
    totals = frame.select_seq(**TOTALS).row(0, named=True)
    found = grouping(by)
    # Copies of ids are a fifth of the memory of the calls.
    frame = frame.drop({*_COUNTED_IDS} - {*found.columns})
    calls = priced(model_calls(frame), rates(rules))
    of_calls = calls.select(**call_totals(over_ms)).row(0, named=True)
    groups = _groups(grouped_records(frame, calls, found), found.key)
    unpriced = models_without_price(calls) if of_calls["unpriced_calls"] else []
    return Stats(
        **distinct,
        **totals,
        **of_calls,
        groups=groups,
        unpriced_models=unpriced,
        unused_prices=remaining_prices(rules.prices, calls),
        priced=calls,
    )


def remaining_prices(prices: Iterable[str], calls: pl.DataFrame) -> Sequence[str]:
    """Return the names of prices that apply to none of the calls."""
    names = list(prices)
    return unused_prices(names, calls.select(PRICE_KEY).unique().iter_rows()) if names else names


TOTALS: Final = {
    "records": pl.len(),
    "tools": IS_TOOL.sum(),
    "errors": ((IS_CALL | IS_TOOL) & FAILED).sum(),
    "first_ts": pl.col("ts").min(),
    "last_ts": pl.col("ts").max(),
}
"""Figures of all records."""


def call_totals(over_ms: float) -> dict[str, pl.Expr]:
    """Return figures of model calls with costs: counts, sums that may be null."""
    return {
        "calls": pl.len(),
        **_token_sums(),
        **FIGURES,
        "slow_calls": slow(over_ms).sum(),
        "slow_mostly_reasoning": (slow(over_ms) & MOSTLY_REASONING).sum(),
        "truncated": TRUNCATED.sum(),
        "hidden_cut": HIDDEN.sum(),
        "can_be_cut": HAS_ANSWER.sum(),
    }


def group_totals() -> dict[str, pl.Expr]:
    """Return the figures of a group that are counts, and sums that may be null."""
    return {
        "calls": pl.len(),
        "errors": FAILED.sum(),
        "truncated": TRUNCATED.sum(),
        "hidden_cut": HIDDEN.sum(),
        **_token_sums(),
        **FIGURES,
    }


def grouped_records(frame: pl.DataFrame, calls: pl.DataFrame, grouping: Grouping) -> pl.DataFrame:
    """Return the records of a grouping, with the columns of `calls`."""
    if grouping.records is IS_CALL:
        return calls
    others = frame.filter(grouping.records & ~IS_CALL)
    return pl.concat([calls.filter(grouping.records), others], how="diagonal")


def _token_sums() -> dict[str, pl.Expr]:
    return {name: count_sum(pl.col(name)) for name in TOKENS}


def _groups(calls: pl.DataFrame, key: pl.Expr) -> pl.DataFrame:
    return (
        calls.group_by(key.alias("key"), maintain_order=True)
        .agg(**group_totals(), **percentiles.FIGURES)
        .sort("calls", descending=True, maintain_order=True)
    )
