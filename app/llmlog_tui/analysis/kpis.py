"""The key figures of a log, and the course of each over the time that the log covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls import FAILED, TRUNCATED

SLICES: Final = 8
"""Into so many equal stretches of time a course is cut."""

_LATENCY = pl.col("latency_ms")
_KNOWN_CACHE: Final = pl.col("cached_tokens").is_not_null() & pl.col("prompt_tokens").is_not_null()
_FIGURES: Final = {
    "p50": _LATENCY.quantile(0.5, interpolation="linear"),
    "p95": _LATENCY.quantile(0.95, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").median(),
    "errors": FAILED.mean(),
    "cut off": TRUNCATED.mean(),
    "cached": (
        pl.col("cached_tokens").filter(_KNOWN_CACHE).sum()
        / pl.col("prompt_tokens").filter(_KNOWN_CACHE).sum()
    ).fill_nan(None),
}
_SUMMED: Final = {
    "$/h": pl.when(pl.col("cost_usd").is_not_null().any()).then(pl.col("cost_usd").sum())
}
_HOUR_MS: Final = 3_600_000
_SHORTEST_MS: Final = 60_000
"""Less time than this says nothing about what an hour costs."""


@dataclass(frozen=True)
class Kpi:
    """A figure and its `course`, SLICES values; None where it is unknown.

    `name` is p50, p95 (latency in ms), tok/s (median), errors, cut off (finish_reason length),
    cached (of prompt_tokens, where both are known), each a share from 0 to 1, or $/h.
    """

    name: str
    value: float | None
    course: tuple[float | None, ...]


def kpis(calls: pl.DataFrame) -> tuple[Kpi, ...]:
    """The figures of model calls from cost.priced(), over the time from the first to the last."""
    first, last = calls.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    span_ms = 0.0 if first is None else (last - first).total_seconds() * 1_000
    found = {**_FIGURES, **_SUMMED}
    total = calls.select(**found).row(0, named=True)
    courses: dict[str, list[float | None]] = {name: [None] * SLICES for name in found}
    if span_ms:
        since = (pl.col("ts") - first).dt.total_milliseconds() / span_ms * SLICES
        sliced = calls.filter(pl.col("ts").is_not_null()).group_by(
            since.floor().clip(0, SLICES - 1).cast(pl.Int64).alias("slice")
        )
        for figures in sliced.agg(**found).iter_rows(named=True):
            for name in found:
                courses[name][figures["slice"]] = figures[name]
    hours = span_ms / _HOUR_MS if span_ms >= _SHORTEST_MS else None
    usd, usds = total["$/h"], courses["$/h"]
    total["$/h"] = None if hours is None or usd is None else usd / hours
    courses["$/h"] = [
        None if hours is None or slice_usd is None else slice_usd / hours * SLICES
        for slice_usd in usds
    ]
    return tuple(Kpi(name, total[name], tuple(courses[name])) for name in found)
