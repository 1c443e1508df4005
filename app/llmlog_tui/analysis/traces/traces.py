"""Summarise traces: one row per run of an application."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from llmlog_tui.analysis.calls.call_model import MODEL, MODEL_COLUMNS, UNANSWERED
from llmlog_tui.analysis.calls.calls import FAILED, TOTAL_TOKENS, TRUNCATED
from llmlog_tui.analysis.calls.cost import FIGURES
from llmlog_tui.analysis.calls.truncation import CUT_OFF
from llmlog_tui.analysis.numeric.count_sum import count_sum
from llmlog_tui.log.schema import IS_CALL, IS_STEP

_NEEDED: Final = (
    *("trace_id", "session_id", "ts", "event", "status", "latency_ms", "row", *MODEL_COLUMNS),
    *("total_tokens", "prompt_tokens", "completion_tokens", "finish_reason", "retries"),
    *("changed", "cost_usd", "saved_usd", "max_tokens", "stream_end"),
    *("tool_args_ok", "trace_name", "name", "tool_name", "parent_span_id"),
)


def traces(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per trace, in order of appearance; without records that have no trace_id.

    `frame` also has `changed`, see fingerprints.with_changed(), and costs, see cost.priced().
    Columns: trace_id, session_id (the first), ts (earliest start), steps (records), time_ms (from
    the earliest start to the latest end; without ts the sum of latencies), tokens (total, null
    if unknown), cost_usd, saved_usd, unpriced_calls (see cost.FIGURES), failed, truncated,
    cut_off (truncated, or hidden), retried, changed (a fingerprint, within the trace), models
    (list, in order of first use: of a call that none answered the requested one), trace_name (as
    given), name (of the root span, else the first tool), row (of the first record), at (its index
    in `frame`). Foreign events are no steps.
    """
    return _by_trace(frame)


def traces_and_begins(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return traces(), and per record the index of its trace's first one, null without."""
    found = _by_trace(frame, steps_at=pl.col("at"))
    steps = found.select("at", "steps_at").explode("steps_at")
    begins = pl.Series([None], dtype=pl.UInt32).new_from_index(0, frame.height)
    return found.drop("steps_at"), begins.scatter(steps["steps_at"], steps["at"])


def _by_trace(frame: pl.DataFrame, **more: pl.Expr) -> pl.DataFrame:
    is_root = (pl.col("event") == "span") & pl.col("parent_span_id").is_null()
    root = pl.col("name").filter(is_root).first()
    numbered = frame.select_seq(*_NEEDED, at=pl.int_range(pl.len(), dtype=pl.UInt32))
    steps = numbered.filter(IS_STEP & pl.col("trace_id").is_not_null())
    return _with_requested(
        steps,
        steps.group_by("trace_id", maintain_order=True).agg(
            **_summary(),
            changed=pl.col("changed").any(),
            models=pl.col("model").filter(IS_CALL).drop_nulls().unique(maintain_order=True),
            trace_name=pl.col("trace_name").drop_nulls().first(),
            name=pl.coalesce(root, pl.col("tool_name").cast(pl.String).drop_nulls().first()),
            row=pl.col("row").first(),
            at=pl.col("at").first(),
            **more,
        ),
    )


def _with_requested(steps: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Add to `models` the requested ones of calls that no model answered.

    A name is left out of a trace in which a model answered to it: it is a router's.
    """
    calls = steps.select_seq("event", "trace_id", "at", *MODEL_COLUMNS)
    unanswered = calls.filter(IS_CALL & UNANSWERED)
    if unanswered.is_empty():  # mostly
        return found
    of_them = pl.col("trace_id").is_in(unanswered["trace_id"].unique().implode())
    touched = calls.filter(of_them).filter(IS_CALL & pl.col("model").is_not_null())
    named = ["trace_id", "requested_model"]
    failed = unanswered.join(touched, on=named, how="anti")
    columns = "trace_id", "at", MODEL.cast(pl.String).alias("used")
    used = (
        pl.concat([touched.select(columns), failed.select(columns)])
        .sort("at")
        .group_by("trace_id")
        .agg(pl.col("used").unique(maintain_order=True))
    )
    models = pl.coalesce(pl.col("used").cast(found.schema["models"]), "models")
    joined = found.join(used, on="trace_id", how="left", maintain_order="left")
    return joined.with_columns(models=models).drop("used")


def totals(records: pl.DataFrame) -> dict[str, Any]:
    """Return the totals of all steps together: the columns of traces() up to `retried`.

    `records` have costs, see cost.priced().
    """
    names = [name for name in _NEEDED if name not in {"changed", "trace_id"}]
    return records.select(names).filter(IS_STEP).select(**_summary()).row(0, named=True)


def _summary() -> dict[str, pl.Expr]:
    end = pl.col("ts") + pl.duration(microseconds=pl.col("latency_ms").fill_null(0) * 1_000)
    latencies = pl.col("latency_ms")
    summed = pl.when(latencies.is_not_null().any()).then(latencies.sum())
    took = end.max() - pl.col("ts").min()
    timed = took.dt.total_milliseconds() + took.dt.total_microseconds() % 1_000 * 0.001
    known = pl.when(IS_CALL).then(TOTAL_TOKENS)
    return {
        "session_id": pl.col("session_id").drop_nulls().first(),
        "ts": pl.col("ts").min(),
        "steps": pl.len(),
        "time_ms": pl.when(summed.is_not_null() | (pl.len() > 1)).then(pl.coalesce(timed, summed)),
        "tokens": count_sum(known),
        **FIGURES,
        "failed": FAILED.any(),
        "truncated": TRUNCATED.any(),
        "cut_off": CUT_OFF.any(),
        "retried": (pl.col("retries") > 0).any(),
    }
