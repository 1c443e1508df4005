"""A trace played back."""

from __future__ import annotations

from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.replay import Replay, RunningTotals, replay
from llmlog_tui.analysis.traces.timeline import timeline


def of(log: Log, *records: Record) -> Replay:
    frame = with_changed(log(records).frame)
    return replay(frame, timeline(frame, "t", 500))


def step(number: int, at: float, ms: float | None, **fields: object) -> Record:
    ts = f"2026-11-23T09:00:{at:06.3f}Z"
    return {"trace_id": "t", "step": number, "ts": ts, "latency_ms": ms, **fields}


RUN = (
    step(0, 1.0, 900, prompt_tokens=100, completion_tokens=20, reasoning_tokens=8),
    step(1, 2.0, 300, event="tool_call", tool_name="x", status="error"),
    step(2, 2.1, 100, prompt_tokens=200, cached_tokens=50),
    step(3, 9.3, 700, completion_tokens=5, event="response"),
)


def test_each_step_adds_to_what_was_known(log: Log) -> None:
    # Ends after 0.9, 1.3, 1.2 and 9.0 s from the start at 1.0.
    assert of(log, *RUN).moments == (
        RunningTotals(900, 1, 0, 0, 100, 20, 8, None, unpriced=1),
        RunningTotals(1_300, 1, 1, 1, 100, 20, 8, None, unpriced=1),
        RunningTotals(1_300, 2, 1, 1, 300, 20, 8, 50, unpriced=2),
        RunningTotals(9_000, 3, 1, 1, 300, 25, 8, 50, unpriced=3),
    )


def test_a_long_gap_plays_as_half_a_second(log: Log) -> None:
    # Until 1.3 s real time; then 7.0 s in which nothing runs play as 0.5 s: 8.3 - 6.5 = 1.8.
    found = of(log, *RUN)
    assert found.appears_ms == (0, 1_000, 1_100, 1_800)
    assert found.played_ms == 2_500


def test_a_gap_of_two_seconds_plays_in_real_time(log: Log) -> None:
    assert of(log, step(0, 0, 500), step(1, 2.5, 0)).appears_ms == (0, 2_500)


def test_a_long_call_is_no_gap(log: Log) -> None:
    assert of(log, step(0, 0, 30_000), step(1, 30.5, 0)).appears_ms == (0, 30_500)


def test_the_step_at_a_time_of_play_is_the_last_that_appeared(log: Log) -> None:
    found = of(log, *RUN)
    times = (-1, 0, 999, 1_000, 1_099.9, 1_100, 1_799, 1_800, 99_999)
    assert [found.index_at(ms) for ms in times] == [-1, 0, 0, 1, 1, 2, 2, 3, 3]


def test_the_next_failed_step_is_looked_for_in_either_direction(log: Log) -> None:
    found = of(log, *RUN)
    assert [found.next_step("failed", at, 1) for at in range(4)] == [1, None, None, None]
    assert [found.next_step("failed", at, -1) for at in range(4)] == [None, None, 1, 1]


def test_steps_are_played_in_step_order_even_if_time_runs_backwards(log: Log) -> None:
    found = of(log, step(1, 1, 100), step(0, 2, 100))
    assert [s.step for s in found.steps] == [0, 1]
    assert found.appears_ms == (1_000, 1_000)
    assert [m.elapsed_ms for m in found.moments] == [1_100, 1_100]


def test_without_times_steps_play_one_after_the_other(log: Log) -> None:
    records = ({"trace_id": "t", "step": n, "latency_ms": 200} for n in range(3))
    found = of(log, *records)
    assert (found.appears_ms, found.played_ms) == ((0, 200, 400), 600)


def test_cost_is_known_where_calls_are_priced(log: Log) -> None:
    frame = with_changed(log(RUN).frame)
    priced = frame.with_columns(cost_usd=frame["prompt_tokens"] / 1_000)
    found = replay(priced, timeline(priced, "t", 500))
    assert [m.cost_usd for m in found.moments] == [0.1, 0.1, 0.1 + 0.2, 0.1 + 0.2]
    assert [m.unpriced for m in found.moments] == [0, 0, 0, 1]


def test_a_trace_that_is_not_there_has_nothing_to_play(log: Log) -> None:
    found = of(log, {"trace_id": "other"})
    assert (found.steps, found.end, found.played_ms, found.index_at(0)) == (
        (),
        RunningTotals(),
        0,
        -1,
    )
