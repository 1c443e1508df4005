"""The KPIs of a log in one row, each with a sparkline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widget import Widget

from llmlog_tui import humanize

if TYPE_CHECKING:
    from llmlog_tui.analysis.calls.kpis import Kpi

_SHOWN: Final[dict[str, Callable[[float | None], str]]] = {
    "p50": lambda ms: f"{humanize.integer(ms)} ms",
    "p95": lambda ms: f"{humanize.integer(ms)} ms",
    "tok/s": humanize.integer,
    "errors": humanize.percent,
    "cut off": humanize.percent,
    "cached": humanize.percent,
    "$/h": humanize.money,
}
_TONES: Final = {"errors": "$text-error", "cut off": "$text-warning", "cached": "$text-success"}


class KpiRow(Widget):
    """As many KPIs as fit."""

    def __init__(self) -> None:
        super().__init__(id="kpis")
        self._kpis: tuple[Kpi, ...] = ()

    def update(self, kpis: tuple[Kpi, ...]) -> None:
        if kpis != self._kpis:
            self._kpis = kpis
            self.refresh()

    def render(self) -> Content:
        line = Content("")
        for kpi in self._kpis:
            shown = Content.assemble(
                (f" {kpi.name} ", "$text-muted"),
                (_SHOWN[kpi.name](kpi.value), "bold"),
                (f" {humanize.spark(kpi.series)} ", _TONES.get(kpi.name, "$text-primary")),
            )
            if line.cell_length + shown.cell_length > self.size.width:
                break
            line += shown
        return line
