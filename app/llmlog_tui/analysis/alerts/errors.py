"""Alert rule `error rate`: a rising share of calls that fail."""

from __future__ import annotations

import polars as pl

from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector
from llmlog_tui.analysis.calls.call_model import REQUESTED, REQUESTED_SQL
from llmlog_tui.analysis.calls.calls import FAILED


class ErrorRateDetector(ShiftDetector):
    """Watch the share of failed calls per provider and requested model."""

    name = "error rate"
    config_key = "errors"
    verb = "failed"
    metric = "The share of calls that failed"
    subject = REQUESTED
    value = FAILED
    mask = pl.lit(value=True)
    scope_column = REQUESTED_SQL


DETECTOR = ErrorRateDetector
