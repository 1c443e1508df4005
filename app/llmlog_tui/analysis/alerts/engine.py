"""Watch: the rules at work on the calls of a log, as they come in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal, Protocol

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import ALL_MODELS, Alert
from llmlog_tui.analysis.alerts.budget import HourlySpending
from llmlog_tui.analysis.alerts.change_detection import Episode
from llmlog_tui.analysis.alerts.fingerprints import FingerprintChanges
from llmlog_tui.analysis.alerts.hidden_truncation import HiddenTruncations
from llmlog_tui.analysis.alerts.rate_limits import LowLimits
from llmlog_tui.analysis.alerts.share_and_latency import ShiftDetector
from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED
from llmlog_tui.config.rules import DEFAULT, Rules


class AlertEngine:
    """The rules at work: they take in model calls as they come, and tell what they found.

    A budget is only watched in calls from cost.priced(). What is found in calls taken in little by
    little is what is found in all of them at once.
    """

    def __init__(self, rules: Rules = DEFAULT) -> None:
        self._rules = [_RULES[name](rules) for name in enabled_rules(rules)]
        self._places: dict[int, int] = {}

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        for rule in self._rules:
            rule.add(calls)

    def alerts(self, calls: pl.DataFrame) -> list[Alert]:
        """All findings in `calls`, all that were taken in: ongoing ones first, then the latest."""
        found = [alert for rule in self._rules for alert in rule.alerts(calls)]
        new = [alert.row for alert in found if alert.row not in self._places]
        if new:
            begun = calls.select("row").with_row_index("place").filter(pl.col("row").is_in(new))
            self._places.update((row, place) for place, row in begun.iter_rows())
        return sorted(found, key=lambda alert: (alert.state != "ongoing", -self._places[alert.row]))


def find_alerts(calls: pl.DataFrame, rules: Rules = DEFAULT) -> list[Alert]:
    """All findings in a frame of model calls, as Watch has them."""
    watch = AlertEngine(rules)
    watch.add(calls)
    return watch.alerts(calls)


def enabled_rules(rules: Rules = DEFAULT) -> tuple[str, ...]:
    """The names of the rules that watch a log."""
    return tuple(name for name in _RULES if getattr(rules, _SECTIONS.get(name, name)).enabled)


def _state(*, ongoing: bool) -> Literal["ongoing", "cleared"]:
    return "ongoing" if ongoing else "cleared"


class _Rule(Protocol):
    """One rule at work."""

    def add(self, calls: pl.DataFrame) -> None: ...
    def alerts(self, calls: pl.DataFrame) -> Iterator[Alert]: ...


class _Fingerprint:
    def __init__(self, rules: Rules) -> None:
        self._changes = FingerprintChanges(rules.fingerprint)
        self.add = self._changes.add

    def alerts(self, calls: pl.DataFrame) -> Iterator[Alert]:
        for change in self._changes.found(calls):
            before, after = change.before, change.after
            yield Alert(
                rule="fingerprint",
                subject=change.model or humanize.UNKNOWN,
                ts=change.ts,
                row=change.row,
                what=f"{change.previous} → {change.fingerprint}",
                evidence=(
                    f"p95 {humanize.integer(before.p95_ms)} → {humanize.integer(after.p95_ms)} ms, "
                    f"cut off {humanize.percent(before.truncated)} → "
                    f"{humanize.percent(after.truncated)}"
                ),
                calls=change.calls,
                state=_state(ongoing=change.current),
                fired_row=change.fired_row,
                last_ts=change.last_ts,
                last_row=change.last_row,
                table=change.table,
                provider=change.provider,
            )


class _Hidden:
    def __init__(self, rules: Rules) -> None:
        self._cuts = HiddenTruncations(rules.hidden_truncation)
        self.add = self._cuts.add

    def alerts(self, _: pl.DataFrame) -> Iterator[Alert]:
        for found in self._cuts.found:
            signs = (
                (found.at_limit, "at max_tokens", ""),
                (found.broken_arguments, "broken argument", "s"),
                (found.broken_stream, "broken stream", "s"),
            )
            yield Alert(
                rule="hidden cut",
                subject=found.model or humanize.UNKNOWN,
                ts=found.ts,
                row=found.row,
                what="cut off, not finish_reason length",
                evidence=", ".join(
                    f"{number:,} {sign}{'' if number == 1 else many}"
                    for number, sign, many in signs
                    if number
                ),
                calls=found.calls,
                state=_state(ongoing=found.ongoing),
                fired_row=found.row,
                last_ts=found.last_ts,
                last_row=found.last_row,
            )


class _RateLimit:
    def __init__(self, rules: Rules) -> None:
        self._shortages = LowLimits(rules.rate_limit)
        self.add = self._shortages.add

    def alerts(self, _: pl.DataFrame) -> Iterator[Alert]:
        for found, left in self._shortages.found:
            seconds = left.seconds_left if found.ongoing else None
            soon = "" if seconds is None else f", 429 in {humanize.duration(seconds * 1_000)}"
            yield Alert(
                rule="rate limit",
                subject=found.model or found.provider or humanize.UNKNOWN,
                provider=found.provider,
                ts=found.ts,
                row=found.row,
                what=f"{found.kind}: down to {humanize.percent(found.lowest)}",
                evidence=(
                    f"{humanize.count(left.remaining)} of {humanize.count(left.limit)} left{soon}"
                ),
                calls=found.calls,
                state=_state(ongoing=found.ongoing),
                fired_row=found.row,
                last_ts=found.last_ts,
                last_row=found.last_row,
            )


class _Budget:
    """The hours that cost more than they may, each from the call that went over."""

    def __init__(self, rules: Rules) -> None:
        self._most = rules.budget.usd_per_hour or 0.0
        self._spending = HourlySpending(self._most)

    def add(self, calls: pl.DataFrame) -> None:
        if "cost_usd" in calls.columns:
            self._spending.add(calls)

    def alerts(self, _: pl.DataFrame) -> Iterator[Alert]:
        for found in self._spending.found:
            yield Alert(
                rule="budget",
                subject=ALL_MODELS,
                ts=found.ts,
                row=found.row,
                what=f"{humanize.money(found.spent)} since {humanize.local(found.hour):%H:%M}",
                evidence=f"the budget is {humanize.money(self._most)} an hour",
                calls=found.calls,
                state=_state(ongoing=found.is_now),
                fired_row=found.row,
                last_ts=found.last_ts,
                last_row=found.last_row,
            )


class _Rise:
    """A rule about rises; `verb` says what calls do more often, or how long they take."""

    def __init__(self, rule: str, verb: str, rises: ShiftDetector) -> None:
        self._rule, self._verb, self._rises = rule, verb, rises
        self.add = rises.add

    def alerts(self, _: pl.DataFrame) -> Iterator[Alert]:
        for rise in self._rises.found:
            yield Alert(
                rule=self._rule,
                subject=rise.subject or humanize.UNKNOWN,
                ts=rise.ts,
                row=rise.row,
                what=self._what(rise.stretch),
                evidence=_chance(rise.stretch.p),
                calls=rise.hits,
                state=_state(ongoing=rise.stretch.ongoing),
                fired_row=rise.fired_row,
                last_ts=rise.last_ts,
                last_row=rise.last_row,
                provider=rise.provider,
            )

    def _what(self, stretch: Episode) -> str:
        calls = f"{stretch.stop - stretch.start:,} calls"
        if self._rule == "latency":
            levels = (stretch.before, stretch.after)
            before, after = (humanize.integer(math.exp(level)) for level in levels)
            return f"{self._verb} {before} → {after} ms over {calls}"
        before, after = humanize.percent(stretch.before), humanize.percent(stretch.after)
        return f"{self._verb} {before} → {after} of {calls}"


def _chance(p: float) -> str:
    bounds = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    return f"p < {next((bound for bound in bounds if p < bound), 1):.6f}".rstrip("0").rstrip(".")


# Who fails names no model, but was asked for one.
_ASKED: Final = pl.coalesce("requested_model", "model")
_LN_MS: Final = pl.col("latency_ms").clip(lower_bound=1.0).log()


def _truncation(rules: Rules) -> _Rule:
    among = pl.col("finish_reason").is_not_null()
    rises = ShiftDetector(rules.truncation, pl.col("model"), TRUNCATED, among)
    return _Rise("truncation", "length", rises)


def _latency(rules: Rules) -> _Rule:
    among = ~FAILED & pl.col("latency_ms").is_not_null()
    rises = ShiftDetector(rules.latency, pl.col("model"), _LN_MS, among, of_latency=True)
    return _Rise("latency", "usual", rises)


def _errors(rules: Rules) -> _Rule:
    return _Rise(
        "error rate", "failed", ShiftDetector(rules.errors, _ASKED, FAILED, pl.lit(value=True))
    )


def _retries(rules: Rules) -> _Rule:
    among, retried = pl.col("retries").is_not_null(), pl.col("retries") > 0
    return _Rise(
        "retry storm", "retried", ShiftDetector(rules.retries, pl.col("provider"), retried, among)
    )


_RULES: Final[dict[str, Callable[[Rules], _Rule]]] = {
    "fingerprint": _Fingerprint,
    "truncation": _truncation,
    "hidden cut": _Hidden,
    "latency": _latency,
    "error rate": _errors,
    "retry storm": _retries,
    "rate limit": _RateLimit,
    "budget": _Budget,
}
_SECTIONS: Final = {
    "hidden cut": "hidden_truncation",
    "error rate": "errors",
    "retry storm": "retries",
    "rate limit": "rate_limit",
}

RULES: Final = tuple(_RULES)
"""The rules that can watch a log."""
