"""Metrics of the calls before and after the start of an alert."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.analysis.alerts.engine import calls_before, calls_since
from llmlog_tui.analysis.alerts.fingerprint import COMPARED_CALLS
from llmlog_tui.analysis.calls.calls import FAILED, model_calls
from llmlog_tui.analysis.calls.truncation import CUT_OFF_SHARE
from llmlog_tui.analysis.query.sql import filter_records

NEAREST_RECORDS: Final = 50_000
"""Maximum records searched for calls on either side."""

_LATENCY: Final = pl.col("latency_ms").filter(~FAILED)
_FIGURES: Final = {
    "calls": pl.len(),
    "p50 ms": _LATENCY.quantile(0.5, interpolation="linear"),
    "p95 ms": _LATENCY.quantile(0.95, interpolation="linear"),
    "tok/s": pl.col("tokens_per_sec").median(),
    "cut off": CUT_OFF_SHARE,
    "failed": FAILED.mean(),
    "retried": (pl.col("retries") > 0).mean(),
}
"""Latencies are of successful calls; cut off, failed and retried are shares."""


def alert_context(frame: pl.DataFrame, alert: Alert) -> tuple[MetricChange, ...]:
    """Return the metrics of up to COMPARED_CALLS calls in the alert's scope on either side.

    `frame` is from cost.priced(). Empty without a ts.
    """
    # Without p-values: the alert chose the moment, so they would always be too small.
    at = frame["row"].index_of(alert.row)
    if alert.ts is None or at is None:
        return ()
    begin = max(0, at - NEAREST_RECORDS)
    calls = model_calls(frame.slice(begin, at - begin + NEAREST_RECORDS))
    before = filter_records(calls, calls_before(alert)).tail(COMPARED_CALLS).select(**_FIGURES)
    after = filter_records(calls, calls_since(alert)).head(COMPARED_CALLS).select(**_FIGURES)
    both = zip(_FIGURES, before.row(0), after.row(0), strict=True)
    return tuple(MetricChange(name, one, other, None, is_chance=True) for name, one, other in both)
