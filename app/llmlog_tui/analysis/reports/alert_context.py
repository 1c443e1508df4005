"""Metrics of the calls before and after the start of an alert, and their course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.analysis.alerts.engine import calls_before, calls_since
from llmlog_tui.analysis.alerts.fingerprint import COMPARED_CALLS
from llmlog_tui.analysis.calls.calls import FAILED, model_calls
from llmlog_tui.analysis.calls.truncation import CUT_OFF_SHARE
from llmlog_tui.analysis.query.predicate import filter_records
from llmlog_tui.analysis.reports.trends import Trends, trends

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


_CHARTED: Final = {
    "p50": "p50 ms",
    "p95": "p95 ms",
    "tok/s": "tok/s",
    "cut off": "cut off",
    "errors": "failed",
}
"""Figure of trends() -> metric on both sides of an alert."""

_OF_RULES: Final = {"truncation": "cut off", "hidden cut": "cut off", "error rate": "errors"}
"""Rule -> figure that it watches; of others p95."""


@dataclass(frozen=True, eq=False)
class AlertContext:
    """Metrics on both sides of an alert, and a figure over time.

    `figure` is a name in `trends.figures`; `levels` are its values before and after the alert.
    `changes` and `levels` are empty without a ts, and `trends` is None.
    """

    changes: tuple[MetricChange, ...] = ()
    trends: Trends | None = None
    figure: str = ""
    levels: tuple[float | None, float | None] = (None, None)


def alert_context(
    frame: pl.DataFrame, alert: Alert, slices: int = 2, slow_ms: float = 0.0
) -> AlertContext:
    """Return the context of an alert.

    It is over up to COMPARED_CALLS calls in its scope on either side. `frame` is from
    cost.priced(). Metrics are those of the alert, if it has a table.
    """
    # Without p-values: the alert chose the moment, so they would always be too small.
    at = frame["row"].index_of(alert.row)
    if alert.ts is None or at is None:
        return AlertContext(alert.table)
    begin = max(0, at - NEAREST_RECORDS)
    calls = model_calls(frame.slice(begin, at - begin + NEAREST_RECORDS))
    before = filter_records(calls, calls_before(alert, calls)).tail(COMPARED_CALLS)
    after = filter_records(calls, calls_since(alert, calls)).head(COMPARED_CALLS)
    figures = (side.select(**_FIGURES).row(0) for side in (before, after))
    both = zip(_FIGURES, *figures, strict=True)
    changes = alert.table or tuple(
        MetricChange(name, one, other, None, is_chance=True) for name, one, other in both
    )
    figure = _figure(alert)
    metric = next((each for each in changes if each.name == _CHARTED[figure]), None)
    series = trends(pl.concat([before, after]), (), slices, slow_ms)
    levels = (None, None) if metric is None else (metric.before, metric.after)
    return AlertContext(changes, series, figure, levels)


def _figure(alert: Alert) -> str:
    """Return the figure to chart: that of the rule, or the first one that changed."""
    changed = (each.name for each in alert.table if not each.is_chance)
    figures = {metric: figure for figure, metric in _CHARTED.items()}
    first = next((figures[name] for name in changed if name in figures), "p95")
    return _OF_RULES.get(alert.rule, first)
