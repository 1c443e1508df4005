"""Alert rule `error rate`: a rising share of calls that fail."""

from __future__ import annotations

import polars as pl

from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector
from llmlog_tui.analysis.calls.calls import FAILED


class ErrorRateDetector(ShiftDetector):
    """Watch the share of failed calls per provider and requested model."""

    name = "error rate"
    config_key = "errors"
    verb = "failed"
    metric = "The share of calls that failed"
    # A failed call has no model that answered, only one that was requested.
    subject = pl.coalesce("requested_model", "model")
    value = FAILED
    mask = pl.lit(value=True)
    scope_column = "coalesce(requested_model, model)"


DETECTOR = ErrorRateDetector
