"""Alerts: what changed in a log that somebody should look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis import fingerprints, headroom, truncation, windows
from llmlog_tui.analysis.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.fingerprints import Compared
from llmlog_tui.analysis.rules import DEFAULT, Rules, Trend

_ALL: Final = "all models"


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
    table: tuple[Compared, ...] = ()
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
        if self.subject == _ALL:
            return "cost_usd is not null"
        # Who fails names no model, but was asked for one.
        column = "coalesce(requested_model, model)" if self.rule == "error rate" else "model"
        of_provider = self.rule == "retry storm" or self.subject == self.provider
        if of_provider:
            column = "provider"
        is_known = self.subject != units.UNKNOWN
        parts = [f"{column} = {_quoted(self.subject)}" if is_known else f"{column} is null"]
        if self.provider is not None and not of_provider:
            parts.append(f"provider = {_quoted(self.provider)}")
        return " and ".join(parts)


_SQL_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def alerts(calls: pl.DataFrame, rules: Rules = DEFAULT) -> list[Alert]:
    """All findings in a frame of model calls: ongoing ones first, then the latest.

    A budget is only watched in calls from cost.priced().
    """
    found = [alert for name in watching(rules) for alert in _RULES[name](calls, rules)]
    rows = [alert.row for alert in found]
    begun = calls.select("row").with_row_index("position").filter(pl.col("row").is_in(rows))
    position = {row: place for place, row in begun.iter_rows()}
    return sorted(found, key=lambda alert: (alert.state != "ongoing", -position[alert.row]))


def watching(rules: Rules = DEFAULT) -> tuple[str, ...]:
    """The names of the rules that watch a log."""
    return tuple(name for name in _RULES if getattr(rules, _SECTIONS.get(name, name)).enabled)


def as_object(alert: Alert) -> dict[str, Any]:
    """An alert as --json and notices have it; nothing that a model was told or said."""
    return {
        "rule": alert.rule,
        "subject": alert.subject,
        "provider": alert.provider,
        "state": alert.state,
        "first_ts": units.rfc3339(alert.ts),
        "last_ts": units.rfc3339(alert.last_ts),
        "what": alert.what,
        "evidence": alert.evidence,
        "calls": alert.calls,
        "table": [asdict(row) for row in alert.table],
    }


def _state(*, ongoing: bool) -> Literal["ongoing", "cleared"]:
    return "ongoing" if ongoing else "cleared"


def _fingerprint(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    for change in fingerprints.changes(calls, rules.fingerprint):
        before, after = change.before, change.after
        yield Alert(
            rule="fingerprint",
            subject=change.model or units.UNKNOWN,
            ts=change.ts,
            row=change.row,
            what=f"{change.previous} → {change.fingerprint}",
            evidence=(
                f"p95 {units.whole(before.p95_ms)} → {units.whole(after.p95_ms)} ms, "
                f"cut off {units.percent(before.truncated)} → {units.percent(after.truncated)}"
            ),
            calls=change.calls,
            state=_state(ongoing=change.current),
            fired_row=change.fired_row,
            last_ts=change.last_ts,
            last_row=change.last_row,
            table=change.table,
            provider=change.provider,
        )


def _hidden(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    for found in truncation.hidden(calls, rules.hidden_truncation):
        signs = (
            (found.at_limit, "at max_tokens"),
            (found.broken_arguments, "broken arguments"),
            (found.broken_stream, "broken streams"),
        )
        yield Alert(
            rule="hidden cut",
            subject=found.model or units.UNKNOWN,
            ts=found.ts,
            row=found.row,
            what="cut off, not finish_reason length",
            evidence=", ".join(f"{number:,} {sign}" for number, sign in signs if number),
            calls=found.calls,
            state=_state(ongoing=found.ongoing),
            fired_row=found.row,
            last_ts=found.last_ts,
            last_row=found.last_row,
        )


def _rate_limit(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    shortages = headroom.shortages(calls, rules.rate_limit)
    limits = headroom.headroom(calls) if shortages else []
    now = {(left.provider, left.model, left.kind): left for left in limits}
    for found in shortages:
        left = now[found.provider, found.model, found.kind]
        seconds = left.seconds_left if found.ongoing else None
        soon = "" if seconds is None else f", 429 in {units.duration(seconds * 1_000)}"
        yield Alert(
            rule="rate limit",
            subject=found.model or found.provider or units.UNKNOWN,
            provider=found.provider,
            ts=found.ts,
            row=found.row,
            what=f"{found.kind}: down to {units.percent(found.lowest)}",
            evidence=f"{units.count(left.remaining)} of {units.count(left.limit)} left{soon}",
            calls=found.calls,
            state=_state(ongoing=found.ongoing),
            fired_row=found.row,
            last_ts=found.last_ts,
            last_row=found.last_row,
        )


def _budget(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    """The hours that cost more than they may, each from the call that went over."""
    most = rules.budget.usd_per_hour
    if most is None or "cost_usd" not in calls.columns:
        return
    hour = pl.col("ts").dt.truncate("1h")
    spent = (
        calls.filter(pl.col("ts").is_not_null())
        .select("row", "ts", usd=pl.col("cost_usd").fill_null(0), hour=hour)
        .with_columns(spent=pl.col("usd").cum_sum().over("hour"))
    )
    now = spent["hour"].max()
    over = spent.filter(pl.col("spent") > most).group_by("hour", maintain_order=True)
    for found in over.agg(
        pl.col("row", "ts").first(),
        pl.col("row", "ts").last().name.prefix("last_"),
        spent=pl.col("spent").last(),
        calls=pl.len(),
    ).iter_rows(named=True):
        yield Alert(
            rule="budget",
            subject=_ALL,
            ts=found["ts"],
            row=found["row"],
            what=f"{units.money(found['spent'])} since {units.local(found['hour']):%H:%M}",
            evidence=f"the budget is {units.money(most)} an hour",
            calls=found["calls"],
            state=_state(ongoing=found["hour"] == now),
            fired_row=found["row"],
            last_ts=found["last_ts"],
            last_row=found["last_row"],
        )


def _truncation(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    finished = calls.filter(pl.col("finish_reason").is_not_null())
    series = windows.shares(finished, pl.col("model"), TRUNCATED)
    return _rises("truncation", "length", series, rules.truncation)


def _errors(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    # Who fails names no model, but was asked for one.
    series = windows.shares(calls, pl.coalesce("requested_model", "model"), FAILED)
    return _rises("error rate", "failed", series, rules.errors)


def _retries(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    counted = calls.filter(pl.col("retries").is_not_null())
    series = windows.shares(counted, pl.col("provider"), pl.col("retries") > 0)
    return _rises("retry storm", "retried", series, rules.retries)


def _latency(calls: pl.DataFrame, rules: Rules) -> Iterator[Alert]:
    return _rises("latency", "usual", windows.latencies(calls.filter(~FAILED)), rules.latency)


def _rises(rule: str, verb: str, all_series: list[windows.Series], trend: Trend) -> Iterator[Alert]:
    for series in all_series:
        for stretch in windows.stretches(series, trend):
            rows = series.rows.slice(stretch.start, stretch.stop - stretch.start)
            hits = rows if series.of_latency else rows.filter(pl.col("value") > 0)
            (row, ts), (last_row, last_ts) = (hits.select("row", "ts").row(n) for n in (0, -1))
            yield Alert(
                rule=rule,
                subject=series.subject or units.UNKNOWN,
                ts=ts,
                row=row,
                what=_what(verb, series, stretch, rows.height),
                evidence=_chance(stretch.p),
                calls=hits.height,
                state=_state(ongoing=stretch.ongoing),
                fired_row=series.rows["row"][stretch.fired],
                last_ts=last_ts,
                last_row=last_row,
                provider=series.provider,
            )


def _what(verb: str, series: windows.Series, stretch: windows.Stretch, calls: int) -> str:
    if series.of_latency:
        before, after = (units.whole(math.exp(level)) for level in (stretch.before, stretch.after))
        return f"{verb} {before} → {after} ms over {calls:,} calls"
    before, after = units.percent(stretch.before), units.percent(stretch.after)
    return f"{verb} {before} → {after} of {calls:,} calls"


def _chance(p: float) -> str:
    bounds = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    return f"p < {next((bound for bound in bounds if p < bound), 1):.6f}".rstrip("0").rstrip(".")


_RULES: Final[dict[str, Callable[[pl.DataFrame, Rules], Iterator[Alert]]]] = {
    "fingerprint": _fingerprint,
    "truncation": _truncation,
    "hidden cut": _hidden,
    "latency": _latency,
    "error rate": _errors,
    "retry storm": _retries,
    "rate limit": _rate_limit,
    "budget": _budget,
}
_SECTIONS: Final = {
    "hidden cut": "hidden_truncation",
    "error rate": "errors",
    "retry storm": "retries",
    "rate limit": "rate_limit",
}

RULES: Final = tuple(_RULES)
"""The rules that can watch a log."""
