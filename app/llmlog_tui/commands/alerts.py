"""`llmlog alerts` and `llmlog check`: what somebody should look at, as text, JSON or exit code."""

from __future__ import annotations

from collections.abc import Iterator

import click
import orjson

from llmlog_tui import units
from llmlog_tui.analysis.alerts import Alert, as_object
from llmlog_tui.analysis.calls import model_calls
from llmlog_tui.analysis.cost import priced, rates
from llmlog_tui.analysis.rules import Rules
from llmlog_tui.analysis.watch import alerts as find
from llmlog_tui.analysis.watch import watching
from llmlog_tui.commands.common import files_argument, opened, where_option
from llmlog_tui.commands.rules import rules_option
from llmlog_tui.log.sources import SourceError
from llmlog_tui.text import inert

FIRED = 1
"""Exit code of `check` when a rule fired."""


@click.command()
@files_argument
@rules_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@where_option
def alerts(files: tuple[str, ...], rules: Rules, *, as_json: bool, where: str | None) -> None:
    """List what changed, ongoing first: fingerprints, truncation, latency, errors, limits."""
    calls, found = _found(files, rules, where)
    if as_json:
        click.echo(orjson.dumps({"calls": calls, "alerts": [as_object(alert) for alert in found]}))
    else:
        click.echo("\n".join(as_text(found, calls, rules)))


@click.command()
@files_argument
@rules_option
@where_option
def check(files: tuple[str, ...], rules: Rules, where: str | None) -> int:
    """Exit 0 if no rule fired, 1 if one did, even if it cleared, 2 if nothing can be read."""
    calls, found = _found(files, rules, where)
    click.echo("\n".join(as_text(found, calls, rules)))
    return FIRED if found else 0


def _found(files: tuple[str, ...], rules: Rules, where: str | None) -> tuple[int, list[Alert]]:
    """How many calls there are, and the alerts. Raises SourceError where no line is a record."""
    with opened(files, where) as log:
        snapshot, frame = log.snapshot, log.frame
    if snapshot.counts.skipped and not snapshot.counts.records:
        raise SourceError(f"no line is a record: {', '.join(map(str, snapshot.files))}")
    if rules.budget.enabled:
        frame = priced(frame, rates(rules))
    calls = model_calls(frame)
    return calls.height, find(calls, rules)


def as_text(found: list[Alert], calls: int, rules: Rules) -> Iterator[str]:
    """The lines for people."""
    if not found:
        yield f"No alerts. {len(watching(rules))} rules watch {calls:,} calls."
        return
    newest = max((alert.last_ts for alert in found if alert.last_ts), default=None)
    for alert in found:
        when = "  ".join(units.moment(ts, newest, 8) for ts in (alert.ts, alert.last_ts))
        yield (
            f"{'▲' if alert.state == 'ongoing' else '○'} {when:<18}  {alert.rule:<11}  "
            f"{inert(alert.subject)[:24]:<24}  {alert.calls:>7,}  {alert.state:<7}  "
            f"{inert(alert.what)}; {alert.evidence}"
        )
