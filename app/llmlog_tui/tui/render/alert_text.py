"""The evidence for an alert as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.alerts.comparison import MetricChange

_MUTED: Final = "$text-muted"
_TESTS: Final = "p50, p95, tok/s: Mann-Whitney · cut off, failed: Fisher's exact test"
_NEAREST: Final = "over up to 500 calls on either side, those nearest to it"
_SHARES: Final = ("cut off", "failed", "retried")
_MIN_P: Final = 0.001
"""Smallest p-value shown as a number."""


def lines(alert: Alert, explanation: str, sides: Sequence[MetricChange] = ()) -> Iterator[Content]:
    """Yield the evidence for an alert; `explanation` is the sentence of its rule.

    `sides` are the metrics before and after an alert without a table of its own.
    """
    yield Content.styled(sanitize(alert.evidence), "$text-warning")
    yield Content("")
    if alert.table or sides:
        yield Content.styled(f"{'':<10}{'before':>9}{'after':>9}{'change':>9}", _MUTED)
        yield from map(_change_line, alert.table or sides)
        yield Content("")
        yield Content.styled(_TESTS if alert.table else _NEAREST, _MUTED)
    yield Content.styled(explanation, _MUTED)
    yield Content("")
    for label, value in (
        ("on", alert.subject),
        ("provider", alert.provider),
        ("since", humanize.rfc3339(alert.ts)),
        ("last", humanize.rfc3339(alert.last_ts)),
        ("calls", humanize.integer(alert.calls)),
        ("state", alert.state),
    ):
        yield Content.assemble((f"{label:<10}", _MUTED), sanitize(value or humanize.UNKNOWN))
    yield Content("")
    yield Content.styled("Enter  the call where it began", _MUTED)
    yield Content.styled("b  calls before    a  calls after", _MUTED)


def _change_line(metric: MetricChange) -> Content:
    """Return a line of the before/after table; shares in percent, changed by percentage points."""
    is_share = metric.name in _SHARES
    form = humanize.percent if is_share else humanize.integer
    before, after = metric.before, metric.after
    change = ""
    if before is not None and after is not None:
        points = round((after - before) * 100, 1) + 0.0  # + 0.0: no -0
        change = f"{points:+.1f} pp" if is_share else f"{round(after - before):+,}"
    verdict = ("" if metric.p is None else "  within noise", _MUTED)
    if not metric.is_chance:
        verdict = ("  ▲ not chance", "$text-warning bold")
    return Content.assemble(
        (f"{metric.name:<10}", _MUTED),
        f"{form(before):>9}{form(after):>9}{change:>9}",
        verdict,
        (_p_value(metric.p), _MUTED),
    )


def _p_value(p: float | None) -> str:
    if p is None:
        return ""
    return f"  p < {_MIN_P}" if p < _MIN_P else f"  p = {p:.2g}"
