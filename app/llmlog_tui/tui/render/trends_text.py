"""Texts of Trends: the summary line over the charts, and marks for alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.plot import ChartLine

if TYPE_CHECKING:
    from llmlog_tui.analysis.reports.trends import Trends

PER_CELL: Final = 2
"""Slices of time per cell: a cell has two columns of dots."""

_LEGEND: Final = "≠ fingerprint change   ▲ alert"


@dataclass(frozen=True)
class TrendsSelection:
    """Field and value of the calls shown (None: all), and the cursor's slice."""

    field: str
    value: str | None
    cursor: int | None
    compact: bool
    in_all_views: bool


def lines(trends: Trends) -> tuple[tuple[ChartLine, ...], ...]:
    """Return the series of each chart: latency, throughput, tokens and cost, shares."""
    figures = trends.figures
    slow = [
        (n, worst)
        for n, (worst, count) in enumerate(zip(figures["worst"], figures["slow"], strict=True))
        if worst is not None and count
    ]
    blue, violet, green = "$text-primary", "$text-accent", "$text-success"
    return (
        (
            ChartLine("slow", (), "$text-warning", stroke="crosses", points=slow),
            ChartLine("p99", figures["p99"], violet, stroke="dotted"),
            ChartLine("p95", figures["p95"], blue),
            ChartLine("p50", figures["p50"], green, stroke="thick"),
        ),
        (ChartLine("p50", figures["tok/s"], blue, stroke="thick"),),
        (
            ChartLine("tokens", figures["tokens"], blue, stroke="bars"),
            ChartLine("cost", figures["cost"], violet, humanize.money),
        ),
        (
            ChartLine("cut off", figures["cut off"], "$text-warning", stroke="thick"),
            ChartLine("failed", figures["errors"], "$text-error", stroke="dotted"),
        ),
    )


def note(trends: Trends) -> str:
    """Return how many calls a value is of at least."""
    return f"{trends.min_calls}+ calls a value"


def marks(trends: Trends) -> dict[int, tuple[str, str]]:
    """Return slice -> glyph and style of an alert or fingerprint change in it."""
    marks = {}
    for mark in trends.marks:
        glyph = ("≠", "$text-accent") if mark.is_change else ("▲", "$text-warning")
        marks[trends.cell_of(mark.ts)] = glyph
    return marks


def summary(trends: Trends, selection: TrendsSelection) -> Content:
    """Return the line over the charts: time, model, legend or values at the cursor."""
    begin, end = (
        humanize.time_point(ts, trends.begin, trends.end) for ts in (trends.begin, trends.end)
    )
    chosen = _chosen(selection)
    muted = "$text-muted"
    untimed = f"   {humanize.plural(trends.untimed, 'call')} without ts" if trends.untimed else ""
    cursor = selection.cursor
    if cursor is None:
        right = (f"   {_LEGEND}{untimed}", muted)
    else:
        calls = trends.figures["calls"][cursor] or 0
        slow = trends.figures["slow"][cursor] or 0
        values = f"   at {time_label(trends, cursor)}   {calls:,.1f} calls a minute"
        values += f", {slow:.0f} slow"
        values += "".join(
            f"   {mark.rule}: {sanitize(mark.what, 60)}"
            for mark in trends.marks
            if trends.cell_of(mark.ts) // PER_CELL == cursor // PER_CELL
        )
        right = (values, "$text-primary")
    in_all_views = (" · in all views" if selection.in_all_views else "", "$text-accent")
    return Content.assemble((f" {begin} – {end}", "bold"), (chosen, muted), in_all_views, right)


def _chosen(selection: TrendsSelection) -> str:
    """Return the selected model, or tag and value."""
    is_model = selection.field == "model"
    name = "" if is_model else f"{sanitize(selection.field, 30)} "
    if selection.value is not None:
        return f" · {name}{sanitize(selection.value, 40)}"
    if is_model:
        return "" if selection.compact else " · all models"
    return f" · {name}of any value, M one"


def time_label(trends: Trends, cell: int) -> str:
    """Return when a slice of time begins, as precisely as the time on screen requires."""
    return humanize.time_point(trends.time_of(cell), trends.begin, trends.end)
