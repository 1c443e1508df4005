"""Latency and throughput: percentiles over model calls, in all and by group."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

By = Literal["model", "session", "trace", "provider", "hour"]

KEYS: Final[dict[By, pl.Expr]] = {
    "model": pl.col("model"),
    "session": pl.col("session_id"),
    "trace": pl.col("trace_id"),
    "provider": pl.col("provider"),
    "hour": pl.col("ts").dt.strftime("%Y-%m-%dT%H:00:00Z"),
}
"""What calls are grouped by; an hour is UTC and called by its start."""


def percentile(name: str, percent: float) -> pl.Expr:
    """The percentile of a column where it is known, interpolated linearly; null of nothing.

    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 7.
    """
    return pl.col(name).quantile(percent / 100, interpolation="linear")


FIGURES: Final[dict[str, pl.Expr]] = {
    **{f"p{percent}_ms": percentile("latency_ms", percent) for percent in (50, 90, 95, 99)},
    "tokens_per_sec_p50": percentile("tokens_per_sec", 50),
    **{f"ttft_p{percent}_ms": percentile("ttft_ms", percent) for percent in (50, 95)},
}
"""Of any group of calls.model_calls(): latency and time to first token in ms, tokens a second;
null where no call has the field."""
