"""The figures of a log as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis.latency import By
from llmlog_tui.analysis.stats import Stats
from llmlog_tui.commands.pictures import Pictures
from llmlog_tui.log.store import Counts, Snapshot
from llmlog_tui.text import inert

_LEAST_TIMES: Final = 2


def as_text(
    snapshot: Snapshot, found: Stats, slow_ms: float, by: By, drawn: Pictures | None = None
) -> Iterator[str]:
    """The lines for people, with bars and sparklines if they are `drawn`."""
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
    yield _spent(found)
    yield (
        f"{found.slow_calls:,} calls took over {units.duration(slow_ms)}; "
        f"{found.slow_mostly_reasoning:,} of them were mostly reasoning"
    )
    yield ""
    yield (
        f"{by:<28}{'calls':>8}{'errors':>8}{'cut off':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'tok/s':>8}{'in':>9}{'out':>9}{'cost $':>9}"
    )
    most = max(found.groups["calls"], default=0)
    for group in found.groups.iter_rows(named=True):
        bar = f"  {drawn.bar(group['calls'], most)}" if drawn else ""
        yield _group(group) + bar
    if drawn:
        yield from _over_time(found.over_time, drawn)


def _spent(found: Stats) -> str:
    unpriced = f", {found.unpriced_calls:,} calls unpriced" if found.unpriced_calls else ""
    saved = f", caching saved {units.money(found.saved_usd)}" if found.saved_usd else ""
    return f"cost: {units.money(found.cost_usd)}{saved}{unpriced}"


def _over_time(times: pl.DataFrame, drawn: Pictures) -> Iterator[str]:
    """One sparkline for each figure, from the first call to the last."""
    if times.height < _LEAST_TIMES:
        return
    yield ""
    for title, name in (("calls", "calls"), ("p95 ms", "p95_ms"), ("errors", "errors")):
        values = times[name].to_list()
        known = [value for value in values if value is not None]
        most = max(known, default=None)
        yield f"{title:<8}{drawn.sparkline(values)}  most {units.whole(most)}"


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
        f"{units.dollars(group['cost_usd'], 8):>9}"
    )
