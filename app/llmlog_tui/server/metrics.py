"""All samples of all servers, and the state of a server at a moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

from llmlog_tui.server.endpoint import host_of, is_local

if TYPE_CHECKING:
    from llmlog_tui.server.sample import Sample

MAX_SAMPLES: Final = 100_000
"""Maximum samples of a server in memory; the oldest are dropped."""
_NEAR: Final = timedelta(seconds=10)
"""Longest time between a call and a sample that still describes it."""


@dataclass(frozen=True)
class PollStatus:
    """The last poll of a server.

    `why` it failed is empty if it did not. `polled` is its time, None before the first; `raw` lists
    the values of the last answer.
    """

    polled: datetime | None = None
    why: str = ""
    raw: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class ServerMoment:
    """What servers did while a call ran.

    `running`, `waiting` and `kv_cache` are the largest of that time, `preemptions` the sum;
    `queue_ms` is the mean time in the queue of requests that left it.
    """

    running: float | None
    waiting: float | None
    kv_cache: float | None
    preemptions: float | None
    queue_ms: float | None


@dataclass(frozen=True, eq=False)
class ServerMetrics:
    """The samples of each server by its URL, oldest first, and its last poll.

    `problem` is why samples are not kept in a file, empty if they are, or need not be.
    """

    samples: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    polls: Mapping[str, PollStatus] = field(default_factory=dict)
    problem: str = ""

    @property
    def urls(self) -> tuple[str, ...]:
        """The servers that were or are polled; those of now first."""
        return tuple(dict.fromkeys(chain(self.polls, self.samples)))

    def with_sample(self, sample: Sample) -> ServerMetrics:
        """Return these with one more sample, unless the last one of the server is later."""
        before = self.samples.get(sample.url, ())
        if before and sample.ts < before[-1].ts:
            return self
        return replace(self, samples={**self.samples, sample.url: _limited((*before, sample))})

    def with_poll(self, url: str, poll: PollStatus) -> ServerMetrics:
        return replace(self, polls={**self.polls, url: poll})

    def moment(
        self, provider: str | None, begin: datetime | None, latency_ms: float | None
    ) -> ServerMoment | None:
        """Return what a provider's servers did during a call, if known.

        `provider` is the host that the call went to. If none of the servers is there, but the
        host is a local one, as of a tunnel or a proxy, all servers count.
        """
        if begin is None or not self.samples:
            return None
        took = timedelta(milliseconds=min(latency_ms or 0.0, _MAX_LATENCY_MS))
        end = begin + min(took, _LAST - begin)
        during = [_during(self.samples[url], begin, end) for url in self._urls_of(provider)]
        known = [samples for samples in during if samples]
        if not known:
            return None
        return ServerMoment(
            running=_total(known, lambda each: each.running, max),
            waiting=_total(known, lambda each: each.waiting, max),
            kv_cache=_most(_total([each], lambda one: one.kv_cache, max) for each in known),
            preemptions=_total(known, lambda each: each.preemptions, sum),
            queue_ms=_most(_total([each], lambda one: one.queue_mean_ms, max) for each in known),
        )

    def _urls_of(self, provider: str | None) -> list[str]:
        exact = [url for url in self.samples if host_of(url) == provider]
        if exact or (provider is not None and not is_local(provider)):
            return exact
        return list(self.samples)


_MAX_LATENCY_MS: Final = 24 * 3_600_000.0
_LAST: Final = datetime.max.replace(tzinfo=UTC)
NO_METRICS: Final = ServerMetrics()


def merged(samples: Iterable[Sample]) -> ServerMetrics:
    """Return samples in any order, as of several files."""
    by_url: dict[str, list[Sample]] = {}
    for sample in samples:
        by_url.setdefault(sample.url, []).append(sample)
    ordered = {url: sorted(each, key=lambda one: one.ts) for url, each in by_url.items()}
    return ServerMetrics({url: _limited(tuple(each)) for url, each in ordered.items()})


def between(
    samples: tuple[Sample, ...], begin: datetime, end: datetime, *, before: int = 0
) -> tuple[Sample, ...]:
    """Return the samples from `begin` to `end`, both included, and some from before."""
    first = bisect_left(samples, begin, key=lambda each: each.ts)
    last = bisect_right(samples, end, key=lambda each: each.ts)
    return samples[max(0, first - before) : last]


def _during(samples: tuple[Sample, ...], begin: datetime, end: datetime) -> tuple[Sample, ...]:
    """Return the samples while a call ran, and the nearest one of a short call."""
    found = between(samples, begin, end)
    if found:
        return found
    at = bisect_left(samples, begin, key=lambda each: each.ts)
    around = samples[max(0, at - 1) : at + 1]
    nearest = min(around, key=lambda each: abs(each.ts - begin), default=None)
    return () if nearest is None or abs(nearest.ts - begin) > _NEAR else (nearest,)


def _limited(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    return samples[-MAX_SAMPLES:]


def _total(
    servers: Iterable[tuple[Sample, ...]],
    quantity: Callable[[Sample], float | None],
    of_server: Callable[[list[float]], float],
) -> float | None:
    """Return a quantity of each server's samples, summed over the servers that report it."""
    found = []
    for samples in servers:
        known = [value for each in samples if (value := quantity(each)) is not None]
        if known:
            found.append(of_server(known))
    return sum(found) if found else None


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
