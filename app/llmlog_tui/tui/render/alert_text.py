"""The evidence for an alert as lines: the figures before and after, and what was compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.alerts.comparison import MetricChange
    from llmlog_tui.config.rules import Rules, TrendRule

_MUTED: Final = "$text-muted"
_TESTS: Final = "p50, p95, tok/s: Mann-Whitney · cut off, failed: Fisher's exact test"
_NEAREST: Final = "over up to 500 calls on either side, those nearest to it"
_SHARES: Final = ("cut off", "failed", "retried")
_LEAST_P: Final = 0.001


def lines(alert: Alert, rules: Rules, sides: Sequence[MetricChange] = ()) -> Iterator[Content]:
    """Everything there is to say about an alert that these rules raised.

    `sides` are the figures before and after one that has no table of its own.
    """
    yield Content.styled(sanitize(alert.evidence), "$text-warning")
    yield Content("")
    if alert.table or sides:
        yield Content.styled(f"{'':<10}{'before':>9}{'after':>9}{'change':>9}", _MUTED)
        yield from map(_figure, alert.table or sides)
        yield Content("")
        yield Content.styled(_TESTS if alert.table else _NEAREST, _MUTED)
    yield Content.styled(compared(alert.rule, rules), _MUTED)
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


def _figure(figure: MetricChange) -> Content:
    """One figure of a before/after table; shares in percent, their change in points of it."""
    is_share = figure.name in _SHARES
    form = humanize.percent if is_share else humanize.integer
    before, after = figure.before, figure.after
    change = ""
    if before is not None and after is not None:
        points = round((after - before) * 100, 1) + 0.0  # + 0.0: no -0
        change = f"{points:+.1f} pp" if is_share else f"{round(after - before):+,}"
    verdict = ("" if figure.p is None else "  within noise", _MUTED)
    if not figure.is_chance:
        verdict = ("  ▲ not chance", "$text-warning bold")
    return Content.assemble(
        (f"{figure.name:<10}", _MUTED),
        f"{form(before):>9}{form(after):>9}{change:>9}",
        verdict,
        (_chance(figure.p), _MUTED),
    )


def _chance(p: float | None) -> str:
    if p is None:
        return ""
    return f"  p < {_LEAST_P}" if p < _LEAST_P else f"  p = {p:.2g}"


def compared(rule: str, rules: Rules) -> str:
    """What a rule compares, in a sentence, with the numbers that are in force."""
    trends = {
        "truncation": ("The share of calls with finish_reason length", rules.truncation),
        "error rate": ("The share of calls that failed", rules.errors),
        "retry storm": ("The share of calls that were retried", rules.retries),
        "latency": ("The mean latency (of its logarithm)", rules.latency),
    }
    limit, hidden = rules.rate_limit, rules.hidden_truncation
    others = {
        "fingerprint": f"The calls on both sides of a change that {rules.fingerprint.settled_calls}"
        " calls in a row have confirmed.",
        "hidden cut": "Calls that used up max_tokens, or broke off in tool arguments or in a "
        "stream, without finish_reason length. Cleared after "
        f"{hidden.clear_calls:,} calls without one.",
        "budget": "What the calls of an hour of the clock cost: an alert over "
        f"{humanize.money(rules.budget.usd_per_hour)}, from the call that went over.",
        "rate limit": "What the server says is left of its limit: an alert under "
        f"{humanize.percent(limit.least_left)}, cleared over {humanize.percent(limit.clear_left)}.",
    }
    return _trend(*trends[rule]) if rule in trends else others.get(rule, "")


def _trend(what: str, trend: TrendRule) -> str:
    return (
        f"{what}, in windows of {trend.window_calls:,} calls, against those before. In a log "
        f"that stays as it is the chance of any such alert is {humanize.percent(trend.level)}."
    )
