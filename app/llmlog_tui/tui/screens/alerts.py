"""Alerts: each finding with its evidence, and the way to the calls on either side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.tui.keys.panes import ALERTS_BINDINGS
from llmlog_tui.tui.keys.views import FINDINGS_BINDINGS
from llmlog_tui.tui.panes.alerts import MOMENT, AlertSource, AlertsPane
from llmlog_tui.tui.queries import AlertContextQuery
from llmlog_tui.tui.render import alert_text
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, cell
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.alerts.comparison import MetricChange
    from llmlog_tui.analysis.live.overview import Overview

_COLUMNS: Final = (
    Column(" since", 1 + MOMENT),
    Column("last", MOMENT),
    Column("rule", 11),
    Column("on", 14, flex=True),
    Column("calls", 6, "right"),
    Column("state", 7),
)


class FindingsPane(AlertsPane):
    """The alerts as a list of their own."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(heading=True, id="findings")

    def source_of(self, overview: Overview) -> AlertSource:
        """Rows with when, rule, subject, calls and state; the rest stands beside."""
        return _FindingRows(overview, _COLUMNS)


class _FindingRows(AlertSource):
    def row(self, alert: Alert) -> Row:
        ongoing = alert.state == "ongoing"
        cells: tuple[Cell, ...] = (
            cell(f" {humanize.time_label(alert.ts, self.newest, MOMENT)}", "muted"),
            cell(humanize.time_label(alert.last_ts, self.newest, MOMENT), "muted"),
            cell(alert.rule, "worst" if ongoing else ""),
            cell(alert.subject),
            cell(humanize.count(alert.calls)),
            cell(alert.state, "warning" if ongoing else "muted"),
        )
        return Row(cells, CellSpan("▲", "warning") if ongoing else CellSpan("○", "muted"))


class AlertsScreen(LogView):
    """The list, and the evidence for the one under the cursor."""

    NAME = "alerts"
    AUTO_FOCUS = "#findings"
    BINDINGS: ClassVar[list[BindingType]] = [*FINDINGS_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.findings = FindingsPane()
        self.evidence = TextPane(id="evidence")
        self._sides: tuple[AlertContextQuery | None, tuple[MetricChange, ...]] = (None, ())

    def body(self) -> Iterable[Widget]:
        """List and evidence, side by side."""
        yield Horizontal(self.findings, self.evidence, id="alerts-body")

    def on_mount(self) -> None:
        """Label what has nothing yet."""
        self.findings.redraw()

    def reform(self) -> None:
        """On a small screen one above the other."""
        self.findings.compact = self.compact

    def show(self, overview: Overview, answer: object | None) -> None:
        """Show the alerts of an Overview; `answer` are the figures on both sides of one."""
        if answer is not None:
            self._sides = self.ask, cast("tuple[MetricChange, ...]", answer)
        self.findings.hold(overview)
        self._explain()

    @property
    def ask(self) -> AlertContextQuery | None:
        """The figures before and after the alert under the cursor, unless it has them itself."""
        alert = self.alert
        return None if alert is None or alert.table else AlertContextQuery(alert.rule, alert.row)

    @property
    def row(self) -> Hashable:
        """The call where the alert under the cursor began."""
        alert = self.alert
        return None if alert is None else alert.row

    @property
    def alert(self) -> Alert | None:
        """The alert under the cursor."""
        return self.findings.alert

    @on(LineTable.Highlighted, "#findings")
    def _highlighted(self) -> None:
        self._explain()
        self.post_message(self.Asks(self))

    def _explain(self) -> None:
        alert = self.alert
        if alert is None:
            hint = "What an alert was raised for stands here: before, after, and the chance of it."
            self.evidence.hold("Evidence", [Content.styled(hint, "$text-muted")])
        else:
            title = f"{alert.rule} · {alert.subject} · {alert.what}"
            rules = self.overview.watched_by if self.overview is not None else DEFAULT
            asked, sides = self._sides
            sides = sides if asked == self.ask else ()
            self.evidence.hold(title, alert_text.lines(alert, rules, sides))

    @on(LineTable.Selected, "#findings")
    def _open(self) -> None:
        if self.alert is not None:
            self.post_message(self.GoWanted("overview", self.alert.row))

    def return_to(self, bearings: object) -> None:
        """Be as it was, the evidence too."""
        super().return_to(bearings)
        self._explain()

    def show_alert(self, at: int) -> None:
        """Put the cursor on an alert."""
        self.findings.move_to(self.findings.source.key(at))
        self._explain()

    def action_side(self, side: str) -> None:
        """Show only the calls that are watched with it, before it began or from then on."""
        alert = self.alert
        if alert is None:
            return
        if alert.ts is None:
            self.hint("Without ts there is no before and after: all of its calls, from its first.")
        elif side == "before":
            self.post_message(self.FilterWanted(alert.calls_before, view="overview"))
            return
        self.post_message(self.FilterWanted(alert.calls_since, view="overview", row=alert.row))
