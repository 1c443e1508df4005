"""`llmlog stats`: the figures of a log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from llmlog_tui import units
from llmlog_tui.analysis.latency import By
from llmlog_tui.analysis.stats import Stats
from llmlog_tui.analysis.stats import stats as figures
from llmlog_tui.commands.numbers import Finite
from llmlog_tui.log.reader import load
from llmlog_tui.log.sources import expand
from llmlog_tui.log.store import Counts, Snapshot
from llmlog_tui.text import inert


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@click.option(
    "--by",
    type=click.Choice(["model", "session", "provider", "hour"]),
    default="model",
    show_default=True,
    help="What the groups are.",
)
@click.option(
    "--slow-ms",
    type=Finite(0),
    default=500.0,
    show_default=True,
    help="A call is slow if it took longer.",
)
def stats(files: tuple[str, ...], *, as_json: bool, by: By, slow_ms: float) -> None:
    """Count records, calls, errors and tokens, and take percentiles of the latency."""
    snapshot = load(expand(files, must_exist=True))
    found = figures(snapshot.frame, over_ms=slow_ms, by=by)
    if as_json:
        click.echo(orjson.dumps(as_object(snapshot, found, slow_ms)))
    else:
        click.echo("\n".join(as_text(snapshot, found, slow_ms, by)))


def as_object(snapshot: Snapshot, found: Stats, slow_ms: float) -> dict[str, Any]:
    """What --json prints."""
    unsaid = ("saved_usd", "unpriced_calls")
    counts = snapshot.counts
    return {
        "files": [_text(path) for path in snapshot.files],
        "records": counts.records,
        "blanks": counts.blanks,
        "skipped": dict(counts.skipped),
        "nulled": dict(counts.nulled),
        "sessions": found.sessions,
        "traces": found.traces,
        "calls": found.calls,
        "tools": found.tools,
        "errors": found.errors,
        "first_ts": units.rfc3339(found.first_ts),
        "last_ts": units.rfc3339(found.last_ts),
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "reasoning_tokens": found.reasoning_tokens,
        "cached_tokens": found.cached_tokens,
        "cost_usd": found.cost_usd,
        "unpriced_calls": found.unpriced_calls,
        "slow": {
            "over_ms": slow_ms,
            "calls": found.slow_calls,
            "mostly_reasoning": found.slow_mostly_reasoning,
        },
        "groups": found.groups.drop(unsaid).to_dicts(),
    }


def _text(path: Path) -> str:
    """A path as JSON can hold it: bytes that are no UTF-8 become `�`."""
    return os.fsencode(path).decode(errors="replace")


def as_text(snapshot: Snapshot, found: Stats, slow_ms: float, by: By) -> Iterator[str]:
    """The lines for people."""
    yield ", ".join(inert(str(path)) for path in snapshot.files)
    yield from _faults(snapshot.counts)
    yield (
        f"{found.calls:,} calls and {found.tools:,} tool executions in {found.traces:,} traces, "
        f"{found.sessions:,} sessions; {found.errors:,} failed"
    )
    if found.first_ts and found.last_ts:
        first, last = units.local(found.first_ts), units.local(found.last_ts)
        yield f"from {first:%d %b %Y %H:%M:%S} to {last:%d %b %Y %H:%M:%S}"
    yield (
        f"tokens: {units.count(found.prompt_tokens)} in ({units.count(found.cached_tokens)} "
        f"cached), {units.count(found.completion_tokens)} out "
        f"({units.count(found.reasoning_tokens)} reasoning)"
    )
    yield (
        f"{found.slow_calls:,} calls took over {units.duration(slow_ms)}; "
        f"{found.slow_mostly_reasoning:,} of them were mostly reasoning"
    )
    yield ""
    yield (
        f"{by:<28}{'calls':>8}{'errors':>8}{'cut off':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'tok/s':>8}{'in':>9}{'out':>9}"
    )
    for group in found.groups.iter_rows(named=True):
        yield _group(group)


def _faults(counts: Counts) -> Iterator[str]:
    yield f"{counts.records:,} records, blank lines: {counts.blanks:,}"
    for kind, number in counts.skipped.most_common():
        place = counts.first_skipped[kind]
        yield f"skipped: {number:,} {kind}, first at {inert(str(place.file))}:{place.line}"
    for name, number in counts.nulled.most_common():
        yield f"nulled: {number:,} values of {name} had a wrong type"


def _group(group: dict[str, Any]) -> str:
    key = units.UNKNOWN if group["key"] is None else inert(str(group["key"]))
    return (
        f"{key[:27]:<28}{group['calls']:>8,}{group['errors']:>8,}{group['truncated']:>9,}"
        f"{units.whole(group['p50_ms']):>9}{units.whole(group['p95_ms']):>9}"
        f"{units.whole(group['p99_ms']):>9}{units.whole(group['tokens_per_sec_p50']):>8}"
        f"{units.count(group['prompt_tokens']):>9}{units.count(group['completion_tokens']):>9}"
    )
