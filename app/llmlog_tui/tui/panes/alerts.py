"""The alerts of a log, ongoing ones first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual.binding import BindingType

from llmlog_tui import humanize
from llmlog_tui.tui.keys.panes import ALERTS_BINDINGS
from llmlog_tui.tui.panes.pane import READING, Pane
from llmlog_tui.tui.widgets.column_layout import fit, leading_items
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import Overview

WHEN_CELLS: Final = 8
"""Width of a time in cells."""
_COMPACT_WHAT, _WIDE_EVIDENCE = 3, 4
"""Indices of columns."""

_WHEN_AND_RULE: Final = (Column(" when", 1 + WHEN_CELLS), Column("rule", 11))
_MODEL, _COMPACT_MODEL, _WHAT, _EVIDENCE, _CALLS = 24, 14, 36, 44, 15
"""Maximum widths of columns."""


def _wide(alerts: Sequence[Alert], room: int) -> tuple[Column, ...]:
    """Return the columns for `room` cells; model and what shrink first."""
    columns = (
        *_WHEN_AND_RULE,
        Column("model", _MODEL),
        Column("what", _WHAT),
        Column("evidence", _longest((a.evidence for a in alerts), 20, _EVIDENCE), flex=True),
        Column("calls", _longest(map(_calls, alerts), 13, _CALLS), "right"),
        Column("state", 7),
    )
    if len(fit(columns, room)) == len(columns):
        return columns
    when, rule, model, what, *others = columns
    model = model._replace(width=_longest_model(alerts) + 1)
    what = what._replace(width=_longest((alert.what for alert in alerts), 4, _WHAT))
    return when, rule, model, what, *others


def _compact(alerts: Sequence[Alert], *, counts_hidden: bool) -> tuple[Column, ...]:
    """Return the columns of a small screen; the last one counts hidden alerts."""
    return (
        *_WHEN_AND_RULE,
        Column("model", min(_COMPACT_MODEL, _longest_model(alerts) + 1)),
        Column("what", 24, flex=True),
        *((Column("", 4, "right"),) if counts_hidden else ()),
    )


def _calls(alert: Alert) -> str:
    return humanize.plural(alert.calls, "call")


def _longest_model(alerts: Sequence[Alert]) -> int:
    return _longest((alert.subject for alert in alerts), 5, _MODEL)


def _longest(texts: Iterable[str], least: int, most: int) -> int:
    """Return the width of the longest text, between two bounds."""
    return min(most, max((least, *map(cell_len, texts))))


class AlertsPane(Pane):
    """The alerts of an Overview, ongoing ones first."""

    BINDINGS: ClassVar[list[BindingType]] = [*ALERTS_BINDINGS]

    def __init__(self, *, heading: bool = False, id: str = "alerts") -> None:  # noqa: A002
        super().__init__(heading=heading, id=id)
        self._has_heading = heading
        self.following = False
        self.empty = READING
        self._overview: Overview | None = None

    def _fit_contents(self) -> None:
        self.fits_contents = not self.compact  # few rows: a gap in them would be large

    def watch_zoomed(self) -> None:
        """Alone on the screen it has room for its heading."""
        self._heading = int(self._has_heading or self.zoomed)
        super().watch_zoomed()

    def update(self, overview: Overview) -> None:
        self._overview = overview
        self.redraw()

    @property
    def alert(self) -> Alert | None:
        """Return the alert under the cursor."""
        index = None if self.cursor_key is None else self.source.index(self.cursor_key)
        return None if index is None or self._overview is None else self._overview.alerts[index]

    def redraw(self) -> None:
        if self._overview is None:
            self.set_title("Alerts")
            return
        found, ongoing = self._overview.alerts, self._overview.ongoing
        rules = humanize.plural(len(self._overview.enabled_rules), "rule")
        calls = humanize.plural(self._overview.all_calls, "call")
        is_short = self.size.height == 1  # a longer text would be cut
        nearest = _nearest_rule(self._overview, is_short=is_short)
        self.empty = f"No alerts from {rules} over {calls}{nearest}."
        if self._overview.snapshot.is_loading:
            self.empty = "Alerts appear once the log is loaded: they depend on its order."
        self.set_source(self.source_of(self._overview))
        cleared = f", {len(found) - ongoing} cleared" if len(found) > ongoing else ""
        hidden = f" · {self._hidden} not shown" if self._hidden else ""
        self.set_title(f"Alerts · {ongoing} ongoing{cleared}{hidden}" if found else "Alerts")

    @property
    def _hidden(self) -> int:
        """Number of alerts for which there is no room."""
        return max(0, len(self.source) - self._height) if self.size.height else 0

    def source_of(self, overview: Overview) -> AlertSource:
        """Return the rows, for columns of this layout."""
        if not self.compact:
            return _WideAlerts(overview, _wide(overview.alerts, self.room))
        shown = self._height if self.size.height else 0
        columns = _compact(overview.alerts, counts_hidden=0 < shown < len(overview.alerts))
        return _CompactAlerts(overview, columns, shown)


def _nearest_rule(overview: Overview, *, is_short: bool) -> str:
    """Return the rule closest to an alert; empty if there are alerts."""
    near = None if overview.alerts or overview.snapshot.is_loading else overview.nearest_rule
    if near is None:
        return ""
    meaning = "" if is_short else " of the way to an alert"
    return f"; the closest is {near.rule}, {humanize.percent(near.share)}{meaning}"


class AlertSource(RowSource):
    """The alerts of an Overview; subclasses make their rows."""

    def __init__(self, overview: Overview, columns: Sequence[Column], shown: int = 0) -> None:
        self.columns = columns
        self._alerts = overview.alerts
        self._hidden = max(0, len(self._alerts) - shown) if shown else 0
        self.newest = overview.newest
        self._index: dict[Hashable, int] = {self.key(n): n for n in range(len(self))}

    def __len__(self) -> int:
        return len(self._alerts)

    def key(self, index: int) -> Hashable:
        alert = self._alerts[index]
        return alert.rule, alert.row

    def index(self, key: Hashable) -> int | None:
        return self._index.get(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self.row(alert, widths) for alert in self._alerts[start:stop]]

    @abstractmethod
    def row(self, alert: Alert, widths: Sequence[int]) -> Row:
        """Return the row of an alert, for columns of these widths."""

    def when_and_rule(self, alert: Alert) -> tuple[Cell, Cell]:
        when = cell(f" {humanize.time_label(alert.ts, self.newest, WHEN_CELLS)}", "muted")
        return when, cell(alert.rule, "worst" if alert.state == "ongoing" else "")


class _CompactAlerts(AlertSource):
    """Rows of a small screen, with the number of alerts beyond those `shown`."""

    def row(self, alert: Alert, widths: Sequence[int]) -> Row:
        room = widths[_COMPACT_WHAT] - cell_len(alert.what) - 2
        evidence = leading_items(alert.evidence, room, (", ",))
        shown = f"  {evidence}" if cell_len(evidence) <= room else ""
        what = (CellSpan(alert.what), CellSpan(shown, "muted"))
        hidden = cell(f"+{self._hidden}" if self._hidden else "", "warning")
        return _marked(alert, (*self.when_and_rule(alert), cell(alert.subject), what, hidden))


class _WideAlerts(AlertSource):
    def row(self, alert: Alert, widths: Sequence[int]) -> Row:
        calls = cell(_calls(alert), "muted")
        room = widths[_WIDE_EVIDENCE]
        what = cell(alert.what)
        evidence = cell(leading_items(alert.evidence, room, (", ",)), "muted")
        cells = (*self.when_and_rule(alert), cell(alert.subject), what, evidence, calls)
        return _marked(alert, (*cells, cell(alert.state)))


def _marked(alert: Alert, cells: Sequence[Cell]) -> Row:
    ongoing = alert.state == "ongoing"
    return Row(cells, CellSpan("▲", "warning") if ongoing else CellSpan("○", "muted"))
