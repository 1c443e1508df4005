"""Alerts: changes in a log that deserve a look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.comparison import MetricChange


@dataclass(frozen=True)
class Alert:
    """A finding: `rule` fired on `subject` (a model or provider) at record `row`.

    `what` and `evidence` are for people; `calls` counts the calls concerned, from `row` to
    `last_row`. `fired_row` is the record that made it certain: an alert is new if that record is.
    (rule, subject, row) identifies it, however much the log grows. `table` has the metrics before
    and after, where the rule compares them; `provider` is set where calls are watched by it.
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


def as_object(alert: Alert) -> dict[str, Any]:
    """Return an alert as --json and notifications have it, without content."""
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
