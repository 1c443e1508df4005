"""Steps in flight beside the traces: by trace, and the runs that have only such."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from llmlog_tui.analysis.traces.in_flight import NOTHING, in_flight
from llmlog_tui.log.starts import RunningStep

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)
TRACES = pl.DataFrame(
    {"trace_id": ["a", "b", "c"], "ts": [NOW - 3 * HOURS, NOW - 2 * HOURS, NOW - HOURS]}
)


def step(trace_id: str | None, begun: datetime | None, span_id: str = "s") -> RunningStep:
    return RunningStep(begun, "session", trace_id, 0, span_id, None, "gpt-5", None, None)


def test_without_steps_there_is_nothing() -> None:
    assert in_flight((), TRACES, NOW) is NOTHING


def test_steps_are_grouped_by_trace_and_those_of_no_trace_left_out() -> None:
    one, other = step("b", NOW, "s1"), step("b", NOW, "s2")
    found = in_flight((one, step(None, NOW), other), TRACES, NOW)
    assert (found.by_trace, found.started) == ({"b": (one, other)}, ())


def test_a_run_without_a_record_comes_last_while_it_runs_else_at_its_time() -> None:
    steps = [
        step("new", NOW),
        step("unknown time", None),
        step("gone", NOW - 2.5 * HOURS),
        step("gone first", NOW - 9 * HOURS),
    ]
    found = in_flight(steps, TRACES, NOW)
    assert [(run.trace_id, run.at) for run in found.started] == [
        ("gone first", 0),
        ("gone", 1),
        ("new", 3),
        ("unknown time", 3),
    ]


def test_of_many_runs_that_never_ended_the_newest_are_listed() -> None:
    steps = [step(f"t{n}", NOW - HOURS, f"s{n}") for n in range(300)]
    found = in_flight(steps, TRACES, NOW)
    assert [found.started[0].trace_id, found.started[-1].trace_id] == ["t100", "t299"]
    assert len(found.by_trace) == 300
