"""How near quiet rules are to an alert."""

from __future__ import annotations

import dataclasses

import polars as pl
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.alerts.engine import Proximity, nearest_rule
from llmlog_tui.analysis.alerts.rate_limit import PROXIMITY_CALLS
from llmlog_tui.config.rules import DEFAULT, BudgetRule, RateLimitRule, Rules


def left(tokens: int, **fields: object) -> Record:
    limits = {"ratelimit_limit_tokens": 1_000, "ratelimit_remaining_tokens": tokens}
    return {"model": "m", "provider": "p", **limits, **fields}


def with_budget(usd: float) -> Rules:
    return dataclasses.replace(DEFAULT, budget=BudgetRule(usd))


def spent(frame: pl.DataFrame, *costs: float | None) -> pl.DataFrame:
    return frame.with_columns(cost_usd=pl.Series(costs, dtype=pl.Float64))


def nearest(frame: pl.DataFrame, rules: Rules = DEFAULT) -> tuple[str, float] | None:
    found = nearest_rule(frame, rules)
    return None if found is None else (found.rule, round(found.share, 9))


def test_a_rate_limit_is_as_near_as_what_is_used_of_what_may_be(calls: Frame) -> None:
    # 442 of 1,000 tokens are left, and it fires under 100: 558 of 900 are used.
    assert nearest(calls([left(900), left(442)])) == ("rate limit", 0.62)


def test_the_shortest_of_several_limits_counts_and_only_as_it_stands_now(calls: Frame) -> None:
    records = [left(100), left(910), left(550, model="k")]
    assert nearest(calls(records)) == ("rate limit", 0.5)


def test_a_limit_that_is_used_up_is_all_the_way_there(calls: Frame) -> None:
    assert nearest_rule(calls([left(0)]), DEFAULT) == Proximity("rate limit", 1.0)


def test_what_nobody_used_for_long_is_not_near(calls: Frame) -> None:
    used = calls([left(200)])
    quiet = calls([{"model": "k"}])
    later = pl.concat([used, *[quiet] * PROXIMITY_CALLS])
    assert nearest_rule(later, DEFAULT) is None


def test_a_budget_is_as_near_as_what_the_last_hour_of_the_clock_cost(calls: Frame) -> None:
    frame = calls([{"ts": f"2026-11-23T{at}:00Z"} for at in ("08:59", "09:01", "09:09")])
    found = nearest_rule(spent(frame, 50.0, 0.5, None), with_budget(2.0))
    assert found == Proximity("budget", 0.25)


def test_of_both_the_nearer_one_is_told(calls: Frame) -> None:
    frame = spent(calls([left(550, ts="2026-11-23T09:00:00Z")]), 0.9)
    assert nearest_rule(frame, with_budget(1.0)) == Proximity("budget", 0.9)
    assert nearest(frame, with_budget(9.0)) == ("rate limit", 0.5)


def test_a_rule_that_does_not_watch_is_not_near(calls: Frame) -> None:
    off = dataclasses.replace(DEFAULT, rate_limit=RateLimitRule(enabled=False))
    assert nearest_rule(calls([left(0)]), off) is None


def test_without_limits_and_budget_nothing_is_near(calls: Frame) -> None:
    assert nearest_rule(calls([{"model": "m"}]), DEFAULT) is None
    assert nearest_rule(calls([{"model": "m"}]), with_budget(1.0)) is None, "it has no cost"
