"""Statistics of a log as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.reports.stats import Stats, over_time
from llmlog_tui.commands.open_log import format_names, is_plain
from llmlog_tui.commands.text_charts import TextCharts
from llmlog_tui.commands.text_tables import table
from llmlog_tui.humanize import plural
from llmlog_tui.log.sources import path_text
from llmlog_tui.log.store import RecordCounts, Snapshot
from llmlog_tui.sanitize import sanitize

_LEAST_TIMES: Final = 2


def stats_text(
    snapshot: Snapshot, found: Stats, slow_ms: float, by: str, drawn: TextCharts | None = None
) -> Iterator[str]:
    """Yield the lines of text, with bars and sparklines if `drawn` is given."""
    yield from _head(snapshot)
    yield from _faults(snapshot.counts, found.records)
    yield (
        f"{plural(found.calls, 'call')} and {plural(found.tools, 'tool execution')} in "
        f"{plural(found.traces, 'trace')}, {plural(found.sessions, 'session')}; "
        f"{found.errors:,} {'call or tool' if found.errors == 1 else 'calls and tools'} failed"
    )
    if found.first_ts and found.last_ts:
        first, last = humanize.local(found.first_ts), humanize.local(found.last_ts)
        zone = humanize.zone_note()
        yield f"from {first:%d %b %Y %H:%M:%S} to {last:%d %b %Y %H:%M:%S}{zone}"
    yield _tokens(found)
    yield _spent(found)
    yield from _price_hint(found)
    yield from _unused_prices(found)
    yield from _cut_off(found)
    yield (
        f"{plural(found.slow_calls, 'call')} took over {humanize.duration(slow_ms)}; "
        f"{found.slow_mostly_reasoning:,} of them mostly reasoning"
    )
    yield ""
    yield from _groups(found.groups, by, drawn)
    if drawn:
        yield from _over_time(over_time(found.priced), drawn)


def _head(snapshot: Snapshot) -> Iterator[str]:
    """Yield the files, a few by name, and any format but llmlog's."""
    names = [sanitize(path_text(path)) for path in snapshot.files[:_MAX_NAMES]]
    more = len(snapshot.files) - _MAX_NAMES
    yield ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
    if not is_plain(snapshot):
        yield f"format: {format_names(snapshot)}"


_MAX_NAMES: Final = 12
"""Maximum files that are named."""


def _tokens(found: Stats) -> str:
    count = humanize.count
    written = found.cache_write_tokens
    cached = f"{count(found.cached_tokens)} cached"
    cache = f"{cached}, {count(written)} cache-written" if written else cached
    return (
        f"tokens: {count(found.prompt_tokens)} in ({cache}), "
        f"{count(found.completion_tokens)} out ({count(found.reasoning_tokens)} reasoning)"
    )


def _spent(found: Stats) -> str:
    unpriced = f", {plural(found.unpriced_calls, 'call')} unpriced" if found.unpriced_calls else ""
    saved = f", {humanize.caching(found.saved_usd)}" if found.saved_usd else ""
    return f"cost: {humanize.money(found.cost_usd)}{saved}{unpriced}"


def _price_hint(found: Stats) -> Iterator[str]:
    """Yield how to give a price to the models that lack one."""
    if models := found.unpriced_models:
        names = _named(models)
        yield f"no price for {names}: add it to a file for --rules, in $ per million tokens:"
        yield f'  [prices."{sanitize(models[0], _MAX_NAME)}"] with input = … and output = …'


def _unused_prices(found: Stats) -> Iterator[str]:
    """Yield the prices that apply to no call: a name may be misspelled."""
    if found.unused_prices:
        names = _named(found.unused_prices)
        yield f"unused [prices]: {names}; no call has such a model, or provider/model"


def _named(models: Sequence[str]) -> str:
    """Return a few names, and the number of the others."""
    names = ", ".join(sanitize(name, _MAX_NAME) for name in models[:_SHOWN_MODELS])
    more = len(models) - _SHOWN_MODELS
    return f"{names} and {more:,} more" if more > 0 else names


def _cut_off(found: Stats) -> Iterator[str]:
    """Yield the share of calls that were cut off, out of those with a finish_reason."""
    if cut := found.truncated + found.hidden_cut:
        share = humanize.percent(cut / found.can_be_cut) if found.can_be_cut else humanize.UNKNOWN
        yield (
            f"cut off: {plural(cut, 'answer')}, {share} of {plural(found.can_be_cut, 'chat call')}"
            f"; {found.hidden_cut:,} of them hidden, without finish_reason length"
        )


_MAX_NAME: Final = 60
_SHOWN_MODELS: Final = 3


def _over_time(times: pl.DataFrame, drawn: TextCharts) -> Iterator[str]:
    """Yield one sparkline per metric, from the first call to the last."""
    if times.height < _LEAST_TIMES:
        return
    yield ""
    for title, name in (("calls", "calls"), ("p95 ms", "p95_ms"), ("errors", "errors")):
        values = times[name].to_list()
        known = [value for value in values if value is not None]
        most = max(known, default=None)
        yield f"{title:<8}{drawn.sparkline(values)}  most {humanize.integer(most)}"


def _faults(counts: RecordCounts, counted: int) -> Iterator[str]:
    """Yield the number of records, and of counted ones with --last or --where; the faults."""
    of_them = "" if counted == counts.records else f" read, {counted:,} of them counted"
    records = plural(counts.records, "record")
    yield f"{records}{of_them}, blank lines: {counts.blanks:,}"
    for kind, number in counts.skipped.most_common():
        place = counts.first_skipped[kind]
        yield f"skipped: {number:,} {kind}, first at {sanitize(path_text(place.file))}:{place.line}"
    for name, number in counts.nulled.most_common():
        yield f"nulled: {plural(number, 'value')} of {name} had a wrong type"


def _groups(groups: pl.DataFrame, by: str, drawn: TextCharts | None) -> Iterator[str]:
    """Yield a table of the groups, without time to first token if unknown."""
    figures = [
        (title, show)
        for title, show, name in _COLUMNS
        if name is None or groups[name].null_count() < groups.height
    ]
    title = f"{by}{humanize.zone_note()}" if by == "hour" else by
    titles = [title, *(title for title, _ in figures)]
    rows = ([_key(group["key"], by), *(show(group) for _, show in figures)]
            for group in groups.iter_rows(named=True))  # fmt: skip
    most = max(groups["calls"], default=0)
    bars = ("", *(f"  {drawn.bar(calls, most)}" if drawn else "" for calls in groups["calls"]))
    for line, bar in zip(table(titles, rows, right=titles[1:]), bars, strict=True):
        yield line + bar


def _key(key: str | None, by: str) -> str | None:
    if key is None or by != "hour":
        return None if key is None else str(key)
    return f"{humanize.local(datetime.fromisoformat(key)):%Y-%m-%d %H:%M}"


_Group = dict[str, Any]


def _whole(name: str) -> Callable[[_Group], str]:
    return lambda group: humanize.integer(group[name])


def _count(name: str) -> Callable[[_Group], str]:
    return lambda group: humanize.count(group[name])


def _cut(group: _Group) -> str:
    return humanize.integer(group["truncated"] + group["hidden_cut"])


def _cost(group: _Group) -> str:
    """Return the cost of a group, with `+` if some calls are unpriced."""
    mark = humanize.unpriced_mark(group["cost_usd"], group["unpriced_calls"])
    return humanize.dollars(group["cost_usd"], 8) + mark


_COLUMNS: Final = (
    ("calls", _whole("calls"), None),
    ("errors", _whole("errors"), None),
    ("cut off", _cut, None),
    *((f"p{percent} ms", _whole(f"p{percent}_ms"), None) for percent in (50, 90, 95, 99)),
    ("ttft", _whole("ttft_p50_ms"), "ttft_p50_ms"),
    ("ttft p95", _whole("ttft_p95_ms"), "ttft_p95_ms"),
    ("tok/s", _whole("tokens_per_sec_p50"), None),
    ("in", _count("prompt_tokens"), None),
    ("out", _count("completion_tokens"), None),
    ("cost $", _cost, None),
)
"""Title, text of the metric, and a column without which it is hidden."""
