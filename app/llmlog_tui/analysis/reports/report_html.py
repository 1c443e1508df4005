"""A log as one HTML page: figures, charts, groups, alerts, slow and failed calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from llmlog.redaction import redact
from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.calls.slow_reason import slow_reason
from llmlog_tui.analysis.reports.html_page import (
    Html,
    element,
    figures,
    joined,
    page,
    section,
    table,
)
from llmlog_tui.analysis.reports.report_lists import LISTED, Listed, OverTime
from llmlog_tui.analysis.reports.stats import Stats
from llmlog_tui.analysis.reports.svg_charts import Series, TimeAxis, chart
from llmlog_tui.analysis.reports.trends import Trends
from llmlog_tui.log.record_key import record_label
from llmlog_tui.log.schema import decategorize
from llmlog_tui.server.metrics import NO_METRICS, ServerMetrics

_TOKENS: Final = ("in", "out", "rsn")


@dataclass(frozen=True, eq=False)
class Report:
    """The content of a page: the analyses of a log's records.

    `title` names the log, `faults` its damaged lines in sentences. `found` are the statistics,
    grouped by `by`; `over_time`, `slow`, `failed` and `runs` are those of ReportLists. With
    `content` error messages are shown. `server` has the metrics of servers at the time of the
    calls.
    """

    title: str
    faults: Sequence[str]
    found: Stats
    by: str
    alerts: Sequence[Alert]
    over_time: OverTime
    slow: Listed
    failed: Listed
    runs: Listed
    slow_ms: float
    content: bool = False
    server: ServerMetrics = NO_METRICS


def report(report: Report) -> str:
    """Return the page; secrets and personal data in it are replaced."""
    found = report.found
    first, last = (_moment(ts) for ts in (found.first_ts, found.last_ts))
    return page(
        f"LLM calls: {report.title}",
        element("p", f"{first} to {last}{humanize.zone_note()}", _class="dim"),
        *(element("p", fault, _class="dim") for fault in report.faults),
        figures(_figures(report)),
        _charts(report),
        _alerts(report.alerts),
        _groups(report),
        _slow(report),
        _failed(report),
        _expensive_runs(report),
        element("footer", _foot(report)),
    )


def _foot(report: Report) -> str:
    left_out = "Prompts and answers" if report.content else "Prompts, answers and error messages"
    return f"Made by llmlog. {left_out} are left out; secrets and personal data are replaced."


def _moment(ts: Any) -> str:  # noqa: ANN401 - a datetime or None
    return f"{humanize.local(ts):%d %b %Y %H:%M:%S}" if ts else humanize.UNKNOWN


def _figures(report: Report) -> Iterator[tuple[str, object, str | None]]:
    found = report.found
    cut = found.truncated + found.hidden_cut
    p50, p95 = (
        found.priced["latency_ms"].quantile(share, interpolation="linear") for share in (0.5, 0.95)
    )
    partly = humanize.unpriced_mark(found.cost_usd, found.unpriced_calls)
    yield "calls", humanize.count(found.calls), None
    yield "runs", humanize.count(found.traces), None
    yield "failed", humanize.count(found.errors), "bad" if found.errors else None
    yield "cut off", humanize.count(cut), "warn" if cut else None
    yield "p50", humanize.duration(p50), None
    yield "p95", humanize.duration(p95), None
    yield "tokens in", humanize.count(found.prompt_tokens), None
    yield "tokens out", humanize.count(found.completion_tokens), None
    yield "cost", f"{humanize.money(found.cost_usd)}{partly}", None
    ongoing = any(alert.state == "ongoing" for alert in report.alerts)
    yield "alerts", len(report.alerts), "bad" if ongoing else None


def _charts(report: Report) -> Html:
    known = report.over_time.trends
    if known is None or known.begin is None or known.end is None:
        return section("Over time", element("p", "Too few calls with a time.", _class="dim"))
    axis = TimeAxis(known.begin, known.end, [mark.ts for mark in known.marks])
    note = "Dotted red lines are alerts." if axis.marks else ""
    drawn = element("div", *_each_chart(known, axis), _class="charts")
    return section("Over time", drawn, element("p", note, _class="dim"))


def _each_chart(known: Trends, axis: TimeAxis) -> Iterator[Html]:
    figure = known.figures
    failed = [
        None if share is None or calls is None else share * calls
        for share, calls in zip(figure["errors"], figure["calls"], strict=True)
    ]
    yield chart(
        "Calls per minute",
        [Series("calls", figure["calls"]), Series("failed", failed, is_bad=True)],
        axis,
        humanize.count_label,
        bars=True,
    )
    latencies = [Series(name, figure[name]) for name in ("p50", "p95", "p99")]
    yield chart("Latency", latencies, axis, humanize.duration)
    shares = [Series("failed", figure["errors"], is_bad=True), Series("cut off", figure["cut off"])]
    yield chart("Share of calls", shares, axis, humanize.percent)
    yield chart("Cost per minute", [Series("cost", figure["cost"])], axis, humanize.money)
    yield chart(
        "Tokens per minute", [Series("tokens", figure["tokens"])], axis, humanize.count_label
    )
    speed = [Series("tokens per second", figure["tok/s"])]
    yield chart("Median tokens per second", speed, axis, humanize.count_label)


def _alerts(alerts: Sequence[Alert]) -> Html:
    if not alerts:
        return section("Alerts", element("p", "None.", _class="dim"))
    rows = [
        (
            alert.state,
            alert.rule,
            redact(alert.subject),
            _period(alert),
            humanize.integer(alert.calls),
            redact(f"{alert.what}; {alert.evidence}"),
        )
        for alert in alerts
    ]
    titles = ("state", "rule", "subject", "when", "calls", "finding")
    tones = ["bad" if alert.state == "ongoing" else None for alert in alerts]
    return section("Alerts", table(titles, rows, numbers=("calls",), tones=tones))


def _period(alert: Alert) -> str:
    """Return `23 Nov 2026 09:17:24 – 09:30:47`; the end with another day only."""
    first, last = _moment(alert.ts), _moment(alert.last_ts)
    day = first.rpartition(" ")[0]
    return f"{first} – {last.removeprefix(f'{day} ') if day else last}"


def _groups(report: Report) -> Html:
    groups = decategorize(report.found.groups)
    numbers = (*_GROUP_FIGURES,)
    rows = [
        (group["key"], *(show(group) for show in _GROUP_FIGURES.values()))
        for group in _redacted(groups.head(LISTED))
    ]
    more = _more(groups.height, "group")
    return section(f"By {report.by}", table((report.by, *numbers), rows, numbers=numbers), more)


def _cost(group: Mapping[str, Any]) -> str:
    partly = humanize.unpriced_mark(group["cost_usd"], group["unpriced_calls"])
    return f"{humanize.money(group['cost_usd'])}{partly}"


_GROUP_FIGURES: Final = {
    "calls": lambda group: humanize.integer(group["calls"]),
    "failed": lambda group: humanize.integer(group["errors"]),
    "cut off": lambda group: humanize.integer(group["truncated"] + group["hidden_cut"]),
    "p50": lambda group: humanize.duration(group["p50_ms"]),
    "p95": lambda group: humanize.duration(group["p95_ms"]),
    "p99": lambda group: humanize.duration(group["p99_ms"]),
    "tok/s": lambda group: humanize.integer(group["tokens_per_sec_p50"]),
    "tokens in": lambda group: humanize.count(group["prompt_tokens"]),
    "tokens out": lambda group: humanize.count(group["completion_tokens"]),
    "cost": _cost,
}
"""Title -> text of a metric of a group."""


def _slow(report: Report) -> Html:
    shown, medians = report.slow.rows, report.over_time.baselines
    moments = (
        report.server.moment(*call)
        for call in shown.select("provider", "ts", "latency_ms").iter_rows()
    )
    rows = [
        (
            *_place(call),
            humanize.duration(call["latency_ms"]),
            *_tokens(call),
            slow_reason(call, medians.get(call["model"]), report.slow_ms, server),
        )
        for call, server in zip(_redacted(shown), moments, strict=True)
    ]
    total = report.slow.total
    title = f"Slow calls: {humanize.integer(total)} over {humanize.duration(report.slow_ms)}"
    if not rows:
        return section(title)
    titles = (*_PLACE, "took", *_TOKENS, "why")
    return section(
        title, table(titles, rows, numbers=("took", *_TOKENS)), _more(total, "slow call")
    )


def _failed(report: Report) -> Html:
    shown, total = report.failed.rows, report.failed.total
    rows = [
        (
            *_place(record),
            humanize.duration(record["latency_ms"]),
            *(_bare(record[name]) for name in ("retries", "error_status", "error_code")),
            _failure(record, with_message=report.content),
        )
        for record in _redacted(shown)
    ]
    title = f"Failed: {humanize.integer(total)}, the newest first"
    if not rows:
        return section("Failed: 0")
    titles = (*_PLACE, "took", "retries", "status", "code", "error")
    return section(title, table(titles, rows, numbers=("took", "retries")), _more(total, "failure"))


def _failure(record: Mapping[str, Any], *, with_message: bool) -> str:
    parts = [record["error_type"], record["error_message"] if with_message else None]
    return ": ".join(str(part) for part in parts if part) or humanize.UNKNOWN


def _expensive_runs(report: Report) -> Html:
    shown, total = report.runs.rows, report.runs.total
    if shown.is_empty():
        return joined(())
    rows = [
        (
            run["trace_id"],
            run["session_id"],
            run["ts"],
            humanize.integer(run["steps"]),
            humanize.duration(run["time_ms"]),
            humanize.count(run["tokens"]),
            _cost(run),
            ", ".join(run["models"]),
        )
        for run in _redacted(shown)
    ]
    numbers = ("steps", "took", "tokens", "cost")
    titles = ("run", "session", "began", *numbers, "models")
    return section("Most expensive runs", table(titles, rows, numbers=numbers), _more(total, "run"))


_PLACE: Final = ("when", "run", "step", "what")


def _place(record: Mapping[str, Any]) -> tuple[object, ...]:
    return record["ts"], record["trace_id"], _bare(record["step"]), record_label(record)


def _tokens(call: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("prompt_tokens", "completion_tokens", "reasoning_tokens")
    return tuple(humanize.count(call[name]) for name in names)


def _bare(value: float | str | None) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def _more(total: int, what: str) -> Html:
    if total <= LISTED:
        return joined(())
    return element("p", f"and {humanize.plural(total - LISTED, f'more {what}')}", _class="dim")


def _redacted(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows without secrets, times as text."""
    rows = [
        {name: _moment(item) if name == "ts" else item for name, item in row.items()}
        for row in decategorize(frame).iter_rows(named=True)
    ]
    clean = redact(rows)
    assert isinstance(clean, list)  # noqa: S101 - a list stays one
    return clean
