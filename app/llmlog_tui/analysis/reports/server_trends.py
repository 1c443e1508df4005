"""Series of a server's metrics and of the calls, on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import polars as pl

from llmlog_tui.analysis.reports.trends import Trends, trends
from llmlog_tui.server.metrics import ServerMetrics, between
from llmlog_tui.server.sample import Sample

FIGURES: Final = (
    "running",
    "waiting",
    "kv_cache",
    "tokens_per_sec",
    "prompt_tokens_per_sec",
    "ttft_p95_ms",
    "queue_p95_ms",
)
"""Quantities of Sample that have a series."""

_HOLD: Final = timedelta(seconds=10)
"""Longest time for which a sample counts as the state of the server."""
_SHORTEST: Final = timedelta(seconds=1)
_PART: Final = 0.1
"""Minimum share of all time that samples must cover for all to be shown."""
_LAST: Final = datetime.max.replace(tzinfo=UTC)

TimeRange: TypeAlias = tuple[datetime, datetime]


@dataclass(frozen=True, eq=False)
class ServerTrends:
    """Series of a server and of the calls, in equal slices of time.

    `url` is None without servers. `figures` has the largest value of each slice by the names of
    FIGURES, None if unknown. `first` and `last` are the times of all its samples and all calls.
    `queued` are the slices with a slow call while requests waited.
    """

    url: str | None
    first: datetime | None
    last: datetime | None
    figures: dict[str, list[float | None]]
    calls: Trends
    queued: tuple[int, ...]


def server_trends(  # noqa: PLR0913, PLR0917 - a log, its server, and what is shown of them
    metrics: ServerMetrics,
    url: str | None,
    calls: pl.DataFrame,
    slices: int,
    slow_ms: float,
    within: TimeRange | None = None,
) -> ServerTrends:
    """Return the series within a time range.

    Without one, it is that of samples and calls, or of the samples alone if they are only a small
    part of it. An unknown `url` is the first server's.
    """
    urls = metrics.urls
    shown = url if url in urls else next(iter(urls), None)
    samples = metrics.samples.get(shown, ()) if shown else ()
    of_samples = (
        (samples[0].ts, max(samples[-1].ts, samples[0].ts + _SHORTEST)) if samples else None
    )
    of_calls = _span(calls)
    everything = _union(of_samples, of_calls)
    whole = everything
    if of_samples and everything and _length(of_samples) < _PART * _length(everything):
        whole = of_samples
    figures: dict[str, list[float | None]] = {name: [None] * slices for name in FIGURES}
    if span := within or whole:
        figures = _figures(between(samples, *span, before=1), slices, *span)
    found = trends(calls, (), slices, slow_ms, within or whole)
    slow = found.figures["slow"]
    queued = (n for n, number in enumerate(slow) if number and figures["waiting"][n])
    first, last = everything or (None, None)
    return ServerTrends(shown, first, last, figures, found, tuple(queued))


def _span(calls: pl.DataFrame) -> TimeRange | None:
    first, last = calls.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    return None if first is None else (first, max(last, first + min(_SHORTEST, _LAST - first)))


def _union(one: TimeRange | None, other: TimeRange | None) -> TimeRange | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def _length(span: TimeRange) -> timedelta:
    return span[1] - span[0]


def _figures(
    samples: Sequence[Sample], slices: int, begin: datetime, end: datetime
) -> dict[str, list[float | None]]:
    """Return each series; a sample counts until the next one, but not longer than _HOLD."""
    figures: dict[str, list[float | None]] = {name: [None] * slices for name in FIGURES}
    per_slice = (end - begin) / slices
    for index, sample in enumerate(samples):
        until = samples[index + 1].ts if index + 1 < len(samples) else end
        first = int((sample.ts - begin) / per_slice)
        beyond = (min(until, sample.ts + _HOLD) - begin) / per_slice
        held = range(max(0, min(first, slices - 1)), min(slices, max(first + 1, int(beyond))))
        for name, series in figures.items():
            value = getattr(sample, name)
            if value is not None:
                for n in held:
                    series[n] = max(value, series[n] or 0.0)
    return figures
