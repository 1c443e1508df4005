"""`llmlog status`: one line for tmux and shell prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.calls.calls import FAILED, model_calls
from llmlog_tui.analysis.calls.cost import FIGURES, priced, rates
from llmlog_tui.analysis.calls.percentiles import percentile
from llmlog_tui.commands.common import files_argument, open_log, where_option
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.sanitize import sanitize

_MAX_SUBJECT = 24
"""Maximum characters of an alert's subject."""


@click.command()
@files_argument
@where_option
@rules_option
def status(files: tuple[str, ...], *, where: str | None, rules: Rules) -> None:
    """Print one line: calls, failures, median latency, cost, and ongoing alerts.

    For tmux: set -g status-right '#(llmlog status /path/to/calls.jsonl)'.
    """
    with open_log(files, where, rules=rules) as log:
        calls = priced(model_calls(log.frame), rates(rules))
    ongoing = [alert for alert in find_alerts(calls, rules) if alert.state == "ongoing"]
    click.echo("  ".join(_parts(calls, ongoing)))


def _parts(calls: pl.DataFrame, ongoing: Sequence[Alert]) -> Iterator[str]:
    figures = calls.select(failed=FAILED.sum(), p50=percentile("latency_ms", 50), **FIGURES)
    found = figures.row(0, named=True)
    yield humanize.plural(calls.height, "call")
    if found["failed"]:
        yield f"✗ {found['failed']:,} failed"
    if found["p50"] is not None:
        yield f"p50 {humanize.duration(found['p50'])}"
    if found["cost_usd"] is not None:
        yield humanize.money(found["cost_usd"]) + ("+" if found["unpriced_calls"] else "")
    if ongoing:
        first, others = ongoing[0], len(ongoing) - 1
        more = f" and {others:,} more" if others else ""
        yield f"▲ {first.rule} {sanitize(first.subject, _MAX_SUBJECT)}{more}"
