"""Percentiles of latency and throughput over model calls, in total and by group."""

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
"""Group keys of calls; an hour is UTC, named by its start."""


def percentile(name: str, percent: float) -> pl.Expr:
    """Return the percentile of known values, interpolated linearly; null without any.

    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 7.
    """
    return pl.col(name).quantile(percent / 100, interpolation="linear")


FIGURES: Final[dict[str, pl.Expr]] = {
    **{f"p{percent}_ms": percentile("latency_ms", percent) for percent in (50, 90, 95, 99)},
    "tokens_per_sec_p50": percentile("tokens_per_sec", 50),
    **{f"ttft_p{percent}_ms": percentile("ttft_ms", percent) for percent in (50, 95)},
}
"""Metrics of a group of calls.model_calls(), null where no call has the field.

Latency and time to first token in ms, tokens per second.
"""
