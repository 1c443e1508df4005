"""What Trends say of the time on screen, and what stands at the cursor; alerts as marks on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.analysis.reports.trends import Trends

PER_CELL: Final = 2
"""How many slices of time, each a column of dots, share a cell."""

_LEGEND: Final = "≠ fingerprint change   ▲ alert   · slow call"


@dataclass(frozen=True)
class LookedAt:
    """Whose calls are on screen, all if `model` is None, and the slice at the cursor."""

    model: str | None
    cursor: int | None
    compact: bool
    in_all_views: bool


def marks(trends: Trends) -> dict[int, tuple[str, str]]:
    """By slice, the sign of what happened there and its style."""
    marks = {}
    for mark in trends.marks:
        is_change = mark.rule == "fingerprint"
        glyph = ("≠", "$text-accent") if is_change else ("▲", "$text-warning")
        marks[trends.cell_of(mark.ts)] = glyph
    return marks


def words(trends: Trends, looked_at: LookedAt) -> Content:
    """The line over the charts: which time, whose calls, the legend or what is at the cursor."""
    begin, end = (
        humanize.time_point(ts, trends.begin, trends.end) for ts in (trends.begin, trends.end)
    )
    whose = "" if looked_at.compact else " · all models"
    if looked_at.model is not None:
        whose = f" · {sanitize(looked_at.model, 40)}"
    muted = "$text-muted"
    what = "call" if trends.untimed == 1 else "calls"
    untimed = f"   {trends.untimed:,} {what} without ts" if trends.untimed else ""
    cursor = looked_at.cursor
    if cursor is None:
        right = (f"   {_LEGEND}{untimed}", muted)
    else:
        calls = trends.figures["calls"][cursor] or 0
        slow = trends.figures["slow"][cursor] or 0
        here = f"   at {time(trends, cursor)}   {calls:,.1f} calls a minute"
        here += f", {slow:.0f} slow"
        here += "".join(
            f"   {mark.rule}: {sanitize(mark.what, 60)}"
            for mark in trends.marks
            if trends.cell_of(mark.ts) // PER_CELL == cursor // PER_CELL
        )
        right = (here, "$text-primary")
    said = (f" {begin} – {end}", "bold"), (whose, muted)
    filters = (" · in all views" if looked_at.in_all_views else "", "$text-accent")
    return Content.assemble(*said, filters, right)


def time(trends: Trends, cell: int) -> str:
    """When a slice of time begins, as precise as the time on screen asks for."""
    return humanize.time_point(trends.time_of(cell), trends.begin, trends.end)
