"""The evidence for an alert as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.chart import ChartContent, draw_chart, slices_of, time_axis
from llmlog_tui.tui.widgets.plot import COLUMNS_PER_CELL, ChartLine

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.alerts.comparison import MetricChange
    from llmlog_tui.analysis.reports.alert_context import AlertContext
    from llmlog_tui.analysis.reports.trends import Trends

_MUTED: Final = "$text-muted"
_TESTS: Final = "▲ not chance by Mann-Whitney; shares by Fisher's exact test"
_NEAREST: Final = "over the nearest calls on either side, failed ones too, up to 500"
_SHARES: Final = ("cut off", "failed", "retried")
_CHART_ROWS: Final = 9
_FIGURES: Final[dict[str, tuple[str, Callable[[float | None], str]]]] = {
    "p50": ("p50 ms", humanize.count),
    "p95": ("p95 ms", humanize.count),
    "tok/s": ("tok/s", humanize.count_label),
    "cut off": ("cut off", humanize.percent),
    "errors": ("failed", humanize.percent),
}
"""Figure -> title of its chart, and form of its values."""
_MIN_P: Final = 0.001
"""Smallest p-value shown as a number."""


def lines(
    alert: Alert, explanation: str, context: AlertContext | None = None, width: int = 0
) -> Iterator[Content]:
    """Yield the evidence for an alert; `explanation` is the sentence of its rule.

    `context` has the metrics before and after it, and their course, drawn `width` cells wide.
    """
    sides = alert.table or (() if context is None else context.changes)
    yield Content.styled(sanitize(alert.evidence), "$text-warning")
    yield Content("")
    if sides:
        yield Content.styled(f"{'':<10}{'before':>9}{'after':>9}{'change':>9}", _MUTED)
        yield from map(_change_line, sides)
        yield Content("")
        yield Content.styled(_TESTS if alert.table else _NEAREST, _MUTED)
    if context is not None and context.trends is not None:
        yield Content("")
        yield from _chart(alert, context, context.trends, width)
        yield Content("")
    yield Content.styled(explanation, _MUTED)
    yield Content("")
    for label, value in (
        ("on", alert.subject),
        ("provider", alert.provider),
        ("since", humanize.rfc3339(alert.ts)),
        ("last", humanize.rfc3339(alert.last_ts)),
        ("affected", humanize.plural(alert.calls, "call")),
        ("state", alert.state),
    ):
        yield Content.assemble((f"{label:<10}", _MUTED), sanitize(value or humanize.UNKNOWN))
    yield Content("")
    yield Content.styled("Enter  the call where it began", _MUTED)
    yield Content.styled("b  calls before    a  calls after", _MUTED)


def _chart(alert: Alert, context: AlertContext, trends: Trends, width: int) -> Iterator[Content]:
    """Yield the chart of a figure around the alert, with its level on both sides."""
    if trends.begin is None or trends.end is None or alert.ts is None:
        return
    title, form = _FIGURES[context.figure]
    values, at = trends.figures[context.figure], trends.cell_of(alert.ts)
    levels = [
        ChartLine(
            f"{side} {form(level)}",
            [level if (n < at) == (side == "before") else None for n in range(len(values))],
            "$text-muted",
            stroke="sparse",
        )
        for side, level in zip(("before", "after"), context.levels, strict=True)
        if level is not None
    ]
    glyph = ("≠", "$text-accent") if alert.rule == "fingerprint" else ("▲", "$text-warning")
    course = ChartLine("", values, "$text-primary")
    note = f"{trends.min_calls}+ calls a value"
    chart = ChartContent(title, form, [*levels, course], {at: glyph}, note=note)
    yield from draw_chart(chart, width, _CHART_ROWS)
    begin, end = humanize.local(trends.begin), humanize.local(trends.end)
    yield time_axis(slices_of(width) // COLUMNS_PER_CELL, begin, end)


def _change_line(metric: MetricChange) -> Content:
    """Return a line of the before/after table; shares in percent, changed by percentage points."""
    is_share = metric.name in _SHARES
    form = humanize.percent if is_share else humanize.integer
    before, after = metric.before, metric.after
    change = ""
    if before is not None and after is not None:
        points = round((after - before) * 100, 1) + 0.0  # + 0.0: no -0
        change = f"{points:+.1f} pp" if is_share else f"{round(after) - round(before):+,}"
    style = _MUTED if metric.is_chance else "$text-warning bold"
    return Content.assemble(
        (f"{metric.name:<10}", _MUTED),
        f"{form(before):>9}{form(after):>9}{change:>9}",
        ("   " if metric.is_chance else " ▲ ", style),
        (_p_value(metric.p), style),
    )


def _p_value(p: float | None) -> str:
    if p is None:
        return ""
    return f"p < {_MIN_P}" if p < _MIN_P else f"p = {p:.2g}"
