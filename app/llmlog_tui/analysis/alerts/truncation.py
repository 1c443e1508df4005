"""Alert rule `truncation`: a rising share of calls that end with finish_reason length."""

from __future__ import annotations

import polars as pl

from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector
from llmlog_tui.analysis.calls.calls import TRUNCATED


class TruncationDetector(ShiftDetector):
    """Watch the share of truncated calls per provider and model."""

    name = "truncation"
    config_key = "truncation"
    verb = "length"
    metric = "The share of length among calls with a finish_reason"
    value = TRUNCATED
    mask = pl.col("finish_reason").is_not_null()


DETECTOR = TruncationDetector
