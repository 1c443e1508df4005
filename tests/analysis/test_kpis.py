"""The key figures of a log, and the course of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from llmlog_tui.analysis.calls.kpis import SLICES, Kpi, KpiState

BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)
DTYPES: dict[str, Any] = {
    "ts": pl.Datetime("us", "UTC"),
    "latency_ms": pl.Float64,
    "tokens_per_sec": pl.Float64,
    "status": pl.String,
    "finish_reason": pl.String,
    "event": pl.String,
    "stream_end": pl.String,
    "tool_args_ok": pl.Boolean,
    "max_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "prompt_tokens": pl.Int64,
    "cost_usd": pl.Float64,
}


def figures(calls: list[dict[str, Any]]) -> dict[str, Kpi]:
    usual = {"event": "chat_completion", "status": "ok", "finish_reason": "stop"}
    rows = [{**usual, **call} for call in calls]
    return {kpi.name: kpi for kpi in KpiState(pl.DataFrame(rows, schema=DTYPES)).kpis}


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def test_figures_are_over_all_calls_and_their_course_over_eighths_of_the_time() -> None:
    # 80 minutes in slices of ten: two calls in the first, one in the third, one at the very end.
    found = figures(
        [
            {"ts": at(0), "latency_ms": 100, "cost_usd": 0.5, "prompt_tokens": 100},
            {
                "ts": at(9),
                "latency_ms": 300,
                "cost_usd": 0.5,
                "status": "error",
                "prompt_tokens": 60,
                "cached_tokens": 30,
            },
            {"ts": at(25), "latency_ms": 200, "finish_reason": "length", "tokens_per_sec": 80.0},
            {"ts": at(80), "latency_ms": 400, "cost_usd": 1.0, "tokens_per_sec": 60.0},
        ]
    )
    none = None
    assert found["p50"] == Kpi("p50", 250, (200, none, 200, none, none, none, none, 400))
    assert found["p95"].value == pytest.approx(385)
    assert found["tok/s"] == Kpi("tok/s", 70, (none, none, 80, none, none, none, none, 60))
    assert found["errors"] == Kpi("errors", 0.25, (0.5, none, 0, none, none, none, none, 0))
    assert found["cut off"] == Kpi("cut off", 0.25, (0, none, 1, none, none, none, none, 0))
    assert found["cached"].value == 0.5, "30 of the 60 tokens of the call that says"
    assert found["cached"].series == (0.5, *[None] * 7)
    assert found["$/h"].value == pytest.approx(1.5), "2 dollars in 80 minutes"
    assert found["$/h"].series[0] == pytest.approx(6), "1 dollar in ten minutes"


@pytest.mark.parametrize("calls", [[], [{"ts": at(0)}], [{"ts": None, "latency_ms": 5}]])
def test_what_no_call_says_is_unknown(calls: list[dict[str, Any]]) -> None:
    found = figures(calls)
    assert found["cached"].value is None
    assert found["$/h"].value is None
    assert all(kpi.series == (None,) * SLICES for kpi in found.values())


def test_calls_of_less_than_a_minute_say_nothing_of_an_hour() -> None:
    found = figures([{"ts": at(0), "cost_usd": 1.0}, {"ts": at(0.5), "cost_usd": 1.0}])
    assert found["$/h"] == Kpi("$/h", None, (None,) * SLICES)


def test_figures_do_not_depend_on_the_order_of_the_calls() -> None:
    in_order: list[dict[str, Any]] = [
        {"ts": at(n * 0.4), "latency_ms": n * 37 % 101, "tokens_per_sec": n % 9, "cost_usd": n}
        for n in range(200)
    ]
    without_ts = {"ts": None, "latency_ms": 5}
    assert figures([*in_order, without_ts]) == figures([without_ts, *reversed(in_order)])
