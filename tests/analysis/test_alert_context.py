"""Both sides of an alert: the figures before and after, worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl

from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.alerts.fingerprint import COMPARED_CALLS
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.reports.alert_context import alert_context
from llmlog_tui.log.load import load


def frame_of(tmp_path: Path, *calls: dict[str, object]) -> pl.DataFrame:
    log = tmp_path / "calls.jsonl"
    usual = {"event": "response", "model": "m", "requested_model": "m", "provider": "p"}
    lines = ({"ts": 1_700_000_000 + n} | usual | call for n, call in enumerate(calls))
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return priced(load([log]).frame)


def test_the_figures_are_of_the_calls_watched_before_it_began_and_from_then_on(
    tmp_path: Path,
) -> None:
    quick = {"latency_ms": 100, "completion_tokens": 10, "finish_reason": "stop", "retries": 0}
    cut = {"latency_ms": 300, "completion_tokens": 60, "finish_reason": "length", "retries": 1}
    failed = {"status": "error", "error_type": "Timeout", "latency_ms": 9_000}
    frame = frame_of(tmp_path, *[quick] * 60, {**cut, "model": "other"}, *[cut] * 30, *[failed] * 2)
    found = next(each for each in find_alerts(model_calls(frame)) if each.rule == "truncation")
    assert found.row == 61
    context = alert_context(frame, found, slices=92)
    figures = {each.name: (each.before, each.after) for each in context.changes}
    assert figures == {
        "calls": (60, 32),  # those that failed name the model too
        "p50 ms": (100, 300),
        "p95 ms": (100, 300),
        "tok/s": (100, 200),
        "cut off": (0, 30 / 32),
        "failed": (0, 2 / 32),
        "retried": (0, 1),  # of the 30 that say
    }
    assert (context.figure, context.levels) == ("cut off", (0, 30 / 32)), "what the rule watches"
    assert context.trends is not None
    course = context.trends.figures["cut off"]
    assert (course[0], course[50]) == (0, 0), "a slice a second, a value of 20 calls"
    assert course[-1] == 30 / 32
    without = alert_context(frame, replace(found, ts=None))
    assert (without.changes, without.trends) == ((), None)


def test_only_the_nearest_calls_are_compared(tmp_path: Path) -> None:
    many = COMPARED_CALLS + 100
    frame = frame_of(
        tmp_path,
        *[{"finish_reason": "stop", "latency_ms": 100}] * many,
        *[{"finish_reason": "length", "latency_ms": 100}] * many,
    )
    found = next(each for each in find_alerts(model_calls(frame)) if each.rule == "truncation")
    count = alert_context(frame, found).changes[0]
    assert (count.name, count.before, count.after) == ("calls", COMPARED_CALLS, COMPARED_CALLS)
