"""Alerts: what changed that somebody should look at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import humanize
from llmlog_tui.tui.keys.panes import ALERTS_BINDINGS
from llmlog_tui.tui.panes.pane import READING, Pane
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import Overview

MOMENT: Final = 8
"""Cells for when it was."""

_WIDE: Final = (
    Column(" when", 1 + MOMENT),
    Column("rule", 11),
    Column("model", 24),
    Column("what", 36),
    Column("evidence", 20, flex=True),
    Column("calls", 13, "right"),
    Column("state", 7),
)
_COMPACT: Final = (
    Column(" when", 1 + MOMENT),
    Column("rule", 11),
    Column("what", 30),
    Column("evidence", 12, flex=True),
)


class AlertsPane(Pane):
    """The alerts of an Overview, ongoing ones first."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self, *, heading: bool = False, id: str = "alerts") -> None:  # noqa: A002
        super().__init__(heading=heading, id=id)
        self.following = False
        self.empty = READING
        self._overview: Overview | None = None

    def hold(self, overview: Overview) -> None:
        """Show the alerts of `overview`."""
        self._overview = overview
        self.redraw()

    @property
    def alert(self) -> Alert | None:
        """The alert under the cursor."""
        at = None if self.cursor_key is None else self.source.index(self.cursor_key)
        return None if at is None or self._overview is None else self._overview.alerts[at]

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Alerts")
            return
        found, ongoing = self._overview.alerts, self._overview.ongoing
        rules, calls = len(self._overview.rules), self._overview.all_calls
        what = "call" if calls == 1 else "calls"
        self.empty = f"No alerts. {rules} rules watch {calls:,} {what}{_closest(self._overview)}."
        if self._overview.snapshot.is_loading:
            self.empty = "Alerts come when the log is loaded: they depend on its order."
        self.show(self.source_of(self._overview))
        cleared = f", {len(found) - ongoing} cleared" if len(found) > ongoing else ""
        self.label(f"Alerts · {ongoing} ongoing{cleared}" if found else "Alerts")

    def source_of(self, overview: Overview) -> AlertSource:
        """The rows."""
        return _CompactAlerts(overview, _COMPACT) if self.compact else _WideAlerts(overview, _WIDE)


def _closest(overview: Overview) -> str:
    """The rule that is nearest to an alert, where there is none."""
    near = None if overview.alerts or overview.snapshot.is_loading else overview.closest
    return "" if near is None else f"; the closest is {near.rule} at {humanize.percent(near.share)}"


class AlertSource(RowSource):
    """The alerts of an Overview; how a row looks is up to those that inherit."""

    def __init__(self, overview: Overview, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._alerts = overview.alerts
        self.newest = overview.newest
        self._index: dict[Hashable, int] = {self.key(n): n for n in range(len(self))}

    def __len__(self) -> int:
        """How many alerts there are."""
        return len(self._alerts)

    def key(self, index: int) -> Hashable:
        """Rule and row."""
        alert = self._alerts[index]
        return alert.rule, alert.row

    def index(self, key: Hashable) -> int | None:
        """Where the alert with this key stands."""
        return self._index.get(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        """The alerts, each as `row` has it."""
        return [self.row(alert) for alert in self._alerts[start:stop]]

    @abstractmethod
    def row(self, alert: Alert) -> Row:
        """One alert."""


class _CompactAlerts(AlertSource):
    def row(self, alert: Alert) -> Row:
        when = cell(f" {humanize.time_label(alert.ts, self.newest, MOMENT)}", "muted")
        rule = cell(alert.rule, "worst" if alert.state == "ongoing" else "")
        return _marked(alert, (when, rule, cell(alert.what), cell(alert.evidence, "muted")))


class _WideAlerts(_CompactAlerts):
    def row(self, alert: Alert) -> Row:
        when, rule, what, evidence = super().row(alert).cells
        calls = cell(humanize.plural(alert.calls, "call"), "muted")
        cells = (when, rule, cell(alert.subject), what, evidence, calls, cell(alert.state))
        return _marked(alert, cells)


def _marked(alert: Alert, cells: Sequence[Cell]) -> Row:
    ongoing = alert.state == "ongoing"
    return Row(cells, CellSpan("▲", "warning") if ongoing else CellSpan("○", "muted"))
