"""Alerts of a log that is too big for memory, frame by frame."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import AlertEngine, needs_cost
from llmlog_tui.analysis.alerts.rate_limit import KINDS, LimitReports, LimitStatus
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import PRICED_TOKENS, priced, rates
from llmlog_tui.config.rules import Rules

_WATCHED: Final = (
    *("ts", "event", "status", "provider", "model", "requested_model", "system_fingerprint"),
    *("finish_reason", "stream_end", "tool_args_ok", "max_tokens", "completion_tokens"),
    *("tokens_per_sec", "latency_ms", "retries"),
    *(f"ratelimit_{name}_{kind}" for kind in KINDS for name in ("limit", "remaining")),
)


def watched_columns(rules: Rules) -> tuple[str, ...]:
    """Return the columns that the enabled rules and the rate limits read."""
    return tuple(dict.fromkeys((*_WATCHED, *PRICED_TOKENS))) if needs_cost(rules) else _WATCHED


class AlertsInParts:
    """Feeds the frames of a log to the rules, which keep few of the calls."""

    def __init__(self, rules: Rules) -> None:
        self.calls = 0
        """Number of model calls so far."""
        self._engine = AlertEngine(rules)
        self._limits = LimitReports()
        self._columns = watched_columns(rules)
        self._rates = rates(rules) if needs_cost(rules) else None

    def add(self, records: pl.DataFrame) -> None:
        """Process the next records, with watched_columns()."""
        calls = model_calls(records.select_seq(self._columns))
        if self._rates is not None:
            calls = priced(calls, self._rates)
        calls = calls.with_row_index("row", self.calls)
        self.calls += calls.height
        self._engine.add(calls)
        self._limits.add(calls)

    @property
    def alerts(self) -> list[Alert]:
        """All alerts, in the order of AlertEngine.alerts()."""
        return self._engine.alerts()

    @property
    def limits(self) -> list[LimitStatus]:
        """Every rate limit, the lowest remaining share first."""
        return self._limits.status
