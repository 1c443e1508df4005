"""Alerts: what changed in a log that somebody should look at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.comparison import MetricChange

ALL_MODELS: Final = "all models"
"""The subject of an alert about what all of them cost."""


@dataclass(frozen=True)
class Alert:
    """One finding: `rule` fired on `subject` (a model or provider) at the record with key `row`.

    `what` and `evidence` are for people; `calls` are the calls concerned, from `row` to `last_row`.
    The record with key `fired_row` was the one that made it certain: an alert is news if that one
    is. (rule, subject, row) is its name: it stays, however much the log grows. `table` has the
    figures before and after, for a fingerprint. `provider` is known where calls are watched by it.
    """

    rule: str
    subject: str
    ts: datetime | None
    row: int
    what: str
    evidence: str
    calls: int
    state: Literal["ongoing", "cleared"]
    fired_row: int
    last_ts: datetime | None
    last_row: int
    table: tuple[MetricChange, ...] = ()
    provider: str | None = None

    @property
    def calls_before(self) -> str:
        """An SQL predicate (see sql.narrowed()): the calls watched with it before it began."""
        return f"{self._watched} and ts < '{self.ts:{_SQL_TIME}}'"

    @property
    def calls_since(self) -> str:
        """As calls_before, from when it began; all that are watched with it if ts is unknown."""
        since = "" if self.ts is None else f" and ts >= '{self.ts:{_SQL_TIME}}'"
        return self._watched + since

    @property
    def _watched(self) -> str:
        """An SQL predicate: the calls among which the rule looked."""
        if self.subject == ALL_MODELS:
            return "cost_usd is not null"
        # Who fails names no model, but was asked for one.
        column = "coalesce(requested_model, model)" if self.rule == "error rate" else "model"
        of_provider = self.rule == "retry storm" or self.subject == self.provider
        if of_provider:
            column = "provider"
        is_known = self.subject != humanize.UNKNOWN
        parts = [f"{column} = {_quoted(self.subject)}" if is_known else f"{column} is null"]
        if self.provider is not None and not of_provider:
            parts.append(f"provider = {_quoted(self.provider)}")
        return " and ".join(parts)


_SQL_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def as_object(alert: Alert) -> dict[str, Any]:
    """An alert as --json and notices have it; nothing that a model was told or said."""
    return {
        "rule": alert.rule,
        "subject": alert.subject,
        "provider": alert.provider,
        "state": alert.state,
        "first_ts": humanize.rfc3339(alert.ts),
        "last_ts": humanize.rfc3339(alert.last_ts),
        "what": alert.what,
        "evidence": alert.evidence,
        "calls": alert.calls,
        "table": [asdict(row) for row in alert.table],
    }
