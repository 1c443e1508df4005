"""Alerts view: each alert with its evidence, and the calls before and after it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.panes import ALERTS_BINDINGS
from llmlog_tui.tui.keys.views import ALERTS_VIEW_BINDINGS
from llmlog_tui.tui.panes.alerts import WHEN_CELLS, AlertSource, AlertsPane
from llmlog_tui.tui.queries import AlertContextQuery
from llmlog_tui.tui.render import alert_text
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.chart import slices_of
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, cell
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.reports.alert_context import AlertContext

_COLUMNS: Final = (
    Column(" since", 1 + WHEN_CELLS),
    Column("last", WHEN_CELLS),
    Column("rule", 11),
    Column("on", 14, flex=True),
    Column("calls", 6, "right"),
    Column("state", 7),
)
_ROOMY: Final = (
    *_COLUMNS[:3],
    Column("on", 14),
    Column("what", 24, flex=True),
    *_COLUMNS[4:],
)
_ROOMY_FROM: Final = 110
"""Minimum cells of a list that has what changed, too."""

_SCROLLBAR: Final = 3
"""Cells of a scrollbar that may appear, and of a gap."""


class FindingsPane(AlertsPane):
    """The list of alerts."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(heading=True, id="findings")

    def source_of(self, overview: Overview) -> AlertSource:
        """Return rows with time, rule, subject, calls and state; the rest is in the evidence."""
        return _FindingRows(overview, _ROOMY if self.size.width >= _ROOMY_FROM else _COLUMNS)


class _FindingRows(AlertSource):
    def row(self, alert: Alert, widths: Sequence[int]) -> Row:  # noqa: ARG002
        ongoing = alert.state == "ongoing"
        cells: tuple[Cell, ...] = (
            cell(f" {humanize.time_label(alert.ts, self.newest, WHEN_CELLS)}", "muted"),
            cell(humanize.time_label(alert.last_ts, self.newest, WHEN_CELLS), "muted"),
            cell(alert.rule, "worst" if ongoing else ""),
            cell(alert.subject),
            *((cell(alert.what),) if self.columns is _ROOMY else ()),
            cell(humanize.count(alert.calls)),
            cell(alert.state, "warning" if ongoing else "muted"),
        )
        return Row(cells, CellSpan("▲", "warning") if ongoing else CellSpan("○", "muted"))


class EvidencePane(TextPane):
    """The evidence for an alert; its chart has as many slices as fit."""

    class Resized(Message):
        """The pane has another width."""

    def on_resize(self) -> None:
        self.post_message(self.Resized())


class AlertsScreen(LogView):
    """The list, and the evidence of the alert under the cursor."""

    NAME = "alerts"
    AUTO_FOCUS = "#findings"
    RECORD_ACTIONS = frozenset(("side",))
    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_VIEW_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.findings = FindingsPane()
        self.evidence = EvidencePane(id="evidence")
        self._around: tuple[AlertContextQuery | None, AlertContext | None] = (None, None)

    def body(self) -> Iterable[Widget]:
        yield Horizontal(self.findings, self.evidence, id="alerts-body")

    def on_mount(self) -> None:
        self.findings.redraw()

    def apply_layout(self) -> None:
        self.findings.compact = self.compact

    def update_body(self, overview: Overview, result: object | None) -> None:
        if result is not None:
            self._around = self.current_query, cast("AlertContext", result)
        self.findings.update(overview)
        self._draw_evidence()

    @property
    def current_query(self) -> AlertContextQuery | None:
        """Metrics before and after the alert, and their course."""
        alert = self.alert
        if alert is None:
            return None
        return AlertContextQuery(alert.rule, alert.row, slices_of(self._width))

    @property
    def _width(self) -> int:
        """Columns of the evidence, beside a scrollbar."""
        return max(0, self.evidence.size.width - _SCROLLBAR)

    @property
    def cursor_key(self) -> Hashable:
        """Key of the call where the alert under the cursor began."""
        alert = self.alert
        return None if alert is None else alert.row

    @property
    def is_empty(self) -> bool:
        return self.alert is None

    @property
    def alert(self) -> Alert | None:
        return self.findings.alert

    @on(EvidencePane.Resized)
    @on(LineTable.Highlighted, "#findings")
    def _show_alert(self) -> None:
        self._draw_evidence()
        self.query_changed()

    def _draw_evidence(self) -> None:
        alert = self.alert
        if alert is None:
            hint = "The evidence for an alert is shown here: before, after, and the p-value."
            self.evidence.update("Evidence", [Content.styled(hint, "$text-muted")])
        else:
            subject = f"{alert.rule} · {alert.subject}"
            title = f"{subject} · {alert.what}"
            is_short = cell_len(title) <= self.evidence.size.width
            explanation = "" if self.overview is None else self.overview.explain(alert.rule)
            query, context = self._around
            if query is None or (query.rule, query.row) != (alert.rule, alert.row):
                context = None
            lines = alert_text.lines(alert, explanation, context, self._width)
            if is_short:
                self.evidence.update(title, lines)
            else:
                what = Content.styled(sanitize(alert.what), "bold")
                self.evidence.update(subject, [what, *lines])

    @on(LineTable.Selected, "#findings")
    def _open(self) -> None:
        if self.alert is not None:
            self.post_message(self.GoToRequested(self.alert.row))

    def restore_state(self, state: object) -> None:
        super().restore_state(state)
        self._draw_evidence()

    def go_to_alert(self, index: int) -> None:
        self.start_jump()
        self.findings.move_to(self.findings.source.key(index))
        self._draw_evidence()

    def action_side(self, side: str) -> None:
        """Show only the calls the alert is about, before it began or since."""
        alert, overview = self.alert, self.overview
        if alert is None or overview is None:
            return
        if alert.ts is None:
            self.hint("Without ts there is no before and after: showing all calls of the alert.")
        elif side == "before":
            self.post_message(self.FilterRequested(overview.calls_before(alert), view="overview"))
            return
        since = overview.calls_since(alert)
        self.post_message(self.FilterRequested(since, view="overview", row=alert.row))
