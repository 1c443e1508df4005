"""How near rules that are quiet are to an alert: those whose level is approached, not jumped to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.config.rules import RateLimitRule, Rules

RECENT_CALLS: Final = 10_000
"""Rate limits are looked up in so many of the last calls: what was not used since is not near."""

_KINDS: Final = ("requests", "tokens")


class Proximity(NamedTuple):
    """How much of the way to an alert a rule has come, from 0 to 1 where it fires."""

    rule: str
    share: float


def nearest_rule(calls: pl.DataFrame, rules: Rules) -> Proximity | None:
    """The rule that is nearest to an alert; None where none of these rules has anything to go by.

    `rate limit` by what is used of a limit, against what may be before it fires; `budget` by what
    the calls of the last hour (of the clock, UTC) cost, against what they may. Other rules compare
    calls with those before: they have no level that is approached.
    """
    found = [*_rate_limits(calls, rules.rate_limit), *_budget(calls, rules.budget.usd_per_hour)]
    return max(found, key=lambda nearness: nearness.share, default=None)


def _rate_limits(calls: pl.DataFrame, rule: RateLimitRule) -> Iterator[Proximity]:
    if not rule.enabled or rule.least_left >= 1:
        return
    recent = calls.tail(RECENT_CALLS)
    for kind in _KINDS:
        limit, left = pl.col(f"ratelimit_limit_{kind}"), pl.col(f"ratelimit_remaining_{kind}")
        last = (
            recent.filter((limit > 0) & (left >= 0))
            .group_by("provider", pl.coalesce("requested_model", "model").alias("model"))
            .agg(used=(1 - left / limit).last())
        )
        used = last["used"].max()
        if isinstance(used, float):
            yield Proximity("rate limit", min(1.0, max(0.0, used / (1 - rule.least_left))))


def _budget(calls: pl.DataFrame, most: float | None) -> Iterator[Proximity]:
    if not most or "cost_usd" not in calls.columns:
        return
    newest = pl.col("ts").max()
    costs = pl.col("cost_usd").filter(pl.col("ts") >= newest.dt.truncate("1h")).drop_nulls()
    spent = calls.select(pl.when(costs.len() > 0).then(costs.sum())).item()
    if spent is not None:
        yield Proximity("budget", min(1.0, spent / most))
