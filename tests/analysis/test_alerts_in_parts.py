"""Alerts from frames that are read one by one are those of the whole log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.planted import Row, Traffic, frame, from_call, quiet, seeded
from tests.searches import examples

from llmlog_tui.analysis.alerts.alert import as_object
from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.alerts.in_parts import AlertsInParts, watched_columns
from llmlog_tui.analysis.alerts.rate_limit import limit_status
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.config.rules import DEFAULT, BudgetRule
from llmlog_tui.log.load import load

RULES = replace(DEFAULT, budget=BudgetRule(usd_per_hour=0.01))
CALLS = 1_500
STEADY = Traffic(models=1, truncated=0.05, failed=0.02, retried=0.05, fingerprints=1)


def troubled() -> pl.DataFrame:
    """A log in which each kind of rule fires, calls without a model among others."""
    rows = quiet(seeded(4), CALLS, STEADY)

    def turn(row: Row, _: object) -> None:
        row["system_fingerprint"] = row["system_fingerprint"] and "fp_new"
        row["retries"] = 2

    def fail(row: Row, _: object) -> None:
        row |= {"status": "error", "model": None, "system_fingerprint": None}
        row["ratelimit_remaining_tokens"] = 100

    rows = from_call(rows, 500, 900, turn)
    return frame(from_call(rows, 600, 700, fail))


@pytest.fixture(scope="module")
def logs() -> list[pl.DataFrame]:
    """The sample log, and one of calls with many alerts."""
    path = Path(__file__).parents[2] / "sample_logs" / "calls.jsonl"
    return [load([path]).frame, troubled()]


@settings(max_examples=examples(24), deadline=None)
@given(sizes=st.lists(st.integers(1, 700), max_size=6), at=st.integers(0, 1))
def test_in_parts_of_any_sizes_they_are_the_same(
    logs: list[pl.DataFrame], sizes: list[int], at: int
) -> None:
    log, begin = logs[at].select(watched_columns(RULES)), 0
    found = AlertsInParts(RULES)
    for size in [*sizes, log.height]:
        found.add(log.slice(begin, size))
        begin += size
    calls = model_calls(priced(logs[at]))
    whole = find_alerts(calls, RULES)
    assert list(map(as_object, found.alerts)) == list(map(as_object, whole))
    assert len({alert.rule for alert in whole}) >= (2, 4)[at]
    limits = [replace(limit, row=0) for limit in found.limits]
    assert limits == [replace(limit, row=0) for limit in limit_status(calls)]
    assert found.calls == calls.height
