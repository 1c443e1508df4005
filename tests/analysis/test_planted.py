"""What was planted is found at its place; where nothing was planted, nothing is found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from tests.analysis.planted import Row, Traffic, frame, from_call, quiet, seeded

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.engine import AlertEngine, find_alerts

CALLS, PLANTED, END = 1_200, 700, 900
STEADY = Traffic(models=1, truncated=0.02, failed=0.01, retried=0.03, fingerprints=1)


def found(rows: list[Row]) -> list[Alert]:
    return find_alerts(frame(rows))


def planted(seed: int, change: Callable[[Row, random.Random], None]) -> list[Alert]:
    rows = quiet(seeded(seed), CALLS, STEADY)
    return found(from_call(rows, PLANTED, END, change))


def turned(row: Row, _: random.Random) -> None:
    if row["system_fingerprint"]:
        row["system_fingerprint"] = "fp_new"
        row["latency_ms"] *= 1.2


def cut_off(row: Row, rng: random.Random) -> None:
    if row["status"] == "ok" and rng.random() < 0.2:
        row.update(finish_reason="length", completion_tokens=400)


def slowed(row: Row, _: random.Random) -> None:
    row["latency_ms"] *= 1 + 2 * min(1.0, (row["row"] - PLANTED) / 100)


def failing(row: Row, rng: random.Random) -> None:
    if rng.random() < 0.4:
        row.update(status="error", model=None, finish_reason=None, system_fingerprint=None)


def retried(row: Row, rng: random.Random) -> None:
    if rng.random() < 0.7:
        row["retries"] = 2


def run_dry(row: Row, _: random.Random) -> None:
    row["ratelimit_remaining_tokens"] = max(0, 30_000 - 500 * (row["row"] - PLANTED))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("rule", "change", "within"),
    [
        ("fingerprint", turned, 3),
        ("truncation", cut_off, 50),
        ("latency", slowed, 100),
        ("error rate", failing, 25),
        ("retry storm", retried, 25),
        ("rate limit", run_dry, 41),  # 30,000 - 500 n falls below 10,000 at n = 41
    ],
)
def test_what_was_planted_is_found_at_its_place_and_nothing_else(
    rule: str, change: Callable[[Row, random.Random], None], within: int, seed: int
) -> None:
    (alert,) = planted(seed, change)
    assert alert.rule == rule
    assert PLANTED - 25 <= alert.row <= PLANTED + within
    assert PLANTED <= alert.fired_row < END
    assert END - 50 <= alert.last_row <= END + 50
    assert alert.state == "cleared"


@pytest.mark.parametrize(
    "sign",
    [
        {"completion_tokens": 400, "finish_reason": "stop"},
        {"tool_args_ok": False, "finish_reason": "tool_calls"},
        {"stream_end": "truncated", "finish_reason": None},
    ],
)
def test_one_hidden_truncation_is_found_where_it_is(sign: Row) -> None:
    rows = quiet(seeded(1), CALLS, STEADY)
    rows[PLANTED].update(status="ok", model="m-large", **sign)
    (alert,) = found(rows)
    assert (alert.rule, alert.row, alert.last_row, alert.calls) == ("hidden cut", 700, 700, 1)
    assert alert.state == "cleared"


@pytest.mark.slow
def test_two_hundred_quiet_logs_raise_two_false_alerts_at_most() -> None:
    false = Counter[str]()
    for seed in range(200):
        rng = seeded(seed)
        false.update(alert.rule for alert in found(quiet(rng, rng.choice((200, 500, 1_000)))))
    assert false.total() <= 2, false


@pytest.mark.parametrize(
    "size", [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 7)), 25, 100]
)
@pytest.mark.parametrize("change", [turned, cut_off, slowed, failing, retried, run_dry])
def test_what_is_planted_in_calls_that_come_little_by_little_is_what_is_found_at_once(
    change: Callable[[Row, random.Random], None], size: int
) -> None:
    calls = frame(from_call(quiet(seeded(4), CALLS, STEADY), PLANTED, END, change))
    watch = AlertEngine()
    watch.add(calls.head(PLANTED))
    for at in range(PLANTED, CALLS, size):
        watch.add(calls.slice(at, size))
        some = calls.head(at + size)
        if at % 50 == 0:
            assert watch.alerts(some) == find_alerts(some)
    assert watch.alerts(calls) == find_alerts(calls) != []


@pytest.mark.parametrize("change", [turned, cut_off, slowed, failing, retried, run_dry])
def test_what_fired_once_is_found_again_at_the_same_place_as_the_log_grows(
    change: Callable[[Row, random.Random], None],
) -> None:
    calls = frame(from_call(quiet(seeded(3), CALLS, STEADY), PLANTED, END, change))
    names: set[tuple[str, str, int]] = set()
    for length in range(650, CALLS, 35):
        now = {(alert.rule, alert.subject, alert.row) for alert in find_alerts(calls.head(length))}
        assert names <= now
        names = now
    assert len(names) == 1
