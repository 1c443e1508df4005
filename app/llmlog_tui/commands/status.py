"""`llmlog status`: one line for tmux and shell prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import orjson
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert, as_object
from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.calls.calls import FAILED, model_calls
from llmlog_tui.analysis.calls.cost import FIGURES, priced, rates
from llmlog_tui.analysis.calls.percentiles import percentile
from llmlog_tui.commands.open_log import open_log
from llmlog_tui.commands.options import files_argument, json_option, where_option
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.config.rules import Rules
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
    with open_log(files, where, rules=rules) as log:
        calls = priced(model_calls(log.frame), rates(rules))
    ongoing = [alert for alert in find_alerts(calls, rules) if alert.state == "ongoing"]
    found = _figures(calls)
    if as_json:
        click.echo(orjson.dumps({**found, "alerts": [as_object(alert) for alert in ongoing]}))
    else:
        click.echo("  ".join(_parts(found, ongoing)))


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
        yield f"✗ {found['errors']:,} failed"
    if found["p50_ms"] is not None:
        yield f"p50 {humanize.duration(found['p50_ms'])}"
    if found["cost_usd"] is not None:
        yield humanize.money(found["cost_usd"]) + ("+" if found["unpriced_calls"] else "")
    if ongoing:
        first, others = ongoing[0], len(ongoing) - 1
        more = f" and {others:,} more" if others else ""
        yield f"▲ {first.rule} {sanitize(first.subject, _MAX_SUBJECT)}{more}"
