"""The interface of an alert rule: one module each, named after its config section."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert

_Config = TypeVar("_Config")


class Detector(ABC, Generic[_Config]):
    """One rule: receives model calls as they arrive, and reports alerts.

    The same calls give the same alerts, whether they are added one by one or all at once.
    """

    name: ClassVar[str]
    """The rule's name, as users and --json see it."""

    config_key: ClassVar[str]
    """Its section in config.rules.Rules; also the name of its module."""

    needs_cost: ClassVar[bool] = False
    """Whether it examines only calls from cost.priced()."""

    marks_change: ClassVar[bool] = False
    """Whether an alert is a point of change rather than an episode of bad calls."""

    @abstractmethod
    def __init__(self, config: _Config) -> None: ...

    @abstractmethod
    def add(self, calls: pl.DataFrame) -> None:
        """Process more model calls."""

    @abstractmethod
    def alerts(self, calls: pl.DataFrame) -> Iterator[Alert]:
        """Yield all alerts so far; `calls` are all that were added."""

    @classmethod
    @abstractmethod
    def explain(cls, config: _Config) -> str:
        """Return what the rule compares, as a sentence with the configured numbers."""

    @staticmethod
    def scope(alert: Alert) -> str:
        """Return an SQL predicate for the calls the rule examined, those of the alert's model."""
        return subject_scope(alert, "model")

    @classmethod
    def proximity(cls, config: _Config, calls: pl.DataFrame) -> float | None:  # noqa: ARG003 - a default
        """Return the fraction of the way to an alert; None without a level."""
        return None


def subject_scope(alert: Alert, column: str) -> str:
    """Return an SQL predicate: `column` is the alert's subject, at the alert's provider."""
    if alert.subject == alert.provider:
        column = "provider"
    is_known = alert.subject != humanize.UNKNOWN
    predicate = f"{column} = {_quote(alert.subject)}" if is_known else f"{column} is null"
    if alert.provider is None or column == "provider":
        return predicate
    return f"{predicate} and provider = {_quote(alert.provider)}"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
