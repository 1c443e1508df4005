"""Alerts: each finding with its evidence, and the way to the calls on either side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from llmlog_tui import units
from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import ALERTS_BINDINGS, FINDINGS_BINDINGS
from llmlog_tui.tui.panes.alerts import AlertSource, AlertsPane
from llmlog_tui.tui.screens.view import View
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, Span, cell
from llmlog_tui.tui.widgets.sheet import Sheet
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts import Alert
    from llmlog_tui.analysis.fingerprints import Compared
    from llmlog_tui.analysis.overview import Overview

_COLUMNS: Final = (
    Column("since", 8),
    Column("last", 8),
    Column("rule", 11),
    Column("on", 14, flex=True),
    Column("calls", 6, "right"),
    Column("state", 7),
)
_TESTS: Final = "p50, p95, tok/s: Mann-Whitney · cut off, failed: Fisher's exact test"


class FindingsPane(AlertsPane):
    """The alerts as a list of their own."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(heading=True, id="findings")

    def source_of(self, overview: Overview) -> AlertSource:
        """Rows with when, rule, subject, calls and state; the rest stands beside."""
        return _Findings(overview, _COLUMNS)


class _Findings(AlertSource):
    def row(self, alert: Alert, widths: Sequence[int]) -> Row:
        ongoing = alert.state == "ongoing"
        cells: tuple[Cell, ...] = (
            cell(units.moment(alert.ts, self.newest, widths[0]), "muted"),
            cell(units.moment(alert.last_ts, self.newest, widths[1]), "muted"),
            cell(alert.rule, "worst" if ongoing else ""),
            cell(alert.subject),
            cell(units.count(alert.calls)),
            cell(alert.state, "warning" if ongoing else "muted"),
        )
        return Row(cells, Span("▲", "warning") if ongoing else Span("○", "muted"))


class AlertsScreen(View):
    """The list, and the evidence for the one under the cursor."""

    NAME = "alerts"
    LABEL = "Alerts"
    AUTO_FOCUS = "#findings"
    BINDINGS: ClassVar[list[BindingType]] = [*FINDINGS_BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self.findings = FindingsPane()
        self.evidence = Sheet(id="evidence")

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
        """Show the alerts of an Overview."""
        del answer
        self.findings.hold(overview)
        self._explain()

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
    def _explain(self) -> None:
        alert = self.alert
        if alert is None:
            hint = "What an alert was raised for stands here: before, after, and the chance of it."
            self.evidence.hold("Evidence", [Content.styled(hint, "$text-muted")])
        else:
            self.evidence.hold(f"{alert.rule} · {alert.subject} · {alert.what}", _evidence(alert))

    @on(LineTable.Selected, "#findings")
    def _open(self) -> None:
        if self.alert is not None:
            self.post_message(self.GoWanted("overview", self.alert.row))

    def show_alert(self, at: int) -> None:
        """Put the cursor on an alert."""
        self.findings.move_to(self.findings.source.key(at))
        self._explain()

    def action_side(self, side: str) -> None:
        """Show only the calls to this model or provider before the alert began, or from then on."""
        alert = self.alert
        if alert is None:
            return
        if alert.ts is None:
            self.hint("This log has no ts: there is no before and after.")
            return
        sign = "<" if side == "before" else ">="
        whom = " and ".join(
            f"{column} = '{value.replace(chr(39), chr(39) * 2)}'"
            for column, value in alert.subjects.items()
        )
        since = f"ts {sign} '{alert.ts:%Y-%m-%d %H:%M:%S.%f}'"
        where = f"{whom} and {since}" if whom else since
        row = alert.row if side == "after" else None
        self.post_message(self.FilterWanted(where, view="overview", row=row))


def _evidence(alert: Alert) -> Iterator[Content]:
    muted = "$text-muted"
    yield Content.styled(inert(alert.evidence), "$text-warning")
    yield Content("")
    if alert.table:
        yield Content.styled(f"{'':<10}{'before':>9}{'after':>9}{'change':>9}", muted)
        yield from map(_compared, alert.table)
        yield Content("")
        yield Content.styled(_TESTS, muted)
        yield Content("")
    for label, value in (
        ("model", alert.subjects.get("model")),
        ("provider", alert.provider),
        ("since", units.rfc3339(alert.ts)),
        ("last", units.rfc3339(alert.last_ts)),
        ("calls", units.whole(alert.calls)),
        ("state", alert.state),
    ):
        yield Content.assemble((f"{label:<10}", muted), inert(value or units.UNKNOWN))
    yield Content("")
    yield Content.styled("Enter  the call where it began", muted)
    yield Content.styled("b  calls before    a  calls after", muted)


def _compared(figure: Compared) -> Content:
    """One figure of a before/after table; shares in percent."""
    is_share = figure.name in ("cut off", "failed")
    form = units.percent if is_share else units.whole
    before, after = figure.before, figure.after
    change = ""
    if before is not None and after is not None:
        change = f"{(after - before) * 100:+.1f}" if is_share else f"{after - before:+,.0f}"
    verdict = ("  within noise", "$text-muted")
    if not figure.is_chance:
        verdict = ("  ▲ not chance", "$text-warning bold")
    p = "" if figure.p is None else f"  p = {figure.p:.2g}"
    return Content.assemble(
        (f"{figure.name:<10}", "$text-muted"),
        f"{form(before):>9}{form(after):>9}{change:>9}",
        verdict,
        (p, "$text-muted"),
    )
