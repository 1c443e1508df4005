"""Alert rule `retry storm`: a rising share of calls that were retried."""

from __future__ import annotations

import polars as pl

from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector


class RetryStormDetector(ShiftDetector):
    """Watch the share of retried calls per provider."""

    name = "retry storm"
    config_key = "retries"
    verb = "retried"
    metric = "The share of retried calls among those with a number of retries"
    subject = pl.col("provider")
    value = pl.col("retries") > 0
    mask = pl.col("retries").is_not_null()
    scope_column = "provider"


DETECTOR = RetryStormDetector
