"""Alert rule `rate limit`: remainder, burn rate and exhaustion of each limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.detector import CallSpan, Detector
from llmlog_tui.analysis.calls.call_model import REQUESTED, REQUESTED_SQL
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import RateLimitRule
from llmlog_tui.log.chunked_frame import detach

KINDS: Final = ("requests", "tokens")

PROXIMITY_CALLS: Final = 10_000
"""Latest calls examined for proximity: a limit without recent use is not near."""

_RECENT_CALLS: Final = 50
_KEYS: Final = ("provider", "model")


@dataclass(frozen=True)
class LimitStatus:
    """The remainder of one rate limit, as of the last call that reported it.

    `share` is remaining / limit. `burn_per_s` is the net consumption per second: the fall since the
    highest remainder within the last 50 calls; None without ts or without a fall.
    """

    provider: str | None
    model: str | None
    kind: str
    limit: int
    remaining: int
    burn_per_s: float | None
    row: int
    ts: datetime | None

    @property
    def share(self) -> float:
        return self.remaining / self.limit

    @property
    def seconds_left(self) -> float | None:
        """Seconds until a 429 at the current burn rate; None if it does not fall."""
        return self.remaining / self.burn_per_s if self.burn_per_s else None


@dataclass(frozen=True, kw_only=True)
class LowLimit(CallSpan):
    """An episode of a low rate limit; `lowest` is the lowest share that remained."""

    provider: str | None
    model: str | None
    kind: str
    lowest: float
    ongoing: bool

    def plus(self, later: LowLimit) -> LowLimit:
        return replace(
            later,
            lowest=min(self.lowest, later.lowest),
            calls=self.calls + later.calls,
            ts=self.ts,
            row=self.row,
        )


class LimitReports:
    """The last reports of each limit per provider and model, over growing calls."""

    def __init__(self) -> None:
        self._by_key = {kind: KeyPartitioner(*_KEYS) for kind in KINDS}
        self._recent: dict[str, dict[Key, pl.DataFrame]] = {kind: {} for kind in KINDS}

    def add(self, calls: Calls) -> None:
        """Process more model calls."""
        for kind, recent in self._recent.items():
            for key, part in self._by_key[kind].split(_reported(calls, kind)).items():
                recent[key] = _latest(recent.get(key), part)

    @property
    def status(self) -> list[LimitStatus]:
        """The status of every limit, the lowest remaining share first."""
        found = [
            _status(key, kind, part)
            for kind, recent in self._recent.items()
            for key, part in recent.items()
        ]
        return sorted(found, key=lambda limit: limit.share)


def limit_status(calls: Calls) -> list[LimitStatus]:
    """Return the status of every limit in calls, the lowest remaining share first."""
    reports = LimitReports()
    reports.add(calls)
    return reports.status


class RateLimitDetector(Detector[RateLimitRule]):
    """Find episodes with less than `least_left` of a limit, until `clear_left` is available."""

    name = "rate limit"
    config_key = "rate_limit"
    scope_column = REQUESTED_SQL

    def __init__(self, config: RateLimitRule) -> None:
        self._config = config
        self._by_key = {kind: KeyPartitioner(*_KEYS) for kind in KINDS}
        self._limits: dict[str, dict[Key, LimitTracker]] = {kind: {} for kind in KINDS}

    def add(self, calls: Calls) -> None:
        for kind, limits in self._limits.items():
            for key, part in self._by_key[kind].split(_reported(calls, kind)).items():
                limits.setdefault(key, LimitTracker(key, kind, self._config)).add(part)

    @property
    def found(self) -> list[tuple[LowLimit, LimitStatus]]:
        return [
            (episode, limit.status)
            for limits in self._limits.values()
            for limit in limits.values()
            for episode in limit.episodes
        ]

    def alerts(self) -> Iterator[Alert]:
        for found, now in self.found:
            seconds = now.seconds_left if found.ongoing else None
            soon = "" if seconds is None else f", 429 in {humanize.duration(seconds * 1_000)}"
            yield self._alert(
                found,
                found.model or found.provider,
                f"{found.kind}: down to {humanize.percent(found.lowest)}",
                f"{humanize.count(now.remaining)} of {humanize.count(now.limit)} left{soon}",
                ongoing=found.ongoing,
                provider=found.provider,
            )

    @classmethod
    def explain(cls, config: RateLimitRule) -> str:
        return (
            "The rest of a limit, as the server reports it: an alert under "
            f"{humanize.percent(config.least_left)}, cleared over "
            f"{humanize.percent(config.clear_left)}."
        )

    @classmethod
    def proximity(cls, config: RateLimitRule, calls: Calls) -> float | None:
        """Return the highest used share of a limit, relative to the firing share."""
        if config.least_left >= 1:
            return None
        recent = calls.tail(PROXIMITY_CALLS).lazy()
        used: list[float] = []
        for kind in KINDS:
            limit, left = pl.col(f"ratelimit_limit_{kind}"), pl.col(f"ratelimit_remaining_{kind}")
            last = (
                recent.filter((limit > 0) & (left >= 0))
                .group_by("provider", REQUESTED.alias("model"))
                .agg(used=(1 - left / limit).last())
                .collect()
            )
            highest = last["used"].max()
            if isinstance(highest, float):
                used.append(highest)
        return max(used) / (1 - config.least_left) if used else None


class LimitTracker:
    """One limit of a model at a provider: its low episodes and its current status."""

    def __init__(self, key: Key, kind: str, rule: RateLimitRule) -> None:
        self.episodes: list[LowLimit] = []
        self._key, self._kind, self._rule = key, kind, rule
        self._is_low = False
        self._recent: pl.DataFrame | None = None

    @cached_property
    def status(self) -> LimitStatus:
        recent = self._recent
        if recent is None:
            raise LookupError(self._key)
        return _status(self._key, self._kind, recent)

    def add(self, rows: pl.DataFrame) -> None:
        self.__dict__.pop("status", None)  # the cached property
        self._recent = _latest(self._recent, rows)
        share = rows["remaining"] / rows["limit"]
        if self._is_low or (share < self._rule.least_left).any():
            self._judge(rows.with_columns(share=share))

    def _judge(self, rows: pl.DataFrame) -> None:
        state = (
            pl.when(pl.col("share") < self._rule.least_left)
            .then(pl.lit(value=True))
            .when(pl.col("share") >= self._rule.clear_left)
            .then(pl.lit(value=False))
        )
        judged = rows.with_columns(is_low=state.forward_fill().fill_null(value=self._is_low))
        continues = self._is_low and judged["is_low"][0]
        self._is_low = judged["is_low"][-1]
        found = (
            judged.with_columns(episode=pl.col("is_low").rle_id())
            .filter("is_low")
            .group_by("episode", maintain_order=True)
            .agg(
                pl.col("row", "ts").first(),
                pl.col("row", "ts").last().name.prefix("last_"),
                lowest=pl.col("share").min(),
                calls=pl.len(),
            )
        )
        provider, model = self._key
        if self.episodes:
            self.episodes[-1] = replace(self.episodes[-1], ongoing=False)
        for n, row in enumerate(found.drop("episode").iter_rows(named=True)):
            new = LowLimit(provider=provider, model=model, kind=self._kind, **row, ongoing=False)
            before = self.episodes.pop() if continues and n == 0 else None
            self.episodes.append(new if before is None else before.plus(new))
        if self._is_low:
            self.episodes[-1] = replace(self.episodes[-1], ongoing=True)


def _reported(calls: Calls, kind: str) -> pl.DataFrame:
    limit, remaining = f"ratelimit_limit_{kind}", f"ratelimit_remaining_{kind}"
    reported = calls.lazy().filter((pl.col(limit) > 0) & (pl.col(remaining) >= 0))
    return reported.select(
        *("provider", "row", "ts"),
        model=REQUESTED,  # a refused call has no model that answered
        limit=limit,
        remaining=remaining,
    ).collect()


def _latest(before: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    """Append new reports of a limit, and return the last _RECENT_CALLS."""
    both = rows if before is None else pl.concat([before, rows])
    return detach(both.tail(_RECENT_CALLS), both.height)


def _status(key: Key, kind: str, recent: pl.DataFrame) -> LimitStatus:
    provider, model = key
    last = recent.select("limit", "remaining", "row", "ts").row(-1, named=True)
    return LimitStatus(provider, model, kind, burn_per_s=_burn(recent), **last)


def _burn(recent: pl.DataFrame) -> float | None:
    timed = recent.filter(pl.col("ts").is_not_null())
    if not timed.height:
        return None
    highest = timed.height - 1 - (timed["remaining"].reverse().arg_max() or 0)
    (last, end), (most, begin) = (timed.select("remaining", "ts").row(n) for n in (-1, highest))
    seconds = (end - begin).total_seconds()
    return (most - last) / seconds if seconds > 0 and most > last else None


DETECTOR = RateLimitDetector
