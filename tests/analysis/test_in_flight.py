"""Steps in flight beside the traces: by trace, and the runs that have only such."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from llmlog_tui.analysis.traces import step_state
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


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        (NOW - timedelta(seconds=12), "running for 12.0 s"),
        (NOW - timedelta(minutes=10), "running for 10 min 0 s"),
        (NOW - timedelta(minutes=11), "no end in 10 min: its process is probably gone"),
        (None, "running, since when is unknown"),
    ],
)
def test_a_long_step_is_not_said_to_be_dead_for_sure(begun: datetime | None, words: str) -> None:
    assert step_state.state(step("a", begun), NOW) == words
    assert step_state.title(step("a", begun)) == "step 0 gpt-5"
