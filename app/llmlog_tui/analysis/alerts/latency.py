"""Alert rule `latency`: calls that take longer than before."""

from __future__ import annotations

import math

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.change_detection import Episode
from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector
from llmlog_tui.analysis.calls.calls import FAILED


class LatencyDetector(ShiftDetector):
    """Watch the mean of ln(latency_ms) per provider and model."""

    name = "latency"
    config_key = "latency"
    verb = "usual"
    metric = "The mean latency (of its logarithm) of successful calls"
    value = pl.col("latency_ms").clip(lower_bound=1.0).log()
    mask = ~FAILED & pl.col("latency_ms").is_not_null()
    of_latency = True

    def _what(self, episode: Episode) -> str:
        levels = (episode.before, episode.after)
        before, after = (humanize.integer(math.exp(level)) for level in levels)
        return f"{self.verb} {before} → {after} ms over {episode.stop - episode.start:,} calls"


DETECTOR = LatencyDetector
