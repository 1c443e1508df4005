"""Series of a server's metrics and of the calls, on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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


@dataclass(frozen=True, eq=False)
class ServerTrends:
    """Series of the server at `url` (None without servers), and of the calls, in equal slices.

    `figures` has the largest value of each slice by the names of FIGURES, None if unknown.
    `first` and `last` are the times of its samples, else of the calls. `queued` are the slices
    with a slow call while requests waited.
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
    within: tuple[datetime, datetime] | None = None,
) -> ServerTrends:
    """Return the series within a time range: without one, that of the server's samples.

    An unknown `url` is the first server's.
    """
    urls = metrics.urls
    shown = url if url in urls else next(iter(urls), None)
    samples = metrics.samples.get(shown, ()) if shown else ()
    whole = (samples[0].ts, max(samples[-1].ts, samples[0].ts + _SHORTEST)) if samples else None
    of_calls = trends(calls, (), slices, slow_ms, within or whole)
    begin, end = within or whole or (of_calls.begin, of_calls.end)
    figures: dict[str, list[float | None]] = {name: [None] * slices for name in FIGURES}
    if begin is not None and end is not None:
        figures = _figures(between(samples, begin, end, before=1), slices, begin, end)
    first, last = whole or (of_calls.first, of_calls.last)
    slow = of_calls.figures["slow"]
    queued = (n for n, number in enumerate(slow) if number and figures["waiting"][n])
    return ServerTrends(shown, first, last, figures, of_calls, tuple(queued))


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
