"""The figures of a log: how many, how fast, how many tokens, in all and by group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.calls import FAILED, MOSTLY_REASONING, TRUNCATED, model_calls, slow
from llmlog_tui.analysis.calls.cost import FIGURES, priced, rates
from llmlog_tui.analysis.numeric import percentiles
from llmlog_tui.analysis.numeric.percentiles import KEYS, By, percentile
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import IS_CALL

_TOKENS: Final = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")

NEEDED: Final = (
    *("ts", "event", "status", "session_id", "trace_id", "model", "requested_model", "provider"),
    *("finish_reason", "latency_ms", "ttft_ms", "tokens_per_sec", *_TOKENS),
)
"""The columns that stats() looks at."""


@dataclass(frozen=True, eq=False)
class Stats:
    """The figures of a frame.

    `calls` counts model calls, `tools` tool executions, `errors` those of both that failed.
    Token sums are over model calls, None where no call had the field. `groups` has one row a group
    of model calls, most calls first: key, calls, errors, truncated (finish_reason length), those of
    latency.FIGURES (over calls that have the field), the token sums, and those of cost.FIGURES.
    `priced` are the model calls that over_time() takes, as cost.priced() gives them.
    """

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
    cost_usd: float | None
    saved_usd: float | None
    unpriced_calls: int
    slow_calls: int
    slow_mostly_reasoning: int
    groups: pl.DataFrame
    priced: pl.DataFrame


TIMES: Final = 60
"""Into so many stretches the time from the first call to the last is cut."""


def over_time(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls of each TIMES-th of the time between the first and the last, as they started.

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
    frame: pl.DataFrame, *, over_ms: float = 500.0, by: By = "model", rules: Rules = DEFAULT
) -> Stats:
    """The figures of `frame`; a call is slow if it took longer than `over_ms`, strictly.

    Prices that `rules` have come before those that are listed.
    """
    frame = frame.select_seq(NEEDED)  # the others would be copied with them
    is_tool = pl.col("event") == "tool_call"
    totals = frame.select_seq(
        sessions=pl.col("session_id").drop_nulls().n_unique(),
        traces=pl.col("trace_id").drop_nulls().n_unique(),
        tools=is_tool.sum(),
        errors=((IS_CALL | is_tool) & FAILED).sum(),
        first_ts=pl.col("ts").min(),
        last_ts=pl.col("ts").max(),
    ).row(0, named=True)
    calls = priced(model_calls(frame), rates(rules))
    of_calls = calls.select(
        calls=pl.len(),
        **_token_sums(),
        **FIGURES,
        slow_calls=slow(over_ms).sum(),
        slow_mostly_reasoning=(slow(over_ms) & MOSTLY_REASONING).sum(),
    ).row(0, named=True)
    return Stats(**totals, **of_calls, groups=_groups(calls, KEYS[by]), priced=calls)


def _token_sums() -> dict[str, pl.Expr]:
    return {
        name: pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in _TOKENS
    }


def _groups(calls: pl.DataFrame, key: pl.Expr) -> pl.DataFrame:
    return (
        calls.group_by(key.alias("key"), maintain_order=True)
        .agg(
            pl.len().alias("calls"),
            FAILED.sum().alias("errors"),
            TRUNCATED.sum().alias("truncated"),
            **percentiles.FIGURES,
            **_token_sums(),
            **FIGURES,
        )
        .sort("calls", descending=True, maintain_order=True)
    )
