"""The alert engine: run every enabled rule over incoming calls."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.detector import Detector
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.config.rules import DEFAULT, RULE_KEYS, Rules

# A section of Rules names the module of its detector, so a new rule needs no entry here.
DETECTORS: Final[tuple[type[Detector[Any]], ...]] = tuple(
    import_module(f"{__package__}.{key}").DETECTOR for key in RULE_KEYS
)
"""Every rule, in the order of the sections in Rules."""

_BY_NAME: Final = {detector.name: detector for detector in DETECTORS}
_SQL_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"


class AlertEngine:
    """The detectors of the enabled rules, fed with the same model calls.

    Calls added one by one give the same alerts as all of them at once.
    """

    def __init__(self, rules: Rules = DEFAULT) -> None:
        self._detectors = [detector(_config(detector, rules)) for detector in _enabled(rules)]
        self._indexes: dict[int, int] = {}

    def add(self, calls: Calls) -> None:
        """Process more calls; a budget is watched only in calls from cost.priced()."""
        for detector in self._detectors:
            detector.add(calls)

    def alerts(self, calls: Calls | None = None) -> list[Alert]:
        """Return all alerts, ongoing first, then the latest.

        `calls` are all that were added; without them, keys are taken to count up in their order.
        """
        found = [alert for detector in self._detectors for alert in detector.alerts()]
        new = [alert.row for alert in found if alert.row not in self._indexes]
        if calls is None:
            self._indexes.update((row, row) for row in new)
        elif new:
            rows = calls.select("row").with_row_index("index").filter(pl.col("row").is_in(new))
            self._indexes.update((row, index) for index, row in rows.iter_rows())
        return sorted(
            found, key=lambda alert: (alert.state != "ongoing", -self._indexes[alert.row])
        )


def find_alerts(calls: pl.DataFrame, rules: Rules = DEFAULT) -> list[Alert]:
    """Return all alerts in a frame of model calls, in the order of AlertEngine.alerts()."""
    engine = AlertEngine(rules)
    engine.add(calls)
    return engine.alerts(calls)


def enabled_rules(rules: Rules = DEFAULT) -> tuple[str, ...]:
    return tuple(detector.name for detector in _enabled(rules))


def needs_cost(rules: Rules) -> bool:
    return any(detector.needs_cost for detector in _enabled(rules))


def explain(rule: str, rules: Rules) -> str:
    """Return what a rule compares, as a sentence with the configured numbers."""
    return _BY_NAME[rule].explain(_config(_BY_NAME[rule], rules))


def marks_change(rule: str) -> bool:
    """Return whether an alert of this rule is a point of change, not an episode."""
    return _BY_NAME[rule].marks_change


def calls_before(alert: Alert, calls: Calls) -> str:
    """Return a predicate (see predicate.filter_records) of the calls in scope before the alert.

    `calls` tell under which names a model was requested.
    """
    return f"{_BY_NAME[alert.rule].scope(alert, calls)} and ts < '{alert.ts:{_SQL_TIME}}'"


def calls_since(alert: Alert, calls: Calls) -> str:
    """Return an SQL predicate for the calls in scope since the alert."""
    since = "" if alert.ts is None else f" and ts >= '{alert.ts:{_SQL_TIME}}'"
    return _BY_NAME[alert.rule].scope(alert, calls) + since


class Proximity(NamedTuple):
    """A rule and its fraction of the way to an alert, from 0 to 1."""

    rule: str
    share: float


def nearest_rule(calls: Calls, rules: Rules) -> Proximity | None:
    """Return the enabled rule closest to an alert; None without a known level."""
    found = (
        Proximity(detector.name, min(1.0, max(0.0, share)))
        for detector in _enabled(rules)
        if (share := detector.proximity(_config(detector, rules), calls)) is not None
    )
    return max(found, key=lambda proximity: proximity.share, default=None)


def _enabled(rules: Rules) -> list[type[Detector[Any]]]:
    return [detector for detector in DETECTORS if _config(detector, rules).enabled]


def _config(detector: type[Detector[Any]], rules: Rules) -> Any:  # noqa: ANN401 - of its own type
    return getattr(rules, detector.config_key)
