"""Rate limits: how much of each is left, how fast it goes, and when it is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

import polars as pl

from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import RateLimitRule
from llmlog_tui.log.chunked_frame import detach

KINDS: Final = ("requests", "tokens")

_RECENT_CALLS: Final = 50
_KEYS: Final = ("provider", "model")


@dataclass(frozen=True)
class LimitStatus:
    """What is left of one rate limit, after the last call that said so.

    `share` is remaining / limit. `burn_per_s` is what goes per second, net of what comes back: the
    fall since it was highest within the last 50 calls; None without ts or without a fall.
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
        """From 0, nothing left, to 1."""
        return self.remaining / self.limit

    @property
    def seconds_left(self) -> float | None:
        """Until a 429, if it goes on so; None if it does not fall."""
        return self.remaining / self.burn_per_s if self.burn_per_s else None


@dataclass(frozen=True)
class LowLimit:
    """A rate limit of which little was left, from the call with key `row` to that with `last_row`.

    `lowest` is the least share that was left, `calls` the calls in between.
    """

    provider: str | None
    model: str | None
    kind: str
    lowest: float
    calls: int
    ts: datetime | None
    row: int
    last_ts: datetime | None
    last_row: int
    ongoing: bool

    def plus(self, later: LowLimit) -> LowLimit:
        """Both together, `later` being what came behind."""
        return replace(
            later,
            lowest=min(self.lowest, later.lowest),
            calls=self.calls + later.calls,
            ts=self.ts,
            row=self.row,
        )


def limit_status(calls: pl.DataFrame) -> list[LimitStatus]:
    """Each rate limit of each provider and model, the shortest first."""
    found = [
        _headroom(key, kind, part.tail(_RECENT_CALLS))
        for kind in KINDS
        for key, part in KeyPartitioner(*_KEYS).split(_of(calls, kind)).items()
    ]
    return sorted(found, key=lambda limit: limit.share)


class LowLimits:
    """Finds each time too little of a limit was left, in calls as they come in.

    That is less than `rule.least_left`, until `clear_left` is again.
    """

    def __init__(self, rule: RateLimitRule) -> None:
        self._rule = rule
        self._by_key = {kind: KeyPartitioner(*_KEYS) for kind in KINDS}
        self._limits: dict[str, dict[Key, LimitTracker]] = {kind: {} for kind in KINDS}

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        for kind, limits in self._limits.items():
            for key, part in self._by_key[kind].split(_of(calls, kind)).items():
                limits.setdefault(key, LimitTracker(key, kind, self._rule)).add(part)

    @property
    def found(self) -> list[tuple[LowLimit, LimitStatus]]:
        """All of them, each with what is left of the limit now."""
        return [
            (shortage, limit.left)
            for limits in self._limits.values()
            for limit in limits.values()
            for shortage in limit.shortages
        ]


class LimitTracker:
    """One limit of a model at a provider: when it was short, and what is left of it."""

    def __init__(self, key: Key, kind: str, rule: RateLimitRule) -> None:
        self.shortages: list[LowLimit] = []
        self._key, self._kind, self._rule = key, kind, rule
        self._is_short = False
        self._recent: pl.DataFrame | None = None

    @cached_property
    def left(self) -> LimitStatus:
        """What is left now."""
        recent = self._recent
        if recent is None:
            raise LookupError(self._key)
        return _headroom(self._key, self._kind, recent)

    def add(self, rows: pl.DataFrame) -> None:
        """Take in more calls that say how much is left."""
        self.__dict__.pop("left", None)
        both = rows if self._recent is None else pl.concat([self._recent, rows])
        self._recent = detach(both.tail(_RECENT_CALLS), both.height)
        share = rows["remaining"] / rows["limit"]
        if self._is_short or (share < self._rule.least_left).any():
            self._judge(rows.with_columns(share=share))

    def _judge(self, rows: pl.DataFrame) -> None:
        turn = (
            pl.when(pl.col("share") < self._rule.least_left)
            .then(pl.lit(value=True))
            .when(pl.col("share") >= self._rule.clear_left)
            .then(pl.lit(value=False))
        )
        judged = rows.with_columns(is_short=turn.forward_fill().fill_null(value=self._is_short))
        goes_on = self._is_short and judged["is_short"][0]
        self._is_short = judged["is_short"][-1]
        found = (
            judged.with_columns(episode=pl.col("is_short").rle_id())
            .filter("is_short")
            .group_by("episode", maintain_order=True)
            .agg(
                pl.col("row", "ts").first(),
                pl.col("row", "ts").last().name.prefix("last_"),
                lowest=pl.col("share").min(),
                calls=pl.len(),
            )
        )
        provider, model = self._key
        if self.shortages:
            self.shortages[-1] = replace(self.shortages[-1], ongoing=False)
        for n, row in enumerate(found.drop("episode").iter_rows(named=True)):
            new = LowLimit(provider, model, self._kind, **row, ongoing=False)
            before = self.shortages.pop() if goes_on and n == 0 else None
            self.shortages.append(new if before is None else before.plus(new))
        if self._is_short:
            self.shortages[-1] = replace(self.shortages[-1], ongoing=True)


def low_limits(calls: pl.DataFrame, rule: RateLimitRule) -> list[LowLimit]:
    """Each time less than `rule.least_left` of a limit was left, until `clear_left` was again."""
    found = LowLimits(rule)
    found.add(calls)
    return [shortage for shortage, _ in found.found]


def _of(calls: pl.DataFrame, kind: str) -> pl.DataFrame:
    limit, remaining = f"ratelimit_limit_{kind}", f"ratelimit_remaining_{kind}"
    said = calls.lazy().filter((pl.col(limit) > 0) & (pl.col(remaining) >= 0))
    return said.select(
        *("provider", "row", "ts"),
        model=pl.coalesce("requested_model", "model"),  # a refused call names no other
        limit=limit,
        remaining=remaining,
    ).collect()


def _headroom(key: Key, kind: str, recent: pl.DataFrame) -> LimitStatus:
    """The limit of a provider and model after its most recent calls."""
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
