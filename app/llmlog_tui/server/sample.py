"""One sample of a server: what two successive readings say of the time between them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from llmlog_tui.server.exposition import NO_OBSERVATIONS, Histogram, Reading

_MS: Final = 1_000.0


@dataclass(frozen=True)
class Sample:
    """The state of a server at `ts`; unknown quantities are None.

    `running` and `waiting` are requests, `kv_cache` is the share in use. Since the sample before:
    `preemptions`, tokens per second generated and read from prompts, percentiles of the time to
    first token and of the time in the queue, and the mean of the latter.
    """

    ts: datetime
    url: str
    kind: str = ""
    running: float | None = None
    waiting: float | None = None
    kv_cache: float | None = None
    preemptions: float | None = None
    tokens_per_sec: float | None = None
    prompt_tokens_per_sec: float | None = None
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    queue_p50_ms: float | None = None
    queue_p95_ms: float | None = None
    queue_mean_ms: float | None = None


QUANTITIES: Final = tuple(
    each.name for each in fields(Sample) if each.name not in {"ts", "url", "kind"}
)


def sample(
    url: str, ts: datetime, reading: Reading, before: Reading | None, seconds: float
) -> Sample:
    """Return the sample of a reading; `before` was `seconds` earlier, None is the first."""
    gauges = reading.gauges
    generated = _rate(reading, before, "generation_tokens", seconds)
    ttft = _new(reading, before, "ttft")
    queue = _new(reading, before, "queue")
    return Sample(
        ts=ts,
        url=url,
        kind=reading.kind,
        running=gauges.get("running"),
        waiting=gauges.get("waiting"),
        kv_cache=gauges.get("kv_cache"),
        preemptions=_increase(reading, before, "preemptions"),
        tokens_per_sec=gauges.get("tokens_per_sec") if generated is None else generated,
        prompt_tokens_per_sec=_rate(reading, before, "prompt_tokens", seconds),
        ttft_p50_ms=_ms(ttft.quantile(0.5)),
        ttft_p95_ms=_ms(ttft.quantile(0.95)),
        queue_p50_ms=_ms(queue.quantile(0.5)),
        queue_p95_ms=_ms(queue.quantile(0.95)),
        queue_mean_ms=_ms(queue.mean),
    )


def _increase(reading: Reading, before: Reading | None, name: str) -> float | None:
    """Return the increase of a counter."""
    # A counter that fell is that of a restarted server, and counts from 0.
    now, then = reading.counters.get(name), None if before is None else before.counters.get(name)
    if now is None or then is None:
        return None
    return now - then if now >= then else now


def _rate(reading: Reading, before: Reading | None, name: str, seconds: float) -> float | None:
    increase = _increase(reading, before, name)
    return None if increase is None or seconds <= 0 else increase / seconds


def _new(reading: Reading, before: Reading | None, name: str) -> Histogram:
    """Return the observations since the reading before; none for the first one."""
    now, then = (each and each.histograms.get(name) for each in (reading, before))
    return now.since(then) if now and then else NO_OBSERVATIONS


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _MS
