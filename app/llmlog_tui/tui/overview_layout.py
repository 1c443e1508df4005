"""How the panes of the Overview share the screen: what a user has made wider, taller, or hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

_LEAST: Final = {"traces": 30, "top": 5, "alerts": 3}
_MOST: Final = {"traces": 200, "top": 60, "alerts": 40}
_CALLS_SHARE: Final = 0.3
"""What Calls keep of the height of a low screen."""
_TOP: Final = ("traces", "timeline")
PANES: Final = (*_TOP, "calls", "alerts")


@dataclass(frozen=True)
class OverviewLayout:
    """Columns for Traces, rows for the two panes at the top and for Alerts; the rest is Calls'.

    `hidden` are panes, by id; `by_session` says that Traces are grouped.
    """

    traces: int = 58
    top: int = 17
    alerts: int = 5
    hidden: tuple[str, ...] = ()
    by_session: bool = False

    @classmethod
    def of(cls, remembered: object) -> OverviewLayout:
        """What as_object() gave; what cannot be, is as usual."""
        found = remembered if isinstance(remembered, dict) else {}
        sizes = {name: found[name] for name in _LEAST if type(found.get(name)) is int}
        hidden = found.get("hidden")
        names = hidden if isinstance(hidden, list) else []
        kept = tuple(name for name in PANES if name in names)
        by_session = found.get("by_session") is True
        arrangement = cls(hidden=kept if len(kept) < len(PANES) else (), by_session=by_session)
        for name, size in sizes.items():
            arrangement = arrangement.resized(name, size - getattr(arrangement, name))
        return arrangement

    def as_object(self) -> dict[str, object]:
        """As JSON can hold it."""
        sizes: dict[str, object] = {name: getattr(self, name) for name in _LEAST}
        return {**sizes, "hidden": list(self.hidden), "by_session": self.by_session}

    def resized(self, name: str, by: int) -> OverviewLayout:
        """With `traces`, `top` or `alerts` larger by so many cells, within reason."""
        size = min(max(getattr(self, name) + by, _LEAST[name]), _MOST[name])
        return replace(self, **{name: size})

    def without(self, pane: str) -> OverviewLayout:
        """With one pane less; the last one stays."""
        hidden = (*self.hidden, pane)
        return self if len(hidden) == len(PANES) else replace(self, hidden=hidden)

    @property
    def all_panes(self) -> OverviewLayout:
        """With nothing hidden."""
        return replace(self, hidden=())

    def columns(self, width: int) -> str:
        """The grid's columns on a screen so wide: one where only one pane stands at the top."""
        if any(name in self.hidden for name in _TOP):
            return "1fr"
        return f"{min(self.traces, width - _LEAST['traces'])} 1fr"

    def rows(self, height: int) -> str:
        """The grid's rows, for `height` of them."""
        has_calls = "calls" not in self.hidden
        alerts = min(self.alerts, height // 3)
        calls = max(_LEAST["top"], int(height * _CALLS_SHARE))
        top = min(self.top, height - alerts - calls) if has_calls else None
        rows = []
        if not all(name in self.hidden for name in _TOP):
            rows.append("1fr" if top is None else str(top))
        if has_calls:
            rows.append("1fr")
        if "alerts" not in self.hidden:
            rows.append(str(alerts) if rows else "1fr")
        return " ".join(rows)
