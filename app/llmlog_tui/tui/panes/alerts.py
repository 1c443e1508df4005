"""Alerts: what changed that somebody should look at."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import units
from llmlog_tui.tui.bindings import ALERTS_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts import Alert
    from llmlog_tui.analysis.overview import Overview

_WIDE: Final = (
    Column(" when", 9),
    Column("rule", 11),
    Column("model", 24),
    Column("what", 36),
    Column("evidence", 20, flex=True),
    Column("calls", 13, "right"),
    Column("state", 7),
)
_COMPACT: Final = (
    Column(" when", 9),
    Column("rule", 11),
    Column("what", 24),
    Column("evidence", 12, flex=True),
)


class AlertsPane(Pane):
    """The alerts of an Overview, ongoing ones first."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(heading=False, id="alerts")
        self.following = False
        self._taken: Hashable = None
        self.empty = "No alerts."
        self._overview: Overview | None = None

    def hold(self, overview: Overview) -> None:
        """Show the alerts of `overview`."""
        self._overview = overview
        self.redraw()

    def action_select(self) -> None:
        """Take the alert under the cursor."""
        self._taken = self.cursor_key
        super().action_select()

    def select_next(self) -> bool:
        """Take the alert behind the one that was taken last, round and round; False without any."""
        total = len(self.source)
        if not total:
            return False
        last = None if self._taken is None else self.source.index(self._taken)
        self.move_to(self.source.key(0 if last is None else (last + 1) % total))
        self.action_select()
        return True

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Alerts")
            return
        found, ongoing = self._overview.alerts, self._overview.ongoing
        rules, calls = len(self._overview.rules), len(self._overview.calls)
        self.empty = f"No alerts. {rules} rules watch {calls:,} calls."
        if self._overview.snapshot.is_loading:
            self.empty = "Alerts come when the log is loaded: they depend on its order."
        columns = _COMPACT if self.compact else _WIDE
        self.show(_Alerts(self._overview, columns, compact=self.compact))
        cleared = f", {len(found) - ongoing} cleared" if len(found) > ongoing else ""
        self.label(f"Alerts · {ongoing} ongoing{cleared}" if found else "Alerts")


class _Alerts(RowSource):
    def __init__(self, overview: Overview, columns: Sequence[Column], *, compact: bool) -> None:
        self.columns = columns
        self._alerts = overview.alerts
        self._newest = overview.newest
        self._compact = compact
        self._index: dict[Hashable, int] = {self.key(n): n for n in range(len(self))}

    def __len__(self) -> int:
        return len(self._alerts)

    def key(self, index: int) -> Hashable:
        alert = self._alerts[index]
        return alert.rule, alert.row

    def index(self, key: Hashable) -> int | None:
        return self._index.get(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(alert, widths) for alert in self._alerts[start:stop]]

    def _row(self, alert: Alert, widths: Sequence[int]) -> Row:
        ongoing = alert.state == "ongoing"
        when = cell(f" {units.moment(alert.ts, self._newest, widths[0] - 1)}", "muted")
        rule = cell(alert.rule, "worst" if ongoing else "")
        what, evidence = cell(alert.what), cell(alert.evidence, "muted")
        cells: tuple[Cell, ...] = (when, rule, what, evidence)
        if not self._compact:
            calls = cell(f"{alert.calls:,} call{'' if alert.calls == 1 else 's'}", "muted")
            cells = (when, rule, cell(alert.subject), what, evidence, calls, cell(alert.state))
        return Row(cells, Span("▲", "warning") if ongoing else Span("○", "muted"))
