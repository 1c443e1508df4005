"""Around an alert: the figures of the calls before it began, and of those from then on."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.analysis.alerts.fingerprints import COMPARED_CALLS
from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED, model_calls
from llmlog_tui.analysis.query.sql import filter_records

NEAREST_RECORDS: Final = 50_000
"""Calls are looked for among so many records on either side: no more in a log of any size."""

_LATENCY: Final = pl.col("latency_ms").filter(~FAILED)
_FIGURES: Final = {
    "calls": pl.len(),
    "p50 ms": _LATENCY.quantile(0.5, interpolation="linear"),
    "p95 ms": _LATENCY.quantile(0.95, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").median(),
    "cut off": TRUNCATED.mean(),
    "failed": FAILED.mean(),
    "retried": (pl.col("retries") > 0).mean(),
}
"""Latencies are of calls that did not fail; cut off, failed and retried are shares."""


def alert_context(frame: pl.DataFrame, alert: Alert) -> tuple[MetricChange, ...]:
    """The figures of COMPARED_CALLS calls on either side, or as many as there are.

    `frame` is from cost.priced(); the calls are those watched with the alert. Nothing is said of
    chance: the alert chose the moment, so that it would always look like more. Empty without a ts.
    """
    at = frame["row"].index_of(alert.row)
    if alert.ts is None or at is None:
        return ()
    begin = max(0, at - NEAREST_RECORDS)
    calls = model_calls(frame.slice(begin, at - begin + NEAREST_RECORDS))
    before = filter_records(calls, alert.calls_before).tail(COMPARED_CALLS).select(**_FIGURES)
    after = filter_records(calls, alert.calls_since).head(COMPARED_CALLS).select(**_FIGURES)
    both = zip(_FIGURES, before.row(0), after.row(0), strict=True)
    return tuple(MetricChange(name, one, other, None, is_chance=True) for name, one, other in both)
