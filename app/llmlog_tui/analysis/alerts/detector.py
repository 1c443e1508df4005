"""The interface of an alert rule: one module each, named after its config section."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.analysis.calls.call_model import of_model_sql, quoted, requested_as
from llmlog_tui.analysis.calls.call_rows import Calls

_Config = TypeVar("_Config")


@dataclass(frozen=True, kw_only=True)
class CallSpan:
    """Calls of a finding: number, keys and times of the first and last."""

    calls: int
    row: int
    ts: datetime | None
    last_row: int
    last_ts: datetime | None


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

    scope_column: ClassVar[str] = ""
    """SQL expression that equals an alert's subject; empty: the subject is the model."""

    marks_change: ClassVar[bool] = False
    """Whether an alert is a point of change rather than an episode of bad calls."""

    @abstractmethod
    def __init__(self, config: _Config) -> None: ...

    @abstractmethod
    def add(self, calls: Calls) -> None:
        """Process more model calls."""

    @abstractmethod
    def alerts(self) -> Iterator[Alert]:
        """Yield all alerts so far."""

    def _alert(  # noqa: PLR0913 - the fields of Alert
        self,
        found: CallSpan,
        subject: str | None,
        what: str,
        evidence: str,
        *,
        ongoing: bool,
        fired_row: int | None = None,
        table: tuple[MetricChange, ...] = (),
        provider: str | None = None,
    ) -> Alert:
        """Return the alert of a finding; by default the first call made it fire."""
        return Alert(
            rule=self.name,
            subject=subject or humanize.UNKNOWN,
            ts=found.ts,
            row=found.row,
            what=what,
            evidence=evidence,
            calls=found.calls,
            state="ongoing" if ongoing else "cleared",
            fired_row=found.row if fired_row is None else fired_row,
            last_ts=found.last_ts,
            last_row=found.last_row,
            table=table,
            provider=provider,
        )

    @classmethod
    @abstractmethod
    def explain(cls, config: _Config) -> str:
        """Return what the rule compares, as a sentence with the configured numbers."""

    @classmethod
    def scope(cls, alert: Alert, calls: Calls) -> str:
        """Return an SQL predicate for the alert's subject among `calls`.

        Of a model it has all calls, including failed ones that no model answered.
        """
        column = "provider" if alert.subject == alert.provider else cls.scope_column
        subject = None if alert.subject == humanize.UNKNOWN else alert.subject
        if column:
            predicate = f"{column} is null" if subject is None else f"{column} = {quoted(subject)}"
        else:
            names = () if subject is None else requested_as(calls, subject)
            predicate = of_model_sql(subject, names)
        if alert.provider is None or column == "provider":
            return predicate
        return f"{predicate} and provider = {quoted(alert.provider)}"

    @classmethod
    def proximity(cls, config: _Config, calls: Calls) -> float | None:  # noqa: ARG003 - a default
        """Return the fraction of the way to an alert; None without a level."""
        return None
