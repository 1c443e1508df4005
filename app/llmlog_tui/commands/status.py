"""`llmlog status`: one line for tmux and shell prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click
import orjson
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert, as_object
from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.alerts.in_parts import AlertsInParts, watched_columns
from llmlog_tui.analysis.calls.calls import FAILED, model_calls
from llmlog_tui.analysis.calls.cost import FIGURES, PRICED_TOKENS, priced, rates
from llmlog_tui.analysis.calls.percentiles import percentile
from llmlog_tui.commands.open_log import open_log
from llmlog_tui.commands.options import files_argument, json_option, where_option
from llmlog_tui.commands.record_stream import record_stream
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.sanitize import sanitize

_MAX_SUBJECT = 24
"""Maximum characters of an alert's subject."""


@click.command()
@files_argument
@where_option
@rules_option
@json_option
def status(files: tuple[str, ...], *, where: str | None, rules: Rules, as_json: bool) -> None:
    """Print one line: calls, failures, median latency, cost, and ongoing alerts.

    For tmux: set -g status-right '#(llmlog status /path/to/calls.jsonl)'.

    JSON: calls, errors (failed calls), p50_ms, cost_usd (null if unknown), unpriced_calls, alerts
    (the ongoing ones, as of `llmlog alerts`).
    """
    found, alerts = _answer(files, where, rules)
    ongoing = [alert for alert in alerts if alert.state == "ongoing"]
    if as_json:
        click.echo(orjson.dumps({**found, "alerts": [as_object(alert) for alert in ongoing]}))
    else:
        click.echo("  ".join(_parts(found, ongoing)))


def _answer(
    files: Sequence[str], where: str | None, rules: Rules
) -> tuple[dict[str, Any], list[Alert]]:
    """Return the figures of a log's calls, and their alerts."""
    prices = rates(rules)
    columns = dict.fromkeys((*watched_columns(rules), *PRICED_TOKENS))
    with record_stream(files, where, columns, rules) as stream:
        if stream is not None:  # of any size: only what the figures need is kept
            alerts, calls = AlertsInParts(rules), list[pl.DataFrame]()
            for frame in stream.frames():
                alerts.add(frame)
                calls.append(priced(model_calls(frame), prices).select(*_KEPT))
            known = pl.concat(calls) if calls else pl.DataFrame(schema=_KEPT)
            return _figures(known), alerts.alerts
    with open_log(files, where, rules=rules) as log:
        calls_of_log = priced(model_calls(log.frame), prices)
    return _figures(calls_of_log), find_alerts(calls_of_log, rules)


_KEPT: Final = {
    **{name: COLUMNS[name] for name in ("event", "status", "latency_ms")},
    "cost_usd": pl.Float64(),
}
"""Columns of a call that figures are computed from."""


def _figures(calls: pl.DataFrame) -> dict[str, Any]:
    """Return the keys of --json except the alerts."""
    figures = calls.select(
        calls=pl.len(),
        errors=FAILED.sum(),
        p50_ms=percentile("latency_ms", 50),
        cost_usd=FIGURES["cost_usd"],
        unpriced_calls=FIGURES["unpriced_calls"],
    )
    return figures.row(0, named=True)


def _parts(found: Mapping[str, Any], ongoing: Sequence[Alert]) -> Iterator[str]:
    yield humanize.plural(found["calls"], "call")
    if found["errors"]:
        yield f"✗ {humanize.plural(found['errors'], 'call')} failed"
    if found["p50_ms"] is not None:
        yield f"p50 {humanize.duration(found['p50_ms'])}"
    if (usd := found["cost_usd"]) is not None:
        yield humanize.money(usd) + humanize.unpriced_mark(usd, found["unpriced_calls"])
    if ongoing:
        first, others = ongoing[0], len(ongoing) - 1
        more = f" and {others:,} more" if others else ""
        yield f"▲ {first.rule} {sanitize(first.subject, _MAX_SUBJECT)}{more}"
