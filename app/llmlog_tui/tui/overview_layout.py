"""Layout of the Overview's panes: sizes the user changed, and hidden panes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

_MIN: Final = {"traces": 30, "top": 5, "alerts": 3}
_MAX: Final = {"traces": 200, "top": 60, "alerts": 40}
_CALLS_SHARE: Final = 0.3
"""Share of a low screen's height reserved for Calls."""
_SPARE_COLUMNS_FROM, _SPARE_TRACES = 200, 26
"""Columns of a screen with wider Traces, and cells by which they are wider."""
_SPARE_ROWS_FROM, _SPARE_ROWS = 46, 3
"""Rows from which Alerts are higher, and rows per row that they get."""
_TOP: Final = ("traces", "timeline")
PANES: Final = (*_TOP, "calls", "alerts")


@dataclass(frozen=True)
class OverviewLayout:
    """Columns of Traces, rows of the two top panes and of Alerts.

    Calls get the remaining rows. `hidden` has ids of panes; `by_session` groups Traces.
    """

    traces: int = 58
    top: int = 17
    alerts: int = 5
    hidden: tuple[str, ...] = ()
    by_session: bool = False

    @classmethod
    def from_object(cls, remembered: object) -> OverviewLayout:
        """Read what as_object() returned; invalid parts get their defaults."""
        found = remembered if isinstance(remembered, dict) else {}
        sizes = {name: found[name] for name in _MIN if type(found.get(name)) is int}
        hidden = found.get("hidden")
        names = hidden if isinstance(hidden, list) else []
        kept = tuple(name for name in PANES if name in names)
        by_session = found.get("by_session") is True
        layout = cls(hidden=kept if len(kept) < len(PANES) else (), by_session=by_session)
        for name, size in sizes.items():
            layout = layout.resized(name, size - getattr(layout, name))
        return layout

    def as_object(self) -> dict[str, object]:
        """Return JSON-compatible values."""
        sizes: dict[str, object] = {name: getattr(self, name) for name in _MIN}
        return {**sizes, "hidden": list(self.hidden), "by_session": self.by_session}

    def resized(self, name: str, by: int) -> OverviewLayout:
        """Return a layout with `traces`, `top` or `alerts` resized by cells, within limits."""
        size = min(max(getattr(self, name) + by, _MIN[name]), _MAX[name])
        return replace(self, **{name: size})

    def without(self, pane: str) -> OverviewLayout:
        """Return a layout without a pane; the last one cannot be hidden."""
        hidden = (*self.hidden, pane)
        return self if len(hidden) == len(PANES) else replace(self, hidden=hidden)

    @property
    def all_panes(self) -> OverviewLayout:
        """The same layout with no pane hidden."""
        return replace(self, hidden=())

    def columns(self, width: int) -> str:
        """Return the grid's columns; a single one if only one top pane is visible."""
        if any(name in self.hidden for name in _TOP):
            return "1fr"
        traces = self.traces + (_SPARE_TRACES if width >= _SPARE_COLUMNS_FROM else 0)
        return f"{min(traces, width - _MIN['traces'])} 1fr"

    def rows(self, height: int) -> str:
        """Return the grid's rows for a height."""
        has_calls = "calls" not in self.hidden
        spare = max(0, height - _SPARE_ROWS_FROM) // _SPARE_ROWS
        alerts = min(self.alerts + spare, height // 3)
        calls = max(_MIN["top"], int(height * _CALLS_SHARE))
        top = min(self.top, height - alerts - calls) if has_calls else None
        rows = []
        if not all(name in self.hidden for name in _TOP):
            rows.append("1fr" if top is None else str(top))
        if has_calls:
            rows.append("1fr")
        if "alerts" not in self.hidden:
            rows.append(str(alerts) if rows else "1fr")
        return " ".join(rows)
