"""`llmlog alerts` and `llmlog check`: alerts and rate limits, as text, JSON, exit code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
import orjson

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert, as_object
from llmlog_tui.analysis.alerts.comparison import MetricChange
from llmlog_tui.analysis.alerts.engine import enabled_rules, needs_cost
from llmlog_tui.analysis.alerts.engine import find_alerts as find
from llmlog_tui.analysis.alerts.in_parts import AlertsInParts, watched_columns
from llmlog_tui.analysis.alerts.rate_limit import LimitStatus, limit_status
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.commands import rate_limits as limits_
from llmlog_tui.commands.open_log import OpenLog, check_has_records, open_log
from llmlog_tui.commands.options import files_argument, utc_option, where_option
from llmlog_tui.commands.output import echo_texts
from llmlog_tui.commands.record_stream import format_of, record_stream
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import day_time, fitted
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.sources import SourceError, path_text
from llmlog_tui.sanitize import sanitize

FIRED = 1
"""Exit code of `check` if a rule fired, or if calls are missing."""


@click.command()
@files_argument
@rules_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@where_option
@utc_option
def alerts(files: tuple[str, ...], rules: Rules, *, as_json: bool, where: str | None) -> None:
    """List alerts, ongoing first, and remaining rate limits, the lowest first.

    A rule fires at a call; its alert is ongoing until the condition has been absent long enough.

    JSON: calls (their number), alerts, limits and format. Each alert has rule, subject (a model or
    provider), provider, state (ongoing or cleared), first_ts, last_ts, what, evidence, calls
    (number affected) and table (of a fingerprint: name, before, after, p, is_chance; p by
    Mann-Whitney's test for latency and tok/s, by Fisher's exact test for shares). Each limit has
    provider, model, kind (requests or tokens), limit, remaining, share (0 to 1), burn_per_s,
    seconds_left (until a 429 at that rate; null if it does not fall) and ts, as of the last call
    that reported it.
    """
    found = _found(files, rules, where)
    if as_json:
        click.echo(orjson.dumps(found.as_object()))
    else:
        lines = as_text(found.alerts, found.calls, rules, with_tables=True)
        echo_texts(chain(lines, limits_.as_text(found.limits)))


@click.command()
@files_argument
@rules_option
@where_option
@utc_option
@click.option(
    "--at-least",
    type=click.IntRange(min=0),
    default=0,
    metavar="CALLS",
    help="Exit 1 if there are fewer model calls, too: a log without calls raises no alert.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
def check(
    files: tuple[str, ...], rules: Rules, *, where: str | None, at_least: int, as_json: bool
) -> int:
    """Exit with 0 if no rule fired, 1 if one did, 2 without calls.

    An alert that has cleared counts too. With 2 the log is unreadable or empty, or has no model
    calls, or none that match --where; with --at-least, records without calls exit with 1. Prints
    the alerts as `llmlog alerts` does.

    JSON: passed (the exit code is 0), calls (their number), at_least, then alerts and format as of
    `llmlog alerts`.
    """
    found = _found(files, rules, where)
    _check_judged(found, files, where, at_least)
    calls = found.calls
    passed = not found.alerts and calls >= at_least
    if as_json:
        listed = [as_object(alert) for alert in found.alerts]
        known = {"passed": passed, "calls": calls, "at_least": at_least, "alerts": listed}
        known["format"] = found.format
        click.echo(orjson.dumps(known))
    else:
        echo_texts(as_text(found.alerts, calls, rules))
        if calls < at_least:
            click.echo(f"Fewer calls than the {at_least:,} of --at-least.")
    return 0 if passed else FIRED


def _check_judged(
    found: FoundAlerts, files: tuple[str, ...], where: str | None, at_least: int
) -> None:
    """Raise SourceError or UsageError if there is nothing that rules could judge."""
    names = ", ".join(map(path_text, map(Path, files)))
    if not found.records:  # a log that stayed empty has not passed
        raise SourceError(f"no records in {names}")
    if where is not None and not found.matching:  # a misspelled name would pass for ever
        why = f"no record of {found.records:,} matches --where {sanitize(where)}"
        raise click.UsageError(why)
    if found.calls or at_least:
        return
    if where is not None:
        matching = humanize.plural(found.matching, "record")
        raise click.UsageError(f"no model call in {matching} that --where {sanitize(where)} keeps")
    raise SourceError(f"no model call in {names}")


@dataclass(frozen=True)
class FoundAlerts:
    """The alerts and rate limits of a log.

    `records` counts all records read, `matching` what --where keeps, `calls` the calls of these.
    """

    alerts: list[Alert]
    limits: list[LimitStatus]
    records: int
    matching: int
    calls: int
    format: str | None

    def as_object(self) -> dict[str, Any]:
        """Return the object that `llmlog alerts --json` prints."""
        return {
            "calls": self.calls,
            "alerts": [as_object(alert) for alert in self.alerts],
            "limits": limits_.as_objects(self.limits),
            "format": self.format,
        }


def _found(files: tuple[str, ...], rules: Rules, where: str | None) -> FoundAlerts:
    columns = watched_columns(rules)
    with record_stream(files, where, columns, rules) as stream:
        if stream is not None:
            found, matching = AlertsInParts(rules), 0
            for frame in stream.frames():
                found.add(frame)
                matching += frame.height
            counts = stream.records, matching, found.calls
            return FoundAlerts(found.alerts, found.limits, *counts, format_of(stream))
    with open_log(files, where, columns=columns, rules=rules) as log:
        return alerts_of(log, rules)


def alerts_of(log: OpenLog, rules: Rules) -> FoundAlerts:
    """Return the alerts of a log. Raises SourceError if no line is a record."""
    check_has_records(log.snapshot)
    frame = log.frame
    if needs_cost(rules):
        frame = priced(frame, rates(rules))
    calls = model_calls(frame)
    numbers = log.snapshot.counts.records, frame.height, calls.height
    return FoundAlerts(find(calls, rules), limit_status(calls), *numbers, log.format)


def as_text(
    found: list[Alert], calls: int, rules: Rules, *, with_tables: bool = False
) -> Iterator[str]:
    """Yield the lines of text, with figures before and after if `with_tables`."""
    if not found:
        watched = humanize.plural(calls, "call")
        yield f"No alerts from {humanize.plural(len(enabled_rules(rules)), 'rule')} over {watched}."
        return
    for alert in found:
        yield (
            f"{'▲' if alert.state == 'ongoing' else '○'} {_when(alert):<30}  {alert.rule:<11}  "
            f"{fitted(sanitize(alert.subject), 24)}  {alert.calls:>7,}  {alert.state:<7}  "
            f"{sanitize(alert.what)}; {alert.evidence}"
        )
        if with_tables and alert.table:
            yield f"    {', '.join(map(_figure, alert.table))}"
            yield f"    {_TESTS}"


_TESTS: Final = (
    "▲ more than noise, by Mann-Whitney's test (p50, p95, tok/s) or Fisher's (cut off, failed)"
)


def _figure(figure: MetricChange) -> str:
    """Return `▲ p95 ms 3,413 → 4,401`: a median, percentile or share before and after."""
    form = humanize.percent if figure.name in ("cut off", "failed") else humanize.integer
    sign = "" if figure.is_chance else "▲ "
    return f"{sign}{figure.name} {form(figure.before)} → {form(figure.after)}"


def _when(alert: Alert) -> str:
    """Return `2026-11-23 09:17:24 – 09:30:47`; the end with its day only if it differs."""
    first, last = day_time(alert.ts), day_time(alert.last_ts)
    day, _, time = last.partition(" ")
    return f"{first} – {time if time and first.startswith(day) else last}{humanize.zone_note()}"
