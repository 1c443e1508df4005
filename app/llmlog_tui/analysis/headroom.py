"""Rate limits: how much of each is left, how fast it goes, and when it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.rules import RateLimit

KINDS: Final = ("requests", "tokens")

_RECENT_CALLS: Final = 50
_KEYS: Final = ("provider", "model")


@dataclass(frozen=True)
class Headroom:
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
class Shortage:
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


def headroom(calls: pl.DataFrame) -> list[Headroom]:
    """Each rate limit of each provider and model, the shortest first."""
    found = []
    for kind in KINDS:
        for _, part in _of(calls, kind).group_by(*_KEYS, maintain_order=True):
            recent = part.tail(_RECENT_CALLS)
            last = recent.row(-1, named=True)
            found.append(
                Headroom(
                    **{key: last[key] for key in (*_KEYS, "limit", "remaining", "row", "ts")},
                    kind=kind,
                    burn_per_s=_burn(recent),
                )
            )
    return sorted(found, key=lambda limit: limit.share)


def shortages(calls: pl.DataFrame, rule: RateLimit) -> list[Shortage]:
    """Each time less than `rule.least_left` of a limit was left, until `clear_left` was again."""
    return [shortage for kind in KINDS for shortage in _shortages(calls, kind, rule)]


def _shortages(calls: pl.DataFrame, kind: str, rule: RateLimit) -> list[Shortage]:
    share = pl.col("remaining") / pl.col("limit")
    of_kind = _of(calls, kind).with_columns(share=share)
    if not (of_kind["share"] < rule.least_left).any():
        return []
    turn = (
        pl.when(pl.col("share") < rule.least_left)
        .then(pl.lit(value=True))
        .when(pl.col("share") >= rule.clear_left)
        .then(pl.lit(value=False))
    )
    found = (
        of_kind.with_columns(is_short=turn.forward_fill().over(_KEYS).fill_null(value=False))
        .with_columns(
            episode=pl.col("is_short").rle_id().over(_KEYS),
            is_last=pl.int_range(pl.len()).over(_KEYS) == pl.len().over(_KEYS) - 1,
        )
        .filter("is_short")
        .group_by(*_KEYS, "episode", maintain_order=True)
        .agg(
            pl.col("row", "ts").first(),
            pl.col("row", "ts").last().name.prefix("last_"),
            lowest=pl.col("share").min(),
            calls=pl.len(),
            ongoing=pl.col("is_last").any(),
        )
    )
    return [Shortage(kind=kind, **row) for row in found.drop("episode").iter_rows(named=True)]


def _of(calls: pl.DataFrame, kind: str) -> pl.DataFrame:
    limit, remaining = f"ratelimit_limit_{kind}", f"ratelimit_remaining_{kind}"
    return calls.filter((pl.col(limit) > 0) & (pl.col(remaining) >= 0)).select(
        *("provider", "row", "ts"),
        model=pl.coalesce("requested_model", "model"),  # a refused call names no other
        limit=limit,
        remaining=remaining,
    )


def _burn(recent: pl.DataFrame) -> float | None:
    timed = recent.filter(pl.col("ts").is_not_null())
    if not timed.height:
        return None
    highest = timed.height - 1 - (timed["remaining"].reverse().arg_max() or 0)
    (last, end), (most, begin) = (timed.select("remaining", "ts").row(n) for n in (-1, highest))
    seconds = (end - begin).total_seconds()
    return (most - last) / seconds if seconds > 0 and most > last else None
