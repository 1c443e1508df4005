"""How much of each rate limit is left, how fast it goes, and when it is gone."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.alerts.rate_limit import LowLimit, RateLimitDetector, limit_status
from llmlog_tui.config.rules import RateLimitRule


def left(tokens: int | None, second: int | None = None, /, **fields: object) -> Record:
    ts = None if second is None else f"2026-11-23T09:00:{second:02}Z"
    limits = {"ratelimit_limit_tokens": 1_000, "ratelimit_remaining_tokens": tokens}
    return {"model": "m", "provider": "p", "ts": ts, **limits, **fields}


def low_limits(calls: pl.DataFrame, rule: RateLimitRule) -> list[LowLimit]:
    detector = RateLimitDetector(rule)
    detector.add(calls)
    return [episode for episode, _ in detector.found]


def test_the_burn_is_the_fall_since_it_was_highest(calls: Frame) -> None:
    # 900 at 2 s, 600 at 12 s: 30 a second net, and 600 more take 20 s.
    (found,) = limit_status(calls([left(500, 0), left(900, 2), left(700, 7), left(600, 12)]))
    assert (found.provider, found.model, found.kind) == ("p", "m", "tokens")
    assert (found.remaining, found.limit, found.share, found.row) == (600, 1_000, 0.6, 3)
    assert found.burn_per_s == pytest.approx(30)
    assert found.seconds_left == pytest.approx(20)


def test_the_highest_counts_from_when_it_was_last_so_high(calls: Frame) -> None:
    (found,) = limit_status(calls([left(900, 0), left(900, 10), left(800, 20)]))
    assert found.burn_per_s == pytest.approx(10)


@pytest.mark.parametrize(
    "records",
    [
        [left(500, 0)],
        [left(500), left(400)],
        [left(400, 0), left(500, 1)],
        [left(5, 1), left(4, 1)],
    ],
)
def test_without_times_or_a_fall_nobody_knows_when_it_ends(
    calls: Frame, records: list[Record]
) -> None:
    (found,) = limit_status(calls(records))
    assert (found.burn_per_s, found.seconds_left) == (None, None)


def test_the_shortest_limit_comes_first_each_by_itself(calls: Frame) -> None:
    requests = {"ratelimit_limit_requests": 10, "ratelimit_remaining_requests": 1}
    records = [left(500), left(700, model="n"), left(None, **requests), left(300, provider="q")]
    assert [(found.kind, found.share) for found in limit_status(calls(records))] == [
        ("requests", 0.1), ("tokens", 0.3), ("tokens", 0.5), ("tokens", 0.7),
    ]  # fmt: skip


def test_a_refused_call_counts_for_the_model_it_asked_for(calls: Frame) -> None:
    asked = {"requested_model": "m"}
    (found,) = limit_status(calls([left(500, **asked), left(400, model=None, **asked)]))
    assert found.remaining == 400


def test_a_shortage_lasts_until_enough_is_left_again(calls: Frame) -> None:
    rule = RateLimitRule(least_left=0.1, clear_left=0.25)
    remaining = (500, 99, 200, 50, 249, 250, 200, 90)
    first, second = low_limits(calls([left(tokens) for tokens in remaining]), rule)
    assert (first.row, first.last_row, first.calls, first.lowest) == (1, 4, 4, 0.05)
    assert (first.ongoing, second.row, second.ongoing) == (False, 7, True)


def test_a_log_without_limits_is_never_short(calls: Frame) -> None:
    nothing = calls([{"model": "m"}, left(None), left(-1), left(0, ratelimit_limit_tokens=0)])
    assert limit_status(nothing) == []
    assert low_limits(nothing, RateLimitRule()) == []
    assert limit_status(calls([])) == []
