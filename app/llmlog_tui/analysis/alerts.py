"""Alerts: what changed in a log that somebody should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis import fingerprints, truncation

RULES = ("fingerprint", "truncation")
"""The rules that watch a log."""


@dataclass(frozen=True)
class Alert:
    """One finding: `rule` fired on `subject` (a model) at the record with key `row`.

    `what` and `evidence` are for people; `calls` are the calls concerned.
    """

    rule: str
    subject: str
    ts: datetime | None
    row: int
    what: str
    evidence: str
    calls: int
    state: Literal["ongoing", "cleared"]


def alerts(calls: pl.DataFrame) -> list[Alert]:
    """All findings in a frame of model calls: ongoing ones first, then the latest."""
    found = [
        *(_of_change(change) for change in fingerprints.changes(calls)),
        *(_of_rise(rise) for rise in truncation.rises(calls)),
    ]
    rows = [alert.row for alert in found]
    begun = calls.select("row").with_row_index("position").filter(pl.col("row").is_in(rows))
    position = {row: place for place, row in begun.iter_rows()}
    return sorted(found, key=lambda alert: (alert.state != "ongoing", -position[alert.row]))


def _of_change(change: fingerprints.Change) -> Alert:
    before, after = change.before, change.after
    return Alert(
        rule="fingerprint",
        subject=change.model or units.UNKNOWN,
        ts=change.ts,
        row=change.row,
        what=f"{change.previous} → {change.fingerprint}",
        evidence=(
            f"p95 {units.whole(before.p95_ms)} → {units.whole(after.p95_ms)} ms, "
            f"cut off {units.percent(before.truncated)} → {units.percent(after.truncated)}"
        ),
        calls=after.calls,
        state="ongoing" if change.current else "cleared",
    )


def _of_rise(rise: truncation.Rise) -> Alert:
    return Alert(
        rule="truncation",
        subject=rise.model or units.UNKNOWN,
        ts=rise.ts,
        row=rise.row,
        what=(
            f"length {units.percent(rise.before)} → {units.percent(rise.after)} "
            f"of {rise.calls:,} calls"
        ),
        evidence=f"p < {truncation.LEVEL}",
        calls=rise.truncated,
        state="ongoing" if rise.ongoing else "cleared",
    )
